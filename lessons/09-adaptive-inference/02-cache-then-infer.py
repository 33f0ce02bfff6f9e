# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Cache, then infer
#     chapter: 9
#     device: phone-2gb
#     teach_minutes: 40
#     exercise_minutes: 10
#     objectives:
#       - Move the heavy part of an answer to a time when nobody waits
#       - Choose how long and how precise a stored vector has to be, by what customers pick
#       - Serve what is stale at once, say that it is, and make it fresh when the device can afford it
#       - Keep two models' vectors apart, and a warm cache whole through a power cut
#     after: [09-adaptive-inference/01-progressive-degradation, 06-quantization/01-by-hand]
#     claims: [cache-then-infer]
# ---

# %% [markdown] spine="insight"
# # Cache, then infer
#
# **Key insight:** most of the work behind an answer does not depend on the question. Do that part earlier, keep its result, and
# know for each kept number which model made it.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 8 minutes, vectors 12, stale and mixed 10, the power cut 5, production 5.
#
# **Board sketch.** A line of time with night and day. Put every step of the recommendation on it; then ask which of them could
# move left.
#
# **Common mistakes.** A cache without the model's fingerprint. Comparing vectors of two trainings because they have the same
# length. Serving nothing because the best is not ready. Taking a cache for a source: it may be lost at any time, and nothing may
# be lost with it.

# %% [markdown] spine="situation"
# ## The situation
#
# Zawadi has an agro-dealer's shop in Wote and a kiosk in it: an old phone behind glass. Who taps two products sees five that go
# with them. There is no internet in the shop. Twice a week her nephew brings a stick with what the wholesaler's other shops sold.
#
# ![A line of time. At night, on the charger: count what is bought together, compress it to a few numbers for each product, store them with the model's name. By day, at each tap: add a few stored vectors, compare with all, show five.](figures/cache-then-infer.svg)
#
# The baskets are synthetic: eight kinds of errand, six things for each, five brands of each thing.

# %%
from offlinefirst.datasets.kiosk import baskets, products

NAMES = products()
PLACE = {name: place for place, name in enumerate(NAMES)}
sold = baskets(6000, seed=1, season="planting")
tomorrow = baskets(1000, seed=2, season="planting")
print(f"{len(NAMES)} products; two of {len(sold):,} synthetic baskets:")
for basket in sold[:2]:
    print("  ", "; ".join(basket.products))

# %% [markdown] spine="naive"
# ## The naive version: from the baskets, at each tap
#
# What goes with what? Count how often two products lie in one basket, and take the logarithm, so that a bestseller does not drown
# everything. Each product is then a row of 240 numbers, which say too little each. A few directions hold most of it: those with
# the largest eigenvalues.

# %%
import numpy as np


def bought_together(some):
    counts = np.zeros((len(NAMES), len(NAMES)))
    for basket in some:
        places = [PLACE[name] for name in basket.products]
        counts[np.ix_(places, places)] += 1
    np.fill_diagonal(counts, 0)
    return counts


def train(counts, length):
    values, directions = np.linalg.eigh(np.log1p(counts))
    strongest = np.argsort(-abs(values))[:length]
    return directions[:, strongest] * np.sqrt(abs(values[strongest]))


# %%
def five_for(vectors, tapped):
    places = [PLACE[name] for name in tapped]
    near = vectors @ vectors[places].sum(axis=0)
    near[places] = -np.inf
    return [NAMES[place] for place in np.argsort(-near)[:5]]


def naive_tap(tapped):
    return five_for(train(bought_together(sold), 8), tapped)


naive_tap(["maize seed", "DAP fertiliser"])

# %% [markdown] spine="fails"
# ### It fails
#
# It answers well, and it does all of the work again at each tap. With 240 products a customer may not notice. The wholesaler has
# 1,500, and the work grows with the cube of that:

# %%
import time


def seconds(work, *inputs):
    begun = time.perf_counter()
    work(*inputs)
    return time.perf_counter() - begun


naive_s = float(np.median([seconds(naive_tap, ["maize seed", "DAP fertiliser"]) for _ in range(5)]))
many = np.random.default_rng(0).poisson(0.5, (1500, 1500)).astype(float)
wholesale_s = seconds(train, many + many.T, 8)
print(
    f"a tap: {1000 * naive_s:.0f} ms; the eigenvectors alone for 1,500 products: {1000 * wholesale_s:.0f} ms"
)

# %% [markdown] spine="fix"
# ## Mended, step 1: the heavy part at night
#
# The vectors do not depend on the tap. They are made once, and a tap is a sum and a product:

# %%
vectors = train(bought_together(sold), 8)
tap_s = float(np.median([seconds(five_for, vectors, ["maize seed", "DAP fertiliser"]) for _ in range(200)]))
print(f"a tap: {1e6 * tap_s:.0f} µs, {naive_s / tap_s:,.0f} times as fast as from the baskets")

