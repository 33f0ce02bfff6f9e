# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: The device matrix
#     chapter: 8
#     device: laptop-4gb
#     teach_minutes: 50
#     exercise_minutes: 10
#     objectives:
#       - Take a comparison of two runtimes apart, and say which of its differences belongs to whom
#       - Measure models under several runtimes on several devices, with quality beside every cost
#       - Forecast cells of the matrix from others, and say which may never be left out
#       - Redo a table of adjectives from measurements, and leave empty what a laptop cannot know
#     after: [08-runtimes-and-packaging/01-convert-once, 04-measuring/02-the-matrix]
#     claims: [runtime-int8, runtime-accelerators]
# ---

# %% [markdown] spine="insight"
# # The device matrix
#
# **Key insight:** no runtime is fast. A model in a format, under a runtime, with so many threads, on a device, has a time; two
# such cells can be compared when one thing differs, and the blank cells can be guessed only where you know what repeats.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 8 minutes, the four steps 15, matrix 12, which cells to leave out 8, the table of adjectives 7.
#
# **Board sketch.** Two columns, "theirs" and "ours", and a row for each thing that differs: package, threads, what the clock held,
# which call, device. Before each step let them strike out a row and guess the new ratio.
#
# **Common mistakes.** Taking the memory of a Python package for that of its engine. Calling a first call a start, or a start a
# first call. Measuring all of A and then all of B. Filling in a blank cell from a row of another precision.

# %% [markdown] spine="situation"
# ## The situation
#
# Achieng's app needs one runtime. Wekesa, who builds the ministry's app, has compared two and sends her the result: ONNX Runtime
# against TensorFlow Lite, "not even close". She likes ONNX Runtime, so she would like to believe it. First she looks at how he
# measured.
#
# She has the same leaf model in several files. The [first notebook](01-convert-once.ipynb) of this chapter tells how they came
# about, and chapter 6 how the 8-bit ones did.

# %%
from offlinefirst.datasets.places import locate

FLOAT_ONNX, INT8_ONNX = locate("leaf-medium"), locate("leaf-medium-int8")
FLOAT_TFLITE, INT8_TFLITE = locate("leaf-medium-tflite"), locate("leaf-medium-int8-tflite")
PTE = locate("leaf-medium-pte")
for path in (FLOAT_ONNX, FLOAT_TFLITE, PTE, INT8_ONNX, INT8_TFLITE):
    print(f"{path.name:26}{path.stat().st_size:>9,} bytes")

# %% [markdown] spine="naive"
# ## A stopwatch
#
# What Wekesa did: start a program, load the model, have an answer, look at the watch and at the memory. Each engine as its
# web page shows it, in a process of its own. Nothing about it looks wrong.

# %%
START = """
import sys, time
began = time.perf_counter()
def look_at_the_watch():
    print(time.perf_counter() - began)
"""
ONNX_RUNTIME = """
import numpy, onnxruntime
look_at_the_watch()
session = onnxruntime.InferenceSession(sys.argv[1])
image = {"image": numpy.full((1, 3, 48, 48), 0.5, "float32")}
look_at_the_watch()
answer = lambda: session.run(None, image)
"""

# %%
TENSORFLOW_LITE = """
import numpy, tensorflow
look_at_the_watch()
interpreter = tensorflow.lite.Interpreter(model_path=sys.argv[1])
interpreter.allocate_tensors()
place, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]["index"]
image = numpy.full(place["shape"], 0.5, "float32")
look_at_the_watch()
def answer():
    interpreter.set_tensor(place["index"], image)
    interpreter.invoke()
    return interpreter.get_tensor(out)
"""
ANSWERS = """
answer()
look_at_the_watch()
for _ in range(300): answer()
look_at_the_watch()
print(*numpy.ravel(answer()))
"""

# %%
import subprocess
import sys

from offlinefirst.measure.resident import Watch


def stopwatch(program, model):
    """What the process printed, as rows of numbers, and the most bytes that were resident."""
    command = [sys.executable, "-W", "ignore", "-c", START + program + ANSWERS, str(model)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **pipes) as process, Watch(process.pid) as watch:
        lines = process.communicate()[0].splitlines()
    return [[float(number) for number in line.split()] for line in lines], watch.peak_bytes


