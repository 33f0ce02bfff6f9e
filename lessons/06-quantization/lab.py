# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: "Lab: bytes that hold"
#     chapter: 6
#     device: phone-2gb
#     teach_minutes: 5
#     exercise_minutes: 100
#     objectives:
#       - Give a range of numbers a scale and a zero point that keep zero exact
#       - Multiply quantised matrices without losing a bit
#       - Choose a range that survives a bad photo, without a look at the test set
#       - Compare like with like, and spend a budget of bytes where it buys most
#     after: [06-quantization/01-by-hand]
# ---

# %% [markdown]
# # Lab: bytes that hold
#
# Achieng wants to know what happens inside her quantised network, and trusts nothing that she has not written once herself. You
# write the parts. The exercises stand on their own: do them in any order, over two sittings.
#
# **How this works.** Each exercise has an answer cell and a check cell. Fill in the answer, run it, run the check. A
# check attacks your function and says in words what went wrong. Read the checks, they are short. Run all cells as often
# as you like: your points are kept in a file on this computer.

# %% [markdown] tags=["instructor"]
# **Timing.** Exercise 1 20 minutes, 2 20, 3 25, 4 10, 5 25 with a discussion of 15. Two sittings.
#
# **Common mistakes.** 1: the range as it was seen, without 0; a zero point that is rounded when numbers are restored, and not
# before. 2: `a - a_zero` in unsigned bytes, which wraps round; float32, which is exact only up to 2^24. 3: one percentile for
# all; and the test set, because it is there. 4: medians over all runs, whatever their threads. 5: sorting by what a layer loses, and
# forgetting what it weighs.
#
# **Early birds.** 2: what is the longest row for which 32 bits suffice, and whose network has longer ones? 5: the losses of two
# layers do not add up exactly. Let them measure two together, on the network of the first notebook.
#
# **Rubric for exercise 5** (10 points, beside its check): says what is measured for each layer and on which leaves (3); why losses
# are added, and when that is wrong (2); what happens to the classes, not only to the average (2); what the widths cost in
# time on the phone at hand, where widths that no kernel knows are slower (3).

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# ## Exercise 1: zero is zero (4 points, 20 minutes)
#
# Values from `low` to `high` become whole numbers from 0 to 2^bits - 1, by `real = scale * (whole - zero_point)`.

# %%
import math

import numpy as np


# %% answer="affine"
def affine(low, high, bits):
    """Choose a scale and a zero point.

    Args:
        low, high: The least and the greatest value that were seen; low <= high. 0 need not lie between them.
        bits: 2 to 8.

    Returns:
        scale, a float above 0, and zero_point, a whole number (an int) from 0 to 2**bits - 1. The real number 0 is stored as
        zero_point. No whole number is wasted: the range is no wider than it has to be.

    Raises:
        ValueError: low or high is NaN or infinite, or low > high.

    Hint: which value must be inside every range? And when all values are 0, any scale will do, but 0 will not.
    """
    ### BEGIN SOLUTION
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"{low} to {high} is no range")
    low, high, most = min(low, 0.0), max(high, 0.0), 2**bits - 1
    scale = (high - low) / most or 1.0
    return scale, round(-low / scale)
    ### END SOLUTION


# %%
from numbers import Integral

RANGES = [
    (-0.6, 1.3),
    (0.0, 6.0),
    (0.3, 1.3),
    (-2.0, -1.0),
    (-1.0, 1.0),
    (0.0, 0.0),
    (-1e-4, 3.0),
    (-3.0, 1e-4),
    (-0.011, 0.004),
]
NO_RANGES = [(math.nan, 1.0), (0.0, math.inf), (-math.inf, 0.0), (2.0, 1.0)]


def restored(values, scale, zero_point, bits):
    whole = np.clip(np.rint(np.asarray(values) / scale) + zero_point, 0, 2**bits - 1)
    return scale * (whole - zero_point)


# %% check="affine" points=4
from offlinefirst.course.checks import check

