# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Sixteen bits, four, and one
#     chapter: 6
#     device: laptop-4gb
#     teach_minutes: 45
#     exercise_minutes: 10
#     objectives:
#       - Say what float16 saves on a CPU and what it does not
#       - Pack weights of 4 bits in blocks, and tell when that makes a model faster
#       - Multiply signs with xnor and popcount, and see why a binary model is not a binary product
#       - Redo a table of formats from measurements, with the processor written beside it
#     after: [06-quantization/02-int8-for-real]
#     claims: [fp16-gpu, int4-speed, binary-speed]
# ---

# %% [markdown] spine="insight"
# # Sixteen bits, four, and one
#
# **Key insight:** the width of a number decides what has to be *moved*. Whether anything is *computed* faster depends on the
# processor, and on how many rows are waiting.

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 7 minutes, float16 8, four bits 12, one bit 10, the table and the claims 8.
#
# **Board sketch.** A pipe (memory) into a mill (the processor). With one row at a time the pipe is full and the mill waits; with
# 64 rows the mill is full. Narrow weights help the pipe. Ask for each format which of the two it helps.
#
# **Common mistakes.** Reading "4 bits" as "an eighth": scales take room. Measuring a format's speed at one shape. Believing
# that a table of speed-ups without a processor in it says anything. And binary: learners see the product win and forget that
# it is one operator among many.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] spine="situation"
# ## The situation
#
# The next thing on Achieng's list is not a leaf network. Farmers ask in Swahili, and a translator answers; its layers are large
# matrix products, and it writes one word at a time. Somebody at the office has sent her a table: float16 is up to twice as fast,
# int4 up to six times, binary up to sixteen. It names hardware that her phones do not have. So she measures.
#
# Her model for this page has the shape of such layers and random weights, written as torch's exporter writes them. Shape is what
# decides over bytes and time, and all times are those of one thread. Quality is looked at on the leaf network, which is trained.

# %%
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

work = device.current().scratch
WIDE, INNER, LAYERS = 512, 2048, 8
rng, nodes, values = np.random.default_rng(1), [], []
for number in range(LAYERS):
    rows, columns = (WIDE, INNER) if number % 2 == 0 else (INNER, WIDE)
    weight = (rng.standard_normal((columns, rows)) / np.sqrt(rows / 2)).astype(np.float32)
    values.append(numpy_helper.from_array(weight, f"w{number}"))
    values.append(numpy_helper.from_array(np.zeros(columns, np.float32), f"b{number}"))
    names = ["x" if number == 0 else f"r{number - 1}", f"w{number}", f"b{number}"]
    nodes.append(helper.make_node("Gemm", names, [f"h{number}"], transB=1))
    nodes.append(helper.make_node("Relu", [f"h{number}"], ["y" if number == LAYERS - 1 else f"r{number}"]))

# %%
exported = work / "gemm.onnx"
ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, ["rows", WIDE]) for end in "xy"]
graph = helper.make_graph(nodes, "layers", ends[:1], ends[1:], values)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), exported)


def megabytes(path):
    return path.stat().st_size / 1e6


print(f"{megabytes(exported):.1f} MB in float32")

# %% [markdown] spine="naive"
# ## One call
#
# ONNX Runtime comes with a tool that stores weights in 4 bits. The exported model has `Gemm` nodes: product and bias in one.

# %%
import logging

from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

logging.disable(logging.WARNING)


def in_four_bits(source, target, block=32):
    tool = MatMulNBitsQuantizer(onnx.load(source), block_size=block, is_symmetric=True, accuracy_level=4)
    tool.process()
    tool.model.save_model_to_file(str(target), False)
    return target


naive = in_four_bits(exported, work / "naive.onnx")

# %% [markdown] spine="fails"
# ## Nothing happened

# %%
print(f"{megabytes(exported):.1f} MB -> {megabytes(naive):.1f} MB, and no error")
print(sorted({node.op_type for node in onnx.load(naive).graph.node}))

