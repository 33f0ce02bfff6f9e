"""What distillation keeps, gains and saves: students of a shipped teacher, on word pairs that nobody was trained on.

Three students of one shape are trained with equal steps and the same 300 labelled sentences: from scratch, at word
level, and at sequence level (the 300, and the teacher's translations of sentences that nobody labelled). A fourth, from
scratch on 1,000 labels, says what more labels would have bought instead. Quality is chrF++ on 400 held-out sentences
with paired bootstrap intervals. Latency is one sentence at a time on one thread, the two models in turn; peak memory is
that of a process which loads one model and translates twenty sentences.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import _report
import torch
import transformers

from offlinefirst.course.lessons import course_root
from offlinefirst.datasets.farm_advice import sentences
from offlinefirst.measure.resident import Watch
from offlinefirst.measure.sizes import measure_sizes
from offlinefirst.measure.stats import ratio_interval
from offlinefirst.models import chrf
from offlinefirst.models.distill import encode, fit, new_student, teacher_scores, translate
from offlinefirst.models.nllb import load_nllb

LABELS, MORE_LABELS, UNLABELLED = 300, 1_000, 16_000
SHAPE = {"width": 96, "encoder_layers": 2, "decoder_layers": 1}
STEPS, RATE, BATCH = 1_500, 3e-3, 64
WANTED = {
    "retention": ("at least", 0.98),
    "student_speedup": ("at least", 2.5),
    "weights_ratio": ("at most", 0.25),
    "peak_rss_ratio": ("reported", 0),
    "gain_over_scratch_chrf": ("at least", 8),
    "gain_interval_low": ("above", 0),
}
MEMORY = """
import sys, torch
torch.set_num_threads(1)
from offlinefirst.models.distill import translate
from offlinefirst.models.nllb import load_nllb
if sys.argv[1] != "libraries":
    model, tokenizer = load_nllb(sys.argv[1])
    for text in sys.argv[2:]:
        translate(model, tokenizer, [text])
else:
    import transformers.models.m2m_100.modeling_m2m_100
