# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: "Lab: smaller for real"
#     chapter: 5
#     device: phone-2gb
#     teach_minutes: 5
#     exercise_minutes: 110
#     objectives:
#       - Prune each layer to an exact share, and refuse what would break the model
#       - Take a filter out of every array that makes or reads it
#       - Report raw, compressed and sparse sizes and a speed-up that compares like with like
#       - Plan which layer gives how much, and when, under a budget of bytes and training
#     after: [05-pruning/01-magnitude-pruning, 05-pruning/02-structured-and-movement]
# ---

# %% [markdown]
# # Lab: smaller for real
#
# Achieng has to get the next leaf model to three hundred phones, and each of them pays for the bytes. You write what
# she prunes with and what she reports. The exercises stand on their own: do them in any order, over two sittings.
#
# **How this works.** Each exercise has an answer cell and a check cell. Fill in the answer, run it, run the check. A
# check attacks your function and says in words what went wrong. Read the checks, they are short. Run all cells as often
# as you like: your points are kept in a file on this computer.

# %% [markdown] tags=["instructor"]
# **Timing.** Exercise 1 20 minutes, 2 35, 3 25, 4 30 with a discussion of 15. Two sittings.
#
# **Common mistakes.** 1: `abs(w) < threshold`, which takes too many or too few where weights are equal; a NaN compares
# false with every threshold and so is kept; biases. 2: the inputs of the next layer; the block of columns after a
# flatten; the other side of the sum. 3: sparsity reported as size; a mask of one byte for each weight; the dense model
# timed on two threads. 4: everything in one step and no training after it; the same share for a layer of 256 weights as
# for one of 8,192.
#
# **Early birds.** 2: which filter should go? Let them compare the smallest sum of magnitudes with one drawn by lot.
#
# **Rubric for exercise 4** (10 points, beside its check): says why each layer gives what it gives (3); where the epochs
# go, and why not elsewhere (2); on which leaves the loss was measured, and what that hides (3); what the plan would have
# to look like for speed in place of bytes (2).

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# ## Exercise 1: zeros, exactly (4 points, 20 minutes)
#
# A model is a dict of arrays. Those with two axes or more are the weights of layers; the others are biases and the
# statistics of normalisations.

# %%
import numpy as np


# %% answer="prune"
def prune(weights, shares):
    """Set the weights of least magnitude to zero, in each layer by itself.

    Args:
        weights: Arrays by name. They stay as they are.
        shares: The share of zeros wanted by name of a layer, 0 to 1. Layers that are not named stay.

    Returns:
        A new dict with all arrays, of their shapes and types. In a layer that is named, round(share * size) weights are zero, no more and no fewer
        (none of the given weights is zero already), and each of them was at most as large as each that is left.

    Raises:
        ValueError: A share is outside 0 to 1, or NaN; a name is no layer; a layer would be all zeros; or a layer's
            weight is NaN or infinite.

    Hint: `numpy.argsort`, and mind weights of equal magnitude.
    """
    ### BEGIN SOLUTION
    result = {name: array.copy() for name, array in weights.items()}
    for name, share in shares.items():
        if name not in weights or weights[name].ndim < 2 or not 0 <= share <= 1:
            raise ValueError(f"{name} is no layer, or {share} is no share")
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"{name} has weights that are no numbers")
        flat = result[name].reshape(-1)
        flat[np.argsort(np.abs(flat), kind="stable")[: round(share * flat.size)]] = 0
        if not flat.any():
            raise ValueError(f"{name} would be all zeros")
    return result
    ### END SOLUTION


# %% [markdown]
# The check draws models, some with many weights of equal magnitude (a model that was quantised before has them).


# %%
SHAPES = {
    "conv.weight": (8, 3, 3, 3),
    "conv.bias": (8,),
    "norm.scale": (8,),
    "fc.weight": (4, 72),
    "fc.bias": (4,),
}


def draw_model(seed, *, ties=False):
    rng = np.random.default_rng(seed)
    drawn = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    if ties:
        drawn = {name: np.sign(array) * np.ceil(np.abs(array) * 2) / 2 for name, array in drawn.items()}
    return {name: array.astype(np.float32) for name, array in drawn.items()}


# %%
def refuses(weights, shares):
    try:
        prune(weights, shares)
    except ValueError:
        return True
    return False


