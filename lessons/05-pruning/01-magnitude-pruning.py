# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Where the bytes really went
#     chapter: 5
#     device: laptop-4gb
#     teach_minutes: 60
#     exercise_minutes: 10
#     objectives:
#       - Make the field's pruning listing run, and find out what each of its lines gave
#       - Keep raw size, compressed size, memory, latency and accuracy apart
#       - Store a pruned layer three ways by hand, and say from which share of zeros each pays
#       - Say when a runtime makes use of zeros, and when it does not
#     after: [04-measuring/01-a-bench-you-can-trust]
#     claims: [prune-size, prune-accuracy]
# ---

# %% [markdown] spine="insight"
# # Where the bytes really went
#
# **Key insight:** a zero takes as much room as any other number. Pruning pays when something makes use of the zeros, a
# compressor, a file format or a kernel, and whoever reports a gain should be able to say which.

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and listing 10 minutes, what fails 15, sparse storage 15, kernels 5, measuring and claims 15.
#
# **Board sketch.** Ten boxes, eight of them with a 0 inside. Ask how many bytes. Then rub out the zeros and ask how the
# reader knows where the two numbers belong: that is the mask, and it is not free.
#
# **Common mistakes.** Learners take sparsity for size. They take the sum of pruning and quantising for pruning, as the
# source does. They believe that a multiplication by zero is skipped. And they prune the first layer of 432 weights as
# hard as the last convolution of 36,864: ask what that can save.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] spine="situation"
# ## The situation
#
# Achieng's leaf app is on three hundred phones, and a better model has to reach them all. She has read that pruning takes a
# TFLite model from 12.3 to 4.1 MB for 1.2 points of accuracy, with a listing of thirty lines. Her model is smaller, and
# her question is the same: what will each phone have to fetch, and what will it cost in accuracy, memory and time?
#
# Achieng is invented. The model is real: the middling leaf network of this course, as it came out of training, on
# leaves that are synthetic.

# %%
import numpy as np

from offlinefirst.course.lessons import course_root
from offlinefirst.datasets.leaves import CLASSES, leaves

images, labels = leaves(1536, seed=1)
test_images, test_labels = leaves(2000, seed=2)
train_x, test_x = (pictures.astype(np.float32) / 255 for pictures in (images, test_images))
train_y = np.eye(4, dtype=np.float32)[labels]
print(f"{len(train_x):,} leaves to train on, {len(test_x):,} others to test; {', '.join(CLASSES)}")

# %% [markdown]
# The pruning toolkit for TensorFlow works with Keras 2, which goes on as the package `tf_keras`.

# %%
import logging

import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras

logging.getLogger("tensorflow").setLevel(logging.ERROR)
layers = tf_keras.layers
tf_keras.utils.set_random_seed(5)


def network(momentum=0.99):
    """Six convolutions of 3 by 3, each with a normalisation; 0.99 is Keras' own choice."""
    stack = [layers.InputLayer(input_shape=(48, 48, 3))]
    for channels, stride in [(16, 2), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)]:
        stack += [layers.ZeroPadding2D(1), layers.Conv2D(channels, 3, stride, use_bias=False)]
        stack += [layers.BatchNormalization(momentum=momentum, epsilon=1e-5), layers.ReLU()]
    return tf_keras.Sequential([*stack, layers.GlobalAveragePooling2D(), layers.Dense(4, "softmax")])


# %% [markdown]
# The weights were trained with torch, which has the axes in another order.


# %%
STORED = np.load(course_root() / "datasets/models/pruning/leaf-medium.npz")
PARTS = ("weight", "bias", "running_mean", "running_var")


def arrays_of(number):
    """One layer's arrays, with the axes as Keras has them."""
    names = [f"{number}.{part}" for part in PARTS if f"{number}.{part}" in STORED]
    first, *others = (STORED[name].astype(np.float32) for name in names)
    return [first.transpose(2, 3, 1, 0) if first.ndim == 4 else first.T, *others]


