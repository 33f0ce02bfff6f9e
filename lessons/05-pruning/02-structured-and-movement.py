# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Take the whole filter
#     chapter: 5
#     device: laptop-4gb
#     teach_minutes: 60
#     exercise_minutes: 10
#     objectives:
#       - Remove a filter and everything that reads it, by hand, and check that nothing else has changed
#       - Measure which layer can give how much
#       - Show a pruned network beside one of its size that was trained from scratch
#       - Choose between magnitude and movement for a network that changes its task
#     after: [05-pruning/01-magnitude-pruning]
#     claims: [movement-faster]
# ---

# %% [markdown] spine="insight"
# # Take the whole filter
#
# **Key insight:** a network gets faster when its arrays get smaller. So take out what makes an array smaller, whole filters
# and whole attention heads, and with each of them everything that knows of it.

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 8 minutes, removing by hand 17, sensitivity 10, heads 8, movement 12, the rest 5.
#
# **Board sketch.** The first figure without its colours. Strike out one row on the left, and let the room call out what else
# has to go. Somebody always forgets the normalisation, and nobody the filter itself.
#
# **Common mistakes.** Taking a filter of the next layer in place of its inputs. Believing that a mask makes things fast.
# Comparing a pruned network that was trained on for ten epochs with a dense one that was not. Leaving out the row "as
# small, from scratch", which is the only one that says whether pruning was worth the work.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] spine="situation"
# ## The situation
#
# Zeros made Achieng's download smaller, and the answer as slow as before. On Mutheu's phone a photo is cut into 64 squares,
# and the leaf network looks at each, so a farmer waits 64 times what one square takes. Half of that would be felt.
#
# The network is the one of the last notebook, in torch; the leaves are synthetic. Every time here is on one thread.

# %%
import numpy as np
import torch
from torch import nn

from offlinefirst.course.lessons import course_root
from offlinefirst.datasets.leaves import leaves

torch.set_num_threads(1)
torch.manual_seed(5)
FOLDER = course_root() / "datasets/models/pruning"
images, labels = leaves(1536, seed=1)
test_images, test_labels = leaves(1000, seed=2)


def as_tensor(pictures):
    tensor = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    return tensor.contiguous(memory_format=torch.channels_last)


train_x, train_y, test_x = as_tensor(images), torch.from_numpy(labels), as_tensor(test_images)

# %% [markdown]
# The network is built from its arrays, whatever their sizes. That will come in handy.


# %% tags=["long"]
def build(weights):
    """Six convolutions with a normalisation each; their sizes are those of the arrays."""
    stack = []
    for number in range(0, 18, 3):
        filters, channels = weights[f"{number}.weight"].shape[:2]
        stride = 2 if number in (0, 6, 12) else 1
        stack += [nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]
    stack += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(weights["20.weight"].shape[1], 4)]
    model = nn.Sequential(*stack)
    model.load_state_dict(
        {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}, strict=False
    )
    return model.to(memory_format=torch.channels_last).eval()


@torch.no_grad()
def accuracy(model):
    return float((model(test_x).argmax(1).numpy() == test_labels).mean())


stored = np.load(FOLDER / "leaf-medium.npz")
WEIGHTS = {name: stored[name].astype(np.float32) for name in stored.files}
dense = build(WEIGHTS)
print(f"right on {accuracy(dense):.1%} of {len(test_x):,} test leaves")

# %%
import time

square = test_x[:64].contiguous(memory_format=torch.channels_last)  # one photo's squares


@torch.no_grad()
def in_turn(*models, inputs=square, rounds=15):
    """Median seconds of each model, one after the other in each round."""
    seconds = np.empty((rounds, len(models)))
    for one in seconds:
        for number, model in enumerate(models):
            start = time.perf_counter()
            model(inputs)
            one[number] = time.perf_counter() - start
    return np.median(seconds[2:], axis=0)


# %% [markdown] spine="naive"
# ## The tool that has it in its name
#
# `torch.nn.utils.prune` can prune in whole filters, by their norm. Half of them, in each convolution:

# %%
import copy

from torch.nn.utils import prune as torch_prune

masked = copy.deepcopy(dense)
for layer in masked:
    if isinstance(layer, nn.Conv2d):
        torch_prune.ln_structured(layer, "weight", amount=0.5, n=1, dim=0)
        torch_prune.remove(layer, "weight")