# %% [markdown] spine="measure"
# ## Step 2: how good is it, and how long must a vector be?
#
# Hide the last product of each of 1,000 other baskets and look whether it is among the five. Beside it the simplest rival: always
# the bestsellers. (Tomorrow's baskets are kept for judging what is chosen here.)


# %%
def found_share(vectors, some):
    return np.mean([basket.products[-1] in five_for(vectors, basket.products[:-1]) for basket in some])


def bestseller_share(some):
    return np.mean([basket.products[-1] in bestsellers for basket in some])


counts = bought_together(sold)
bestsellers = [NAMES[place] for place in np.argsort(-counts.sum(axis=1))[:5]]
choosing = baskets(1000, seed=5, season="planting")
print(f"bestsellers: {bestseller_share(choosing):.1%} found")
for length in (2, 4, 8, 16, 64):
    print(f"{length:3} numbers: {found_share(train(counts, length), choosing):.1%}")

# %% [markdown]
# Beyond eight, longer is not better. After the directions that the errands have, a vector learns chance. The eigenvalues show where that
# begins:

# %%
import matplotlib.pyplot as plt

values = np.sort(abs(np.linalg.eigvalsh(np.log1p(counts))))[::-1][:24]
figure, axes = plt.subplots(figsize=(7, 2.8))
axes.bar(range(1, 25), values, color=["#0072B2"] * 8 + ["0.75"] * 16)
axes.text(8.6, values[7], "after the eighth: noise")
axes.set_xlabel("eigenvalue, the largest first")
axes.set_ylabel("size")
axes.set_title("Eight errands, eight directions (synthetic baskets)")
axes.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# ## Step 3: eight bits for each number
#
# Chapter 6 in two lines: divide by the largest, round to whole numbers up to 127. What does it cost?

# %%
scales = abs(vectors).max(axis=1, keepdims=True) / 127
stored = np.rint(vectors / scales).astype(np.int8)
full, eight_bits = found_share(vectors, tomorrow), found_share(stored * scales, tomorrow)
print(
    f"float64 {vectors.nbytes:,} bytes, {full:.1%} found; int8 {stored.nbytes:,} bytes, {eight_bits:.1%} found"
)

# %% [markdown]
# ## Step 4: the world moves on
#
# Harvest. People need bags and tarpaulins, and buy other brands. The cached vectors still answer at once. They answer for last
# season:

# %%
sold_at_harvest = baskets(6000, seed=3, season="harvest")
after_harvest = baskets(1000, seed=4, season="harvest")
new_vectors = train(bought_together(sold_at_harvest), 8)
stale, fresh = found_share(vectors, after_harvest), found_share(new_vectors, after_harvest)
print(
    f"stale {stale:.1%}, fresh {fresh:.1%}, last season's bestsellers {bestseller_share(after_harvest):.1%}"
)

# %% [markdown]
# Stale is worse than fresh and far better than last season's bestsellers. So: serve it at once, say that it is stale, and make it
# fresh when there is power. There is a trap on the way. The phone was switched off when half of the new vectors were in place:

# %%
is_new = np.arange(len(NAMES)) % 2 == 0
half_way = np.where(is_new[:, None], new_vectors, vectors)


def among_equals(tapped):
    ours = [PLACE[name] for name in tapped if is_new[PLACE[name]]] or [PLACE[name] for name in tapped]
    near = half_way @ half_way[ours].sum(axis=0)
    near[is_new != is_new[ours[0]]] = -np.inf
    near[[PLACE[name] for name in tapped]] = -np.inf
    return [NAMES[place] for place in np.argsort(-near)[:5]]


equals = np.mean([basket.products[-1] in among_equals(basket.products[:-1]) for basket in after_harvest])
print(
    f"half new, all compared with all {found_share(half_way, after_harvest):.1%}, each with its own {equals:.1%}"
)

# %% [markdown]
# Half of the vectors are better, and comparing old with new throws away much of what they bring, though the lengths agree and no
# error is raised. Look at one product's nearest neighbours within a training and *across* the two:

# %%
bag = PLACE["hermetic bag"]
for what, candidates in (("within one training", new_vectors), ("across two trainings", vectors)):
    nearest = [NAMES[place] for place in np.argsort(-(candidates @ new_vectors[bag])) if place != bag]
    print(f"{what:22}", "; ".join(nearest[:3]))

# %% [markdown]
# Directions have no names. Each training finds its own, and numbers of two trainings have nothing to say to each other. So every
# vector carries the **fingerprint of the model that made it**, and only equals are compared.

# %% [markdown] spine="claim"
# ## The claim, checked
#
# The source: cached signals and precomputed vectors serve quick interactions while the heavy part runs later; this balances waiting
# against accuracy. In numbers: at least a hundred times quicker at the tap, and at most a point lost by what is stored. Stale
# vectors are the condition, and they are not stored precision but lost time: they are reported apart.

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_least, at_most, each