# %% [markdown]
# The tool knows `MatMul` and passes over everything else, silently. **Look into the file, not at the call.** A tool that left half
# of the nodes alone would look almost right. The remedy: each `Gemm` becomes a `MatMul`, its weights turned, and an `Add`.


# %%
def as_matmul(source, target):
    model, nodes = onnx.load(source), []
    weights = {value.name: value for value in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Gemm":  # all of them have transB=1 here
            given, weight, bias = node.input
            turned = np.ascontiguousarray(numpy_helper.to_array(weights[weight]).T)
            weights[weight].CopyFrom(numpy_helper.from_array(turned, weight))
            product = node.output[0] + "_product"
            nodes.append(helper.make_node("MatMul", [given, weight], [product], name=product))
            node = helper.make_node("Add", [product, bias], node.output)
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, target)
    return target


paths = {"float32": as_matmul(exported, work / "float32.onnx")}

# %% [markdown] spine="fix"
# ## Sixteen bits
#
# ![The weight 0.7071 in five formats, bit by bit, and what comes back: 0.70710677 from float32 with a sign, 8 bits of exponent and 23 others; 0.70703125 from float16 with 5 and 10; 90 times 1/127 is 0.7087 from int8; 5 times 1/7 is 0.7143 from int4; plus 0.5 from one bit.](figures/widths.svg)
#
# Float16 needs no ranges and no calibration: the number is rounded to three digits. What can go wrong is the end of its range.

# %% tags=["nbval-check-output"]
with np.errstate(over="ignore"):
    print([float(np.float16(value)) for value in (0.70710678, 70000.0, 1e-8)])

# %% [markdown]
# Weights are nowhere near either end. We store them in 16 bits, and let the graph widen them:


# %%
def in_half(source, target):
    model = onnx.load(source)
    widen = []
    for value in model.graph.initializer:
        name, halves = value.name, numpy_helper.to_array(value).astype(np.float16)
        value.CopyFrom(numpy_helper.from_array(halves, name + "_half"))
        widen.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    nodes = [*widen, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, target)
    return target


paths["float16"] = in_half(paths["float32"], work / "float16.onnx")
print(", ".join(f"{name} {megabytes(path):.1f} MB" for name, path in paths.items()))

# %% [markdown]
# ## Four bits, in blocks
#
# With 15 steps, one scale for a whole column is too coarse: a single large weight spoils it. So every *block* of 32 weights has a
# scale, and two weights share a byte. By hand, for one matrix:


# %%
def pack_blocks(matrix, block=32):
    """Codes 0 to 15, two in a byte, and one scale for each block of a column."""
    blocks = matrix.T.reshape(matrix.shape[1], -1, block)
    scale = np.abs(blocks).max(axis=2, keepdims=True) / 7
    codes = (np.rint(blocks / scale) + 8).astype(np.uint8)  # 1 to 15; 8 stands for 0
    return codes[..., 0::2] | codes[..., 1::2] << 4, scale


def unpack_blocks(packed, scale):
    codes = np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:2], -1)
    blocks = (codes.astype(np.float32) - 8) * scale
    return blocks.reshape(len(blocks), -1).T


matrix = numpy_helper.to_array(onnx.load(paths["float32"]).graph.initializer[0])
for block in (16, 32, 128, 512):
    packed, scale = pack_blocks(matrix, block)
    error = np.sqrt(((unpack_blocks(packed, scale) - matrix) ** 2).mean() / (matrix**2).mean())
    bits = 8 * (packed.nbytes + scale.nbytes) / matrix.size
    print(f"blocks of {block:>3}: {bits:.2f} bits a weight, error {error:.1%}")

# %% [markdown]
# "Four bits" are five with blocks of 32 and scales of 32 bits. Smaller blocks are better and dearer. Now with the tool, on nodes
# that it knows, and with int8 for comparison: the dynamic kind, which last time was too slow for convolutions.

