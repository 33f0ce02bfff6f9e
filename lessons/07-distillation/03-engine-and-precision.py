# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Engine and precision
#     chapter: 7
#     device: laptop-4gb
#     teach_minutes: 45
#     exercise_minutes: 10
#     objectives:
#       - Run one student in three engines, in float and in 8 bits, with a greedy loop of your own in one of them
#       - Split a speed-up into the student's share, the engine's and the precision's
#       - Say why a small model inflates an engine's share, and why memory is mostly the engine's
#     after: [07-distillation/02-nllb-teacher-to-student]
#     claims: [distil-nllb-process]
# ---

# %% [markdown] spine="insight"
# # Engine and precision
#
# **Key insight:** a faster translator is three gains multiplied: fewer weights, a better engine, fewer bits. Report them
# apart, or you will thank the student for what the engine did.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 8 minutes, exporting and the greedy loop 15, CTranslate2 7, measure 10, claim 5.
#
# **Board sketch.** A cube: teacher or student, one engine or another, float or int8. Each gain is the way along one
# edge. Ask which corners a press release compares.
#
# **Common mistakes.** Comparing float on two threads with int8 on one. Forgetting that the decoder without a cache reads
# its own words again at each step. Measuring the file and calling it memory.

# %% [markdown] spine="situation"
# ## The situation
#
# Achieng builds the app that Mutheu carries. She has the teacher and the student of the last notebook, and a report to
# write for those who pay: what did distillation bring? She times what she would have shipped before, and what she ships
# now.

# %%
import json
import math
import statistics
import time

import torch
from transformers.utils import logging as transformers_logging

from offlinefirst.course.lessons import course_root
from offlinefirst.models import chrf
from offlinefirst.models.distill import translate
from offlinefirst.models.nllb import load_nllb

transformers_logging.disable_progress_bar()
torch.set_num_threads(1)
SHIPPED = course_root() / "datasets/models/translation"
test = json.loads((SHIPPED / "test.json").read_text("utf-8"))[:100]
questions, references = [one[0] for one in test], [one[1] for one in test]
teacher, tokenizer = load_nllb("teacher")
student, _ = load_nllb("student")

# %% [markdown] spine="naive"
# ## Before and after
#
# Before: the teacher in the library that trained it. After: the student in CTranslate2, an engine for translators alone,
# with 8-bit weights. Its converter takes the checkpoint's folder.

# %%
from ctranslate2 import Translator
from ctranslate2.converters import TransformersConverter

FOLDER = device.current().scratch


def converted(name, precision):
    """A checkpoint as CTranslate2 reads it, in a folder of its own."""
    folder = FOLDER / f"{name}-{precision}"
    TransformersConverter(str(SHIPPED / name)).convert(str(folder), quantization=precision, force=True)
    return folder


# %%
def in_ctranslate2(folder, precision):
    engine = Translator(str(folder), "cpu", intra_threads=1, inter_threads=1, compute_type=precision)

    def answer(text):
        source = tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])
        found = engine.translate_batch([source], target_prefix=[["swh_Latn"]], beam_size=1)
        return tokenizer.decode(tokenizer.convert_tokens_to_ids(found[0].hypotheses[0][1:]))

    return answer


# %%
def in_transformers(model):
    return lambda text: translate(model, tokenizer, [text])[0]


# %%
def in_turn(engines, texts):
    """Seconds for each text in each engine; the n-th of each were measured beside each other, each when warm."""
    taken = {name: [] for name in engines}
    for text in [*texts[:3], *texts]:  # the first three are a warm-up
        for name, answer in engines.items():
            answer(text)  # or it would find the processor's cache full of what the engine before it left
            began = time.perf_counter()
            answer(text)
            taken[name].append(time.perf_counter() - began)
    return {name: samples[3:] for name, samples in taken.items()}


# %%
def times(taken, slow, fast):
    """How many times as fast, as the median of pairs."""
    return statistics.median(a / b for a, b in zip(taken[slow], taken[fast], strict=True))


before = in_transformers(teacher)
after = in_ctranslate2(converted("student", "int8"), "int8")
taken = in_turn({"before": before, "after": after}, questions[:20])
print(f"{times(taken, 'before', 'after'):.0f} times as fast")

