# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Quantization by hand
#     chapter: 6
#     device: phone-2gb
#     teach_minutes: 60
#     exercise_minutes: 10
#     objectives:
#       - Turn real numbers into bytes and back, with zero exact, and say what it costs
#       - Choose a range for activations by extremes, percentile, entropy and error, and see each of them fail
#       - Multiply two quantised matrices in whole numbers and get what numpy and ONNX Runtime get
#       - Run a whole leaf network in bytes and hold it against the float one
#     after: [05-pruning/01-magnitude-pruning]
# ---

# %% [markdown] spine="insight"
# # Quantization by hand
#
# **Key insight:** a byte can stand for 256 evenly spaced numbers, and you choose where they begin and how far apart they are.
# Quantization is choosing well, and then doing the arithmetic without going back.

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 5 minutes, scale and zero point 12, channels and bits 10, ranges 15, the integer product
# 13, the rest 5.
#
# **Board sketch.** A line of real numbers above, 256 ticks below, strings between them. Pull the strings so that 0 falls
# between two ticks and ask what a picture's black border turns into, once for each layer.
#
# **Common mistakes.** "Eight bits are 256 times less exact": let them compute the step against the noise of the photo.
# Learners multiply quantised numbers and forget the zero points; keep the sum in 8 bits; or round the zero point last,
# after the range has been fixed, so that both ends move. And almost everybody believes that a percentile protects from a bad
# photo. Run that cell twice, with one photo and with three.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] spine="situation"
# ## The situation
#
# Achieng's leaf network is good enough for Mutheu to try. It has to reach forty phones over links like this one, and
# then live there beside photos and prices. Achieng knows that every weight takes four bytes, and that a photo from
# a cheap camera is not worth four bytes a number. Achieng and Mutheu are invented; the network is real, trained by
# the course on synthetic leaves, and here it is as plain arrays.

# %% tags=["nbval-check-output"]
import numpy as np

from offlinefirst.course.lessons import course_root

folder = course_root() / "datasets/models/quantization"
with np.load(folder / "leaf-medium.npz") as file:
    weights = dict(file)
numbers = sum(array.size for array in weights.values())
phone = device.current().profile
print(f"{numbers:,} numbers, {4 * numbers:,} bytes")
print(f"forty phones: {40 * 4 * numbers * 8 / phone.link.bandwidth_bps:.0f} s of link at its best")

# %% [markdown]
# Six convolutions and a linear layer. A convolution of 3 by 3 is a matrix product over little squares of the picture, so the
# whole network fits into one cell. `watch` lets us look at, or change, what passes between two layers.

# %%
STRIDES = (2, 1, 2, 1, 2, 1)


def squares(images, stride):
    """Every square of 3 by 3, as one row: (n, height, width, 9 * channels). The border is filled with 0."""
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    return windows.reshape(*windows.shape[:3], -1)


def network(images, weights, watch=lambda layer, values: values):
    values = watch(0, images)
    for layer, stride in enumerate(STRIDES):
        matrix = weights[f"w{layer}"].reshape(len(weights[f"w{layer}"]), -1).T
        values = np.maximum(squares(values, stride) @ matrix + weights[f"b{layer}"], 0)
        values = watch(layer + 1, values)
    return values.mean(axis=(1, 2)) @ weights["w6"].T + weights["b6"]


# %%
from offlinefirst.datasets.leaves import leaves


def accuracy(weights, watch=lambda layer, values: values):
    right = 0
    for start in range(0, len(test_photos), 50):
        some = slice(start, start + 50)
        scores = network(test_photos[some], weights, watch)
        right += (scores.argmax(axis=1) == test_labels[some]).sum()
    return float(right / len(test_photos))


test_photos, test_labels = leaves(400, seed=2)
test_photos = test_photos / np.float32(255)
float_accuracy = accuracy(weights)
error = (float_accuracy * (1 - float_accuracy) / len(test_photos)) ** 0.5
print(f"float: {float_accuracy:.1%} of {len(test_photos)} synthetic leaves, standard error {error:.1%}")