# %%
watched = {
    "ONNX Runtime": stopwatch(ONNX_RUNTIME, FLOAT_ONNX),
    "TensorFlow Lite": stopwatch(TENSORFLOW_LITE, FLOAT_TFLITE),
}
FIRST, MANY, SCORES = 2, 3, 4  # after importing (0) and loading (1)
first = {name: rows[FIRST][0] for name, (rows, _) in watched.items()}
peak = {name: peak_bytes for name, (_, peak_bytes) in watched.items()}
for name in watched:
    print(f"{name:16}{first[name]:6.2f} s to an answer, {peak[name] / 2**20:4.0f} MiB")
steps = {"to the first answer": first["TensorFlow Lite"] / first["ONNX Runtime"]}
memory = {"through TensorFlow": peak["TensorFlow Lite"] / peak["ONNX Runtime"]}
print(
    f"{steps['to the first answer']:.0f} times the time, {memory['through TensorFlow']:.0f} times the memory?"
)

# %% [markdown] spine="fails"
# ## It fails
#
# Both processes went on, unasked, for three hundred answers more. What did those cost?

# %%
after = {name: rows[MANY][0] - rows[FIRST][0] for name, (rows, _) in watched.items()}
for name in watched:
    print(f"{name:16}{first[name]:6.2f} s to one answer, {first[name] + after[name]:.2f} s to 301")
steps["300 more answers"] = after["TensorFlow Lite"] / after["ONNX Runtime"]


def quicker(ratio, other="LiteRT"):
    """In words, from its time over ONNX Runtime's."""
    name, times = (other, 1 / ratio) if ratio < 1 else ("ONNX Runtime", ratio)
    return f"{name} is {times:.2f} times as fast"


print(f"in those 300, {quicker(steps['300 more answers'], 'TensorFlow Lite')}")

# %% [markdown]
# So the watch timed something that happens once, and called it the speed of answering. And the memory? At least four things
# differ between these two processes beside the engine. We take them away one at a time.

# %% [markdown] spine="fix"
# ## The fix, in four steps
#
# ### One: take the time apart
#
# The programs looked at the watch four times. Wekesa used one look, and it held everything before it.

# %%
from itertools import pairwise

print(f"{'':16}  import     load    first, s")
for name, (rows, _) in watched.items():
    looks = [0.0] + [rows[place][0] for place in range(3)]
    print(f"{name:16}" + "".join(f"{later - sooner:9.4f}" for sooner, later in pairwise(looks)))

# %% [markdown]
# Nearly all of it is importing a Python package. That is real, and an app pays it once at each start; but on a phone no app
# imports one. It is not the engine's, and it is no answer's.
#
# ### Two: the engine without its workshop
#
# What was imported is a library for *training*. The part that runs a converted model is small, and comes on its own as
# LiteRT, the new name of TensorFlow Lite.
#
# ![Two processes side by side. The first holds Python, TensorFlow, the interpreter and the model; the second holds Python, the interpreter and the model. The interpreter and its kernels are the same in both.](figures/one-engine.svg)
#
# From here on we use chapter 4's bench, which takes the five numbers apart, and holds each process to a device.

# %%
from offlinefirst.measure.bench import bench


def show(reports):
    print(f"{'':18}import     load    first      p50, ms   peak, MiB")
    for name, report in reports.items():
        parts = report.import_s, report.load_s, report.first_s, report.p50_s
        times = "".join(f"{part * 1000:9.2f}" for part in parts)
        print(f"{name:15}{times}{report.peak_rss_bytes / 2**20:12.0f}")


SHORT = {"profile": "phone-4gb", "min_seconds": 0.15}
taken = {
    "ONNX Runtime": bench(FLOAT_ONNX, **SHORT),
    "LiteRT": bench(FLOAT_TFLITE, runner="litert", threads=1, **SHORT),
}
show(taken)
less = peak["TensorFlow Lite"] - taken["LiteRT"].peak_rss_bytes
memory["the interpreter alone"] = taken["LiteRT"].peak_rss_bytes / taken["ONNX Runtime"].peak_rss_bytes
print(f"{less / 2**20:.0f} MiB less than through TensorFlow")

# %% [markdown]
# Is it the same engine? Look at the scores of the two ways. Bit for bit the same scores fit the same kernels; they do not
# prove it, and the versions are those of two packages. ONNX Runtime adds in another order.

