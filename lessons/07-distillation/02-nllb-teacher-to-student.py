# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: From teacher to student
#     chapter: 7
#     device: laptop-4gb
#     teach_minutes: 60
#     exercise_minutes: 10
#     objectives:
#       - Say what a translator would cost in money, hours and memory before a byte of it is fetched
#       - Train a student from few labels, at word level and at sequence level, with equal steps
#       - Judge a translator on word pairs that nobody was trained on, with an interval
#       - Tell which part of "2.2 times as fast in a quarter of the memory" is distillation
#     after: [07-distillation/01-the-loss]
#     claims: [distil-nllb, distil-nllb-ram]
# ---

# %% [markdown] spine="insight"
# # From teacher to student
#
# **Key insight:** labels are dear, sentences are cheap, and a teacher turns the one into the other. The student does not
# have to learn a language, only what its teacher does with it.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Plan and situation 12 minutes, naive and its failure 10, word level 10, sequence level 12, measure 8,
# claims 8.
#
# **Board sketch.** The figure with the two ways, first without arrows: let the room draw what goes from teacher to
# student, and how often the teacher has to be asked.
#
# **Common mistakes.** Testing on sentences whose words stood together in training. Comparing a student that saw ten
# times the steps. Calling a difference of half a point a gain without an interval. Taking the memory of a process for the
# memory of a model.

# %% [markdown] spine="situation"
# ## The situation
#
# Mutheu writes her advice in English, at the office, and the farmers of Kitui read Swahili. She has heard of NLLB, which
# translates between two hundred languages. Its smaller checkpoints have names that say how many weights they hold.
# Before anybody fetches one, what would it cost her, on her phone? The configuration of a model is enough to tell.

# %% tags=["nbval-check-output"]
from offlinefirst.device.profiles import load
from offlinefirst.models.nllb import plan_nllb

print(plan_nllb("facebook/nllb-200-distilled-600M", profile=load("phone-2gb")))

# %% [markdown]
# A week of work for the data, most of a day on the link, and the file is larger than what her phone has to spare. And
# the one that taught it, on the computer that this page imitates:

# %% tags=["nbval-check-output"]
print(plan_nllb("facebook/nllb-200-distilled-1.3B"))

# %% [markdown]
# So this page works with a toy of the same kind: the same architecture, the same kind of tokenizer, the real codes of the
# languages, and hundreds of times fewer weights. It knows one subject, advice to farmers, from a grammar that we wrote. All of
# its sentences are synthetic. Its Swahili has the part that matters here: nouns have classes, and everything agrees.

# %% tags=["nbval-check-output"]
from offlinefirst.datasets.farm_advice import sentences

for one in sentences(200, seed=5)[1:200:40]:
    print(f"{one.english}\n    {one.swahili}")

# %% [markdown]
# English says "my" and "they" of everything. Swahili says *changu* of a basket and *langu* of a field. A model that has
# learnt words one by one goes wrong here, and we can see it.
#
# Some pairs of words, such as one adjective with one noun, are kept out of all training sentences. Every test sentence
# holds at least one of them. Who has learnt agreement can put together what he never saw together.

# %% tags=["nbval-check-output"]
import json

from offlinefirst.course.lessons import course_root

SHIPPED = course_root() / "datasets/models/translation"
test = json.loads((SHIPPED / "test.json").read_text("utf-8"))
questions, references = [one[0] for one in test][:150], [one[1] for one in test][:150]
print(questions[0], "->", references[0])

# %% [markdown]
# The teacher ships with the course; `tools/make_translation_models.py` trained it on sixty thousand sentences.

# %%
import torch

from offlinefirst.models import chrf
from offlinefirst.models.distill import translate
from offlinefirst.models.nllb import load_nllb

torch.set_num_threads(1)  # two would wait for each other wherever somebody else is at work
teacher, tokenizer = load_nllb("teacher")
by_teacher = chrf.count(translate(teacher, tokenizer, questions), references)
print(f"{sum(values.numel() for values in teacher.parameters()):,} weights, chrF++ {chrf.score(by_teacher)}")
print(type(teacher).__name__, "with", type(tokenizer).__name__)
print("from", tokenizer.src_lang, "to", tokenizer.tgt_lang)

# %% [markdown]
# chrF++ counts the pieces of words, and the words and pairs of words, that translation and reference share, from 0 to
# 100. In brackets: where it lies in 95 of 100 draws of as many test sentences. Agreement shows in a letter or two of
# a word, so a score in the eighties can still be a text full of mistakes.

