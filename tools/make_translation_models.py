"""Train the translators of chapter 7 and write them: `python tools/make_translation_models.py`.

Needs the full tier, and about half an hour on two cores. A teacher of 6 + 6 layers learns farm advice, English to
Swahili, from the grammar in `offlinefirst.datasets.farm_advice`; a student of 2 + 1 layers then learns from the
teacher's translations of other English sentences (sequence level), never from the grammar's. Both are written as
float16 safetensors to `datasets/models/translation/`, with their tokenizer, the held-out test sentences, and
`about.json`: sizes, chrF++ on the held-out combinations, hashes. The catalogue's hashes have to be written anew
afterwards: weights depend on the processor and on torch's version.

`--only teacher` or `--only student` trains one; `--steps N` shortens it for a trial.
"""

import argparse
import hashlib
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import tokenizers  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

from offlinefirst.datasets.farm_advice import sentences  # noqa: E402
from offlinefirst.models.distill import encode, fit, new_student, translate  # noqa: E402

FOLDER = ROOT / "datasets" / "models" / "translation"
LANGUAGES = ["eng_Latn", "swh_Latn"]
VOCABULARY = 1000
TEACHER = {"width": 128, "encoder_layers": 6, "decoder_layers": 6}
STUDENT = {"width": 96, "encoder_layers": 2, "decoder_layers": 1}
TRAIN, TEST, UNLABELLED = (60_000, 1), (400, 2), (8_000, 3)  # how many sentences, and their seed
TEACHER_STEPS, TEACHER_RATE, TEACHER_BATCH = 1400, 1.5e-3, 64
STUDENT_STEPS, STUDENT_RATE, STUDENT_BATCH = 2000, 3e-3, 64


def new_tokenizer() -> Any:
    """A byte-pair vocabulary over both languages, framed as NLLB's."""
    made = sentences(20_000, seed=1)
    # Sorted: the order of a set changes from run to run, and with it the vocabulary.
    corpus = sorted({one.english for one in made} | {one.swahili for one in made})
    learnt = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    learnt.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(LANGUAGES) - 1,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=[*"abcdefghijklmnopqrstuvwxyz,"],
        show_progress=False,
    )
    learnt.train_from_iterator(corpus, trainer)
    model = json.loads(learnt.to_str())["model"]
    return transformers.NllbTokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        extra_special_tokens=LANGUAGES,
        src_lang=LANGUAGES[0],
        tgt_lang=LANGUAGES[1],
        model_max_length=64,
    )


def write(model: Any, tokenizer: Any, folder: Path) -> None:
    tokenizer.save_pretrained(folder)
    model.to(torch.float16).save_pretrained(folder)
    model.to(torch.float32)


def score(model: Any, tokenizer: Any, test: list[Any]) -> float:
    import sacrebleu

    said = translate(model, tokenizer, [one.english for one in test])
    return float(sacrebleu.corpus_chrf(said, [[one.swahili for one in test]], word_order=2).score)


def watcher(name: str, steps: int, model: Any, tokenizer: Any, test: list[Any]) -> Any:
    began = time.perf_counter()

    def told(step: int, loss: float) -> None:
        if (step + 1) % 100 == 0 or step == 20:
            print(f"{name} {step + 1}/{steps} loss {loss:.3f} {time.perf_counter() - began:.0f} s", flush=True)
        if (step + 1) % 350 == 0:
            model.eval()
            print(f"  chrF++ {score(model, tokenizer, test[:100]):.2f}", flush=True)
            model.train()

    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["teacher", "student"])
    parser.add_argument("--steps", type=int)
    options = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)  # two threads wait for each other wherever somebody else is at work
    test = sentences(TEST[0], seed=TEST[1], part="test")
    FOLDER.mkdir(parents=True, exist_ok=True)
    teacher_folder, student_folder = FOLDER / "teacher", FOLDER / "student"
    if options.only != "student":
        torch.manual_seed(1)
        tokenizer = new_tokenizer()
        teacher = new_student(tokenizer, **TEACHER)
        made = sentences(TRAIN[0], seed=TRAIN[1])
        examples = encode(tokenizer, [one.english for one in made], [one.swahili for one in made])
        steps = options.steps or TEACHER_STEPS
        fit(
            teacher,
            tokenizer,
            examples,
            steps=steps,
            rate=TEACHER_RATE,
            batch_size=TEACHER_BATCH,
            seed=1,
            told=watcher("teacher", steps, teacher, tokenizer, test),
        )
        write(teacher, tokenizer, teacher_folder)
    teacher = transformers.AutoModelForSeq2SeqLM.from_pretrained(teacher_folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(teacher_folder)
    if options.only != "teacher":
        torch.manual_seed(2)
        student = new_student(tokenizer, **STUDENT)
        english = [one.english for one in sentences(UNLABELLED[0], seed=UNLABELLED[1])]
        examples = encode(tokenizer, english, translate(teacher, tokenizer, english))
        steps = options.steps or STUDENT_STEPS
        fit(
            student,
            tokenizer,
            examples,
            steps=steps,
            rate=STUDENT_RATE,
            batch_size=STUDENT_BATCH,
            seed=2,
            told=watcher("student", steps, student, tokenizer, test),
        )
        write(student, tokenizer, student_folder)
    (FOLDER / "test.json").write_text(
        json.dumps([[one.english, one.swahili] for one in test], ensure_ascii=False, indent=0) + "\n", "utf-8"
    )
    models = {}
    for folder in (teacher_folder, student_folder):
        if not folder.is_dir():
            continue
        model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
        weights = folder / "model.safetensors"
        models[folder.name] = {
            "parameters": sum(values.numel() for values in model.parameters()),
            "bytes": weights.stat().st_size,
            "chrf": round(score(model, tokenizer, test), 2),
            "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        }
        print(folder.name, models[folder.name])
    about = {
        "data": "synthetic farm advice, offlinefirst.datasets.farm_advice",
        "languages": LANGUAGES,
        "train": {"count": TRAIN[0], "seed": TRAIN[1], "part": "train"},
        "test": {"count": TEST[0], "seed": TEST[1], "part": "test"},
        "unlabelled": {"count": UNLABELLED[0], "seed": UNLABELLED[1], "part": "train"},
        "made_with": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "machine": platform.machine(),
        },
        "models": models,
    }
    (FOLDER / "about.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