filters = [weight.abs().sum((1, 2, 3)) for name, weight in masked.named_parameters() if weight.ndim == 4]
print(
    f"{sum(int((norm == 0).sum()) for norm in filters)} of {sum(len(norm) for norm in filters)} filters are zero"
)

# %% [markdown] spine="fails"
# ## It fails

# %%
dense_s, masked_s = in_turn(dense, masked)
print(
    f"a photo: dense {1000 * dense_s:.1f} ms, half of the filters zero {1000 * masked_s:.1f} ms: {dense_s / masked_s:.2f} times as fast"
)
print(
    "shapes:",
    [tuple(layer.weight.shape) for layer in masked if isinstance(layer, nn.Conv2d)][:2],
    "as before",
)

# %% [markdown]
# No faster: filters of zeros are filters. The tool finds out what *could* go; it takes nothing out, and says so only in the
# fine print. Then we take them out ourselves. The first try is to shorten the first convolution:

# %% tags=["fails-on-purpose"]
shortened = dict(WEIGHTS)
shortened["0.weight"] = WEIGHTS["0.weight"][:8]
build(shortened)

# %% [markdown] spine="fix"
# ## A filter, and everything that reads it
#
# A filter makes one channel, and a channel has readers. The normalisation keeps four numbers for it. The next convolution has,
# in *each* of its filters, a slice of 3 by 3 weights for it. All of that goes together:
#
# ![Three tables. In the first, the filters of layer 1, row 2 is struck through. In the second, its normalisation, row 2 of four columns is struck through. In the third, the filters of layer 2, column 2 is struck through in every row.](figures/one-filter.svg)


# %%
def coupled(number):
    """Every place where the channels of convolution `number` appear: (array, axis)."""
    places = [(f"{number}.weight", 0)]
    places += [(f"{number + 1}.{part}", 0) for part in ("weight", "bias", "running_mean", "running_var")]
    return [*places, (f"{number + 3}.weight" if number < 15 else "20.weight", 1)]


def without(weights, number, gone):
    smaller = dict(weights)
    for name, axis in coupled(number):
        smaller[name] = np.delete(smaller[name], gone, axis)
    return smaller


one_less = without(WEIGHTS, 0, [3])
print({name: one_less[name].shape for name, _ in coupled(0)})

# %% [markdown]
# Is it the same network but for that channel? We silence the channel in the old one (its normalisation scales by 0 and shifts
# by 0) and compare all scores.

# %%
silent = {name: array.copy() for name, array in WEIGHTS.items()}
silent["1.weight"][3] = silent["1.bias"][3] = 0
with torch.no_grad():
    difference = (build(one_less)(test_x[:100]) - build(silent)(test_x[:100])).abs().max()
print(f"largest difference of any score: {difference:.1e}")

# %% [markdown]
# Which filters should go? The usual first answer: those of the least sum of magnitudes. Half of them, in every layer:


# %%
def weakest(weights, number, share):
    size = np.abs(weights[f"{number}.weight"]).sum((1, 2, 3))
    return np.argsort(size)[: round(share * len(size))]


def thinned(weights, share):
    for number in range(0, 18, 3):
        weights = without(weights, number, weakest(weights, number, share))
    return weights


HALF = thinned(WEIGHTS, 0.5)
half = build(HALF)
dense_s, half_s = in_turn(dense, half)
count = {
    name: sum(array.size for array in one.values()) for name, one in {"dense": WEIGHTS, "half": HALF}.items()
}
print(
    f"numbers to keep {count['dense']:,}, then {count['half']:,}, {dense_s / half_s:.1f} times as fast, right {accuracy(half):.1%}"
)

# %% [markdown]
# Half the filters are a quarter of the weights, since both ends of each convolution were cut. It is faster at last. And it
# guesses. So it has to be trained on; and because a training helps any network, beside it an equal one from scratch, with
# the same steps:


# %% tags=["long"]
def fit(model, epochs, rate=3e-3):
    """Train on, with the leaves turned over at random."""
    steps, draw = epochs * -(-len(train_x) // 64), np.random.default_rng(5)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps)
    model.train()
    for _ in range(epochs):
        for some in torch.randperm(len(train_x)).split(64):
            axes = [axis for axis in (2, 3) if draw.random() < 0.5]
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(train_x[some].flip(axes)), train_y[some]).backward()
            optimiser.step()
            plan.step()
    return model.eval()