# %% [markdown] spine="naive"
# ## What everybody tries first
#
# numpy has a type of one byte. So:

# %% tags=["nbval-check-output"]
small = {name: array.astype(np.int8) for name, array in weights.items()}
print(f"{sum(array.nbytes for array in small.values()):,} bytes")

# %% [markdown] spine="fails"
# ## It fails

# %%
print(f"float {float_accuracy:.1%}, as int8 {accuracy(small):.1%}")
print("the first weights:", weights["w1"].ravel()[:4].round(3), "->", small["w1"].ravel()[:4])
print(f"{sum((array == 0).sum() for array in small.values()) / numbers:.1%} of all numbers are 0 now")

# %% [markdown]
# A quarter of the bytes, and a coin with four sides. Weights are mostly between -1 and 1, and `astype` cuts off what comes
# after the point. Bytes need a **scale**.

# %% [markdown] spine="fix"
# ## A scale, a zero point, two ends
#
# ![Two number lines. Above, real numbers from -0.5 to 1.5; below, the whole numbers 0 to 255. Lines join -0.5 with 0, exactly 0 with 64, and 1.5 with 255. A value of 2 above is beyond the end and is joined with 255, marked as clipped.](figures/affine.svg)
#
# The whole number q stands for the real number `scale * (q - zero_point)`. The scale is the distance of two neighbours. For
# weights, which lie around 0, the zero point can be 0:

# %%
matrix = weights["w1"]
scale = np.abs(matrix).max() / 127
whole = np.rint(matrix / scale).astype(np.int8)
print(f"one step is {scale:.5f}; the largest error is {np.abs(matrix - scale * whole).max():.5f}")

# %% [markdown]
# Never more than half a step. Now all layers:


# %%
def rounded(matrix, bits=8, axis=None):
    """The matrix, as its whole numbers would give it back. With an axis, every channel has its own scale."""
    others = None if axis is None else tuple(n for n in range(matrix.ndim) if n != axis)
    most = 2 ** (bits - 1) - 1
    scale = np.abs(matrix).max(axis=others, keepdims=axis is not None) / most
    return scale * np.clip(np.rint(matrix / scale), -most, most)


def with_rounded(weights, **how):
    return {
        name: rounded(array, **how) if name[0] == "w" else array.copy() for name, array in weights.items()
    }


print(f"float {float_accuracy:.1%}, weights of 8 bits {accuracy(with_rounded(weights)):.1%}")

# %% [markdown]
# As good as before, within what 400 leaves can tell. That was the easy half.
#
# ### Zero must be exact
#
# What flows *between* the layers is not centred: after a ReLU nothing is below 0. Symmetric bytes would leave half of
# the numbers unused. So we give both ends, and a zero point. There is a right and a wrong moment to round it. This is the
# wrong one: use the range as it was seen, and never mind where 0 falls.


# %% tags=["nbval-check-output"]
def careless(values, low, high):
    scale = (high - low) / 255
    return low + scale * np.rint((np.clip(values, low, high) - low) / scale)


values = np.array([0.0, 0.5])
print(careless(values, -0.6, 1.3).round(4), careless(values, 0.3, 1.3).round(4))

# %% [markdown]
# 0 comes back as something else, and in the second case, where calibration never saw a 0, as 0.3. A network is full of
# zeros that mean *nothing here*: the border around the picture, everything that a ReLU cut off. Each adds its little error,
# always in the same direction. So: first widen the range to hold 0, then round the zero point, and let the ends follow.


# %% tags=["nbval-check-output"]
def affine(low, high, bits=8):
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (2**bits - 1)
    return scale, round(-low / scale)


def quantise(values, scale, zero_point, bits=8):
    return np.clip(np.rint(values / scale) + zero_point, 0, 2**bits - 1).astype(np.int32)