# %%
from onnxruntime.quantization import QuantType, quantize_dynamic

paths["int8"] = work / "int8.onnx"
quantize_dynamic(paths["float32"], paths["int8"], weight_type=QuantType.QInt8, per_channel=True)
paths["int4"] = in_four_bits(paths["float32"], work / "int4.onnx")
wide_blocks = in_four_bits(paths["float32"], work / "int4-128.onnx", block=128)
logging.disable(logging.NOTSET)
print(", ".join(f"{name} {megabytes(path):.1f} MB" for name, path in paths.items()))
print(f"int4 in blocks of 128: {megabytes(wide_blocks):.1f} MB")
print(sorted({node.op_type for node in onnx.load(paths["int4"]).graph.node}))

# %% [markdown]
# ## One bit
#
# ![Four signs of a photo, +1, -1, +1, -1, above four of the weights, +1, +1, -1, -1. Where they are the same there is a 1: xnor gives 1 0 0 1, whose popcount is 2. The product of the signs is 2 times the popcount less the length, here 0. Counting the others with xor gives the length less 2 times their popcount, which is the same.](figures/xnor.svg)
#
# If weights *and* activations are signs, a product is 1 where the signs agree and -1 where they differ. 64 signs fit into one
# word; xnor marks where they agree, xor where they differ, popcount counts.

# %%
rng = np.random.default_rng(2)


def pack_signs(matrix):
    return np.packbits(matrix > 0, axis=1).view(np.uint64)  # 64 signs in a word


def signs_product(packed_rows, packed_columns, length, block=256):
    """The same as the product of two matrices of +1 and -1; in blocks that stay in the processor's cache."""
    made = np.empty((len(packed_rows), len(packed_columns)), np.int32)
    words = np.empty((block, packed_columns.shape[1]), np.uint64)
    for start in range(0, len(packed_columns), block):
        some = packed_columns[start : start + block]
        for number, row in enumerate(packed_rows):
            differ = np.bitwise_xor(row, some, out=words[: len(some)])
            counts = np.bitwise_count(differ).sum(axis=1, dtype=np.uint16)
            made[number, start : start + block] = length - 2 * counts.astype(np.int32)
    return made


# %%
rows, columns = rng.standard_normal((4, 4096)), rng.standard_normal((8, 4096))
ours = signs_product(pack_signs(rows), pack_signs(columns), 4096)
print("equal to numpy's product of signs:", bool((ours == np.sign(rows) @ np.sign(columns).T).all()))
print(f"bytes: {columns.astype(np.float32).nbytes:,} -> {pack_signs(columns).nbytes:,}")

# %% [markdown] spine="measure"
# ## Measure it
#
# Two shapes. One row is what a translator does when it writes word after word: each weight comes from memory and is used once. 64
# rows is what it does when it reads a text, or when photos are waiting. In turn, one thread, of five calls the fastest, median of
# the paired ratios.

# %%
import time

import onnxruntime


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


# %%
def in_turn(calls, rounds=7):
    """Seconds of each call, by name; the order is reversed every other round."""
    taken = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name in list(calls)[:: 1 if number % 2 else -1]:
            five = []
            for _ in range(5):
                start = time.perf_counter()
                calls[name]()
                five.append(time.perf_counter() - start)
            taken[name].append(min(five))
    return {name: np.array(seconds[1:]) for name, seconds in taken.items()}


# %%
engines = {name: session(path) for name, path in paths.items()}
speed, errors = {}, {}
for rows in (1, 64):
    x = {"x": rng.standard_normal((rows, WIDE)).astype(np.float32)}
    calls = {name: (lambda engine=engine, x=x: engine.run(None, x)) for name, engine in engines.items()}
    taken = in_turn(calls)
    speed[rows] = {name: float(np.median(taken["float32"] / seconds)) for name, seconds in taken.items()}
    answers = {name: engine.run(None, x)[0] for name, engine in engines.items()}
    exact = answers["float32"]
    errors = {name: np.sqrt(((y - exact) ** 2).mean() / (exact**2).mean()) for name, y in answers.items()}