with check("06-quantization/affine", points=4, revisit="01-by-hand.ipynb#Zero-must-be-exact") as verify:
    for bits in (8, 4, 2, 5):
        for low, high in RANGES:
            scale, zero_point = affine(low, high, bits)
            case = f"{low} to {high} in {bits} bits:"
            whole = isinstance(zero_point, Integral)
            verify(whole, f"{case} the zero point {zero_point!r} is no whole number, so 0 falls between two.")
            fits = 0 <= zero_point < 2**bits
            verify(fits, f"{case} the zero point {zero_point} is no number of {bits} bits.")
            verify(math.isfinite(scale) and scale > 0, f"{case} the scale {scale} is not above 0.")
            wide = max(high, 0) - min(low, 0)
            fine = wide == 0 or scale < 1.001 * wide / (2**bits - 1)
            verify(fine, f"{case} steps are too wide: some numbers are never used.")
            values = np.linspace(low, high, 101)
            worst = np.abs(restored(values, scale, zero_point, bits) - values).max()
            verify(
                worst < 0.51 * scale,
                f"{case} a value comes back {worst / scale:.2f} steps off, not half of one.",
            )
    for low, high in NO_RANGES:
        refused = False
        try:
            affine(low, high, 8)
        except ValueError:
            refused = True
        verify(refused, f"{low} to {high} is no range. Say so with a ValueError.")

# %% [markdown]
# ## Exercise 2: a product without a lost bit (3 points, 20 minutes)
#
# What a layer computes: the sums of (a - a_zero) * (b - b_zero), and a bias. The bytes come as bytes.


# %% answer="product"
def product(a, a_zero, b, b_zero, bias):
    """The integer part of a quantised layer.

    Args:
        a: Unsigned bytes, uint8, of shape (rows, inner).
        a_zero: Their zero point, 0 to 255.
        b: Signed bytes, int8, of shape (inner, columns).
        b_zero: Their zero point, -128 to 127.
        bias: int32, of shape (columns,).

    Returns:
        int32, of shape (rows, columns), exact. It fits into 32 bits. `a` and `b` are as before.
    """
    ### BEGIN SOLUTION
    left, right = a.astype(np.int32) - a_zero, b.astype(np.int32) - b_zero
    return left @ right + bias
    ### END SOLUTION


# %% [markdown]
# Small matrices, long ones, odd lengths, the ends of the bytes' range, and zero points on and off 0.

# %%
rng = np.random.default_rng(6)


def random_case(rows, inner, columns, a_zero, b_zero):
    a = rng.integers(0, 256, (rows, inner), np.uint8)
    b = rng.integers(-128, 128, (inner, columns), np.int8)
    return a, a_zero, b, b_zero, rng.integers(-1000, 1000, columns, np.int32)


PRODUCTS = {"no zero points": random_case(3, 8, 4, 0, 0), "a zero point of a": random_case(3, 9, 4, 131, 0)}
PRODUCTS |= {"a zero point of b": random_case(2, 7, 5, 0, -7), "both": random_case(4, 33, 3, 90, 11)}
full = np.full((2, 4099), 255, np.uint8), 0, np.full((4099, 2), 127, np.int8), 0, np.arange(2, dtype=np.int32)
PRODUCTS["4,099 of the largest bytes"] = full
low = np.zeros((2, 4099), np.uint8), 255, np.full((4099, 2), -128, np.int8), 127, np.arange(2, dtype=np.int32)
PRODUCTS["4,099 of the least bytes, zero points at the other end"] = low


# %% check="product" points=3
with check(
    "06-quantization/product", points=3, revisit="01-by-hand.ipynb#The-product,-in-whole-numbers"
) as verify:
    for why, (a, a_zero, b, b_zero, bias) in PRODUCTS.items():
        given = a.copy(), b.copy()
        made = product(a, a_zero, b, b_zero, bias)
        rows, columns = a.astype(object) - a_zero, b.astype(object) - b_zero  # whole numbers without an end
        right = (rows @ columns + bias.astype(object)).astype(np.int64)
        verify(
            isinstance(made, np.ndarray) and made.shape == right.shape,
            f"{why}: the shape is not (rows, columns).",
        )
        verify(made.dtype == np.int32, f"{why}: you returned {made.dtype}, and the next layer takes int32.")
        wrong = int((made != right).sum())
        off = int(np.abs(made - right).max())
        verify(wrong == 0, f"{why}: {wrong} of {right.size} sums are wrong, the worst by {off:,}.")
        kept = np.array_equal(a, given[0]) and np.array_equal(b, given[1])
        verify(kept, f"{why}: you changed the bytes that you were given.")

# %% [markdown]
# ## Exercise 3: a range that survives (3 points, 25 minutes)
#
# The values of one activation, photo by photo. Some photos went through another path of the app and are 255 times too large; some
# pixels are hot; one file is broken and full of NaN. And some photos are simply brighter, and must not be cut.