# %%
SHARES = [
    {"conv.weight": 0.5},
    {"conv.weight": 0.8, "fc.weight": 0.3},
    {"fc.weight": 0.995},
    {"fc.weight": 0.0},
    {},
]
BAD = {
    "a share of 1.2": ({}, {"fc.weight": 1.2}),
    "a share of -0.1": ({}, {"fc.weight": -0.1}),
    "a share of NaN": ({}, {"fc.weight": float("nan")}),
    "a share of 1, which leaves a layer of zeros": ({}, {"fc.weight": 1.0}),
    "a share that rounds to all of it": ({}, {"fc.weight": 0.999}),
    "a bias in place of a layer": ({}, {"fc.bias": 0.5}),
    "a layer that is not there": ({}, {"fc2.weight": 0.5}),
    "a weight that is NaN": ({"conv.weight": np.nan}, {"conv.weight": 0.5}),
    "a weight that is infinite": ({"conv.weight": np.inf}, {"conv.weight": 0.5}),
}


# %%
def compare(old, new, wanted, case, verify):
    """One array, before and after."""
    new = np.asarray(new)
    verify(new.shape == old.shape, f"{case} has another shape.")
    verify(new.dtype == old.dtype, f"{case} was {old.dtype} and is {new.dtype}: count the bytes.")
    verify(old.ndim > 1 or np.array_equal(new, old), f"{case}: you pruned it, and it is no layer.")
    zeros, left = int((new == 0).sum()), new != 0
    verify(zeros == wanted, f"{case} has {zeros} zeros; {wanted} were asked for.")
    verify(np.array_equal(new[left], old[left]), f"{case}: a weight that stays has changed.")
    lightest = wanted == 0 or np.abs(old[~left]).max() <= np.abs(old[left]).min()
    verify(lightest, f"{case}: you took a weight that is larger than one you left.")


# %% check="prune" points=4
from offlinefirst.course.checks import check

with check(
    "05-pruning/prune", points=4, revisit="01-magnitude-pruning.ipynb#The-production-version"
) as verify:
    for seed, shares in enumerate(SHARES * 2):
        given = draw_model(seed, ties=seed % 2 == 1)
        before = {name: array.copy() for name, array in given.items()}
        found, case = prune(given, dict(shares)), f"shares {shares}:"
        same = all(np.array_equal(given[name], before[name]) for name in before)
        verify(same, f"{case} you changed the arrays that you were given.")
        every = isinstance(found, dict) and set(found) == set(before)
        verify(every, f"{case} return every array, in a dict.")
        for name, old in before.items():
            compare(old, found[name], round(shares.get(name, 0) * old.size), f"{case} {name}", verify)
    for what, (spoil, shares) in BAD.items():
        bad = draw_model(99)
        for name, value in spoil.items():
            bad[name].reshape(-1)[7] = value
        verify(refuses(bad, shares), f"{what}: you pruned all the same. Raise a ValueError.")

# %% [markdown]
# ## Exercise 2: a filter, and everything that knows of it (4 points, 35 minutes)
#
# This network has what makes it hard: a normalisation after each convolution, a sum of two branches, and a flatten.
# `forward` is the truth about it.
#
# ![Three convolutions in a row. The output of the first goes into the second and around it, and both are added, so the first and the second have the same channels. The third reads that sum. Its output, of 4 by 4 pixels for each channel, is flattened into the columns of the last matrix.](figures/coupled.svg)


# %% tags=["long"]
def convolve(images, kernel):
    """3 by 3, with a margin of zeros; images (n, channels, 4, 4), kernel (filters, channels, 3, 3)."""
    wide = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(wide, (3, 3), axis=(2, 3))
    return np.einsum("nchwij,fcij->nfhw", windows, kernel)


def normalise(images, net, name):
    mean, var, scale, shift = (
        net[f"{name}.{part}"][:, None, None] for part in ("mean", "var", "scale", "shift")
    )
    return (images - mean) / np.sqrt(var + 1e-5) * scale + shift


def forward(net, images):
    """Scores (n, classes) of images (n, 3, 4, 4)."""
    first = np.maximum(normalise(convolve(images, net["conv1.weight"]), net, "norm1"), 0)
    second = normalise(convolve(first, net["conv2.weight"]), net, "norm2")
    stream = np.maximum(first + second, 0)
    third = np.maximum(normalise(convolve(stream, net["conv3.weight"]), net, "norm3"), 0)
    return third.reshape(len(images), -1) @ net["fc.weight"].T + net["fc.bias"]