for low, high in [(-0.6, 1.3), (0.3, 1.3), (-2.0, -1.0)]:
    scale, zero_point = affine(low, high)
    zero = scale * (quantise(np.zeros(1), scale, zero_point) - zero_point)
    print(f"{low} to {high}: 0 is stored as {zero_point} and comes back as {zero[0]}")

# %% [markdown]
# ### One scale, or one for each channel?
#
# A layer's output channels can have weights of very different size, most of all after batch normalisation was folded into
# them. With one scale the largest decides for all, and a small one gets few steps. How different are they here?

# %%
for name in ("w0", "w1", "w5"):
    reach = np.abs(weights[name]).reshape(len(weights[name]), -1).max(axis=1)
    print(
        f"{name}: largest weight of a channel from {reach.min():.2f} to {reach.max():.2f}, {reach.max() / reach.min():.0f}x"
    )

# %%
BITS = range(2, 9)
tensor = [accuracy(with_rounded(weights, bits=bits)) for bits in BITS]
channel = [accuracy(with_rounded(weights, bits=bits, axis=0)) for bits in BITS]
for bits, one, each in zip(BITS, tensor, channel, strict=True):
    print(f"{bits} bits: one scale {one:.1%}, one for each channel {each:.1%}")

# %% [markdown]
# Down to 5 bits both are as good as float. At 4 and at 3 something odd: a scale for each channel makes the weights' error smaller
# (next plot), and yet the network is more often wrong. The error of weights is not accuracy. We did not find out why, and it is
# no rule: the next notebook shows what one scale does to EfficientNet-Lite0. A scale for each channel costs 4 bytes a
# channel, and it is the default.
#
# ### Every bit halves the error

# %% tags=["long"]
import matplotlib.pyplot as plt

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"


def signal_to_noise(bits, axis):
    """In decibels: how much larger the weights are than what rounding did to them."""
    ratios = []
    for name, array in weights.items():
        if name[0] == "w":
            noise = ((array - rounded(array, bits, axis)) ** 2).mean()
            ratios.append(10 * np.log10((array**2).mean() / noise))
    return np.mean(ratios)


figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
for per, colour, mark, text in [(None, ORANGE, "o--", "one scale"), (0, BLUE, "s-", "one for each channel")]:
    heights = [signal_to_noise(bits, per) for bits in BITS]
    axis.plot(BITS, heights, mark, color=colour)
    axis.annotate(
        text, (8, heights[-1]), xytext=(6, 0), textcoords="offset points", color=colour, va="center"
    )
    print(f"{text}: {(heights[-1] - heights[2]) / 4:.1f} dB a bit from 4 bits to 8")
axis.set(xlabel="bits for each weight", ylabel="weights over rounding error, dB", xlim=(1.8, 9.8))
axis.set_xticks(BITS)
axis.set_title("Each bit halves the error of the weights (leaf network)")
axis.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# 6 dB is a factor of two. (A little more here: with a 0 in the middle, one more bit makes 15 steps out of 7.) The slope is a law
# of rounding; the height is this network's.
#
# ## Activations: a range that nobody knows
#
# Weights lie still, and we can look at all of them. What flows between the layers depends on the photo. So we show the
# network some photos beforehand, the **calibration set**, and note what values turn up. Not from the test set: the ranges
# would then be fitted to the very leaves that shall judge them.

# %%
calibration = leaves(128, seed=3)[0] / np.float32(255)


def observe(photos):
    """A histogram of 2,048 bins for what flows into each layer."""
    parts = {}

    def note(layer, values):
        parts.setdefault(layer, []).append(values.ravel())
        return values

    for start in range(0, len(photos), 32):
        network(photos[start : start + 32], weights, note)
    return {layer: np.histogram(np.concatenate(values), bins=2048) for layer, values in parts.items()}


seen = observe(calibration)
counts, edges = seen[3]
share = counts[: np.searchsorted(edges, edges[-1] / 2)].sum() / counts.sum()
print(f"after layer 3: 0 to {edges[-1]:.2f}, and {share:.2%} of it is in the lower half")