# %% [markdown] spine="fails"
# ## It fails as a statement
#
# "Distillation made our translator so many times as fast." Every number in it was measured, and it is not true. One line
# shows it: the *teacher*, with all of its twelve layers, in the same engine.

# %%
teacher_there = in_ctranslate2(converted("teacher", "int8"), "int8")
taken = in_turn({"before": before, "teacher": teacher_there, "after": after}, questions[:20])
print(f"the teacher, not distilled at all: {times(taken, 'before', 'teacher'):.0f} times as fast")

# %% [markdown] spine="fix"
# ## The fix: one step at a time
#
# Between before and after lie three changes, and each can be made alone.
#
# ![A cube of eight corners. One edge goes from teacher to student, one from the library that trained it to an engine made for translating, one from float to eight bits. The press release compares two opposite corners; each gain is the way along one edge.](figures/cube.svg)
#
# For the engine we take two. The first, ONNX Runtime, runs graphs of any kind and knows nothing of translation: it gets
# two graphs from us, and the loop around them is ours. The encoder reads the sentence once. The decoder is given the
# words so far and scores the next.


# %%
class Encoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.encoder = model.model.encoder

    def forward(self, words):
        return self.encoder(input_ids=words).last_hidden_state


class Decoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.decoder, self.head = model.model.decoder, model.lm_head

    def forward(self, said, sentence):
        answer = self.decoder(input_ids=said, encoder_hidden_states=sentence, use_cache=False)
        return self.head(answer.last_hidden_state[:, -1:])


# %%
from offlinefirst.models.convert import export_onnx  # chapter 8 takes it apart

width = student.config.d_model
words, said, sentence = torch.tensor([[4, 5, 6, 2]]), torch.tensor([[2, 4, 5]]), torch.zeros(1, 4, width)
any_length = {"words": {1: "read"}, "said": {1: "written"}, "sentence": {1: "read"}}
how = {"outputs": ["out"], "free": any_length, "bounds": {"read": (2, 64), "written": (2, 64)}}
how |= {"exporter": "dynamo", "opset": None}
graphs = {
    "encoder": export_onnx(Encoder(student), {"words": words}, FOLDER / "encoder.onnx", **how),
    "decoder": export_onnx(
        Decoder(student), {"said": said, "sentence": sentence}, FOLDER / "decoder.onnx", **how
    ),
}

# %% [markdown]
# The loop: start with the end mark and the code of the language, take the word of the highest score, stop at the end mark.

# %% tags=["long"]
import onnxruntime