# %% answer="calibrate"
def calibrate(folders):
    """Choose the range of an activation.

    Args:
        folders: "train", "calibration" and "test", each a list of arrays: one photo's values each. Ask for a folder by
            its name: `.items()` and `.values()` open all of them, and that counts as a look.

    Returns:
        low and high, finite, with low <= 0 <= high.

    Raises:
        ValueError: There is no photo to calibrate with, or none without NaN.

    Fewer than half of the photos are bad in one way or another. Good photos differ in brightness by no more than a factor of four.
    Hint: what is the largest value *of each photo*? And a hot pixel is one value in thousands.
    """
    ### BEGIN SOLUTION
    photos = [photo for photo in folders["calibration"] if photo.size and np.isfinite(photo).all()]
    if not photos:
        raise ValueError("there is no whole photo to calibrate with")
    ends = np.array([np.percentile(photo, (0.1, 99.9)) for photo in photos])
    reach = np.abs(ends).max(axis=1)
    good = ends[reach <= 8 * np.median(reach)]
    return min(0.0, float(good[:, 0].min())), max(0.0, float(good[:, 1].max()))
    ### END SOLUTION


# %% tags=["long"]
class Folders(dict):
    """A dict that notes what was asked for."""

    def __init__(self, **folders):
        super().__init__(folders)
        self.asked = set()

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)

    def values(self):
        return [self[name] for name in self]

    def items(self):
        return [(name, self[name]) for name in self]


# %%
def some_photos(seed, count=40, below=0.0, size=4000):
    """After a ReLU, or with a part `below` 0; the brightest has about three times the values of the darkest."""
    rng = np.random.default_rng(seed)
    return [(0.6 + 1.2 * n / count) * np.maximum(rng.normal(0.3, 1, size), -below) for n in range(count)]


# %%
def hot(photo, value):
    photo = photo.copy()
    photo[7] = value
    return photo


CLEAN, BELOW = some_photos(1), some_photos(2, below=0.5)

# %%
CASES = {
    "clean photos": (CLEAN, CLEAN),
    "values below 0": (BELOW, BELOW),
    "one of 40 not divided by 255": (CLEAN, [CLEAN[0] * 255, *CLEAN[1:]]),
    "six of 40 not divided by 255": (CLEAN, [*(photo * 255 for photo in CLEAN[:6]), *CLEAN[6:]]),
    "19 of 40 not divided by 255": (CLEAN, [*(photo * 255 for photo in CLEAN[:19]), *CLEAN[19:]]),
    "a hot pixel in one photo": (CLEAN, [hot(CLEAN[0], 1e6), *CLEAN[1:]]),
    "a hot pixel in 15 photos": (CLEAN, [*(hot(photo, 900.0) for photo in CLEAN[:15]), *CLEAN[15:]]),
    "a photo full of NaN": (CLEAN, [np.full(4000, np.nan), *CLEAN[1:]]),
    "a photo with one NaN": (BELOW, [hot(BELOW[0], np.nan), *BELOW[1:]]),
    "all smaller by a thousand": (
        [p / 1000 for p in CLEAN],
        [CLEAN[0] * 0.255, *(p / 1000 for p in CLEAN[1:])],
    ),
}


# %% check="calibrate" points=3
with check("06-quantization/calibrate", points=3, revisit="01-by-hand.ipynb#One-bad-photo") as verify:
    for why, (good, given) in CASES.items():
        test = [photo * 3 for photo in good]
        folders = Folders(train=test, calibration=[photo.copy() for photo in given], test=test)
        low, high = calibrate(folders)
        verify(
            "test" not in folders.asked,
            f"{why}: you looked at the test set. Ranges fitted to the judges flatter the model.",
        )
        verify(
            np.isfinite([low, high]).all() and low <= 0 <= high,
            f"{why}: {low} to {high} is no range around 0.",
        )
        values = np.concatenate(good)
        cut = float(((values < low) | (values > high)).mean())
        verify(cut < 0.002, f"{why}: {cut:.1%} of what good photos hold is cut off.")
        unused = (high - low) / (max(values.max(), 0) - min(values.min(), 0))
        verify(unused < 1.5, f"{why}: the range is {unused:.1f} times as wide as what good photos hold.")
    for why, given in {"no photo": [], "only NaN": [np.full(9, np.nan)]}.items():
        refused = False
        try:
            calibrate(Folders(train=CLEAN, calibration=given, test=CLEAN))
        except ValueError:
            refused = True
        verify(refused, f"{why} to calibrate with: say so with a ValueError.")