for name in paths:
    print(
        f"{name:<8} one row {speed[1][name]:5.2f}x   64 rows {speed[64][name]:5.2f}x   error after 8 layers {errors[name]:.1%}"
    )

# %% [markdown]
# Read the two columns against each other. With one row, what is narrow is fast, as the weights' way from memory is all that
# counts. With 64 rows it is the arithmetic that counts, and there int8 has an instruction while int4 has to be unpacked first.
#
# Why may int8 gain more here than the four times that its bytes explain, int4 more than six with one row, and both much more than the
# last notebook's network? These are large products alone, without depthwise convolutions; and 8 MB may stay in a processor's
# cache where 34 MB do not. We did not take the two apart.
#
# Float16 is widened when the model is loaded, so nothing but the file is smaller. The memory says so, and may even say more, as
# the narrow and the wide weights are both there for a moment:

# %%
from offlinefirst.measure.bench import bench

for name, path in paths.items():
    report = bench(path, profile="phone-2gb", min_calls=10, min_seconds=0.2)
    print(
        f"{name:<8} raw {report.sizes.raw_bytes / 1e6:5.1f} MB, gzip {report.sizes.compressed_bytes / 1e6:5.1f} MB, "
        f"peak RSS {report.peak_rss_bytes / 1e6:4.0f} MB"
    )

# %% [markdown]
# The binary product beside the same product in float32, both in numpy and on one thread, to which numpy's library has to be held:

# %%
from threadpoolctl import threadpool_limits

weights = rng.standard_normal((4096, 4096)).astype(np.float32)
packed = pack_signs(weights)
binary = {}
for count in (1, 64):
    some = rng.standard_normal((count, 4096)).astype(np.float32)
    calls = {
        "float32": lambda some=some: some @ weights.T,
        "binary": lambda some=some: signs_product(pack_signs(some), packed, 4096),
    }
    with threadpool_limits(1):
        taken = in_turn(calls)
    binary[count] = float(np.median(taken["float32"] / taken["binary"]))
    print(f"{count:>2} rows: the binary product is {binary[count]:.1f} times as fast")

# %% [markdown]
# ### And quality?
#
# The leaf network once more, only its weights rounded, activations in float. For the one bit, each channel keeps the sign of its
# weights and their mean size; the first and the last layer are left alone, as everybody does. All others narrow every layer. A
# row that is no multiple of 32 is filled up with 0 for its last block.

# %%
from offlinefirst.datasets.leaves import leaves
from offlinefirst.datasets.places import locate

leaf = onnx.load(locate("leaf-medium"))
layers = [node.input[1] for node in leaf.graph.node if node.op_type in ("Conv", "Gemm")]
photos, labels = leaves(400, seed=2)
images = np.ascontiguousarray(photos.transpose(0, 3, 1, 2), dtype=np.float32) / 255


def accuracy(change):
    """Of the leaf network, with `change(layer, array)` made to the weights of each of its layers."""
    model = onnx.ModelProto()
    model.CopyFrom(leaf)
    for value in model.graph.initializer:
        if value.name in layers:
            array = change(layers.index(value.name), numpy_helper.to_array(value)).astype(np.float32)
            value.CopyFrom(numpy_helper.from_array(array, value.name))
    scores = session(model.SerializeToString()).run(None, {"image": images})[0]
    return float((scores.argmax(axis=1) == labels).mean())


# %%
from offlinefirst.models.quantize import symmetric


def steps(bits):
    def change(layer, array):
        whole = symmetric(array, bits=bits, axis=0)
        return whole.restore(whole.quantise(array))

    return change