def in_onnx_runtime(encoder_path, decoder_path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    encoder = onnxruntime.InferenceSession(str(encoder_path), options)
    decoder = onnxruntime.InferenceSession(str(decoder_path), options)
    end, language = tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("swh_Latn")

    def answer(text):
        words = tokenizer(text, return_tensors="np")["input_ids"]
        (sentence,) = encoder.run(None, {"words": words})
        said = [end, language]
        while len(said) < 64:
            (scores,) = decoder.run(None, {"said": [said], "sentence": sentence})
            said.append(int(scores[0, -1].argmax()))
            if said[-1] == end:
                break
        return tokenizer.decode(said, skip_special_tokens=True)

    return answer


by_hand = in_onnx_runtime(graphs["encoder"], graphs["decoder"])
print(questions[0], "->", by_hand(questions[0]))

# %% [markdown]
# Our decoder reads all of its words again at each step: there is no memory of what it computed before, no *cache*. For ten
# words that is a small waste, for a hundred a large one.
#
# Precision is the third change. ONNX Runtime's tool turns the weights of products into 8 bits, one scale a column;
# CTranslate2's converter does the same for its own format.

# %%
import logging

from onnxruntime.quantization import QuantType, quantize_dynamic


def in_8_bits(path):
    target = path.with_name(path.stem + "-int8.onnx")
    logging.disable(logging.WARNING)
    quantize_dynamic(str(path), str(target), per_channel=True, weight_type=QuantType.QInt8)
    logging.disable(logging.NOTSET)
    return target


small_graphs = {name: in_8_bits(path) for name, path in graphs.items()}
folders = {
    (name, precision): converted(name, precision)
    for name in ("teacher", "student")
    for precision in ("float32", "int8")
}

# %% [markdown] spine="measure"
# ## Measure it
#
# Eight translators, one thread each, in turn over the same sentences; quality first.

# %%
ENGINES = {
    "teacher, transformers": before,
    "student, transformers": in_transformers(student),
    "student, ONNX Runtime": by_hand,
    "student, ONNX Runtime int8": in_onnx_runtime(small_graphs["encoder"], small_graphs["decoder"]),
    "teacher, CTranslate2": in_ctranslate2(folders["teacher", "float32"], "float32"),
    "teacher, CTranslate2 int8": in_ctranslate2(folders["teacher", "int8"], "int8"),
    "student, CTranslate2": in_ctranslate2(folders["student", "float32"], "float32"),
    "student, CTranslate2 int8": in_ctranslate2(folders["student", "int8"], "int8"),
}

# %%
scores = {
    name: chrf.score(chrf.count([answer(text) for text in questions], references))
    for name, answer in ENGINES.items()
}
taken = in_turn(ENGINES, questions[:40])

# %%
from offlinefirst.measure.sizes import measure_sizes


def size_of(*paths):
    """Bytes on the disk, and as gzip files."""
    files = [file for path in paths for file in ([path] if path.is_file() else path.iterdir())]
    found = [measure_sizes(file) for file in files if file.suffix in (".onnx", ".bin", ".safetensors")]
    return sum(one.raw_bytes for one in found), sum(one.compressed_bytes for one in found)


sizes = {name: size_of(SHIPPED / name.split(",")[0]) for name in ENGINES if "transformers" in name}
sizes["student, ONNX Runtime"] = size_of(*graphs.values())
sizes["student, ONNX Runtime int8"] = size_of(*small_graphs.values())
for (name, precision), folder in folders.items():
    sizes[f"{name}, CTranslate2{' int8' if precision == 'int8' else ''}"] = size_of(folder)

# %%
from offlinefirst.measure.host import host

print(f"{'':<28}{'chrF++':>7}{'ms':>8}{'MB':>7}{'gzip MB':>9}")
for name in ENGINES:
    middle_ms, (raw, packed) = 1000 * statistics.median(taken[name]), sizes[name]
    print(f"{name:<28}{scores[name].value:>7.1f}{middle_ms:>8.2f}{raw / 1e6:>7.2f}{packed / 1e6:>9.2f}")
print("one thread;", ", ".join(host()["cpu_flags"]))

# %% [markdown]
# The engines say the same thing: chrF++ hardly moves, with 8 bits too. The two ONNX graphs hold the vectors of the words
# more than once. The checkpoints of transformers are in 16 bits on the disk and are widened when they are
# loaded.
#
# Whose gain is it? Each ratio changes one thing, and the last column says what stayed as it was:

# %% tags=["long"]
GAINS = [
    ("student", "in transformers", "teacher, transformers", "student, transformers"),
    ("student", "in CTranslate2", "teacher, CTranslate2", "student, CTranslate2"),
    ("student", "in CTranslate2 int8", "teacher, CTranslate2 int8", "student, CTranslate2 int8"),
    ("engine", "ONNX Runtime, student", "student, transformers", "student, ONNX Runtime"),
    ("engine", "CTranslate2, student", "student, transformers", "student, CTranslate2"),
    ("engine", "CTranslate2, teacher", "teacher, transformers", "teacher, CTranslate2"),
    ("int8", "ONNX Runtime, student", "student, ONNX Runtime", "student, ONNX Runtime int8"),
    ("int8", "CTranslate2, student", "student, CTranslate2", "student, CTranslate2 int8"),
    ("int8", "CTranslate2, teacher", "teacher, CTranslate2", "teacher, CTranslate2 int8"),
]
gains = [(kind, where, times(taken, slow, fast)) for kind, where, slow, fast in GAINS]
for kind, where, gain in gains:
    print(f"{kind:<9}{gain:>6.1f} times  {where}")

# %%
one = {(kind, where): gain for kind, where, gain in gains}
way = [
    one["student", "in transformers"],
    one["engine", "CTranslate2, student"],
    one["int8", "CTranslate2, student"],
]
direct = times(taken, "teacher, transformers", "student, CTranslate2 int8")
print(
    f"{' x '.join(f'{gain:.1f}' for gain in way)} = {math.prod(way):.0f}; from corner to corner {direct:.0f} times"
)

# %% tags=["long"]
import matplotlib.pyplot as plt

COLOURS = {"student": "#0072B2", "engine": "#D55E00", "int8": "#009E73"}
figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
for row, (kind, where, gain) in enumerate(reversed(gains)):
    axis.plot([1, gain], [row, row], color=COLOURS[kind], lw=5, solid_capstyle="butt")
    axis.text(gain * 1.05, row, f"{gain:.1f}", va="center", color=COLOURS[kind])
    axis.text(0.55, row, f"{kind}: {where}", va="center", ha="right", fontsize=9)
axis.axvline(1, color="#222222", lw=0.8)
axis.set(
    xscale="log", yticks=[], xlim=(0.6, 40), xticks=[1, 2, 5, 10, 20], xlabel="times as fast, one thread"
)
axis.set_xticklabels(["1", "2", "5", "10", "20"])
axis.minorticks_off()
axis.set_title("Each bar changes one thing (toy translator, synthetic text)")
axis.spines[["top", "right", "left"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# Three edges of the cube, one after the other, lead from the old corner to the new one, and their gains multiply (medians
# of ratios do so nearly). Another way along other edges gives other factors and the same product.
#
# On a toy the engine's share is inflated: much of the time in transformers is Python between the layers, and layers
# this small are soon done. With a billion weights the products take the time, and the engine's share shrinks. For an
# ordinary translation model (OPUS-MT, 4 threads, in batches) the
# [table of CTranslate2's makers](https://github.com/OpenNMT/CTranslate2#benchmarks) gives 3.6 times for the engine and
# 1.33 for int8. The order is the same.
#
# ### Memory
#
# A process for each, watched from outside until it has translated ten sentences. The engines need no transformers: the
# tokenizer's own small library is enough, if it cuts sentences as transformers does.

# %%
from tokenizers import Tokenizer

WORDS_FILE = SHIPPED / "student/tokenizer.json"
words = Tokenizer.from_file(str(WORDS_FILE))
same = [words.encode(text).ids == tokenizer(text)["input_ids"] for text in questions]
print(f"{sum(same)} of {len(same)} sentences are cut into the same tokens")

# %% tags=["long"]
START = f"""import sys
from tokenizers import Tokenizer
folder, precision, *texts = sys.argv[1:]
words = Tokenizer.from_file({str(WORDS_FILE)!r})
"""
PROGRAMS = {}
PROGRAMS["transformers"] = """from offlinefirst.models.nllb import load_nllb
from offlinefirst.models.distill import translate
model, tokenizer = load_nllb(folder)
for text in texts: translate(model, tokenizer, [text])"""
PROGRAMS["CTranslate2"] = """from ctranslate2 import Translator
engine = Translator(folder, intra_threads=1, compute_type=precision)
for text in texts: engine.translate_batch([words.encode(text).tokens], target_prefix=[['swh_Latn']])"""
PROGRAMS["ONNX Runtime"] = """import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
open_graph = lambda name: onnxruntime.InferenceSession(f'{folder}/{name}.onnx', options)
encoder, decoder = open_graph('encoder'), open_graph('decoder')
for text in texts:
    (sentence,) = encoder.run(None, {'words': [words.encode(text).ids]})
    said = [words.token_to_id('</s>'), words.token_to_id('swh_Latn')]
    while len(said) < 64 and (len(said) == 2 or said[-1] != said[0]):
        (scores,) = decoder.run(None, {'said': [said], 'sentence': sentence})
        said.append(int(scores[0, -1].argmax()))"""


# %%
import subprocess
import sys

from offlinefirst.measure.resident import Watch


def peak_bytes(program, folder, precision="float32"):
    code = START + PROGRAMS[program]
    command = [sys.executable, "-W", "ignore", "-c", code, str(folder), precision, *questions[:10]]
    with subprocess.Popen(command) as process, Watch(process.pid) as watch:
        if process.wait():
            raise RuntimeError(f"the process for {program} failed, so its peak means nothing")
    return watch.peak_bytes


# %%
peaks = {
    "teacher, transformers": peak_bytes("transformers", SHIPPED / "teacher"),
    "student, transformers": peak_bytes("transformers", SHIPPED / "student"),
    "student, ONNX Runtime": peak_bytes("ONNX Runtime", FOLDER),
    "teacher, CTranslate2": peak_bytes("CTranslate2", folders["teacher", "float32"]),
    "student, CTranslate2": peak_bytes("CTranslate2", folders["student", "float32"]),
    "student, CTranslate2 int8": peak_bytes("CTranslate2", folders["student", "int8"], "int8"),
}
for name, peak in peaks.items():
    print(f"{name:<28}{peak / 2**20:>6.0f} MiB")

# %%
STEPS = ["teacher, transformers", "teacher, CTranslate2", "student, CTranslate2", "student, CTranslate2 int8"]
for what, first, then in zip(("the engine", "the student", "int8"), STEPS[:-1], STEPS[1:], strict=True):
    print(f"{what:<12}saves {(peaks[first] - peaks[then]) / 2**20:>6.1f} MiB")

# %% [markdown] spine="claim"
# ## The claim, checked
#
# A quarter of the teacher's memory: of the process, which is what a phone must find.

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_most, holds_if

largest = peaks["teacher, transformers"]
shares = {
    "the same engine": 100 * peaks["student, transformers"] / largest,
    "another engine and 8 bits": 100 * peaks["student, CTranslate2 int8"] / largest,
}

# %%
rule = holds_if(
    "if the engine and the precision change too",
    at_most(25),
    where="another engine and 8 bits",
    elsewhere="the same engine",
)
verdict(
    "distil-nllb-process",
    measured=shares,
    unit="percent of the teacher's process",
    rule=rule,
    possible=(0, 200),
)

# %% [markdown]
# For a toy, nearly all of that is the engine's doing, as the steps above show: the weights of teacher and student are a
# few megabytes, the library that trained them hundreds. For the real pair it is the other way round, and the last
# notebook's arithmetic counts.

# %% [markdown] spine="production"
# ## The production version
#
# What Achieng ships is the student in CTranslate2 with int8: one folder, and a tokenizer. Before it replaces what is on
# the phone, it has to say the same as the model it was made from, not nearly the same on average:


# %%
def differing(first, second, texts):
    """The sentences on which two engines disagree, with both answers."""
    answers = [(text, first(text), second(text)) for text in texts]
    return [one for one in answers if one[1] != one[2]]


found = differing(ENGINES["student, transformers"], ENGINES["student, CTranslate2 int8"], questions)
print(f"{len(found)} of {len(questions)} translations differ")
for text, ours, theirs in found[:3]:
    print(f"{text}\n  transformers      {ours}\n  CTranslate2 int8  {theirs}")

# %% [markdown]
# If any differ, read them: an average hides one wrong verb, and some farmer gets it. Whether it matters is for somebody to
# decide who speaks both languages.
#
# A language that the checkpoint does not know is refused first, before its weights are read:

# %% tags=["fails-on-purpose"]
load_nllb("student", target="swa_Latn")

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **A toy.** Three layers, ten words a sentence. Engines differ less when the products are large, and int8 more when
#   weights do not fit the processor's cache.
# - **One processor.** Ours computes int8 products with instructions of its own (VNNI). Without them int8 can be slower than
#   float.
# - **The loop around transformers is ours too**, with a cache: `translate` calls its layers and leaves out `generate`, whose
#   bookkeeping costs a small model more than its layers do. With it the engines would look better still.
# - **Our ONNX loop has no cache**, and CTranslate2 has. Some of what looks like the engine's gain is the cache's.
# - **One sentence at a time.** In batches transformers loses less, since Python's share is divided among many sentences.
# - **No phone.** CTranslate2 has builds for ARM; chapter 8 asks what runs where.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("07-distillation/03-engine-and-precision")

# %% [markdown] spine="next"
# ## Next
#
# [The lab](../../labs/07-distillation/lab.ipynb). Then chapter 8: one model for many devices, in a package that can be
# trusted.