# %% [markdown]
# ## Exercise 4: like with like (2 points, 10 minutes)
#
# Runs of two models come from several people. How many times faster is int8?


# %% answer="speedup"
def speedup(runs):
    """The median of the paired ratios, float over int8, at the same number of threads.

    Args:
        runs: Dicts with "model" ("float" or "int8"), "threads" and "seconds": a list, taken in turn with the other
            model's run of that many threads. At most one run for each model and number of threads.

    Returns:
        Where both models were run; with the fewest threads if that holds for several numbers.

    Raises:
        ValueError: There is no number of threads for which both were run, as often as each other.
    """
    ### BEGIN SOLUTION
    found = {(run["model"], run["threads"]): run["seconds"] for run in runs}
    for threads in sorted({run["threads"] for run in runs}):
        ours, theirs = found.get(("int8", threads)), found.get(("float", threads))
        if ours and theirs and len(ours) == len(theirs):
            return float(np.median(np.divide(theirs, ours)))
    raise ValueError(
        "no two runs can be compared: measure both models on the same number of threads, in turn"
    )
    ### END SOLUTION


# %%
def run(model, threads, *seconds):
    return {"model": model, "threads": threads, "seconds": list(seconds)}


FLOAT_2, INT8_1 = run("float", 2, 6.0, 6.1, 6.2), run("int8", 1, 4.0, 4.1, 3.9)
FLOAT_1, INT8_2 = run("float", 1, 11.0, 12.0, 30.0), run("int8", 2, 2.9, 3.0, 3.1)
SPEEDS = {
    "float on two threads beside int8 on one": ([FLOAT_2, INT8_1], None),
    "all four": ([FLOAT_2, INT8_1, FLOAT_1, INT8_2], 12.0 / 4.1),
    "in another order": ([INT8_2, FLOAT_1, FLOAT_2, INT8_1], 12.0 / 4.1),
    "only two threads in common": ([FLOAT_2, INT8_1, INT8_2], 6.1 / 3.0),
    "a busy minute in the middle": ([run("float", 1, 4, 40, 5, 4), run("int8", 1, 2, 20, 1, 2)], 2.0),
    "a run that was cut short": ([run("float", 1, 4.0, 4.0), run("int8", 1, 2.0)], None),
    "no int8": ([FLOAT_1, FLOAT_2], None),
    "nothing": ([], None),
}


# %% check="speedup" points=2
with check("06-quantization/speedup", points=2, revisit="02-int8-for-real.ipynb#It-fails") as verify:
    for why, (runs, right) in SPEEDS.items():
        found, refused = None, False
        try:
            found = speedup(runs)
        except ValueError:
            refused = True
        if right is None:
            verify(refused, f"{why}: you returned {found}. Nothing here can be compared; raise a ValueError.")
        else:
            verify(not refused, f"{why}: there are two runs that can be compared.")
            verify(abs(found - right) < 1e-9, f"{why}: you returned {found:.3f}, and it is {right:.3f}.")

# %% [markdown]
# ## Exercise 5: a budget (3 points, open, 25 minutes)
#
# Each layer of a network can have weights of 4, 8 or 16 bits. For each it was measured how many points of accuracy are lost when
# this layer alone is narrowed. The file may not be larger than a budget. There is no single right way; the check looks at what your
# choice loses, beside the best that there is.