def blocks(layer, array, size=32):
    flat = array.reshape(len(array), -1)
    padded = np.pad(flat, [(0, 0), (0, -flat.shape[1] % size)])
    made = steps(4)(layer, padded.reshape(-1, size)).reshape(padded.shape)
    return made[:, : flat.shape[1]].reshape(array.shape)


# %%
def signs(layer, array):
    sizes = np.abs(array).mean(axis=tuple(range(1, array.ndim)), keepdims=True)
    return array if layer in (0, len(layers) - 1) else np.sign(array) * sizes


# %%
formats = {"float32": lambda layer, array: array, "float16": lambda layer, array: array.astype(np.float16)}
formats |= {"int8": steps(8), "int4": blocks, "int4, no blocks": steps(4)}
formats["int4, first in float"] = lambda layer, array: blocks(layer, array) if layer else array
formats["binary"] = signs
quality = {name: accuracy(change) for name, change in formats.items()}
for name, right in quality.items():
    print(f"{name:<22}{right:.1%} of {len(labels)} synthetic leaves")

# %% [markdown]
# At 4 bits blocks hardly help this network: its rows are short, so a channel has few blocks, and the first layer's 27 weights are
# one block anyway. It is this first layer that suffers. One bit, rounded afterwards, is ruin: a network has to be *trained* with its signs, and made wider, before it is of any use.
#
# ### The table, from measurements

# %%
from offlinefirst.measure.host import host

claimed = {
    "float32": (1, "1"),
    "float16": (0.5, "1.5-2"),
    "int8": (0.25, "2-4"),
    "int4": (0.125, "3-6"),
    "binary": (0.031, "8-16"),
}
size = {name: megabytes(path) / megabytes(paths["float32"]) for name, path in paths.items()}
size["binary"] = (packed.nbytes + 4 * len(packed)) / weights.nbytes  # a float for each column
fast = {name: (speed[1][name], speed[64][name]) for name in paths} | {"binary": (binary[1], binary[64])}

# %%
notes = {
    "int8": "dynamic, MatMul",
    "int4": "blocks of 32",
    "binary": "a product in numpy; two layers in float",
}
columns = ("size claimed", "measured", "speed claimed", "one row", "64 rows", "leaves right")
print(" " * 8 + "".join(f"{column:>15}" for column in columns))
for name, (factor, times) in claimed.items():
    cells = [f"{factor}x", f"{size[name]:.3f}x", f"{times}x", *(f"{value:.1f}x" for value in fast[name])]
    row = "".join(f"{cell:>15}" for cell in [*cells, f"{quality[name]:.1%}"])
    print(f"{name:<8}{row}   {notes.get(name, '')}".rstrip())
processor = host()
print(f"\n{processor['cpu']}, one thread: {' '.join(processor['cpu_flags']) or 'flags not known here'}")

# %% tags=["long"]
import matplotlib.pyplot as plt

BLUE, ORANGE = "#0072B2", "#D55E00"
CLAIM = {"float16": (1.5, 2), "int8": (2, 4), "int4": (3, 6), "binary": (8, 16)}
figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
for place, (name, (low, high)) in enumerate(CLAIM.items()):
    axis.plot([low, high], [place, place], color="#bbbbbb", linewidth=12, solid_capstyle="butt")
    axis.plot(fast[name][0], place, "o", color=BLUE, markersize=9)
    axis.plot(fast[name][1], place, "D", color=ORANGE, markersize=8, markerfacecolor="white")
    for side, value, text, colour in (
        (0.2, fast[name][0], "one row", BLUE),
        (-0.38, fast[name][1], "64 rows", "#B04A00"),
    ):
        axis.text(value, place + side, text, ha="center", fontsize=8, color=colour)