# %% [markdown]
# A long tail. Keep all of it, and the many small values share few steps. Cut it, and the largest are wrong. Four ways to
# choose where to cut:
#
# - **range**: keep everything that was seen;
# - **percentile**: keep 99.99 % of the values, say;
# - **error**: try many ranges, keep the one whose expected squared error is least;
# - **entropy**: try many ranges, keep the one whose bytes are spread most like the values were.


# %%
def by_percentile(counts, edges, keep=99.99):
    return 0.0, edges[1 + np.searchsorted(np.cumsum(counts) / counts.sum(), keep / 100)]


def squared_error(counts, edges, high, bits=8):
    middles = (edges[1:] + edges[:-1]) / 2
    scale, zero_point = affine(0, high, bits)
    restored = scale * (quantise(middles, scale, zero_point, bits) - zero_point)
    return (counts * (restored - middles) ** 2).sum() / counts.sum()


def by_error(counts, edges, bits=8):
    ends = edges[-1] * np.linspace(0.05, 1, 96)
    return 0.0, ends[np.argmin([squared_error(counts, edges, high, bits) for high in ends])]


# %% [markdown]
# And entropy, after TensorRT. The values beyond the cut are added to its last bin; the rest is merged into 256 levels and
# spread out again. The Kullback-Leibler divergence says how much the second differs from the first. The zeros of the ReLU are
# exact for every range, so their bin is counted like its neighbour: with its real height it would drown all others.