def trained(momentum=0.99):
    """The network with the weights that ship with the course."""
    model, numbers = network(momentum), sorted({int(name.split(".")[0]) for name in STORED})
    for number, layer in zip(numbers, [one for one in model.layers if one.weights], strict=True):
        layer.set_weights(arrays_of(number))
    return model


# %%
def right(model):
    """For each test leaf, whether the model is right."""
    return model.predict(test_x, batch_size=250, verbose=0).argmax(1) == test_labels


dense = trained()
dense_right = right(dense)
parameters = sum(int(tf.size(weight)) for weight in dense.trainable_weights)
print(f"{parameters:,} parameters, right on {dense_right.mean():.1%} of the test leaves")

# %% [markdown] spine="naive"
# ## The listing
#
# This is the listing that Achieng found, with her data in it and one epoch in place of ten. A schedule raises the share of
# zeros from 30 to 80 %, a callback keeps count of the steps, another writes to TensorBoard, and at the end the converter
# is asked to optimise.


# %%
from offlinefirst.device.quiet import swallowed_stderr


def convert(model, *optimisations):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = list(optimisations)
    with swallowed_stderr():  # it writes to the terminal, from C
        return converter.convert()


def zeros(model):
    kernels = [weight for weight in model.get_weights() if weight.ndim > 1]
    return sum((kernel == 0).sum() for kernel in kernels) / sum(kernel.size for kernel in kernels)


# %%
sparsity = tfmot.sparsity.keras
progress = tf_keras.callbacks.LambdaCallback(
    on_epoch_end=lambda number, logs: print(f"epoch {number + 1}: training loss {logs['loss']:.2f}")
)


def listing(model, end_step, epochs, frequency=100):
    schedule = sparsity.PolynomialDecay(0.30, 0.80, begin_step=0, end_step=end_step, frequency=frequency)
    pruned = sparsity.prune_low_magnitude(model, pruning_schedule=schedule)
    pruned.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    logs = str(device.current().scratch / "logs")
    callbacks = [sparsity.UpdatePruningStep(), sparsity.PruningSummaries(log_dir=logs), progress]
    pruned.fit(train_x, train_y, batch_size=64, epochs=epochs, callbacks=callbacks, verbose=0)
    return sparsity.strip_pruning(pruned)


# %%
as_listed = listing(trained(), end_step=1000, epochs=1)
listed_file = convert(as_listed, tf.lite.Optimize.DEFAULT)
dense_file = convert(dense)
smaller = len(dense_file) / len(listed_file)
print(f"{len(dense_file):,} bytes before, {len(listed_file):,} after: {smaller:.1f} times smaller")

# %% [markdown]
# It runs, and the file is a good deal smaller. Many reports end here.

# %% [markdown] spine="fails"
# ## It fails, three times
#
# **First: how many zeros are there?**

# %%
print(f"asked for 80% zeros, got {zeros(as_listed):.0%}")

# %% [markdown]
# The schedule ends at step 1,000, and the toolkit prunes at every hundredth. Our one epoch is over before the first. So ten
# epochs must do better; the schedule as a formula, by Zhu and Gupta (2017), tells how much:

# %%
steps = -(-len(train_x) // 64)


def share_at(step, end, initial=0.30, final=0.80):
    done = min(1, step / end)
    return final + (initial - final) * (1 - done) ** 3


for epochs in (1, 5, 10):
    last = epochs * steps // 100 * 100
    got = f"{share_at(last, 1000):.0%} zeros, since step {last}" if last else "none"
    print(f"{epochs:>2} epochs of {steps} steps: {got}")

# %% [markdown]
# What ten epochs give depends on how many examples there are. The listing does not say, and nothing warns.
#
# **Second: what pruned it?** We leave pruning away and keep the last two lines, the ones about conversion.

# %%
only_converted = convert(dense, tf.lite.Optimize.DEFAULT)
print(f"the listing      {len(listed_file):,} bytes")
print(f"without pruning  {len(only_converted):,} bytes")

# %% [markdown]
# The same size. `Optimize.DEFAULT` stores each weight in 8 bits in place of 32: that is quantisation, the subject of the
# next chapter, and all of this gain is its own. The pruning is not to be seen in the file.
#
# **Third: is it still right?** With a schedule that does reach 80 %:

# %%
wrecked = listing(trained(), end_step=steps, epochs=2, frequency=4)
print(f"{zeros(wrecked):.0%} zeros, right on {right(wrecked).mean():.1%} (dense {dense_right.mean():.1%})")
print(f"who guesses among four has a loss of {np.log(4):.2f}")

# %% [markdown]
# On the test it guesses, and by its training loss it does not. So the zeros alone did not do that. A batch normalisation
# keeps a running mean and variance of what comes in, for use after training. With a momentum of 0.99, Keras' default, each
# step replaces one per cent of them. Pruning has changed what comes in, and what the statistics remember is for the most
# part the network that was:

# %%
for epochs in (2, 10):
    kept = {momentum: momentum ** (epochs * steps) for momentum in (0.99, 0.9)}
    said = "; ".join(f"with momentum {momentum} {left:.1%}" for momentum, left in kept.items())
    print(f"left of the old statistics after {epochs:>2} epochs: {said}")

# %% [markdown]
# The proof is one argument away. `training=True` makes the same network, with the same zeros, use the statistics of the batch:

# %%
answers = np.concatenate([wrecked(part, training=True).numpy().argmax(1) for part in np.split(test_x, 8)])
print(f"the same weights, with each batch's own statistics: {(answers == test_labels).mean():.1%}")

# %% [markdown]
# The training loss does not show it, since training uses the statistics of the batch. Ten epochs would leave mostly fresh
# ones, for this number of leaves; with fewer the fault is back. It is found by whoever measures the converted file.

# %% [markdown] spine="fix"
# ## The fix, one step at a time
#
# Momentum 0.9; a schedule that is counted in steps of *this* training, ends before it ends, and moves at every fifth step; and the
# first and the last layer stay as they are, because they have few weights and everything passes through them.

# %%
EPOCHS, SPARE = 5, 0.6
end_step = int(SPARE * EPOCHS * steps)
schedule = sparsity.PolynomialDecay(0.30, 0.80, begin_step=0, end_step=end_step, frequency=5)
model = trained(momentum=0.9)
kernels = [layer.name for layer in model.layers if isinstance(layer, layers.Conv2D)]


def wrap(layer):
    if layer.name in kernels[1:]:
        return sparsity.prune_low_magnitude(layer, pruning_schedule=schedule)
    return layer


wrapped = tf_keras.models.clone_model(model, clone_function=wrap)
wrapped.build((None, 48, 48, 3))

# %%
rate = tf_keras.optimizers.schedules.CosineDecay(3e-3, EPOCHS * steps)
wrapped.compile(tf_keras.optimizers.Adam(rate), "categorical_crossentropy")
wrapped.fit(train_x, train_y, 64, EPOCHS, verbose=0, callbacks=[sparsity.UpdatePruningStep(), progress])
pruned = sparsity.strip_pruning(wrapped)
pruned_right = right(pruned)
print(f"{zeros(pruned):.0%} zeros, right on {pruned_right.mean():.1%} (dense {dense_right.mean():.1%})")

# %% [markdown]
# That is what a minute's training gives; the figures of a longer one are below. Now the bytes. The converter has a second
# option, for zeros: `EXPERIMENTAL_SPARSITY`.

# %%
import zlib

BITS, SPARSE = tf.lite.Optimize.DEFAULT, tf.lite.Optimize.EXPERIMENTAL_SPARSITY
FILES = {
    "dense": dense_file,
    "pruned": convert(pruned),
    "8 bits": only_converted,
    "pruned, 8 bits": convert(pruned, BITS),
    "pruned, sparse": convert(pruned, SPARSE),
}
compressed = {name: len(zlib.compress(data, 9)) for name, data in FILES.items()}
for name, data in FILES.items():
    print(f"{name:<15} raw {len(data):>8,}   compressed {compressed[name]:>8,}")

# %%
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
for row, name in enumerate(FILES):
    axis.barh(row - 0.2, len(FILES[name]) / 1000, 0.38, color="#999999")
    axis.barh(row + 0.2, compressed[name] / 1000, 0.38, color="#0072B2")
axis.text(len(FILES["dense"]) / 1000 + 3, -0.2, "raw", va="center", color="#555555")
axis.text(compressed["dense"] / 1000 + 3, 0.2, "compressed", va="center", color="#0072B2")
axis.set_yticks(range(len(FILES)), FILES)
axis.invert_yaxis()
axis.set(xlabel="size in KB (1,000 bytes)", title="Zeros show once they are compressed, or left out")
axis.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# Read the grey bars first. Pruning alone moves none of them: the zeros are written out. The blue ones are what a download
# costs, and there it does: the compressor makes use of the zeros. The last file leaves them out and says where the others
# belong, so it is small on the phone too. LiteRT puts the zeros back before it computes (its operator DENSIFY); what that
# means for memory and time is measured below.

# %% [markdown]
# ### Sparse storage, by hand
#
# How are zeros left out of a file? Take one layer. Whoever leaves numbers out must say where the others belong.
# The simplest way is a mask: one bit for each weight.
#
# ![A row of eight weights, five of them zero. Below it, stored as a mask of eight bits and three values, and as three values with three positions. Dense takes 32 bytes as float32, the mask 1 byte and 12, the positions 6 and 12.](figures/sparse-storage.svg)


# %%
def to_mask(array):
    there = array.ravel() != 0
    return np.packbits(there), array.ravel()[there]


def from_mask(bits, values, shape):
    array = np.zeros(np.prod(shape), values.dtype)
    array[np.unpackbits(bits, count=array.size).astype(bool)] = values
    return array.reshape(shape)


layer = next(one for one in pruned.layers if one.name == kernels[-1]).get_weights()[0]
matrix = layer.reshape(-1, layer.shape[-1]).T  # a row for each filter
bits, values = to_mask(matrix)
assert np.array_equal(from_mask(bits, values, matrix.shape), matrix)
print(f"dense {matrix.nbytes:,} bytes; mask {bits.nbytes:,} and values {values.nbytes:,}")

# %% [markdown]
# The other way is a list of positions. Compressed sparse rows (CSR) keep the column of each value, and where each row begins.
# It is what sparse kernels compute with, and the positions cost more than the mask.


# %%
from itertools import pairwise


def to_rows(array, index_type=np.int32):
    row, column = np.nonzero(array)
    begins = np.searchsorted(row, np.arange(len(array) + 1)).astype(index_type)
    return begins, column.astype(index_type), array[row, column]


def times(rows, vector):
    """The product with a vector: only the values that are there are multiplied."""
    begins, columns, values = rows
    products = values * vector[columns]
    return np.array([products[a:b].sum() for a, b in pairwise(begins)])


# %%
rows, short = to_rows(matrix), to_rows(matrix, np.int16)
vector = np.random.default_rng(1).normal(size=matrix.shape[1])
assert np.allclose(times(rows, vector), matrix @ vector)
wide, narrow = (sum(part.nbytes for part in parts) for parts in (rows, short))
print(f"CSR with positions of 4 bytes {wide:,}, of 2 bytes {narrow:,}")

# %% [markdown]
# Which is the smallest depends on the share of zeros. `entropy` is what no lossless coder can beat for zeros at random
# places and values that cannot be compressed.


# %%
def bits_per_weight(share, value_bits):
    left = 1 - share
    surprise = -sum(p * np.log2(p) for p in (share, left) if p > 0)
    return {
        "dense": value_bits,
        "mask": 1 + left * value_bits,
        "CSR, 2-byte positions": left * (value_bits + 16),
        "entropy": surprise + left * value_bits,
    }


for value_bits in (32, 8):
    for share in (0.1, 0.5, 0.8, 0.95):
        found = ", ".join(f"{name} {bits:.1f}" for name, bits in bits_per_weight(share, value_bits).items())
        print(f"{value_bits:>2}-bit values, {share:.0%} zeros: {found}")

# %% [markdown]
# A mask pays from one zero in 32 on for 32-bit values, and from one in 8 for 8-bit ones. CSR with 8-bit values needs two
# thirds of zeros to break even, and beats the mask only when nearly all is zero. Move the sliders:


# %%
def bars(zeros_percent, value_bits):
    found = bits_per_weight(zeros_percent / 100, value_bits)
    figure, axis = plt.subplots(figsize=(8, 2.2), layout="constrained")
    colours = ["#999999", "#0072B2", "#D55E00", "#009E73"]
    axis.barh(list(found), list(found.values()), color=colours)
    for row, value in enumerate(found.values()):
        axis.text(value + 0.3, row, f"{value:.1f}", va="center")
    axis.invert_yaxis()
    axis.set(
        xlabel="bits for each weight (computed)",
        xlim=(0, 50),
        title=f"{zeros_percent} % zeros, values of {value_bits} bits",
    )
    axis.spines[["top", "right"]].set_visible(False)
    plt.close(figure)
    return figure


# %%
from ipywidgets import Dropdown, IntSlider

from offlinefirst.course.play import play

play(
    bars,
    zeros_percent=IntSlider(80, min=0, max=99, description="% zeros"),
    value_bits=Dropdown(options=[32, 16, 8, 4], value=8, description="value bits"),
)

# %% [markdown]
# ### When a kernel makes use of zeros
#
# A dense kernel multiplies by zero as it does by anything else. A sparse one skips, and pays for looking up positions and
# for memory that is read out of order. From which share on does skipping win? One layer's product, on one thread each (the dense
# library would take both cores, the sparse one takes one):

# %%
import time
from functools import partial

from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits


def in_turn(*calls, rounds=41):
    """Seconds of each call in each round; every other round goes backwards."""
    seconds = np.empty((rounds + 2, len(calls)))
    for number, row in enumerate(seconds):
        for one in range(len(calls))[:: 1 if number % 2 else -1]:
            start = time.perf_counter()
            calls[one]()
            row[one] = time.perf_counter() - start
    return seconds[2:]  # the first two warm up


# %%
from offlinefirst.measure.host import host

rng = np.random.default_rng(3)
full = rng.normal(size=matrix.shape).astype(np.float32)
pixels = rng.normal(size=(matrix.shape[1], 36)).astype(np.float32)  # 6 by 6 places in the picture
print(host()["cpu"], *host()["cpu_flags"], "- one thread")
for share in (0.5, 0.8, 0.9, 0.95, 0.99):
    thin = full * (rng.random(full.shape) >= share)
    with threadpool_limits(1):
        seconds = in_turn(partial(np.matmul, thin, pixels), partial(csr_matrix(thin).dot, pixels))
    took, gain = 1e6 * np.median(seconds, axis=0), np.median(seconds[:, 0] / seconds[:, 1])
    print(f"{share:.0%} zeros: dense {took[0]:4.0f} µs, sparse {took[1]:4.0f} µs: {gain:.2f} times as fast")

# %% [markdown]
# At the 80 % of the listing four products of five are skipped, and what is won by it is little or nothing; at half zeros
# skipping is far slower than not skipping. Find the crossing on your machine.
#
# LiteRT's float kernels (XNNPACK) have sparse versions too, for part of a network at a time, and with conditions: the
# weights are stored sparse, the part begins with a 3 by 3 convolution of stride 2 and ends in a mean over the picture (or in
# depth-to-space), and at least two thirds of the weights of its 1 by 1 convolutions are zero (README of TensorFlow's XNNPACK
# delegate). The convolutions of this network are 3 by 3.

# %% [markdown] spine="measure"
# ## Measure it
#
# The five files under LiteRT, one thread, one leaf at a time and in turn; accuracy from the files themselves, with the
# interval of the *difference* to the dense one: both saw the same leaves, so only those count on which they differ.


# %%
from ai_edge_litert.interpreter import Interpreter


def interpreter(data, batch=1):
    with swallowed_stderr():
        one = Interpreter(model_content=data, num_threads=1)
        one.resize_tensor_input(one.get_input_details()[0]["index"], [batch, 48, 48, 3])
        one.allocate_tensors()
    return one


def scores(one, pictures):
    one.set_tensor(one.get_input_details()[0]["index"], pictures)
    one.invoke()
    return one.get_tensor(one.get_output_details()[0]["index"])


# %%
def file_right(data):
    one = interpreter(data, 250)
    found = [scores(one, part).argmax(1) for part in np.array_split(test_x, len(test_x) // 250)]
    return np.concatenate(found) == test_labels


# %%
def points_lost(name):
    """Points lost against the dense file, and half the width of the 95 % interval."""
    lost = answers["dense"].astype(float) - answers[name]
    return 100 * lost.mean(), 196 * lost.std() / len(lost) ** 0.5


answers = {name: file_right(data) for name, data in FILES.items()}
ready = [interpreter(data) for data in FILES.values()]
seconds = in_turn(*[lambda one=one: scores(one, test_x[:1]) for one in ready], rounds=150)
ratios = np.median(seconds / seconds[:, :1], axis=0)
print(f"{'':<15}{'right':>7}{'points lost':>20}{'p50':>10}{'against dense':>16}")
for name, took, ratio in zip(FILES, np.median(seconds, axis=0), ratios, strict=True):
    lost, margin = points_lost(name)
    said = f"{lost:>10.1f} ± {margin:<7.1f}{1000 * took:>7.2f} ms{ratio:>16.2f}"
    print(f"{name:<15}{answers[name].mean():>7.1%}{said}")

# %% [markdown]
# Pruning changes the last column by nothing but noise, stored sparse or not. Quantised weights are computed with in other
# kernels, which may be faster or slower on your processor; the next chapter is about that.
#
# ### With more training
#
# `benchmarks/pruning.py` does the same with 6,000 training leaves, tests the same 2,000, and weighs the memory of a fresh
# process for each file. It also trains the dense network on in the same way, without zeros: what is lost against that one
# is what the zeros cost. It takes minutes, so these are the figures it wrote when it was last run:

# %%
import json

report = json.loads((course_root() / "benchmarks/results/pruning.json").read_text())
metrics, facts = report["metrics"], report["host"]
print(f"{'':<26}{'raw':>9}{'compressed':>12}{'peak RSS':>12}{'p50':>10}{'right':>8}")
for row in report["rows"]:
    if row["part"] == "magnitude":
        sizes = f"{row['raw_bytes']:>9,}{row['compressed_bytes']:>12,}{row['peak_rss_bytes'] / 1e6:>9.1f} MB"
        print(f"{row['model']:<26}{sizes}{row['p50_ms']:>7.2f} ms{row['accuracy']:>8.1%}")
wire = metrics["wire_loss_points"], metrics["wire_loss_margin"]
print(f"\non the wire {metrics['wire_ratio']:.1f} times smaller, for {wire[0]:.1f} ± {wire[1]:.1f} points")
print(f"{facts['epochs']} epochs, {facts['threads']} thread, {facts['cpu']}: {' '.join(facts['cpu_flags'])}")

# %% [markdown]
# Peak RSS is the runtime's, and hardly knows the files apart.

# %% [markdown] spine="claim"
# ## The claims, checked
#
# The claim is 4.1 of 12.3 MB, a third. We ask our file to be a third of the dense one, raw, as the claim counts. And as the
# claim names pruning as the cause, we ask what each part of the listing does without the other:

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_most, holds_if

THIRD = 100 * 4.1 / 12.3
names = ("pruned, 8 bits", "8 bits", "pruned", "pruned, sparse")
shares = {name: 100 * len(FILES[name]) / len(dense_file) for name in names}


def smaller_by_pruning(share):
    """if the weights are stored in 8 bits, which makes the file at most a third without pruning too"""
    if share["pruned, 8 bits"] > THIRD:
        return "not reproduced"
    needed = share["pruned"] <= THIRD or share["8 bits"] > THIRD
    return "reproduced" if needed else "holds with a condition"


verdict("prune-size", measured=shares, unit="percent of the dense file, raw", rule=smaller_by_pruning)

# %% [markdown]
# Pruning can get there by itself, with an option that the listing does not use.
#
# And the accuracy: at most 1.2 points lost at 80 % zeros, from the dense file to the pruned one of 8 bits, on the same 2,000
# leaves, with the minute of training of this page and with the training of the benchmark:

# %%
length, minute = "trained at length", "trained for a minute"
found = {
    length: (metrics["wire_loss_to_start"], metrics["wire_loss_to_start_margin"]),
    minute: points_lost("pruned, 8 bits"),
    "at length, against a dense one trained on as long": wire,
}
for name, (lost, margin) in found.items():
    print(f"{name}: {lost:.1f} ± {margin:.1f} points lost")
unsure = [name for name, (lost, margin) in found.items() if abs(lost - 1.2) <= margin]
condition = "if the pruned network is trained on at length" + (
    ", and the dense one is not" if wire[0] > 1.2 else ""
)
if unsure:
    condition += f" (within the noise of 1.2: {'; '.join(unsure)})"

# %%
verdict(
    "prune-accuracy",
    measured={name: float(found[name][0]) for name in (length, minute)},
    unit="points lost",
    rule=holds_if(condition, at_most(1.2), where=length, elsewhere=minute),
    possible=(-100, 100),
)

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.models.prune` is what this page did by hand: exact shares, a packed form, and one function that weighs a model
# every way at once. It works on plain arrays, whatever framework they came from.

# %%
from offlinefirst.models import prune

weights = {weight.name: weight.numpy() for weight in pruned.weights}
thin = prune.magnitude(weights, {name: 0.95 for name in prune.prunable(weights)[1:-1]})
cut = tf_keras.models.clone_model(pruned)
cut.set_weights(list(thin.values()))
for name, arrays, model in (("as pruned", weights, pruned), ("95 % zeros", thin, cut)):
    found = prune.stored(arrays)
    print(
        f"{name:<11} zeros {found.zeros:.0%}, right {right(model).mean():.1%}; raw {found.raw_bytes:,}",
        end="",
    )
    print(f", compressed {found.compressed_bytes:,}, packed {found.packed_bytes:,}", end="")
    print(f", both {found.packed_compressed_bytes:,}")
one = thin[prune.prunable(thin)[3]]
assert np.array_equal(prune.unpack(prune.pack(one)), one)

# %% [markdown]
# Zeros are cheap to make; without training after, the accuracy goes. What cannot be pruned is refused with a sentence that says what to do:

# %%
broken = weights | {name: np.full_like(weights[name], np.nan) for name in prune.prunable(weights)[:1]}
attempts = [
    lambda: prune.magnitude(weights, 80),
    lambda: prune.magnitude(weights, 1.0),
    lambda: prune.magnitude(broken, 0.8),
    lambda: prune.magnitude({"bias": np.ones(4, np.float32)}, 0.5),
    lambda: prune.unpack(prune.pack(one)[:-5]),
]
for attempt in attempts:
    try:
        attempt()
    except prune.PruneError as error:
        print(f"{type(error).__name__}: {error}\n")

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **The leaves are synthetic, the network small.** Large networks have more to spare. For InceptionV3 the toolkit's guide
#   reports 78.1 %, then 76.1 % with 75 % zeros and 74.6 % with 87.5 % (tensorflow.org/model_optimization/guide/pruning):
#   points are lost there as well.
# - **The claim's own model cannot be had.** We tested the listing, on our network, and its ratio.
# - **Compressed is not stored.** Most servers compress what they send. An Android package commonly leaves `.tflite` files out
#   of its compression (`noCompress`), so that they can be read in place (chapter 1): there, zeros written out save nothing.
# - **Zeros in a pattern are another matter.** Two of every four weights can be skipped by some accelerators, and blocks by
#   some kernels. Ask the runtime that you ship, not the paper.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("05-pruning/01-magnitude-pruning")

# %% [markdown] spine="next"
# ## Next
#
# Zeros save bytes, on the wire or in a file that leaves them out, and no time.
# [The next notebook](02-structured-and-movement.ipynb) takes whole filters and attention heads out, so that what is left is
# dense, smaller and faster under any runtime.