EPOCHS = 3
half = fit(half, EPOCHS)
torch.manual_seed(6)
fresh = build(HALF)
for layer in fresh:
    if hasattr(layer, "reset_parameters"):
        layer.reset_parameters()
scratch = fit(fresh, EPOCHS)
print(
    f"dense {accuracy(dense):.1%}; half, trained on {accuracy(half):.1%}; as small, from scratch {accuracy(scratch):.1%}"
)

# %% [markdown]
# Half of every layer is too much for this small network and a training this short. But the pruned one is ahead of the fresh
# one: it did not begin from nothing. With many the gap closes, as Liu and others
# ("Rethinking the Value of Network Pruning", 2019) found for large networks. Pruning of this kind is a way to find a size, and
# a good start.

# %% [markdown]
# ### Which layer can give?
#
# Half of every layer was a guess. Ask each layer by itself: how far does the accuracy fall, without training, when only this
# one is thinned? That is a sensitivity curve.

# %%
SHARES = (0, 0.125, 0.25, 0.375, 0.5, 0.75)
curves = {}
for number in range(0, 18, 3):
    tries = [without(WEIGHTS, number, weakest(WEIGHTS, number, share)) for share in SHARES]
    curves[number] = [accuracy(build(one)) for one in tries]
    print(f"convolution {number // 3 + 1}: " + "  ".join(f"{value:.0%}" for value in curves[number]))

# %% tags=["long"]
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
colours = ["#D55E00", "#E69F00", "#009E73", "#56B4E9", "#0072B2", "#000000"]
for (number, values), colour, mark in zip(curves.items(), colours, "os^vDx", strict=True):
    axis.plot([100 * share for share in SHARES], [100 * value for value in values], color=colour, marker=mark)
    nudge = {0: 2, 3: -1}.get(number, 0)  # two curves end at almost the same place
    axis.text(76, 100 * values[-1] + nudge, f"{number // 3 + 1}", color=colour, va="center")
axis.set(xlabel="filters removed from this layer alone, %", ylabel="test leaves right, %", ylim=(20, 100))
axis.set_title("Layers differ in what they can give (synthetic leaves, no training after)")
axis.text(79, 97, "convolution", ha="center", color="#555555")
axis.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# A plan is better when it knows this. It also has to know what a layer *costs*: the multiplications are not where the weights
# are, because early layers work on more pixels.

# %%
pixels = {0: 24, 3: 24, 6: 12, 9: 12, 12: 6, 15: 6}
work = {number: WEIGHTS[f"{number}.weight"].size * side**2 for number, side in pixels.items()}
for number, products in work.items():
    share = WEIGHTS[f"{number}.weight"].size / count["dense"]
    print(
        f"convolution {number // 3 + 1}: {products / sum(work.values()):>4.0%} of the products, {share:>4.0%} of the weights"
    )

# %% [markdown]
# For bytes take from the last convolution: half of the weights are there, and it hardly minds. For speed the second, the fourth
# and the sixth are worth the same, and they mind very differently: take from the sixth, then the fourth, and leave the
# second alone.

# %% [markdown]
# ### When branches are added
#
# In a chain a channel has one maker. Where two branches are summed it has two, and a filter can only go from both. Finding all
# of that in a large network is what `torch-pruning` does: it follows an example through the network, and lists what hangs
# together.


# %%
class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.head = nn.BatchNorm2d(8), nn.Linear(8 * 16, 4)

    def forward(self, image):
        stream = torch.relu(self.first(image))
        return self.head(torch.relu(stream + self.norm(self.second(stream))).flatten(1))


# %%
import torch_pruning

block, example = Residual(), torch.zeros(1, 3, 4, 4)
graph = torch_pruning.DependencyGraph().build_dependency(block, example_inputs=example)
group = graph.get_pruning_group(block.first, torch_pruning.prune_conv_out_channels, idxs=[2])
names = {module: name for name, module in block.named_modules()}
for dependency, channels in group:
    if dependency.target.module in names:
        how = "output" if "out" in dependency.handler.__name__ else "input"
        print(
            f"{names[dependency.target.module]:<8}{how:<8}{len(channels)} channels, from {min(channels)} to {max(channels)}"
        )