# %%
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from offlinefirst.device.quiet import swallowed_stderr


def to_bytes(floats, place):
    """Floats as the whole numbers that a file asks for; as they are where it takes floats."""
    scale, zero = place["quantization"]
    if not scale:
        return floats
    ends = np.iinfo(place["dtype"])
    return np.clip(np.rint(floats / scale) + zero, ends.min, ends.max).astype(place["dtype"])


def to_floats(found, place):
    scale, zero = place["quantization"]
    return scale * (found.astype(np.float32) - zero) if scale else found


# %%
def open_litert(path, threads=1):
    """A function from one picture in floats to the scores in floats, and what the file says of its input."""
    with swallowed_stderr():  # it says on every start which kernels it uses
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
    place, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def answer(image):
        interpreter.set_tensor(place["index"], to_bytes(image, place))
        interpreter.invoke()
        return to_floats(interpreter.get_tensor(out["index"]), out)

    return answer, place


# %%
import onnxruntime

from offlinefirst.measure.host import versions

answer, place = open_litert(FLOAT_TFLITE)
here = answer(np.full(place["shape"], 0.5, np.float32)).ravel()
for name, (rows, _) in watched.items():
    there = np.array(rows[SCORES], np.float32)  # as printed, which is exact for float32
    print(f"{name:16} worst difference to LiteRT {np.abs(here - there).max():.1e}")
installed = versions("ai-edge-litert", "tensorflow", "tensorflow-cpu", "onnxruntime")
print(", ".join(f"{name} {number}" for name, number in installed.items() if number != "not installed"))

# %% [markdown]
# ### Three: as many threads
#
# In Wekesa's programs ONNX Runtime took both cores without being asked, and the interpreter one: those are their defaults.
# In ours above as well. Now one thread each, and then two:

# %%
for threads in (1, 2):
    taken = {
        f"ONNX Runtime, {threads}": bench(FLOAT_ONNX, threads=threads, **SHORT),
        f"LiteRT, {threads}": bench(FLOAT_TFLITE, runner="litert", threads=threads, **SHORT),
    }
    show(taken)
    ours, theirs = taken.values()
    print(f"with {threads}: {quicker(theirs.p50_s / ours.p50_s)}\n")
    if threads == 1:
        steps["one thread each"] = theirs.p50_s / ours.p50_s

# %% [markdown]
# ### Four: in turn
#
# Two reports, one after the other, are two moments of this computer. For a ratio, both engines answer in turn, in one
# process, one thread each, and either goes first in every second pair. The same for the 8-bit files. All take the same floats
# and give floats: ONNX Runtime's 8-bit file makes bytes of them inside the graph, LiteRT's leaves that to the app, and so the
# app's part runs against the clock too.


# %%
def open_onnx(path, threads=1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options)
    return lambda images: session.run(None, {"image": images})[0]


def ready(path):
    """A function of nothing that answers once, with the same grey picture for all."""
    if path.suffix == ".onnx":
        answer, image = open_onnx(path), np.full((1, 3, 48, 48), 0.5, np.float32)
    else:
        answer, place = open_litert(path)
        image = np.full(place["shape"], 0.5, np.float32)
    return lambda: answer(image)


# %%
import time

from offlinefirst.measure.stats import percentile_interval


def in_turn(one, other, pairs=300):
    """Milliseconds of each, and the ratio other over one for each pair."""
    taken = {one: [], other: []}
    for pair in range(-20, pairs):
        for call in (one, other) if pair % 2 else (other, one):
            began = time.perf_counter()
            call()
            if pair >= 0:
                taken[call].append(1000 * (time.perf_counter() - began))
    return np.array(taken[one]), np.array(taken[other])


# %%
FILES = {"float": (FLOAT_ONNX, FLOAT_TFLITE), "8 bits": (INT8_ONNX, INT8_TFLITE)}
faster = {}
for precision, files in FILES.items():
    onnx_ms, lite_ms = in_turn(*map(ready, files))
    ratio, interval = np.median(lite_ms / onnx_ms), percentile_interval(lite_ms / onnx_ms, 50)
    faster[precision] = float(ratio)
    print(f"{precision:7} ONNX Runtime {np.median(onnx_ms):.3f} ms, LiteRT {np.median(lite_ms):.3f} ms:")
    print(
        f"{'':7} {ratio:.2f} of its time, between {interval.low:.2f} and {interval.high:.2f}; {quicker(ratio)}"
    )