# %%
def draw_net(seed, stream, third, classes=4):
    """A network with `stream` channels after conv1 and conv2, and `third` after conv3."""
    rng, net = np.random.default_rng(seed), {}
    for number, (filters, channels) in enumerate([(stream, 3), (stream, stream), (third, stream)], 1):
        net[f"conv{number}.weight"] = rng.normal(size=(filters, channels, 3, 3)) / 4
        for part in ("scale", "shift", "mean"):
            net[f"norm{number}.{part}"] = rng.normal(size=filters)
        net[f"norm{number}.var"] = rng.uniform(0.5, 2, filters)
    return net | {"fc.weight": rng.normal(size=(classes, 16 * third)), "fc.bias": rng.normal(size=classes)}


print({name: array.shape for name, array in draw_net(1, stream=6, third=5).items()})


# %% answer="remove"
def remove(net, layer, filters):
    """Take filters out of a layer, and what belongs to them out of every other array.

    Args:
        net: As `draw_net` makes them, of any size. It stays as it is.
        layer: "conv1", "conv2" or "conv3".
        filters: Which filters of it to remove, a list of numbers from 0, each once.

    Returns:
        A new dict with the same names, which `forward` runs as before. Its scores are those of the old network with
        these channels silent, that is always 0 where the next layer reads them.

    Raises:
        ValueError: No filter would be left.
    """
    ### BEGIN SOLUTION
    new, keep = dict(net), [number for number in range(len(net[f"{layer}.weight"])) if number not in filters]
    if not keep:
        raise ValueError(f"{layer} would lose all its filters")
    for number in "3" if layer == "conv3" else "12":
        new[f"conv{number}.weight"] = new[f"conv{number}.weight"][keep]
        for part in ("scale", "shift", "mean", "var"):
            new[f"norm{number}.{part}"] = new[f"norm{number}.{part}"][keep]
    if layer == "conv3":
        new["fc.weight"] = new["fc.weight"][:, [16 * one + pixel for one in keep for pixel in range(16)]]
    else:
        for number in ("2", "3"):
            new[f"conv{number}.weight"] = new[f"conv{number}.weight"][:, keep]
    return new
    ### END SOLUTION


# %% [markdown]
# The check silences the same channels in the old network, by hand, and compares scores.

# %%
REMOVALS = [
    ("conv3", [1]),
    ("conv3", [0, 4]),
    ("conv1", [2]),
    ("conv2", [0, 3]),
    ("conv1", [5, 1]),
    ("conv3", []),
]
REMOVALS += [("conv2", [5]), ("conv3", [1, 2, 3, 4])]


def silenced(net, layer, filters):
    """The same network, with the channels at 0: what removing them must be equal to."""
    quiet = {name: array.copy() for name, array in net.items()}
    for number in "12" if layer in ("conv1", "conv2") else "3":
        for part in ("scale", "shift"):
            quiet[f"norm{number}.{part}"][filters] = 0
    return quiet


# %%
def left(net, layer, gone):
    """Shapes that the arrays of the smaller network have."""
    sizes = {name: len(net[f"{name}.weight"]) for name in ("conv1", "conv3")}
    sizes["conv3" if layer == "conv3" else "conv1"] -= gone
    return {
        name: array.shape
        for name, array in draw_net(0, sizes["conv1"], sizes["conv3"], len(net["fc.bias"])).items()
    }


# %%
def refuses_all(net, layer):
    try:
        remove(net, layer, [3, 1, 0, 2])
    except ValueError:
        return True
    return False


# %% check="remove" points=4
with check(
    "05-pruning/remove",
    points=4,
    revisit="02-structured-and-movement.ipynb#A-filter,-and-everything-that-reads-it",
) as verify:
    for seed, (layer, filters) in enumerate(REMOVALS):
        net = draw_net(seed, stream=6 + seed % 2, third=5 + seed % 3, classes=3 + seed % 2)
        before = {name: array.copy() for name, array in net.items()}
        found, case = remove(net, layer, list(filters)), f"{layer} without {filters}:"
        same = all(np.array_equal(net[name], before[name]) for name in before)
        verify(same, f"{case} you changed the network that you were given.")
        every = isinstance(found, dict) and set(found) == set(before)
        verify(every, f"{case} return a dict of the same names.")
        for name, shape in left(before, layer, len(filters)).items():
            was = f"{case} {name} has the shape {np.shape(found[name])}, and should have {shape}."
            verify(np.shape(found[name]) == shape, was)
        images = np.random.default_rng(50 + seed).normal(size=(6, 3, 4, 4))
        wanted, scores = forward(silenced(before, layer, filters), images), forward(found, images)
        off = f"{case} the shapes are right, and the scores are off by {np.abs(scores - wanted).max():.3g}: "
        verify(np.allclose(scores, wanted, atol=1e-9), off + "other channels went than were asked for.")
    for layer in ("conv1", "conv2", "conv3"):
        refused = refuses_all(draw_net(7, 4, 4), layer)
        verify(refused, f"All four filters of {layer} were to go. Nothing gets through: refuse.")