axis.axvline(1, color="#666666", linewidth=0.8)
axis.set_xscale("log", base=2)
low, high = axis.get_xlim()
ticks = [value for value in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64) if low <= value <= high]
axis.set_xticks(ticks, [f"{value:g}x" for value in ticks])
names = ["float16", "int8", "int4", "binary\n(one product)"]
axis.set_yticks(range(len(CLAIM)), names)
axis.set(
    ylim=(-0.6, 3.6),
    xlabel="times as fast as float32 on this CPU, one thread; grey: claimed, for other hardware",
)
axis.set_title("How fast a format is depends on how many rows are waiting")
axis.spines[["top", "right", "left"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown] spine="claim"
# ## The claims, checked
#
# The source asks for a GPU for float16 and for special hardware for 4 bits and for one. We have neither, so the speed that it
# promises cannot be tested here. The file can, and that is what the rules judge; what this processor does stands beside it.


# %%
def of_the_file(name, least):
    """A rule for the size alone."""

    def rule(numbers):
        return "holds with a condition" if numbers[name] >= least else "not reproduced"

    rule.__doc__ = (
        f"for the file ({name}: at least {least:g}); its speed is not testable without that hardware"
    )
    return rule


def beside(ratios):
    return {f"as fast on this CPU, {rows} row{'s' * (rows > 1)}": ratio for rows, ratio in ratios.items()}


# %%
from offlinefirst.measure.claims import verdict

measured = {"smaller": 1 / size["float16"]} | beside({rows: speed[rows]["float16"] for rows in speed})
verdict("fp16-gpu", measured=measured, unit="times", rule=of_the_file("smaller", 1.95))

# %% [markdown]
# For 4 bits an eighth is claimed. From 7.5 on, a ratio rounds to 8. Scales, biases and the file's own words stand between; larger
# blocks would come closer, with larger errors.

# %%
sizes = {
    f"smaller, blocks of {block}": megabytes(paths["float32"]) / megabytes(path)
    for block, path in {128: wide_blocks, 32: paths["int4"]}.items()
}
measured = sizes | beside({rows: speed[rows]["int4"] for rows in speed})
verdict("int4-speed", measured=measured, unit="times", rule=of_the_file("smaller, blocks of 128", 7.5))

# %% [markdown]
# And for one bit, a thirty-second of the size, for a layer with as many weights to a channel as our product has:

# %%
print(f"leaves: {quality['float32']:.1%} in float32, {quality['binary']:.1%} in binary, not retrained")
measured = {"smaller": 1 / size["binary"]} | beside(binary)
verdict("binary-speed", measured=measured, unit="times", rule=of_the_file("smaller", 31.5))

# %% [markdown]
# Engines made for it do better with many rows than numpy; Larq's authors measured such factors for the convolution on a phone. A
# whole model has first and last layers, additions and a memory to wait for, and gains less.

# %% [markdown] spine="production"
# ## The production version
#
# For a translator or anything else that writes word by word: 8 bits first, as the tool above does it, and 4 bits in blocks where the
# file or the memory asks for it. For convolutions: 8 bits, from the last notebook. `symmetric` of `offlinefirst.models.quantize` is
# the quantizer behind the quality column above; for other widths it refuses what makes no sense:

# %%
for bits, array in ((1, matrix), (4, matrix * np.float32(np.nan))):
    try:
        symmetric(array, bits=bits, axis=0)
    except ValueError as error:
        print(f"{bits} bits: {type(error).__name__}: {error}")

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **Random weights have no quality.** The error after eight layers is that of noise; a trained model's rounding errors hurt more
#   or less than that. Chapter 7 measures a translator.
# - **No GPU, DSP or NPU.** There float16 is computed in float16, and some have products of 4 bits.
# - **Ratios at one row are those of this machine's memory.** A phone's is slower, and its processor too.
# - **numpy's popcount is no engine.** It writes out what an engine keeps in registers.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("06-quantization/03-other-widths")

# %% [markdown] spine="next"
# ## Next
#
# [The lab](../../labs/06-quantization/lab.ipynb): a zero that stays a zero, a product without overflow, a range that survives a bad
# photo, and a budget to spend. Then chapter 7, where a large model teaches a small one.