steps["in turn"] = faster["float"]

# %% tags=["long"]
import matplotlib.pyplot as plt


def draw_steps(groups, title):
    """Ratios on a log axis, one under the other; 1 is equal."""
    figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
    rows = [(what, name, value) for what, group in groups.items() for name, value in group.items()]
    for row, (what, _, value) in enumerate(rows):
        colour = "#0072B2" if what == "time" else "#D55E00"
        axis.plot([1, value], [-row, -row], color=colour, linewidth=1.5)
        axis.plot(value, -row, "o" if what == "time" else "s", color=colour)
        side, shift = ("left", 1.08) if value >= 1 else ("right", 1 / 1.08)
        axis.text(value * shift, -row, f"{value:.2g}", ha=side, va="center", color=colour)
    axis.axvline(1, color="#222222", linewidth=0.8)
    axis.set_yticks([-row for row in range(len(rows))], [f"{what}: {name}" for what, name, _ in rows])
    values = [value for _, _, value in rows]
    axis.set(xscale="log", xlim=(min([*values, 1]) / 2, max(values) * 2), title=title)
    axis.set_xticks(
        [tick for tick in (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if min(values) / 2 < tick < max(values) * 2]
    )
    axis.xaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    axis.set_xlabel("(TensorFlow Lite or LiteRT) / ONNX Runtime; left of 1, ONNX Runtime needs more")
    axis.spines[["top", "right"]].set_visible(False)
    plt.close(figure)
    return figure


draw_steps({"time": steps, "memory": memory}, "What was left of \u201cnot even close\u201d, step by step")

# %% [markdown]
# Look at the last row of either kind. Where it lies left of 1, the comparison did not shrink, it turned around. The first step
# took nearly all of it away. What was left still compared two threads with one. The last gave it an interval, which is of
# this process: another one may lie outside. What went was true of something, of a package, of a start, of a default, and
# not of the engine.
#
# The two 8-bit files were quantised by two tools, each with photos of its own to calibrate on. They are the same idea, not
# the same model, and quality must stand beside them.

# %% [markdown] spine="measure"
# ## Measure it
#
# ### Quality first
#
# New leaves, from a seed that no model has met. It is counted once for each row, on this processor.

# %%
from offlinefirst.datasets.leaves import leaves

images, labels = leaves(512, seed=83)
nhwc = images.astype(np.float32) / 255
nchw = np.ascontiguousarray(nhwc.transpose(0, 3, 1, 2))


def litert_classes(path):
    answer, place = open_litert(path)
    given = nchw if place["shape"][1] == 3 else nhwc  # the file says where the channels are
    return np.array([answer(one[None]).argmax() for one in given])


# %%
found = {
    "float, ONNX Runtime": open_onnx(FLOAT_ONNX)(nchw).argmax(1),
    "float, LiteRT": litert_classes(FLOAT_TFLITE),
    "8 bits, ONNX Runtime": open_onnx(INT8_ONNX)(nchw).argmax(1),
    "8 bits, LiteRT": litert_classes(INT8_TFLITE),
}

# %%
quality = {}
for name, classes in found.items():
    quality[name] = 100 * float((classes == labels).mean())
    error = (quality[name] * (100 - quality[name]) / len(labels)) ** 0.5
    same = 100 * (classes == found["float, ONNX Runtime"]).mean()
    print(
        f"{name:22}{quality[name]:.1f} % right, standard error {error:.1f}; agrees with the first row on {same:.1f} %"
    )

# %% [markdown]
# ### The matrix
#
# A row is a file under a runtime; `own` gives each row its runner and one and the same leaf, in the form that its file asks for.
# For the 8-bit `.tflite` that form is bytes, which a camera has anyway: here nothing is made of floats for it, and its row is
# so much the shorter. Two more float models go along under ONNX Runtime. One thread in every cell, fresh processes, two rounds.

# %%
from offlinefirst.measure.matrix import matrix

BLOCK = {"small": locate("leaf-small"), "medium": FLOAT_ONNX, "large": locate("leaf-large")}
BLOCK = {f"float, {size}, ONNX Runtime": path for size, path in BLOCK.items()}
files = BLOCK | {
    "float, LiteRT": FLOAT_TFLITE,
    "8 bits, ONNX Runtime": INT8_ONNX,
    "8 bits, LiteRT": INT8_TFLITE,
}
own = {name: {"inputs": {"image": nchw[:1]}} for name in files}
for name in ("float, LiteRT", "8 bits, LiteRT"):
    _, place = open_litert(files[name])
    own[name] = {"runner": "litert", "inputs": {place["name"]: to_bytes(nhwc[:1], place)}}

# %%
MEDIUM = "float, medium, ONNX Runtime"
found[MEDIUM] = found.pop("float, ONNX Runtime")
for name in set(BLOCK) - {MEDIUM}:
    found[name] = open_onnx(files[name])(nchw).argmax(1)
quality = {name: 100 * float((found[name] == labels).mean()) for name in files}
PROFILES = ["phone-2gb", "phone-4gb", "laptop-4gb"]
table = matrix(files, PROFILES, quality=quality, own=own, rounds=2, threads=1, min_seconds=0.1)
for metric in ("quality", "p50", "p95", "first", "load"):
    print(table.table(metric), end="\n\n")

# %%
for metric in ("raw", "compressed", "peak_rss"):
    print(table.table(metric), end="\n\n")

# %%
from offlinefirst.measure import plots

plots.heat(table, "p50", title="p50 of one call, ms (synthetic leaves; one thread, this computer)")

# %% [markdown]
# Read it by columns first. All three are this processor with one thread, so between them there is nothing to find but noise.
# That makes them a ruler: a difference between rows that is no larger than one between columns has not been seen.

# %%
p50 = np.array(table.table("p50").values)
for name, row in zip(files, p50, strict=True):
    print(f"{name:30} slowest column {100 * (row.max() / row.min() - 1):3.0f} % over the quickest")

# %% [markdown]
# Then by rows: how much 8 bits bring, and how far the engines are apart, in float and in 8 bits. A ratio of two engines belongs
# to a precision and not to the engines. And in memory the model can hardly be seen: what you pay for is the runtime, and
# Python with it.
#
# ### ExecuTorch, in one column
#
# The successor of PyTorch Mobile is in no tier of this course; where it is installed, here is one cell of it. That it gives
# the same scores was the first notebook's business. Its Python package needs torch, so a process takes seconds to start. No
# phone has torch: an app links ExecuTorch's own library. So import and memory here are of the package, and only load, first
# call and p50 are the engine's. The runner imports it when its own file is imported; else the import would count as loading,
# the mistake of step one again.

# %%
import importlib.util

THERE = importlib.util.find_spec("executorch") is not None
_ = (device.current().scratch / "through_executorch.py").write_text("""
from offlinefirst.models.executorch_runner import available, load
available()
""")
if THERE:
    runner = f"{device.current().scratch / 'through_executorch.py'}:load"
    one = {"image": nchw[:1]}
    alone = bench(PTE, runner=runner, inputs=one, profile="phone-2gb", min_seconds=0.15)
    show({"ExecuTorch": alone, "LiteRT": table.report("float, LiteRT", "phone-2gb")})
else:
    print("ExecuTorch is not installed here: its cell is left out, and all the rest goes on.")

# %% [markdown]
# ### Which cells may be left out?
#
# Six rows and three columns, twice, were thirty-six processes. With ten models and eight phones nobody measures all. A cell can
# be forecast from three others: same row, same column, and the corner where those two meet.
#
# ![A matrix of four models and three devices under one runtime. Of two float models one is measured on all devices, and the other on one; its two other cells are forecast. The rows with 8 bits are measured everywhere.](figures/cells.svg)
#
# Each cell in turn is covered up, forecast from every such three, and compared: inside the block, which the picture permits
# (three float models under one runtime), and across its border, which the picture forbids.


# %%
from itertools import permutations


def off_percent(metric, permitted):
    """How far forecasts are from what was measured: every one that the picture permits, or forbids."""
    off = []
    for row, other_row in permutations(files, 2):
        if ({row, other_row} <= set(BLOCK)) == permitted:
            for column, other in permutations(PROFILES, 2):
                place = (row, other), (other_row, column), (other_row, other), (row, column)
                here, there, corner, true = (table.value(metric, *one) for one in place)
                off.append(abs(100 * (here * there / corner / true - 1)))
    return np.array(off)


# %%
print("% off         permitted: half up to   worst    forbidden: half up to   worst")
for metric in ("raw", "compressed", "peak_rss", "p50", "load", "first", "p95"):
    permitted, forbidden = off_percent(metric, True), off_percent(metric, False)
    print(
        f"{metric:12}{np.median(permitted):24.1f}{permitted.max():8.0f}"
        f"{np.median(forbidden):25.1f}{forbidden.max():8.0f}"
    )

# %% [markdown]
# Sizes belong to the file: measure them once. Memory repeats nearly as well. Whatever is off is noise, since the columns are one
# processor, and a forecast of noise is noise: read the worst load, first call and p95. For the same reason this page cannot
# show what the border is for. Where the forbidden p50 is no worse than the permitted, that is the page's weak spot, and no leave.
#
# On real devices a block ends where kernels change. Float to 8 bits is such a border: chapter 6 told of processors on which
# the same 8-bit file gains less, or gives other answers. So:
#
# - left out without a loss: sizes, once per file; memory, once per runtime and system;
# - forecast, and checked before it counts: the p50 of another float model, under the same runtime, with as many threads;
# - never left out: 8 bits on a new kind of processor, time *and* quality; a new version of a runtime; the first start; and
#   the cell that goes out to the field.
#
# ### The table of adjectives
#
# The source compares runtimes in words. Here are its three columns, and under each row what this laptop can say, on the
# smaller phone. A peak is of a Python process, with torch in ExecuTorch's; an installed package, with all that it cannot start
# without, stands for nothing but itself.

# %%
import importlib.metadata

SAID = {
    "TensorFlow Lite": ("good (int8)", "high (Android, iOS)", "high"),
    "ONNX Runtime": ("very good with accelerators", "high", "high"),
    "PyTorch Mobile": ("good", "medium (mobile)", "medium"),
    "WASM, WebNN": ("medium, improving", "high (web)", "growing"),
    "TFLite Micro": ("constrained but optimised", "low (specialised)", "medium"),
}


def told(here, memory, *packages):
    """What was measured of a runtime: its times, its process, its installed packages."""
    files = [file for name in packages for file in importlib.metadata.files(name) or []]
    return here, f"{memory / 2**20:.0f} MiB", f"{sum(file.size or 0 for file in files) / 1e6:.0f} MB"


# %%
def engine(runtime, float_row, package):
    one, other = (table.report(name, "phone-2gb") for name in (float_row, f"8 bits, {runtime}"))
    times = f"float {one.p50_s * 1000:.3f}, int8 {other.p50_s * 1000:.3f} ms"
    return told(times, one.peak_rss_bytes, package)


here = {
    "TensorFlow Lite": engine("LiteRT", "float, LiteRT", "ai-edge-litert"),
    "ONNX Runtime": engine("ONNX Runtime", MEDIUM, "onnxruntime"),
    "PyTorch Mobile": ("its successor is not installed", "", ""),
    "WASM, WebNN": ("needs a browser: chapter 17", "", ""),
    "TFLite Micro": ("computed in the first notebook", "", ""),
}
if THERE:
    times = f"ExecuTorch: float {alone.p50_s * 1000:.3f} ms"
    here["PyTorch Mobile"] = told(times, alone.peak_rss_bytes, "executorch", "torch")

# %%
for runtime, (performance, portability, tooling) in SAID.items():
    print(f"{runtime:16} said  {performance:48}{portability:21}{tooling}")
    times, memory, package = here[runtime]
    print(f"{'':16} here  {times:31}{memory:9}{package:8}{'not testable here':21}not testable here")

# %% [markdown]
# Two columns stay empty. Portability would need the systems that it is about, and that a runtime has a package for one does
# not say that your model runs there: operators do, and the first notebook's inventory. Tooling maturity is an opinion until
# somebody says what to count. A blank is more use than an adjective: it tells Achieng what to ask.

# %% [markdown] spine="claim"
# ## The claims, checked
#
# The source's table says of TensorFlow Lite: good, with 8 bits. We ask that 8 bits are at least one and a half times as fast as
# float in the same engine, in turn, one thread, and cost at most a point: the upper end of an interval, of the same leaves in pairs.

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_least, at_most, each, not_testable

float_ms, int8_ms = in_turn(ready(FLOAT_TFLITE), ready(INT8_TFLITE))
right = {name: (found[name] == labels).astype(float) for name in ("float, LiteRT", "8 bits, LiteRT")}
lost = 100 * (right["float, LiteRT"] - right["8 bits, LiteRT"])  # leaf by leaf: most are 0
error = lost.std(ddof=1) / len(lost) ** 0.5
print(
    f"{np.count_nonzero(lost)} leaves of {len(lost)} changed sides: {lost.mean():+.2f} points lost", end=", "
)
print(
    f"95 % interval {lost.mean() - 1.96 * error:+.2f} to {lost.mean() + 1.96 * error:+.2f}, rough for so few"
)
gained = {
    "times as fast": float(np.median(float_ms / int8_ms)),
    "points lost at most": float(lost.mean() + 1.96 * error),
}
asked = each({"times as fast": at_least(1.5), "points lost at most": at_most(1)})
verdict("runtime-int8", measured=gained, rule=asked)

# %% [markdown]
# And of ONNX Runtime: very good, with accelerators. Which are built into the installed package? The CPU provider is not one,
# and the one called Azure sends the work to a server, which is no use offline.

# %%
accelerators = set(onnxruntime.get_available_providers()) - {"CPUExecutionProvider", "AzureExecutionProvider"}
if accelerators:
    names = ", ".join(sorted(accelerators))
    why = f"{names}: built in, which does not say that it works on this computer, and no cell was measured on it"
else:
    why = "no accelerator is built into the installed ONNX Runtime"
verdict("runtime-accelerators", measured=None, rule=not_testable(why))

# %% [markdown] spine="production"
# ## The production version: from the matrix to a choice
#
# `matrix` keeps every sample with what it belongs to, and the last notebook's `choose` takes counts, sizes, memory and p95. Put
# together, no number is typed by hand, and every row has a reason:

# %%
from offlinefirst.device import profiles
from offlinefirst.models.choose import Candidate, choose


def candidate(name, profile):
    report = table.report(name, profile)
    return Candidate(
        name=name,
        size_bytes=report.sizes.compressed_bytes,
        right=int((found[name] == labels).sum()),
        count=len(labels),
        memory_bytes=report.peak_rss_bytes,
        p95_s=report.p95_s,
    )


phone = profiles.load("phone-2gb")
choose([candidate(name, "phone-2gb") for name in files], accuracy=0.85, device=phone, p95_s=0.2)

# %% [markdown]
# Where two files under two runtimes are nearly as large as each other, whether a few hundred bytes should decide is for Achieng
# to say; the rule gives the reasons of all.
#
# A file under the wrong runtime is a cell like any other, with its reason, and the rest goes on:

# %%
mixed = matrix({"a .tflite": FLOAT_TFLITE, "an .onnx": FLOAT_ONNX}, ["phone-2gb"], rounds=1, min_seconds=0.05)
print(mixed.table("p50"))
for why in mixed.failures.values():
    print(why.split(" (")[0])

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **One processor stands in for three.** A profile holds memory, cores and threads; the clock, the caches and the instructions
#   are this computer's. On an ARM phone each engine has other kernels, and the order of the rows may be another.
# - **One small model.** It is done in a fraction of a millisecond, so a few microseconds of each call, Python's and the
#   runtime's, are a visible part. A large model may turn the ratio around. Measure yours.
# - **Python.** Memory and start belong to a Python process. An app links the engine alone.
# - **No accelerator.** What phones have beside their processor (GPU, DSP, NPU) is where runtimes differ most, and nothing of
#   that was seen here.
# - **Versions.** Every number belongs to the versions in its report. A year later measure again.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("08-runtimes-and-packaging/03-the-device-matrix")

# %% [markdown] spine="next"
# ## Next
#
# [The lab](../../labs/08-runtimes-and-packaging/lab.ipynb): a tolerance, versions, a package that lies, an input that nobody
# refuses, and a choice without luck. Then Part III: an app that holds several such models and changes between them.