print(f"a season late: {100 * (fresh - stale):.0f} points lost")
verdict(
    "cache-then-infer",
    measured={"times as fast": naive_s / tap_s, "points lost": 100 * (full - eight_bits)},
    rule=each({"times as fast": at_least(100), "points lost": at_most(1)}),
)

# %% [markdown] spine="production"
# ## The production version
#
# `EmbeddingCache` keeps 8-bit vectors with their model within a budget of bytes and gives up what was used longest ago.
# `CacheThenInfer` serves from it, computes what is missing when it may, and remembers what to make fresh.

# %%
from offlinefirst.inference.cache import CacheThenInfer, EmbeddingCache

cache = EmbeddingCache(length=8, memory_bytes=256 * 1024)
for name, vector in zip(NAMES, vectors, strict=True):
    cache.put(name, vector, made_by="planting-1")
print(
    f"{len(cache)} vectors in {cache.used_bytes / 1024:.0f} KiB, with keys, times and Python's own overhead"
)

# %%
on_charger = False
kiosk = CacheThenInfer(
    cache,
    compute=lambda name: new_vectors[PLACE[name]],  # in earnest: the new model, run for this product
    model="harvest-1",
    may_compute=lambda: on_charger,
)


def show(tapped):
    served = [kiosk.get(name) for name in tapped]
    model = "harvest-1" if any(one.made_by == "harvest-1" for one in served) else "planting-1"
    query = np.sum([one.vector for one in served if one.made_by == model], axis=0)
    near = cache.nearest(query, count=5, made_by=model, without=tapped, by="dot")
    return [one.source for one in served], [name for name, _ in near]


# %% [markdown]
# By day, on the battery: the new model has arrived and may not run. The customer gets last season's answer, marked as such, and
# the kiosk remembers.

# %%
print(*show(["maize seed", "hermetic bag"]), sep="\n")
print("to make fresh:", kiosk.pending)

# %% [markdown]
# At night, on the charger, all products and not only those that were tapped. The grid fails when half are done; the kiosk goes on
# with what it has, each compared with its own. Then the rest:


# %%
def found_by_kiosk(some):
    return np.mean([basket.products[-1] in show(list(basket.products[:-1]))[1] for basket in some])


for name in NAMES[::2] + NAMES[1::2]:
    kiosk.get(name)
for most in (120, 1000):
    on_charger = True
    made = kiosk.refresh(most=most)
    on_charger = False
    print(f"{made} made fresh, {len(kiosk.pending)} left; {found_by_kiosk(after_harvest):.1%} found")
print(*show(["maize seed", "hermetic bag"]), sep="\n")

# %% [markdown]
# ### The power goes
#
# The warm cache is saved in one piece, with a hash, and put in place by a rename (chapter 2). A start with it needs no model at
# all. A damaged file costs the warm start and nothing else.

# %%
import tempfile
from pathlib import Path

from offlinefirst.inference.cache import CacheError

folder = tempfile.TemporaryDirectory()
warm = Path(folder.name) / "kiosk.vectors"
size = cache.save(warm)
after_the_cut = EmbeddingCache(length=8, memory_bytes=256 * 1024)
load_s = seconds(after_the_cut.load, warm)
print(f"{size:,} bytes; {len(after_the_cut)} vectors back in {1000 * load_s:.1f} ms")
warm.write_bytes(warm.read_bytes()[:-1])
try:
    EmbeddingCache(length=8, memory_bytes=256 * 1024).load(warm)
except CacheError as error:
    print(str(error).replace(folder.name + "/", ""))
folder.cleanup()

# %% [markdown]
# ### What goes back to the wholesaler
#
# Not the baskets. How often each product was shown and picked is enough to know whether the model helps, and is counted on the
# kiosk. Rare products are left out: a count of one is somebody.

# %%
import json
from collections import Counter

shown, picked = Counter(), Counter()
for basket in after_harvest:
    five = show(list(basket.products[:-1]))[1]
    shown.update(five)
    picked.update({basket.products[-1]} & set(five))
report = {name: [shown[name], count] for name, count in picked.items() if count >= 5}
sent, kept_here = len(json.dumps(report)), len(json.dumps([basket.products for basket in after_harvest]))
print(f"{sent:,} bytes in place of {kept_here:,}; {len(picked) - len(report)} rare products left out")

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **Real customers.** The baskets were made with eight errands in mind, and eight directions were found. Real ones fade out.
# - **A new product.** Without sales it has no row and no vector. Show it for what it is, new, until it has.
# - **Feedback.** What is shown is bought more. A kiosk that learns from its own shelf sees its own advice come back.
# - **Privacy.** Leaving out rare counts is a habit, not a guarantee. Chapter 15 has one.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("09-adaptive-inference/02-cache-then-infer")

# %% [markdown] spine="next"
# ## Next
#
# [Local first, cloud second](03-local-first-cloud-second.ipynb): when the device's own answer is not sure enough, and asking costs
# money.