# %% answer="widths"
def choose_widths(layers, budget_bytes):
    """Choose 4, 8 or 16 bits for each layer; returns bits by the layer's name.

    Args:
        layers: Dicts with "name", "weights" (how many), "channels" (each takes 4 bytes for its scale, at any
            width) and "loss": points lost by bits, for 4, 8 and 16. Narrower never loses less.
        budget_bytes: For all layers together.

    Raises:
        ValueError: Even with 4 bits for all it does not fit.

    Losses are added. Hint: what does a byte buy in each layer?
    """
    ### BEGIN SOLUTION
    bits = {layer["name"]: 4 for layer in layers}
    left = budget_bytes - sum(layer["weights"] // 2 + 4 * layer["channels"] for layer in layers)
    if left < 0:
        raise ValueError("even 4 bits are too many for this budget")
    while True:
        steps = []  # points for a byte, and what it would be spent on
        for name, loss, weights in [(n["name"], n["loss"], n["weights"]) for n in layers]:
            for wider in (width for width in (8, 16) if width > bits[name]):
                extra = weights * (wider - bits[name]) // 8
                steps.append(((loss[bits[name]] - loss[wider]) / extra, extra, name, wider))
        steps = [step for step in steps if step[1] <= left and step[0] > 0]
        if not steps:
            return bits
        _, extra, name, wider = max(steps)
        bits[name], left = wider, left - extra
    ### END SOLUTION


# %%
def layer(number, weights, channels, losses):
    loss = dict(zip((4, 8, 16), losses, strict=True))
    return {"name": f"layer {number}", "weights": weights, "channels": channels, "loss": loss}


def table(*rows):
    return [layer(number, *row) for number, row in enumerate(rows)]


# %%
LEAF = table(
    (432, 16, (6.0, 0.4, 0.0)),
    (2304, 16, (1.5, 0.1, 0.0)),
    (4608, 32, (0.9, 0.1, 0.0)),
    (9216, 32, (0.8, 0.05, 0.0)),
    (18432, 64, (0.5, 0.05, 0.0)),
    (36864, 64, (0.4, 0.02, 0.0)),
    (256, 4, (2.0, 0.2, 0.0)),
)
LATE = table((50_000, 64, (0.1, 0.0, 0.0)), (800, 8, (0.3, 0.1, 0.0)), (20_000, 64, (9.0, 0.2, 0.0)))
HEAVY = table(
    (40_000, 64, (3.0, 0.1, 0.0)),
    (8_000, 16, (2.5, 0.1, 0.0)),
    (9_000, 16, (2.4, 0.1, 0.0)),
    (10_000, 16, (2.3, 0.1, 0.0)),
)
EVEN = table(*[(1000 * n, 10, (2.0, 0.1, 0.0)) for n in range(1, 7)])
BUDGETS = [(LEAF, 38_000), (LEAF, 45_000), (LEAF, 60_000), (LEAF, 200_000), (LATE, 46_500), (LATE, 60_000)]
BUDGETS += [(EVEN, 12_000), (EVEN, 15_000), (EVEN, 21_300), (HEAVY, 54_500)]


# %%
from itertools import product as every


def weighs(layers, bits):
    return sum(layer["weights"] * bits[layer["name"]] // 8 + 4 * layer["channels"] for layer in layers)


def loses(layers, bits):
    return sum(layer["loss"][bits[layer["name"]]] for layer in layers)


def best_of_all(layers, budget_bytes):
    """Tries everything: 3 to the power of the number of layers."""
    names = [layer["name"] for layer in layers]
    choices = (dict(zip(names, widths, strict=True)) for widths in every((4, 8, 16), repeat=len(names)))
    return min(loses(layers, bits) for bits in choices if weighs(layers, bits) <= budget_bytes)


# %% check="widths" points=3
with check(
    "06-quantization/widths", points=3, revisit="01-by-hand.ipynb#Every-bit-halves-the-error"
) as verify:
    for layers, budget in BUDGETS:
        bits = choose_widths([dict(layer) for layer in layers], budget)
        case = f"{len(layers)} layers in {budget:,} bytes:"
        names = {layer["name"] for layer in layers}
        verify(
            set(bits) == names and set(bits.values()) <= {4, 8, 16},
            f"{case} a layer has no width of 4, 8 or 16 bits.",
        )
        size, loss = weighs(layers, bits), loses(layers, bits)
        verify(size <= budget, f"{case} your choice takes {size:,} bytes. Did you count the scales?")
        uniform = [dict.fromkeys(names, width) for width in (4, 8, 16)]
        plain = min(loses(layers, same) for same in uniform if weighs(layers, same) <= budget)
        verify(
            loss <= plain + 1e-9,
            f"{case} you lose {loss:.2f} points, and one width for all only {plain:.2f}.",
        )
        best = best_of_all(layers, budget)
        verify(loss <= 1.4 * best + 0.15, f"{case} you lose {loss:.2f} points, and {best:.2f} is possible.")
    refused = False
    try:
        choose_widths(LEAF, 30_000)
    except ValueError:
        refused = True
    verify(refused, "7 layers in 30,000 bytes: even 4 bits do not fit. Say so with a ValueError.")

# %% [markdown]
# Now argue. The table of losses came from somewhere: which leaves would you measure it on? Which kernels on the phone know weights of
# 4 bits for a convolution, and what do they cost in time? And what would make you give a layer 16 bits that loses nothing at 8?

# %% [markdown]
# ## Your score

# %%
from offlinefirst.course.checks import Score

Score("06-quantization", affine=4, product=3, calibrate=3, speedup=2, widths=3)