# %% [markdown]
# ## Exercise 3: an honest report (4 points, 25 minutes)
#
# "80 % smaller and twice as fast" is what somebody told Achieng about a model with 80 % zeros. Write the report that she
# can act on.

# %%
import zlib
from statistics import median


# %%
def joined(weights):
    """All bytes, one array after the other."""
    return b"".join(array.tobytes() for array in weights.values())


# %% answer="report"
def report(dense, pruned, timings):
    """Say what pruning gave: the dense model's figures over the pruned one's; 1.0 is nothing gained.

    Args:
        dense, pruned: Arrays by name; the same names, and shapes and types may be others.
        timings: {"model": "dense" or "pruned", "threads": int, "seconds": list} each; no such pair twice.

    Returns:
        {"raw": ratio of the bytes of all arrays in memory,
         "compressed": ratio of zlib.compress(..., 9) of all arrays' bytes, joined in the dict's order,
         "sparse": ratio of sparse storage: for each array a bit for each element (in whole bytes) and the elements
             that are not zero; or the array as it is, where that is less,
         "zeros": share of zeros among the weights of the pruned model's layers (two axes or more), 0 to 1,
         "speedup": ratio of the medians, on the fewest threads on which both were timed; None without such}
    """

    ### BEGIN SOLUTION
    def sizes(weights):
        data = joined(weights)
        masked = [(a.nbytes, -(-a.size // 8) + int((a != 0).sum()) * a.itemsize) for a in weights.values()]
        return len(data), len(zlib.compress(data, 9)), sum(map(min, masked))

    ratios = [large / small for large, small in zip(sizes(dense), sizes(pruned), strict=True)]
    layers = np.concatenate([array.ravel() for array in pruned.values() if array.ndim > 1])
    middle = {(row["model"], row["threads"]): median(row["seconds"]) for row in timings}
    both = [threads for model, threads in middle if model == "dense" and ("pruned", threads) in middle]
    speedup = middle["dense", min(both)] / middle["pruned", min(both)] if both else None
    named = dict(zip(("raw", "compressed", "sparse"), ratios, strict=True))
    return named | {"zeros": float((layers == 0).mean()), "speedup": speedup}
    ### END SOLUTION


# %% [markdown]
# The check draws pairs of models (zeros only, 8 bits only, both, filters removed) and counts by itself.


# %%
def pair(kind, seed):
    """A dense model, and what became of it."""
    dense = draw_model(seed)
    dense["fc.bias"][:2] = 0  # biases may be zero, and are no layer
    small = dict(dense)
    for name, share in {"conv.weight": 0.8, "fc.weight": 0.9}.items() if "zeros" in kind else ():
        least = np.quantile(np.abs(dense[name]), share)
        small[name] = np.where(np.abs(dense[name]) <= least, 0, dense[name]).astype(np.float32)
    if "8 bits" in kind:
        small = {
            name: np.round(a * 40).clip(-127, 127).astype(np.int8) if a.ndim > 1 else a
            for name, a in small.items()
        }
    if "filters" in kind:
        small = {name: a[: len(a) // 2].copy() for name, a in small.items()}
    return dense, small


# %%
def sparse_bytes(weights):
    total = 0
    for array in weights.values():
        as_bits = len(np.packbits(array.ravel() != 0)) + array[array != 0].nbytes
        total += min(as_bits, array.nbytes)
    return total


def timed(dense=(), pruned=()):
    rows = [{"model": "dense", "threads": n, "seconds": s} for n, s in dense]
    return rows + [{"model": "pruned", "threads": n, "seconds": s} for n, s in pruned]


# %%
SLOW, FAST = [0.010, 0.011, 0.030], [0.005, 0.006, 0.004]
TIMINGS = [
    (timed([(1, SLOW)], [(1, FAST)]), 0.011 / 0.005),
    (timed([(1, SLOW), (2, FAST)], [(2, FAST), (1, SLOW)]), 1.0),
    (timed([(2, FAST), (4, SLOW)], [(4, FAST), (1, FAST)]), 0.011 / 0.005),
    (timed([(1, SLOW)], [(2, FAST)]), None),
    (timed([(1, SLOW)]), None),
    ([], None),
]
KINDS = ["zeros", "8 bits", "zeros and 8 bits", "filters", "nothing", "zeros and filters"]

# %% check="report" points=4
with check(
    "05-pruning/report", points=4, revisit="01-magnitude-pruning.ipynb#Sparse-storage,-by-hand"
) as verify:
    for number, (kind, (timings, speedup)) in enumerate(zip(KINDS, TIMINGS, strict=True)):
        dense, small = pair(kind, number)
        found = report(dense, small, timings)
        keys = isinstance(found, dict) and set(found) == {"raw", "compressed", "sparse", "zeros", "speedup"}
        verify(keys, "Return the five keys.")
        data = [joined(model) for model in (dense, small)]
        layers = np.concatenate([a.ravel() for a in small.values() if a.ndim > 1])
        true = {"raw": len(data[0]) / len(data[1])}
        true["compressed"] = len(zlib.compress(data[0], 9)) / len(zlib.compress(data[1], 9))
        true["sparse"] = sparse_bytes(dense) / sparse_bytes(small)
        true["zeros"] = float((layers == 0).mean())
        for key, value in true.items():
            said = f"Case “{kind}”: `{key}` is {value:.4f}, and you report {found[key]!r}."
            verify(isinstance(found[key], float | int) and abs(found[key] - value) < 1e-6, said)
        case = f"Timings {[(row['model'], row['threads']) for row in timings]}:"
        given = found["speedup"]
        fits = given == speedup if None in (given, speedup) else abs(given - speedup) < 1e-9
        verify(fits, f"{case} the speed-up is {speedup}, and you report {given!r}.")

# %% [markdown]
# ## Exercise 4, open: a plan under a budget (3 points, 30 minutes and a discussion)
#
# This network is small enough to train here: three layers that sort 64 measurements of a leaf into four classes (the
# synthetic leaves of chapter 2). Packed as in exercise 3 it may take 7,200 bytes, training may go on for 20 more epochs,
# and it may lose a point and a half. Which layer gives how much, and when?


# %% tags=["long"]
SIZES = [64, 128, 64, 4]
LAYERS = ["first", "second", "third"]
BUDGET_BYTES, BUDGET_EPOCHS, MOST_POINTS = 7_200, 20, 1.5
_rng = np.random.default_rng(4)
_centres = _rng.normal(size=(4, 64)) * 0.6


def measured_leaves(count, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(4, size=count)
    side = rng.choice([-1, 1], size=(count, 1))
    return (side * _centres[labels] + rng.normal(size=(count, 64))).astype(np.float32), labels


TRAIN, TEST = measured_leaves(3000, 1), measured_leaves(4000, 2)


# %%
def run(net, inputs):
    outputs = [inputs]
    for name in LAYERS:
        before = outputs[-1] if name == "first" else np.maximum(outputs[-1], 0)
        outputs.append(before @ net[f"{name}.weight"].T + net[f"{name}.bias"])
    return outputs


def right(net, leaves=TEST):
    return float((run(net, leaves[0])[-1].argmax(1) == leaves[1]).mean())


# %% tags=["long"]
def slopes(net, inputs, labels):
    """How the loss changes with each array."""
    outputs, found = run(net, inputs), {}
    scores = np.exp(outputs[-1] - outputs[-1].max(1, keepdims=True))
    back = (scores / scores.sum(1, keepdims=True) - np.eye(4)[labels]) / len(labels)
    for number in (2, 1, 0):
        name, came = LAYERS[number], outputs[number] if number == 0 else np.maximum(outputs[number], 0)
        found[f"{name}.weight"], found[f"{name}.bias"] = back.T @ came, back.sum(0)
        back = back @ net[f"{name}.weight"] * (outputs[number] > 0)
    return found


def train(net, epochs, rng, rate=0.05):
    """Stochastic descent with momentum; what is zero stays zero."""
    masks, speed = {name: array != 0 for name, array in net.items() if array.ndim > 1}, {}
    for _ in range(epochs):
        for some in np.array_split(rng.permutation(len(TRAIN[1])), 60):
            for name, slope in slopes(net, TRAIN[0][some], TRAIN[1][some]).items():
                speed[name] = 0.9 * speed.get(name, 0) - rate * (slope + 1e-3 * net[name])
                net[name] = (net[name] + speed[name]).astype(np.float32) * masks.get(name, 1)
    return net


# %%
def dense_net():
    rng, net = np.random.default_rng(7), {}
    for name, before, after in zip(LAYERS, SIZES, SIZES[1:], strict=False):
        net[f"{name}.weight"] = (rng.normal(size=(after, before)) * np.sqrt(2 / before)).astype(np.float32)
        net[f"{name}.bias"] = np.zeros(after, np.float32)
    return train(net, 8, rng)


DENSE = dense_net()
print(f"dense: {right(DENSE):.1%} right, {sum(array.nbytes for array in DENSE.values()):,} bytes")


# %% answer="plan"
def plan():
    """Plan the pruning.

    Returns:
        A list of rounds, carried out in order; each is {"shares": {"first": share of zeros, "second": ..., "third": ...},
        "epochs": how many to train after it}. A layer that is not named stays as it was. What is zero stays zero.

    Hint: 7,200 bytes are mask and values. How many values may stay, and which layer has them to give?
    """
    ### BEGIN SOLUTION
    shares = [(0.6, 0.6), (0.82, 0.82), (0.91, 0.91), (0.95, 0.95)]
    return [
        {"shares": {"first": first, "second": second}, "epochs": epochs}
        for (first, second), epochs in zip(shares, (3, 3, 4, 10), strict=True)
    ]
    ### END SOLUTION


# %% [markdown]
# The check carries your plan out, and trains for real. What it prints for each round is measured on leaves that you may
# look at; the points are counted on others, since a plan that is changed until one set likes it fits that set. It prunes with its own code, so this exercise does not wait for the
# first one.


# %%
def carry_out(rounds):
    net, rng = {name: array.copy() for name, array in DENSE.items()}, np.random.default_rng(8)
    for number, one in enumerate(rounds, 1):
        for name, share in one["shares"].items():
            flat = net[f"{name}.weight"].reshape(-1)
            flat[np.argsort(np.abs(flat), kind="stable")[: round(share * flat.size)]] = 0
        cut = right(net)
        net = train(net, one["epochs"], rng)
        print(f"round {number}: {cut:.1%} right after the cut, {right(net):.1%} after {one['epochs']} epochs")
    return net


# %%
from numbers import Integral


def well_formed(rounds, verify):
    verify(isinstance(rounds, list) and bool(rounds), "Return a list of at least one round.")
    for one in rounds:
        verify(set(one) == {"shares", "epochs"}, "A round has the keys shares and epochs.")
        verify(set(one["shares"]) <= set(LAYERS), f"The layers are {', '.join(LAYERS)}.")
        fine = all(0 <= share < 1 for share in one["shares"].values())
        verify(fine, "A share is from 0 to less than 1.")
        whole = isinstance(one["epochs"], Integral) and one["epochs"] >= 0
        verify(whole, "epochs is a whole number from 0.")
    spent = sum(one["epochs"] for one in rounds)
    verify(spent <= BUDGET_EPOCHS, f"The plan trains for {spent} epochs, and there are {BUDGET_EPOCHS}.")


# %% check="plan" points=3
with check(
    "05-pruning/plan", points=3, revisit="02-structured-and-movement.ipynb#Which-layer-can-give?"
) as verify:
    rounds = plan()
    well_formed(rounds, verify)
    pruned = carry_out(rounds)
    others = measured_leaves(10_000, 3)
    size, lost = sparse_bytes(pruned), 100 * (right(DENSE, others) - right(pruned, others))
    print(f"{size:,} bytes packed, {lost:.1f} points lost on {len(others[1]):,} other leaves")
    verify(size <= BUDGET_BYTES, f"Packed it takes {size:,} bytes; {BUDGET_BYTES:,} are there.")
    verify(lost <= MOST_POINTS, f"It lost {lost:.1f} points; {MOST_POINTS} are allowed.")

# %% [markdown]
# Now argue. Why does each layer give what it gives? Where did your epochs go? The loss was measured on 10,000 leaves like
# those of the training: what might it hide about the leaves of a dry year? And what would the plan look like if Achieng
# wanted answers in half the time, and did not mind the bytes?

# %% [markdown]
# ## Your score

# %%
from offlinefirst.course.checks import Score

Score("05-pruning", prune=4, remove=4, report=4, plan=3)