# %% [markdown] spine="naive"
# ## A small model, and the labels we have
#
# A translator was paid for three hundred sentences. The student has three layers where the teacher has twelve. Its weights
# are random, and we train it on what we have.

# %%
from offlinefirst.models.distill import encode, new_student

labelled = sentences(300, seed=7)
examples = encode(tokenizer, [one.english for one in labelled], [one.swahili for one in labelled])
STEPS, RATE, BATCH = 150, 3e-3, 48


def random_student():
    torch.manual_seed(7)
    return new_student(tokenizer, width=128, encoder_layers=2, decoder_layers=1)


print(f"{sum(values.numel() for values in random_student().parameters()):,} weights")

# %%
from offlinefirst.models.distill import collate, groups


def train(student, examples, loss_of):
    """The same steps for everybody; `loss_of` takes the student's answer, a batch, and which examples are in it."""
    optimiser = torch.optim.AdamW(student.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS, pct_start=0.1)
    student.train()
    for _, numbers in zip(range(STEPS), groups(examples, BATCH, seed=7), strict=False):
        batch = collate([examples[number] for number in numbers], tokenizer.pad_token_id)
        loss = loss_of(student(**batch, use_cache=False), batch, numbers)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return student.eval()


# %%
import time

seconds = {}


def timed(name, *arguments):
    began = time.perf_counter()
    trained = train(*arguments)
    seconds[name] = time.perf_counter() - began
    return trained


def from_labels(answer, batch, numbers):
    return answer.loss


from_scratch = timed("scratch", random_student(), examples, from_labels)
said = translate(from_scratch, tokenizer, questions)
by_scratch = chrf.count(said, references)
print(f"chrF++ {chrf.score(by_scratch)}")

# %% [markdown] spine="fails"
# ## It fails
#
# A few of the sentences, beside what it said:

# %%
for question, ours, right in list(zip(questions, said, references, strict=True))[:4]:
    print(f"{question}\n  said   {ours}\n  right  {right}")

# %% [markdown]
# Swahili words, and a translation of nothing. A farmer who reads such a text has no way to know. More steps help and do
# not suffice: `benchmarks/distillation.py` gives such a student (a little narrower) ten times as many.

# %%
report = json.loads((course_root() / "benchmarks/results/distillation.json").read_text("utf-8"))
figures, rows = report["metrics"], {row["model"]: row for row in report["rows"]}
print(f"from scratch, {figures['steps']:.0f} steps: chrF++ {rows['scratch']['chrf']:.0f}")

# %% [markdown] spine="fix"
# ## The fix: ask the teacher
#
# ### A start
#
# The teacher has learnt its words and how to read; a student of the same width can begin with some of its layers. Which
# ones, one tries out: here the first and the last that read, and the first that writes. From now on every student on this
# page begins like that, or we could not tell what the start gave and what the lessons gave.


# %%
def borrowed():
    """A student that begins with three of the teacher's twelve layers, and with its words."""
    fresh = random_student()
    theirs, ours = teacher.model, fresh.model
    ours.shared.load_state_dict(theirs.shared.state_dict())
    for stack, layers in (("encoder", (0, 5)), ("decoder", (0,))):
        from_stack, to_stack = getattr(theirs, stack), getattr(ours, stack)
        to_stack.layer_norm.load_state_dict(from_stack.layer_norm.state_dict())
        for place, layer in enumerate(layers):
            to_stack.layers[place].load_state_dict(from_stack.layers[layer].state_dict())
    return fresh


untrained = chrf.count(translate(borrowed(), tokenizer, questions), references)
on_labels = timed("labels", borrowed(), examples, from_labels)
by_labels = chrf.count(translate(on_labels, tokenizer, questions), references)
print(f"before a step: chrF++ {chrf.score(untrained)}")
print(f"on the labels: chrF++ {chrf.score(by_labels)}")

# %% [markdown]
# Three layers that were cut out of twelve say nothing useful by themselves. After a few steps on the same labels, they do.
# That was the start. Now the lessons, of which there are two kinds.
#
# ![Two ways from teacher to student. Word level: both read the same labelled sentence and its right beginning, and the student matches the teacher's whole distribution for the next word. Sequence level: the teacher translates many sentences that have no label, once, and the student learns from these translations as if they were labels.](figures/two-ways.svg)
#
# ### Word level
#
# At each position of a labelled sentence the teacher has an opinion on every word of the vocabulary. That is more than
# the one right word, and it is the loss of the last notebook. The teacher's opinions do not change, so we ask
# once and keep them.