"""


def trained(tokenizer: Any, examples: list[Any], arguments: argparse.Namespace, scores: Any = None) -> Any:
    """Train one student.

    Args:
        tokenizer: the teacher's.
        examples: what it learns from.
        arguments: steps and seed.
        scores: the teacher's, for word level.

    Returns:
        The student.
    """
    torch.manual_seed(arguments.seed)
    student = new_student(tokenizer, **SHAPE)
    fit(
        student,
        tokenizer,
        examples,
        steps=arguments.steps,
        rate=RATE,
        batch_size=BATCH,
        seed=arguments.seed,
        scores=scores,
    )
    return student


def latencies_s(models: dict[str, Any], tokenizer: Any, texts: list[str]) -> dict[str, list[float]]:
    """Translate each text with each model, in turn.

    Args:
        models: by name.
        tokenizer: theirs.
        texts: one is one sample.

    Returns:
        Seconds, by name; the n-th of each are a pair.
    """
    for model in models.values():
        translate(model, tokenizer, texts[:1])
    samples: dict[str, list[float]] = {name: [] for name in models}
    for number, text in enumerate(texts):
        names = list(models) if number % 2 else list(reversed(models))
        for name in names:
            began = time.perf_counter()
            translate(models[name], tokenizer, [text])
            samples[name].append(time.perf_counter() - began)
    return samples


def peak_bytes(folder: str, texts: list[str]) -> int:
    """Load one model in a process of its own and translate.

    Args:
        folder: the model's, or "libraries" to load none.
        texts: what to translate.

    Returns:
        The most that was resident.
    """
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", MEMORY, folder, *texts]) as process:
        with Watch(process.pid) as watch:
            if process.wait():
                raise SystemExit(f"the process for {folder} failed")
        return watch.peak_bytes


def main() -> None:
    parser = _report.options(re.sub(r"\n.*", "", __doc__ or ""))
    parser.add_argument("--steps", type=int, default=STEPS, help=f"optimiser steps of each student ({STEPS})")
    parser.add_argument("--seed", type=int, default=7, help="of weights, order and sentences (7)")
    arguments = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    teacher, tokenizer = load_nllb("teacher")
    test = json.loads((course_root() / "datasets/models/translation/test.json").read_text("utf-8"))
    questions, references = [one[0] for one in test], [one[1] for one in test]
    labelled = sentences(LABELS, seed=arguments.seed)
    english = [one.english for one in sentences(LABELS + UNLABELLED, seed=arguments.seed)][LABELS:]
    examples = encode(tokenizer, [one.english for one in labelled], [one.swahili for one in labelled])
    more = sentences(MORE_LABELS, seed=arguments.seed)
    more_examples = encode(tokenizer, [one.english for one in more], [one.swahili for one in more])
    began = time.perf_counter()
    machine_made = encode(tokenizer, english, translate(teacher, tokenizer, english))
    label_s = time.perf_counter() - began

    students, train_s = {}, {}
    for name, learns, scores in (
        ("scratch", examples, None),
        ("word level", examples, teacher_scores(teacher, tokenizer, examples)),
        ("sequence level", examples + machine_made, None),
        ("scratch, 1,000", more_examples, None),
    ):
        began = time.perf_counter()
        students[name] = trained(tokenizer, learns, arguments, scores)
        train_s[name] = time.perf_counter() - began
    models = {"teacher": teacher, **students}
    counts = {name: chrf.count(translate(model, tokenizer, questions), references) for name, model in models.items()}

    best = students["sequence level"]
    samples = latencies_s({"teacher": teacher, "sequence level": best}, tokenizer, questions[:80])
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        best.to(torch.float16).save_pretrained(folder)
        student_file = measure_sizes(Path(folder) / "model.safetensors")
        memory = {
            name: statistics.median(peak_bytes(where, questions[:20]) for _ in range(3))
            for name, where in (("libraries", "libraries"), ("teacher", "teacher"), ("sequence level", folder))
        }
    teacher_file = measure_sizes(course_root() / "datasets/models/translation/teacher/model.safetensors")

    kept = chrf.retention(counts["sequence level"], counts["teacher"])
    gained = chrf.gain(counts["sequence level"], counts["scratch"])
    faster = ratio_interval(samples["teacher"], samples["sequence level"])
    metrics = {
        "retention": kept.value,
        "retention_low": kept.interval.low,
        "retention_high": kept.interval.high,
        "student_speedup": statistics.median(
            long / short for long, short in zip(samples["teacher"], samples["sequence level"], strict=True)
        ),
        "student_speedup_low": faster.low,
        "student_speedup_high": faster.high,
        "weights_ratio": student_file.raw_bytes / teacher_file.raw_bytes,
        "peak_rss_ratio": memory["sequence level"] / memory["teacher"],
        "gain_over_scratch_chrf": gained.value,
        "gain_interval_low": gained.interval.low,
        "gain_interval_high": gained.interval.high,
        "word_level_gain_chrf": chrf.gain(counts["word level"], counts["scratch"]).value,
        "gain_over_1000_labels_chrf": chrf.gain(counts["sequence level"], counts["scratch, 1,000"]).value,
        "labels": LABELS,
        "unlabelled": UNLABELLED,
        "steps": arguments.steps,
        "libraries_mib": memory["libraries"] / 2**20,
    }
    rows = []
    for name in models:
        quality = chrf.score(counts[name])
        rows.append(
            {
                "model": name,
                "chrf": quality.value,
                "low": quality.interval.low,
                "high": quality.interval.high,
                "weights_mb": (size := teacher_file if name == "teacher" else student_file).raw_bytes / 1e6,
                "gzip_mb": size.compressed_bytes / 1e6,
                "p50_ms": 1000 * statistics.median(samples[name]) if name in samples else "",
                "peak_mib": memory[name] / 2**20 if name in memory else "",
                "train_s": train_s.get(name, ""),
                "samples_s": samples.get(name, []),
            }
        )
    _report.show([{key: value for key, value in row.items() if key != "samples_s"} for row in rows])
    print(f"\n{len(questions)} held-out sentences; {LABELS} labels; {arguments.steps} steps each; ", end="")
    print(f"the teacher labelled {len(english):,} sentences in {label_s:.0f} s\n")
    for name, (word, limit) in WANTED.items():
        print(f"{name:24} {metrics[name]:.3f}  {word} {limit if word != 'reported' else ''}")
    facts = _report.host("torch", "transformers", "sacrebleu")
    _report.write(
        arguments.json, benchmark="distillation", host_facts=facts | {"threads": 1}, metrics=metrics, rows=rows
    )


if __name__ == "__main__":
    main()