# %%
def divergence(counts, edges, stop, levels=256):
    true = counts[:stop].astype(float)
    true[0] = true[1]
    level = np.arange(stop) * levels // stop
    merged = np.bincount(level, true, levels)
    filled = np.bincount(level, true > 0, levels)
    spread = np.where(true > 0, (merged / np.maximum(filled, 1))[level], 0)
    true[-1] += counts[stop:].sum()
    p, q = true / true.sum(), np.maximum(spread / spread.sum(), 1e-12)
    return (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()


def by_entropy(counts, edges):
    stops = range(256, len(counts) + 1, 16)
    return 0.0, edges[min(stops, key=lambda stop: divergence(counts, edges, stop))]


METHODS = {"range": lambda c, e: (0.0, e[-1]), "percentile": by_percentile}
METHODS |= {"error": by_error, "entropy": by_entropy}


# %% [markdown]
# Weights and activations of 8 bits, for each method:


# %%
def int8_accuracy(seen, method):
    scales = {layer: affine(*method(*histogram)) for layer, histogram in seen.items()}

    def as_bytes(layer, values):
        scale, zero_point = scales[layer]
        return (scale * (quantise(values, scale, zero_point) - zero_point)).astype(np.float32)

    return accuracy(with_rounded(weights, axis=0), as_bytes)


clean = {name: int8_accuracy(seen, method) for name, method in METHODS.items()}
for name, value in clean.items():
    print(
        f"{name:<11}cuts layer 3 at {METHODS[name](*seen[3])[1]:.2f}: {value:.1%} (float {float_accuracy:.1%})"
    )

# %% [markdown]
# On clean photos, with 8 bits to spare, the choice hardly matters: none of the four can be told from float. Play with the cut, at
# 8 bits and at 4, where it does.


# %%
def draw(cut, bits):
    counts, edges = seen[3]
    figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
    axis.stairs(np.maximum(counts, 0.5), edges, fill=True, color="#bbbbbb", baseline=0.5)
    axis.axvline(cut, color=ORANGE)
    scale, _ = affine(0, cut, bits)
    if bits <= 5:
        axis.plot(scale * np.arange(2**bits), np.full(2**bits, 1.0), "|", color=BLUE, markersize=12)
    error = squared_error(counts, edges, cut, bits) ** 0.5
    axis.text(cut, counts.max(), f" cut at {cut:.1f}", color="#B04A00", va="top")
    axis.set(yscale="log", xlabel="value after layer 3 (synthetic leaves)", ylabel="how many")
    axis.set_title(f"{bits} bits: one step {scale:.4f}, root mean squared error {error:.4f}")
    axis.spines[["top", "right"]].set_visible(False)
    plt.close(figure)
    return figure


# %%
from ipywidgets import FloatSlider, IntSlider

from offlinefirst.course.play import play

play(
    draw,
    cut=FloatSlider(value=4, min=0.5, max=6.9, step=0.1, description="cut at"),
    bits=IntSlider(value=4, min=2, max=8, description="bits"),
)

# %% [markdown]
# ### One bad photo
#
# One of the 128 photos came through another path of the app and was never divided by 255. It happens.

# %%
for bad in (1, 3):
    spoilt = calibration.copy()
    spoilt[:bad] *= 255
    spoilt_seen = observe(spoilt)
    methods = METHODS | {"keep 98 %": lambda c, e: by_percentile(c, e, 98)}
    found = {name: int8_accuracy(spoilt_seen, method) for name, method in methods.items()}
    print(f"{bad} bad of 128: " + ", ".join(f"{name} {value:.1%}" for name, value in found.items()))

# %% [markdown]
# Range hands nearly all steps to that one photo. So does 99.99 %: the photo is *more* than one part in ten thousand.
# Squared error hardly cuts it either, since cutting large values is the dearest error there is. A percentile protects from
# less than it cuts, and from no more. What really helps is to look: one number for each photo.

# %%
largest = calibration.reshape(128, -1).max(axis=1)
spoilt_largest = spoilt.reshape(128, -1).max(axis=1)
suspect = np.flatnonzero(spoilt_largest > 10 * np.median(spoilt_largest))
print(f"clean photos reach {largest.max():.2f} at most; suspect in the spoilt set: {suspect}")

# %% [markdown]
# ## The product, in whole numbers
#
# So far we have *imitated* bytes with floats. Now the real thing. Two matrices of bytes, each with a scale and a zero point:
#
# ![A matrix of unsigned bytes times a matrix of signed bytes goes into sums of 32 bits. From these the zero points' share is taken away, the bias is added, and a multiplication by one number and a rounding give bytes again.](figures/product.svg)

# %%
rng = np.random.default_rng(5)
a_real = np.maximum(rng.normal(0.3, 1, (4, 64)), 0)
b_real = rng.normal(0, 0.2, (64, 3))
a_scale, a_zero = affine(a_real.min(), a_real.max())
b_scale, b_zero = float(np.abs(b_real).max() / 127), 0
a = quantise(a_real, a_scale, a_zero).astype(np.uint8)
b = np.clip(np.rint(b_real / b_scale), -127, 127).astype(np.int8)

# %% [markdown]
# Naive again: multiply the bytes as bytes.

# %%
with np.errstate(over="ignore"):
    print("in 8 bits: ", (a.astype(np.int8) @ b)[0])
print("in 32 bits:", (a.astype(np.int32) @ b.astype(np.int32))[0])

# %% [markdown]
# One product of two bytes needs 16 bits; a sum of n of them needs log2(n) more. How many can 32 bits hold?

# %% tags=["nbval-check-output"]
longest = (2**31 - 1) // (255 * 128)
print(f"{longest:,} products of the largest bytes fit; our longest row has {9 * 64}")

# %% [markdown]
# With zero points, (a - a_zero) times (b - b_zero) has four terms. Only the first needs both matrices:


# %% tags=["nbval-check-output"]
def product(a, a_zero, b, b_zero):
    """Whole numbers: the sums of (a - a_zero) * (b - b_zero), from bytes."""
    wide_a, wide_b = a.astype(np.int32), b.astype(np.int32)
    rows = wide_a.sum(axis=1, keepdims=True, dtype=np.int32)  # of every photo
    columns = wide_b.sum(axis=0, keepdims=True, dtype=np.int32)  # of the weights: known beforehand
    return wide_a @ wide_b - b_zero * rows - a_zero * columns + len(b) * a_zero * b_zero


for zero_points in [(0, 0), (a_zero, b_zero), (131, -7)]:
    direct = (a.astype(np.int64) - zero_points[0]) @ (b.astype(np.int64) - zero_points[1])
    ours = product(a, zero_points[0], b, zero_points[1])
    print(ours.dtype, "equal to numpy's:", bool((ours == direct).all()))

# %% [markdown]
# With `b_zero = 0` two of the four terms vanish, and the correction that is left depends on the weights alone. That is why weights are
# symmetric and activations need not be.
#
# The next layer wants bytes again. The real result is `a_scale * b_scale * sums`, and in the output's bytes:


# %%
def requantise(sums, multiplier, zero_point):
    return np.clip(np.rint(sums * np.float32(multiplier)) + zero_point, 0, 255).astype(np.uint8)


real = a_real @ b_real
y_scale, y_zero = affine(real.min(), real.max())
sums = product(a, a_zero, b, b_zero)
y = requantise(sums, a_scale * b_scale / y_scale, y_zero)
restored = y_scale * (y.astype(int) - y_zero)
print(f"largest error {np.abs(restored - real).max():.4f}, one output step is {y_scale:.4f}")

# %% [markdown]
# Does the engine that phones run agree? A model with one `MatMulInteger` and one `QLinearMatMul` is shipped with the course.

# %%
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(folder / "integer-products.onnx", options)


def engine(a, a_zero, b, b_zero):
    feed = {"a": a, "a_scale": np.float32(a_scale), "a_zero": np.uint8(a_zero)}
    feed |= {"b": b, "b_scale": np.float32(b_scale), "b_zero": np.int8(b_zero)}
    feed |= {"y_scale": np.float32(y_scale), "y_zero": np.uint8(y_zero)}
    return session.run(None, {name: np.asarray(value) for name, value in feed.items()})


their_sums, their_y = engine(a, a_zero, b, b_zero)
print(f"sums: {(their_sums == sums).sum()} of {sums.size} equal")
print(
    f"bytes: {(their_y == y).sum()} of {y.size} equal, largest difference {np.abs(their_y.astype(int) - y).max()}"
)

# %% [markdown]
# The sums must be equal to the last bit on this input: whole numbers have one right answer. (On some processors they are
# not, for bytes that are large enough; the next notebook catches that.) The bytes may differ by 1 where a result lies
# between two steps and two programs multiply in another order.
#
# A microcontroller has no floats for that last multiplication. It takes a whole number and a shift, with the same result:

# %%
multiplier = a_scale * b_scale / y_scale
shift = 31 - int(np.ceil(np.log2(multiplier)))
fixed = round(multiplier * 2**shift)
shifted = (sums.astype(np.int64) * fixed + (1 << (shift - 1))) >> shift
again = np.clip(shifted + y_zero, 0, 255).astype(np.uint8)
print(f"{multiplier:.6f} is {fixed} / 2^{shift}; {(again == y).sum()} of {y.size} bytes equal")

# %% [markdown] spine="measure"
# ## Measure it: the whole network in bytes
#
# Bytes in, bytes between all convolutions, sums of 32 bits, biases as whole numbers of the sums' scale. The average at the end
# and the small last layer stay in float. A ReLU costs nothing: its 0 is the least byte already.

# %%
scales = {layer: affine(0, METHODS["error"](*histogram)[1]) for layer, histogram in seen.items()}
layers = []
for n in range(6):
    matrix = weights[f"w{n}"].reshape(len(weights[f"w{n}"]), -1).T
    w_scale = np.abs(matrix).max(axis=0) / 127  # one for each output channel
    sums_scale = scales[n][0] * w_scale
    bias = np.rint(weights[f"b{n}"] / sums_scale).astype(np.int32)
    layers.append((np.rint(matrix / w_scale).astype(np.int8), bias, sums_scale / scales[n + 1][0]))


def byte_network(photos):
    values = quantise(photos, *scales[0]).astype(np.uint8)
    for stride, (matrix, bias, multiplier) in zip(STRIDES, layers, strict=True):
        sums = squares(values, stride).astype(np.int32) @ matrix.astype(np.int32) + bias
        values = requantise(sums, multiplier, 0)
    return scales[6][0] * values.mean(axis=(1, 2)) @ weights["w6"].T + weights["b6"]


# %%
BATCHES = [slice(start, start + 25) for start in range(0, 200, 25)]
ours = np.concatenate([byte_network(test_photos[some]) for some in BATCHES]).argmax(axis=1)
theirs = np.concatenate([network(test_photos[some], weights) for some in BATCHES]).argmax(axis=1)
stored = sum(m.nbytes + b.nbytes + k.nbytes // 2 for m, b, k in layers) + 4 * (weights["w6"].size + 4)
print(f"float  {4 * numbers:>8,} bytes   {(theirs == test_labels[:200]).mean():.1%} of 200 leaves")
print(f"bytes  {stored:>8,} bytes   {(ours == test_labels[:200]).mean():.1%}")
print(f"same answer for {(ours == theirs).mean():.1%}; {4 * numbers / stored:.2f} times smaller")

# %% [markdown]
# Not quite four times: biases keep 32 bits and every channel has a scale. The smaller a network, the more they weigh. And
# whole numbers are *slower* here, because numpy has no fast product for them. Speed needs kernels and instructions for
# bytes, which is the next notebook's subject.

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.models.quantize` holds the same arithmetic for any number of bits, signed and unsigned, with ranges on both
# sides of 0. It refuses what would only show up as a bad model weeks later:

# %% tags=["nbval-check-output"]
from offlinefirst.models import quantize

careful = quantize.affine(-0.6, 1.3)
ours = affine(-0.6, 1.3)
print(
    f"zero point {careful.zero_point}, ours {ours[1]}; 0 comes back as {careful.restore(careful.zero_point)}"
)
for attempt in (lambda: quantize.affine(0, float("nan")), lambda: quantize.symmetric([0.1, np.inf])):
    try:
        attempt()
    except quantize.ModelError as error:
        print(f"{type(error).__name__}: {error}")

# %%
for method in quantize.METHODS:
    low, high = quantize.clipped_range(*seen[3], method=method)
    print(f"{method:<11}{low:.2f} to {high:.2f}   by hand: 0.00 to {METHODS[method](*seen[3])[1]:.2f}")
tried = [divergence(*seen[3], stop) for stop in range(256, 2049, 16)]
print(f"cutting nothing diverges {tried[-1] / min(tried):.3f} times as much as the best cut by hand")

# %% [markdown]
# Its percentile cuts half of the rest at either end. Error tries other candidates. Entropy tries the same ones (steps of 1/128 of the
# range), but gives a bin to the level that is nearest, where ours cut equal slices. The last line says how little decides. A
# whole ONNX model is quantised by its `quantise_model`, in the next notebook.

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **The leaves are synthetic**, and this network is small and easy to quantise. Accuracy on 400 leaves has an error of more
#   than a point, so most of the differences above are not told apart.
# - **Rounding to the nearest is not the best rounding.** Methods that choose the direction of each weight together (AdaRound,
#   GPTQ) win at 3 or 4 bits.
# - **Nothing became faster.** numpy multiplies whole numbers without the processor's instructions for them.
# - **Ranges are fixed before use.** A photo that is brighter than all that calibration saw is cut, without a word.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("06-quantization/01-by-hand")

# %% [markdown] spine="next"
# ## Next
#
# [The real thing](02-int8-for-real.ipynb): two engines, EfficientNet-Lite0, training with quantization in mind, and a
# processor that adds bytes wrongly.