# %%
from offlinefirst.models.distill import teacher_scores

scores = teacher_scores(teacher, tokenizer, examples)
first = scores[0][1].softmax(dim=0).topk(3)
for token, share in zip(first.indices, first.values, strict=True):
    print(f"{tokenizer.convert_ids_to_tokens(int(token)):<10}{float(share):.4f}")
print(f"{sum(one.numel() for one in scores) * 4 / 1e6:.0f} MB of opinions on {len(scores)} sentences")

# %%
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

TEMPERATURE, SOFT = 2.0, 0.7


def word_level(answer, batch, numbers):
    counted = batch["labels"] != -100  # padding teaches nothing
    ours = answer.logits[counted] / TEMPERATURE
    theirs = pad_sequence([scores[number] for number in numbers], batch_first=True)[counted] / TEMPERATURE
    soft = functional.kl_div(
        ours.log_softmax(-1), theirs.log_softmax(-1), reduction="batchmean", log_target=True
    )
    return SOFT * TEMPERATURE**2 * soft + (1 - SOFT) * answer.loss


# %%
at_word_level = timed("word level", borrowed(), examples, word_level)
by_word_level = chrf.count(translate(at_word_level, tokenizer, questions), references)
print(f"chrF++ {chrf.score(by_word_level)}, gain {chrf.gain(by_word_level, by_labels)}")

# %% [markdown]
# The same three hundred sentences, read with a better reader's eyes. Look at the interval of the gain before you call it
# one. Where the teacher hesitates, it shows which words are akin. But opinions on three hundred sentences stay opinions on
# three hundred sentences.

# %% [markdown]
# ### Sequence level
#
# English sentences cost nothing: Mutheu's outbox is full of them. The teacher translates some that nobody has
# labelled, and the student takes its translations for labels. The teacher is asked once, by whoever has the
# machine for it.

# %%
english = [one.english for one in sentences(2300, seed=7)[300:]]
began = time.perf_counter()
machine_made = encode(tokenizer, english, translate(teacher, tokenizer, english))
seconds["labelling"] = time.perf_counter() - began
print(f"{len(english):,} sentences in {seconds['labelling']:.0f} s")

# %%
at_sequence_level = timed("sequence level", borrowed(), examples + machine_made, from_labels)
by_sequence = chrf.count(translate(at_sequence_level, tokenizer, questions), references)
print(f"chrF++ {chrf.score(by_sequence)}, gain {chrf.gain(by_sequence, by_labels)}")

# %% [markdown]
# The steps are the same, the batches are as large, the student began with the same weights. Only the sentences are others.

# %% [markdown] spine="measure"
# ## Measure it
#
# A few steps are what a page has time for. The course ships a student that is narrower, began with random weights and was
# trained at sequence level for longer, on translations of the teacher's alone. It never saw a sentence of the grammar's
# own Swahili.

# %%
student, _ = load_nllb("student")
by_student = chrf.count(translate(student, tokenizer, questions), references)
counts = {"scratch": by_scratch, "labels": by_labels, "word level": by_word_level}
counts |= {"sequence level": by_sequence}
counts |= {"shipped student": by_student, "teacher": by_teacher}
for name, one in counts.items():
    trained_s = f"{seconds[name]:.0f} s here" if name in seconds else "elsewhere"
    print(f"{name:<16} chrF++ {chrf.score(one)!s:<22} trained {trained_s}")
kept = chrf.retention(by_student, by_teacher)
print(f"the shipped student keeps {kept} of the teacher's score")

# %% tags=["long"]
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(8, 3), layout="constrained")
for row, (name, one) in enumerate(reversed(counts.items())):
    quality = chrf.score(one)
    colour = "#0072B2" if "sequence" in name or "shipped" in name else "#555555"
    axis.plot([quality.interval.low, quality.interval.high], [row, row], color=colour, lw=3)
    axis.plot(quality.value, row, "o", color=colour)
    label = "scratch (random start)" if name == "scratch" else name
    left = quality.interval.low > 40
    axis.text(
        quality.interval.low - 1.5 if left else quality.interval.high + 1.5,
        row,
        label,
        ha="right" if left else "left",
        va="center",
        color=colour,
    )