# %% [markdown]
# One filter of `first`, and five places: the filter itself, its counterpart in `second` because of the sum, `second`'s inputs,
# the normalisation, and 16 columns of the matrix after the flatten. (The columns and the counterpart are easy to get wrong
# by hand; in the lab you may.) And the leaf network in one call:

# %%
automatic = build(WEIGHTS)
pruner = torch_pruning.BasePruner(
    automatic,
    test_x[:1],
    importance=torch_pruning.importance.GroupMagnitudeImportance(p=1),
    pruning_ratio=0.5,
    ignored_layers=[automatic[20]],
)
pruner.step()
by_hand = [tuple(array.shape) for array in (HALF[f"{number}.weight"] for number in range(0, 18, 3))]
by_tool = [tuple(layer.weight.shape) for layer in automatic if isinstance(layer, nn.Conv2d)]
print("the same shapes as by hand:", by_hand == by_tool, f"; right before training {accuracy(automatic):.1%}")

# %% [markdown]
# ## Heads of a transformer
#
# Attention heads are to a transformer what filters are to a convolution: each has its own slice of the matrices. Here is a
# small transformer that was trained on eight tasks at once, to sort messages of ten made-up words. Everything about it is
# synthetic; it ships with the course.


# %% tags=["long"]
class Block(nn.Module):
    """One layer; the number of heads follows from its arrays, each head having 8 channels."""

    def __init__(self, width=32, heads=4):
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 24 * heads), nn.Linear(8 * heads, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x):
        q, k, v = self.qkv(self.before(x)).unflatten(-1, (3, -1, 8)).permute(2, 0, 3, 1, 4)
        x = x + self.out(nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.down(torch.relu(self.up(self.between(x))))


class Words(nn.Module):
    def __init__(self, classes=32):
        super().__init__()
        self.words, self.blocks = nn.Embedding(64, 32), nn.Sequential(Block(), Block())
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, classes)

    def forward(self, messages):
        return self.head(self.norm(self.blocks(self.words(messages)))[:, 0])


# %% [markdown]
# Now it gets a ninth task, near to two of the old ones and not the same: a message's class is the one that its words together
# say most for.

# %%
SAYS = torch.randn(64, 8, 4, generator=torch.Generator().manual_seed(1))  # as in its training
NEW = 0.8 * SAYS[:, 0] + 0.6 * SAYS[:, 1]


def messages(count, generator):
    drawn = torch.randint(1, 64, (count, 10), generator=generator)
    drawn[:, 0] = 0
    return drawn, NEW[drawn[:, 1:]].sum(1).argmax(-1)


UNSEEN, ANSWERS = messages(4000, torch.Generator().manual_seed(999))
words_weights = {
    name: torch.from_numpy(array.astype(np.float32)) for name, array in np.load(FOLDER / "words.npz").items()
}


@torch.no_grad()
def sorted_right(model):
    return float((model(UNSEEN).argmax(1) == ANSWERS).float().mean())


# %% [markdown]
# Training on comes in three kinds, and we write them at once: dense; magnitude, which keeps the weights that are large; and
# movement (Sanh and others, 2020), which keeps those that training moves *away from zero*.
#
# ![Two plots of weights, before fine-tuning on the horizontal axis and after it on the vertical. Four weights: a began large and shrank, b stayed, c began small and grew, d shrank. Magnitude keeps a and b. Movement keeps b and c.](figures/movement.svg)
#
# A step moves a weight against its gradient. So minus gradient times weight is positive when it moves away from zero; summed
# over the steps it is the weight's score. Masks follow the schedule of the last notebook.

# %% tags=["long"]
from offlinefirst.models.prune import polynomial_sparsity


def start(classes=4):
    """The transformer with a new last layer, its eight matrices, and its optimiser."""
    torch.manual_seed(5)
    model = Words()
    model.load_state_dict(words_weights)
    model.head = nn.Linear(32, classes)
    model.words.weight.requires_grad_(False)
    matrices = [
        getattr(block, name).weight for block in model.blocks for name in ("qkv", "out", "up", "down")
    ]
    return model, matrices, torch.optim.Adam([one for one in model.parameters() if one.requires_grad], 2e-3)