axis.text(1, 0.6, "blue: learnt from the\nteacher's translations", color="#0072B2")
axis.set(
    xlabel="chrF++ on held-out word pairs, with 95 % interval", yticks=[], xlim=(0, 103), ylim=(-0.6, 5.6)
)
axis.set_title("Translated sentences teach what labels could not (synthetic farm advice)")
axis.spines[["top", "right", "left"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# Quality beside cost. One sentence at a time, on one thread, teacher and student in turn:

# %%
import statistics

from offlinefirst.measure.host import host
from offlinefirst.measure.stats import ratio_interval


def one_by_one(texts):
    """Seconds for each sentence, by both models; the n-th of each are a pair."""
    taken = {"teacher": [], "student": []}
    for text in texts:
        for name, model in (("teacher", teacher), ("student", student)):
            began = time.perf_counter()
            translate(model, tokenizer, [text])
            taken[name].append(time.perf_counter() - began)
    return taken


# %%
one_by_one(questions[:10])  # a warm-up
taken = one_by_one(questions[:40])
speed_up = statistics.median(a / b for a, b in zip(taken["teacher"], taken["student"], strict=True))
between = ratio_interval(taken["teacher"], taken["student"])
for name, samples in taken.items():
    print(f"{name}: {1000 * statistics.median(samples):.1f} ms a sentence")
print(f"{speed_up:.1f} times as fast; 95 % interval {between.low:.1f} to {between.high:.1f}")
print("one thread;", ", ".join(host()["cpu_flags"]))

# %%
from offlinefirst.measure.sizes import measure_sizes

files = {name: measure_sizes(SHIPPED / name / "model.safetensors") for name in ("teacher", "student")}
for name, one in files.items():
    print(f"{name}: {one.raw_bytes / 1e6:.2f} MB, as a gzip file {one.compressed_bytes / 1e6:.2f} MB")
ratio = files["student"].raw_bytes / files["teacher"].raw_bytes
print(f"the student's weights are {ratio:.2f} of the teacher's")

# %% [markdown]
# Memory is another matter. A process holds the model, and the libraries that run it. `benchmarks/distillation.py` starts
# a process for each, and trains all students for longer than a page can; it takes minutes, so these are the figures that
# it wrote when it was last run. (The next notebook measures such processes on the page.)

# %%
for name, row in rows.items():
    memory = f"{row['peak_mib']:.0f} MiB" if row["peak_mib"] else ""
    print(f"{name:<16}{row['chrf']:6.1f} ({row['low']:.1f} to {row['high']:.1f})  {memory}")
print(
    f"{figures['labels']:.0f} labels, {figures['steps']:.0f} steps each; for sequence level the teacher labelled"
)
print(f"{figures['unlabelled']:,.0f} more sentences")
print(f"{figures['libraries_mib']:.0f} MiB are there before any model is loaded")

# %%
LIMITS = {"retention": "at least 0.98", "student_speedup": "at least 2.5", "weights_ratio": "at most 0.25"}
LIMITS |= {"peak_rss_ratio": "reported", "gain_over_scratch_chrf": "at least 8"}
LIMITS |= {"gain_interval_low": "above 0", "gain_over_1000_labels_chrf": "reported"}
for name, limit in LIMITS.items():
    print(f"{name:<27}{figures[name]:7.3f}  {limit}")

# %% [markdown]
# A sixth of the weights, and nearly the same process. At this size the libraries are what is in memory. The next notebook
# takes them away.

# %% [markdown] spine="claim"
# ## The claims, checked
#
# The source says that a 600M, distilled from the 1.3B, keeps 95 % of its quality, at 2.2 times the speed. Our pair is
# another one, and cannot answer for it: a student much smaller beside its teacher, and one narrow subject, where it can
# come close to everything that its teacher knows.

# %%
from offlinefirst.models.nllb import KNOWN

small, large = KNOWN["facebook/nllb-200-distilled-600M"], KNOWN["facebook/nllb-200-distilled-1.3B"]
print(f"{'':<20}{'claimed pair':>14}{'our toys':>12}")
print(f"{'weights':<20}{small.parameters / large.parameters:>14.2f}{ratio:>12.2f}")
print(f"{'quality kept':<20}{'at least 95 %':>14}{kept.value:>12.1%}")
print(f"{'times as fast':<20}{2.2:>14}{speed_up:>12.1f}")

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_most, holds_if, not_testable

rule = not_testable("the 1.3B does not fit into this device; our toy pair is another model")
verdict("distil-nllb", measured=None, rule=rule)

# %% [markdown]
# The memory of the real pair is arithmetic:

# %%
whole = large.memory_bytes("float32")
for precision in ("float32", "float16", "int8"):
    print(
        f"the student in {precision:<8}{small.memory_bytes(precision) / whole:.1%} of the teacher in float32"
    )
shares = {"both in 32 bits": 100 * small.memory_bytes("float32") / whole}
shares["the student in 16 bits"] = 100 * small.memory_bytes("float16") / whole
rule = holds_if(
    "if the student's engine also computes in half the bits; load_nllb and chapter 6's graph do not",
    at_most(25),
    where="the student in 16 bits",
    elsewhere="both in 32 bits",
)
verdict(
    "distil-nllb-ram", measured=shares, unit="percent of the teacher's memory", rule=rule, possible=(0, 100)
)

# %% [markdown]
# A quarter of the memory is two gains under one name: fewer weights, and fewer bits for each. Only the first is
# distillation.

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.models.distill.fit` is our loop, and looks before it leaps. A student with another vocabulary would compare
# scores of different words; weights that are no numbers would spoil an afternoon. Both are refused before the first step.

# %% tags=["fails-on-purpose"]
from transformers import M2M100Config, M2M100ForConditionalGeneration

from offlinefirst.models.distill import check_pair

sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1}
heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
other = M2M100ForConditionalGeneration(M2M100Config(vocab_size=512, **sizes, **heads))
check_pair(teacher, other)

# %% tags=["fails-on-purpose"]
broken = random_student()
with torch.no_grad():
    broken.model.decoder.layers[0].fc1.weight[3, 5] = float("nan")
check_pair(teacher, broken)

# %% [markdown]
# `load_nllb` takes the toy, a folder, or the name of a real checkpoint, which it fetches with chapter 2's downloader when
# there is a link. Here our student lies on a practice hub that cuts the connection in the middle of the weights and then
# has no time:

# %%
from offlinefirst.link import PracticeServer, faults
from offlinefirst.models import hub

NAME = "mutheu/farm-advice"
listed = hub.manifest_of(SHIPPED / "student")
served = {f"{NAME}/resolve/main/{one.name}": SHIPPED / "student" / one.name for one in listed}
script = [None] * (len(listed) - 1) + [faults.CutAfter(400_000), faults.Busy(503)]
with PracticeServer(served, faults=script) as server:
    where = {"endpoint": server.base_url.rstrip("/"), "folder": device.current().scratch / "farm-advice"}
    fetched, _ = load_nllb(NAME, manifest=listed, progress=False, sleep=lambda seconds: None, **where)
    sent = sum(one.body_bytes for one in server.requests)
print(translate(fetched, tokenizer, ["they will not check her field"]))
print(f"{sent:,} bytes came for {sum(one.size_bytes for one in listed):,}")

# %% [markdown]
# From now on that folder loads without a link. What the device cannot hold is refused before it is fetched, and a file that
# lost its end before a word of it is used:

# %%
from offlinefirst.models.nllb import NllbError

copied = where["folder"] / "model.safetensors"
copied.write_bytes(copied.read_bytes()[:-1000])
for wanted in ("facebook/nllb-200-distilled-1.3B", where["folder"]):
    try:
        load_nllb(wanted)
    except NllbError as error:
        print(str(error).partition("\n")[0].replace(str(device.current().scratch), ""))

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **The sentences are a grammar's.** Two hundred English words, six patterns. Real text has names, typing errors and
#   sentences that nobody planned. On it students keep less than ours does.
# - **The student inherits the teacher's mistakes**, and is as sure of them. Nobody has read the machine's translations.
# - **NLLB's own small checkpoints were distilled another way**, from a model of 54 billion weights, at word level, while
#   it ran. The words "600M from 1.3B" are the source's.
# - **Three hundred labels are few.** With a thousand (the benchmark's last row) a student from scratch does much better with
#   the same steps, and what the teacher brings shrinks.
# - **The unlabelled sentences are of the right kind.** They come from the same grammar, without the held-out pairs.
#   Sentences from another subject would teach less.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("07-distillation/02-nllb-teacher-to-student")

# %% [markdown] spine="next"
# ## Next
#
# [The same student in other engines](03-engine-and-precision.ipynb): what distillation did not give, and what does.