def masks_of(matrices, scores, zeros):
    """Keep what scores most in each matrix."""
    ranks = [score.flatten().argsort().argsort().view_as(score) for score in scores]
    return [(rank >= round(zeros * one.numel())).float() for one, rank in zip(matrices, ranks, strict=True)]


# %% tags=["long"]
def fine_tune(kind, share, steps=250):
    """Train on the new task while zeros are put into the matrices."""
    model, matrices, optimiser = start()
    scores, generator = [torch.zeros_like(one) for one in matrices], torch.Generator().manual_seed(5)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, steps)
    for step in range(steps):
        zeros = polynomial_sparsity(step, initial=0, final=share, end=int(0.7 * steps))
        whole = [one.detach().clone() for one in matrices]
        masks = masks_of(matrices, scores if kind == "movement" else [one.abs() for one in whole], zeros)
        for one, mask in zip(matrices, masks, strict=True):
            one.data.mul_(mask)
        inputs, answers = messages(64, generator)
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(inputs), answers).backward()
        for one, before, score, mask in zip(matrices, whole, scores, masks, strict=True):
            score -= one.grad * before  # for those that are masked as well: they may come back
            one.data.copy_(before)
            one.grad.mul_(mask)
        optimiser.step()
        plan.step()
    for one, mask in zip(matrices, masks, strict=True):
        one.data.mul_(mask)
    return model.eval()


# %% [markdown]
# First the heads. Each is silenced in turn, in the dense network, to see who is missed:

# %%
tuned = fine_tune("dense", 0)
print(f"dense, trained on for the new task: {sorted_right(tuned):.1%}")
missed = {}
for layer in range(2):
    for head in range(4):
        silent = copy.deepcopy(tuned)
        silent.blocks[layer].out.weight.data[:, 8 * head : 8 * head + 8] = 0
        missed[layer, head] = sorted_right(tuned) - sorted_right(silent)
for (layer, head), loss in sorted(missed.items(), key=lambda pair: pair[1]):
    print(f"layer {layer + 1}, head {head + 1}: {100 * loss:5.1f} points lost without it")

# %% [markdown]
# A head has 8 rows in each of query, key and value, and 8 columns in `out`. Two heads of each layer go, those that are missed
# least:

# %%
thin = copy.deepcopy(tuned)
for layer, block in enumerate(thin.blocks):
    keep = sorted(sorted(range(4), key=lambda head: missed[layer, head])[2:])
    columns = torch.cat([torch.arange(8 * head, 8 * head + 8) for head in keep])
    rows = torch.cat([part * 32 + columns for part in range(3)])
    block.qkv.weight, block.qkv.bias = (
        nn.Parameter(one.data[rows]) for one in (block.qkv.weight, block.qkv.bias)
    )
    block.out.weight = nn.Parameter(block.out.weight.data[:, columns])
whole_s, thin_s = in_turn(tuned, thin, inputs=UNSEEN[:512])
print(
    f"heads 8 to 4: right {sorted_right(tuned):.1%} to {sorted_right(thin):.1%}, {whole_s / thin_s:.2f} times as fast, without training on"
)

# %% [markdown]
# ## Movement or magnitude
#
# Now the two ways to choose zeros, at three shares, with equal steps:

# %%
shares = (0.8, 0.95, 0.98)
found = {(kind, share): fine_tune(kind, share) for share in shares for kind in ("magnitude", "movement")}
right = {key: sorted_right(model) for key, model in found.items()}
for share in shares:
    print(
        f"{share:.0%} zeros: magnitude {right['magnitude', share]:.1%}, movement {right['movement', share]:.1%}"
    )

# %% [markdown]
# At moderate shares there is room for all that matters, and magnitude is as good or better, and simpler. When hardly anything
# may stay, what was large for the *old* tasks takes up the room, and movement wins. That is what its authors found in large
# language models too.

# %% [markdown] spine="measure"
# ## Measure it
#
# The leaf network first, each row against the dense one:

# %%
candidates = {
    "dense": dense,
    "filters zero, in place": masked,
    "half removed, trained on": half,
    "as small, from scratch": scratch,
}
seconds = in_turn(*candidates.values(), rounds=25)
print(f"{'':<27}{'parameters':>11}{'photo':>10}{'speed-up':>10}{'right':>8}")
for (name, model), took in zip(candidates.items(), seconds, strict=True):
    size = sum(weight.numel() for weight in model.parameters())
    print(f"{name:<27}{size:>11,}{1000 * took:>7.1f} ms{seconds[0] / took:>10.2f}{accuracy(model):>8.1%}")

# %% [markdown]
# `benchmarks/pruning.py` does it with more leaves and more training, under ONNX Runtime, one square at a time. It takes
# minutes, so these are the figures it wrote when it was last run:

# %%
import json

report = json.loads((course_root() / "benchmarks/results/pruning.json").read_text())
for row in report["rows"]:
    if row["part"] == "structured":
        sizes = f"raw {row['raw_bytes']:>9,}, compressed {row['compressed_bytes']:>9,}, RSS {row['peak_rss_bytes'] / 1e6:.0f} MB"
        print(f"{row['model']:<33}{sizes}, {row['p50_ms']:.2f} ms, right {row['accuracy']:.1%}")
metrics = report["metrics"]
print(
    f"{metrics['structured_speedup']:.1f} times as fast for {metrics['structured_loss_points']:.1f} points; from scratch {metrics['scratch_loss_points']:.1f} points"
)

# %% [markdown]
# The benchmark also timed a network with a twentieth of the filters more left in each layer:

# %%
print(
    f"half removed: {metrics['structured_speedup']:.1f} times as fast; 45% removed: {metrics['uneven_speedup']:.1f} times"
)

# %% [markdown]
# A kernel works in blocks of 8 or 16 channels, whatever the processor's registers hold, and pays a whole block for a part of one.
# So round to what your kernel likes before you decide on a share, and time it.

# %% [markdown] spine="claim"
# ## The claim, checked
#
# The source advises movement pruning for transformers, for "faster inference". A tenth faster is the least that we would call
# faster. Movement's zeros are single weights:

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_least

whole_s, zeros_s = in_turn(tuned, found["movement", 0.95], inputs=UNSEEN[:512], rounds=41)
verdict(
    "movement-faster", measured=whole_s / zeros_s, unit="times as fast, at 95 % zeros", rule=at_least(1.1)
)

# %% [markdown]
# It is no faster, for the reason of the last notebook. The variant that scores whole heads and blocks is, and so is removing
# heads, which the same sentence advises.

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.models.prune` removes channels from plain arrays. A group lists its places, `each` counts the columns that one
# channel has after a flatten, and whatever does not fit together is refused before anything is lost.

# %%
from offlinefirst.models import prune
from offlinefirst.models.prune import Axis

group = [Axis(name, axis) for name, axis in coupled(0)]
smaller = prune.remove(WEIGHTS, group, np.argsort(prune.norms(WEIGHTS, "0.weight"))[:8].tolist())
print({place.name: smaller[place.name].shape for place in group})
poisoned = WEIGHTS | {"0.weight": np.where(WEIGHTS["0.weight"] > 0.3, np.nan, WEIGHTS["0.weight"])}
attempts = [
    lambda: prune.remove(WEIGHTS, group, range(16)),
    lambda: prune.remove(WEIGHTS, [*group, Axis("6.weight", 0)], [3]),
    lambda: prune.remove(WEIGHTS, group, [16]),
    lambda: prune.remove(poisoned, group, [3]),
]
for attempt in attempts:
    try:
        attempt()
    except prune.PruneError as error:
        print(f"{type(error).__name__}: {error}\n")

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **The leaves and the messages are synthetic, and the networks small.** The order of the methods is known from large ones
#   too; the shares at which they cross are ours.
# - **One seed each.** Repeat the trainings with other seeds before you quote a difference of a point.
# - **The test leaves chose the curve.** Whoever picks layers by it should keep other leaves for the final figure.
# - **Speed is of this processor and this runtime.** Time it on the phone, as in chapter 4.
# - **A better start may beat all of this:** a small network that learns from a large one's answers, in chapter 7.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("05-pruning/02-structured-and-movement")

# %% [markdown] spine="next"
# ## Next
#
# In the [lab](../../labs/05-pruning/lab.ipynb) you prune exactly, remove a filter from a network with a sum and a flatten, and
# write the report that Achieng can act on. Then chapter 6: fewer bits for each weight.
