# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: A bench you can trust
#     chapter: 4
#     device: phone-2gb
#     teach_minutes: 60
#     exercise_minutes: 10
#     objectives:
#       - Catch eight ways in which a timing lies, each on your own machine
#       - Build a bench of twenty lines that keeps raw samples and compares in pairs
#       - Give a percentile an interval from order statistics, and say how many calls it takes
#       - Say of two models which is faster, by how much, and how sure you are
#     after: [02-offline-first-design/03-progressive-loading]
#     claims: [background-tasks]
# ---

# %% [markdown] spine="insight"
# # A bench you can trust
#
# **Key insight:** a timing is an experiment. It answers exactly the question that was put to the machine, which is
# seldom the one in your head.

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 5 minutes, the eight lies 25, the bench by hand 8, intervals and play 15, the rest 7.
#
# **Board sketch.** Bars for calls along a time axis, as in the first figure. Cover parts of it with your hands and ask
# what a bench that sees only the rest would report.
#
# **Common mistakes.** Learners drop the slowest calls as outliers: Mutheu cannot drop them. They take "95 % confidence"
# for "95 % of calls". They run a comparison twice and keep the nicer result. And they believe that more decimals mean a
# better clock. Let everybody run the cell of lie 3 and call out the number: the room is the spread.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] spine="situation"
# ## The situation
#
# Achieng writes the leaf app that Mutheu carries through Kitui. Her benchmark says that an answer takes a fraction of a
# millisecond. Mutheu says that the app hangs, "not always, but when the farmer is looking". Both are right about what
# they saw. Both are invented; the models, the calls and every number below are real, measured on the computer that
# runs this page, held to one core and to the memory of a 2 GB phone. So your numbers are not ours: the text says what
# to look for, and the numbers are in the outputs.
#
# The app does what apps do: it loads its model when first asked, remembers photos that it has answered, and after every
# dozen answers saves the register of visits, safely, as in chapter 2. A photo is cut into 64 squares, and the model
# looks at each.

# %% tags=["long"]
import json

import onnxruntime

from offlinefirst.datasets.places import locate
from offlinefirst.delivery.publish import publish


class LeafApp:
    def __init__(self, model="leaf-small", threads=1):
        self.file, self.threads, self.session = locate(model), threads, None
        self.answered, self.register = {}, [{"farm": farm % 90, "leaf": 0} for farm in range(6000)]

    def look(self, photo):
        if self.session is None:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self.threads
            self.session = onnxruntime.InferenceSession(self.file, options)
        return self.session.run(None, {"image": photo})[0].sum(axis=0)

    def diagnose(self, photo):
        thumbnail = photo[:, 0, ::8, ::8].tobytes()
        if thumbnail not in self.answered:
            self.answered[thumbnail] = self.look(photo)
            self.register.append({"farm": 0, "leaf": int(self.answered[thumbnail].argmax())})
            if len(self.register) % 12 == 0:
                publish(device.current().disk, "register.json", json.dumps(self.register).encode())
        return self.answered[thumbnail]


# %% [markdown]
# Photos are noise of the right shape. For this kind of network that is fair: it does the same multiplications whatever
# is in the picture.

# %%
import numpy as np

SHAPE = (64, 3, 48, 48)  # squares, colours, height, width


def new_photo(number):
    return np.random.default_rng(number).random(SHAPE, dtype=np.float32)


# %% [markdown] spine="naive"
# ## The benchmark that everybody writes first

# %%
import time

app, photo = LeafApp(), new_photo(0)

start = time.time()
for _ in range(300):
    app.diagnose(photo)
naive_ms = (time.time() - start) / 300 * 1000
print(f"an answer takes {naive_ms:.3f} ms")

# %% [markdown] spine="fails"
# ## It lies
#
# Eight lies follow. Most of them are in those five lines.
#
# ![Bars along a time axis, one for each call, the height being how long it took. The first bar is far higher, because it loads the model. Every twelfth is higher, because it saves. One is higher because the garbage collector ran. From some moment on all bars are twice as high, because another app has started. Brackets show what one call sees, what a mean sees, and what two blocks compare.](figures/eight-lies.svg)
#
# ### Lie 1: an input that is unlike the real ones
#
# The loop shows the app one photo, three hundred times. Mutheu photographs another leaf each time.


# %%
def time_calls(call, new_input, count, first=0):
    """Seconds of each single call, every one with an input of its own, made while the clock stands still."""
    seconds = []
    for number in range(first, first + count):
        one = new_input(number)
        start = time.perf_counter()
        call(one)
        seconds.append(time.perf_counter() - start)
    return seconds


# %%
seconds = time_calls(LeafApp().diagnose, new_photo, 300)
mean_ms = 1000 * sum(seconds) / len(seconds)
print(
    f"the same photo {naive_ms:.3f} ms, a new one each time {mean_ms:.3f} ms: {mean_ms / naive_ms:.0f} times as long"
)

# %% [markdown]
# The first loop timed a dictionary. A cache that helps nobody in the field is the commonest lie there is, and it need
# not be yours: the system keeps files, the database keeps pages, the processor keeps what it touched last. The same lie
# comes as *unlike* inputs: one model timed on small pictures, the other on large ones.
#
# The mend is in `time_calls`: inputs as in the field, made outside the timed part. And it keeps every sample, because
# the next lies hide in what is added up.
#
# ### Lie 2: the first call among the others

# %%
import statistics

load_and_first, rest = seconds[0], seconds[1:]
print(
    f"first call {1000 * load_and_first:.2f} ms, median of the rest {1000 * statistics.median(rest):.3f} ms"
)
for calls in (20, 300):
    print(f"share of the first call in the time of {calls}: {load_and_first / sum(seconds[:calls]):.0%}")

# %% [markdown]
# The first call reads the model, prepares it and takes memory; the others find it there. Both numbers are true. One is
# what Mutheu waits for after the app was killed, the other is a leaf in the afternoon; the mean of both is neither. The
# shorter the loop, the larger the part of its mean that is the first call: what the mean says hangs on how long
# somebody looped. And this kernel had loaded a model before. A process that starts from nothing pays more, so we ask
# one:

# %%
import subprocess
import sys

fresh_start = """
import sys, time
began = time.perf_counter()
import numpy, onnxruntime
imported = time.perf_counter()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options)
loaded = time.perf_counter()
photo = numpy.random.default_rng(1).random((64, 3, 48, 48), dtype=numpy.float32)
times = [time.perf_counter()]
for _ in range(20):
    session.run(None, {"image": photo})
    times.append(time.perf_counter())
first, *steady = [after - before for before, after in zip(times, times[1:])]
print([imported - began, loaded - imported, first, sorted(steady)[len(steady) // 2]])
"""


# %%
def start_fresh(model):
    command = [sys.executable, "-c", fresh_start, locate(model)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


for run in range(3):
    imports, load, first, steady = (1000 * value for value in start_fresh("leaf-small"))
    print(
        f"fresh process {run + 1}: import {imports:.0f} ms, load {load:.1f} ms, first {first:.2f} ms, steady {steady:.3f} ms"
    )

# %% [markdown]
# Four numbers with four names. Never let two of them share one.
#
# ### Lie 3: one call
#
# How long does a warm answer take? We ask eight times, one call each, and give each the same confident voice:

# %%
app = LeafApp()
app.diagnose(new_photo(0))
for second in time_calls(app.diagnose, new_photo, 8, first=1):
    print(f"an answer takes {1000 * second:.3f} ms")

# %% [markdown]
# Whoever ran it once would have published one of these, to three decimals.
#
# ### Lie 4: the mean
#
# Now six hundred calls, all of them shown.

# %% tags=["long"]
import matplotlib.pyplot as plt

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
app, seconds, saved = LeafApp(), [], []
app.look(new_photo(0))
for number in range(1, 601):
    seconds += time_calls(app.diagnose, new_photo, 1, first=number)
    saved.append(len(app.register) % 12 == 0)
times_ms, saved = 1000 * np.array(seconds), np.array(saved)
mean_ms, p50_ms, p95_ms = times_ms.mean(), *np.percentile(times_ms, [50, 95])

figure, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
axis.plot(np.flatnonzero(~saved), times_ms[~saved], ".", color=GREY, markersize=4)
axis.plot(np.flatnonzero(saved), times_ms[saved], "x", color=ORANGE, markersize=5)
for value, name, color, side in [
    (p50_ms, "median", BLUE, "top"),
    (mean_ms, "mean", GREEN, "bottom"),
    (p95_ms, "p95", ORANGE, "center"),
]:
    axis.axhline(value, color=color, linewidth=1.5)
    axis.text(606, value, f"{name} {value:.1f} ms", color=color, va=side)
axis.set(xlim=(0, 600), ylim=(0, 1.5 * np.percentile(times_ms, 99)), xlabel="call", ylabel="time (ms)")
axis.set_title("600 answers, of which every twelfth saves the register (crosses)")
axis.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %%
print(
    f"answers that save: median {np.median(times_ms[saved]):.1f} ms, the others {np.median(times_ms[~saved]):.1f} ms"
)
print(f"p99 {np.percentile(times_ms, 99):.1f} ms, slowest {times_ms.max():.1f} ms")

# %% [markdown]
# Look for the band of crosses: one answer in twelve. With eight farms a day Mutheu meets it on most of her days, and
# hardly ever when she looks for it. The mean stirs both bands into one number between them. The **p95** is the
# time that 95 of 100 calls keep to, so it lies in the upper band and says what waiting is like. And the crosses are no
# outliers to be dropped: they are the app.
#
# ### Lie 5: a garbage collector that is switched off
#
# Python frees most objects at once, and now and then stops to search for those that refer to each other in circles. The
# more objects there are, the longer that takes. Here the app holds old visits in memory and ranks shops for each
# answer:

# %%
old_visits = [{"farm": number % 90, "prices": [number, number + 1]} for number in range(150_000)]


def rank_shops(number=0):
    offers = [{"shop": shop, "price": (shop * 7919 + number) % 1000, "why": []} for shop in range(2000)]
    return min(offers, key=lambda offer: offer["price"])


# %% [markdown]
# Python's own `timeit` is the tool that everybody is told to use. It switches the collector off while it times, and
# says so in its documentation. The app cannot do without it.

# %%
import timeit

switched_off = timeit.repeat(rank_shops, number=1, repeat=300)
as_in_the_app = time_calls(rank_shops, lambda number: number, 300)
for name, times in [("timeit, collector off", switched_off), ("as the app runs", as_in_the_app)]:
    p50, p99 = np.percentile(times, [50, 99])
    print(f"{name:<22} median {1000 * p50:.2f} ms, p99 {1000 * p99:.2f} ms, worst {1000 * max(times):.2f} ms")

# %% [markdown]
# Compare the last column, not the first. The mend is to leave the collector as it is where the code will run. (Or to
# change it *there* as well: `gc.freeze()` after loading takes the old visits out of the search. Then that is the app,
# and you measure it.)

# %%
del old_visits

# %% [markdown]
# ### Lie 6: timing the timer
#
# Looking a price up takes no time worth speaking of. How little?

# %%
prices = {"maize": 52, "beans": 118}
one_by_one = time_calls(prices.get, lambda number: "maize", 5000)
nothing = time_calls(lambda _: None, lambda number: "maize", 5000)
in_one_go = timeit.timeit(lambda: prices.get("maize"), number=200_000) / 200_000
print(f"one by one      {1e9 * statistics.median(one_by_one):.0f} ns")
print(f"doing nothing   {1e9 * statistics.median(nothing):.0f} ns")
print(f"200,000 at once {1e9 * in_one_go:.0f} ns each, of which a part is the loop")

# %% [markdown]
# Timed one by one, the look-up costs about what *nothing* costs: the clock measured itself. And a clock has steps. Ask
# each for the time again and again: how far apart are two readings that differ?


# %%
from itertools import pairwise


def least_step(clock):
    readings = sorted({clock() for _ in range(20_000)})
    return min(after - before for before, after in pairwise(readings))


for clock in (time.time, time.perf_counter, time.process_time):
    print(f"{clock.__name__:<13} least step {1e9 * least_step(clock):,.0f} ns")

# %% [markdown]
# On Windows the steps of `time.time` were 15 milliseconds long up to Python 3.12, and everywhere it may be set back
# while you measure, as phones do when they meet a mast. `perf_counter` goes only forward, in the finest steps the
# system has. And `process_time` stands still while the disk works, so it misses the waiting in a save. The rule: what
# takes less than a hundred times the timer is timed many at once.
#
# ### Lie 7: threads that the device does not have
#
# The runtime was told to use one thread. Left alone, it looks at the computer and takes what it sees. So do many
# configurations: `os.cpu_count()` counts the computer's processors, not those that this app may use.

# %%
import os

allowed = device.current().profile.cores
print(f"os.cpu_count() says {os.cpu_count()}; this device gives the app {allowed}")
for threads in (allowed, max(2, os.cpu_count())):
    app = LeafApp("leaf-medium", threads)
    app.look(new_photo(0))
    p50, p95 = 1000 * np.percentile(time_calls(app.look, new_photo, 60, first=1), [50, 95])
    print(f"told to use {threads}: median {p50:.2f} ms, p95 {p95:.2f} ms")

# %% [markdown]
# Threads that share a core wait for each other: one that has done its part spins, and takes the core from one that has
# not. On Achieng's laptop, which gives the app all its cores, the same setting can make the app faster; her report did
# not name it. The mend: the device's own number, written into the report.
#
# ### Lie 8: two moments compared
#
# The sharpest test of a bench is a comparison whose answer is known. Two instances of *the same* app, so the ratio
# is 1. First one block after the other, as most people do, and meanwhile another app wakes up: a real process, on the
# same core.

# %%
import contextlib


@contextlib.contextmanager
def neighbour():
    """Another app, busy on this device's core until the block ends."""
    code = "print(flush=True)\nwhile True: pass"
    busy = subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE)
    busy.stdout.readline()
    try:
        yield
    finally:
        busy.kill()
        busy.communicate()


# %%
one, same = LeafApp("leaf-medium"), LeafApp("leaf-medium")
for app in (one, same):
    app.look(new_photo(0))

first_block = time_calls(one.look, new_photo, 60, first=1)
with neighbour():
    second_block = time_calls(same.look, new_photo, 60, first=1)
print(
    f"in blocks: the second takes {sum(second_block) / sum(first_block):.2f} times as long. It is the same app"
)

# %% [markdown]
# No number of the second block says that the app is not to blame. (If the ratio is near 1, your computer was busy
# before: then the first block suffered as well, and a quieter moment shows more. Or the system lends this kernel a
# second core: then the neighbour sits there, and running the cell again will not help.) Now in turn, one photo to each,
# while the neighbour again comes halfway:


# %%
def in_turn(calls, new_input, count, first=0):
    samples = [[] for _ in calls]
    for number in range(first, first + count):
        for position in np.random.permutation(len(calls)):
            samples[position] += time_calls(calls[position], new_input, 1, first=number)
    return samples


calm = in_turn([one.look, same.look], new_photo, 30, first=100)
with neighbour():
    busy = in_turn([one.look, same.look], new_photo, 30, first=200)
ours, theirs = (np.array(quiet + loud) for quiet, loud in zip(calm, busy, strict=True))
print(
    f"in turn: {theirs.sum() / ours.sum():.2f} times as long in all; median of the pairs {np.median(theirs / ours):.2f}"
)

# %% [markdown]
# ![Above, two blocks: first eight calls of A, then eight of B, and a neighbour who arrives between them makes all of B slow. Below, A and B in turn: the neighbour slows the second half of both, and each pair still compares like with like.](figures/pairs.svg)
#
# The sum can still show whom the neighbour's slices hit, since a few long calls decide it; the median of the pairs does
# not. Whatever comes over the machine now comes over both: a neighbour, a hot processor, a battery saver. So it goes
# for two machines, two days and two reports as well. A number from elsewhere is a rumour; a **ratio measured in one
# run** can be carried about. The order within each pair is drawn by lot, so that neither is always the one that comes
# second.

# %% [markdown] spine="fix"
# ## The bench, by hand
#
# Eight lies, one page. Everything that was learnt stands in it: inputs of their own made outside the timed part,
# warm-up calls kept apart, enough calls *and* enough time, every sample kept, subjects in turn. The collector and the
# threads are left as the app has them.


# %%
def bench(subjects, new_input, min_calls=60, min_seconds=1.0, warm_up=5):
    """Seconds of every call of each subject, in turn, each time with the same new input.

    Gives warm-up and steady samples, each as a list by name.
    """
    warm, steady = ({name: [] for name in subjects} for _ in range(2))
    calls, began = 0, time.perf_counter()
    while calls < warm_up + min_calls or time.perf_counter() - began < min_seconds:
        if calls == warm_up:
            began = time.perf_counter()
        one = new_input(calls)
        for name in np.random.permutation(list(subjects)):
            start = time.perf_counter()
            subjects[name](one)
            seconds = time.perf_counter() - start
            (warm if calls < warm_up else steady)[name].append(seconds)
        calls += 1
    return warm, steady


# %%
warm, steady = bench({name: LeafApp(name).diagnose for name in ("leaf-small", "leaf-medium")}, new_photo)
for name in steady:
    p50, p95 = 1000 * np.percentile(steady[name], [50, 95])
    first_ms = 1000 * warm[name][0]
    print(
        f"{name:<12} first {first_ms:7.2f} ms   p50 {p50:6.3f} ms   p95 {p95:6.3f} ms   {len(steady[name])} calls"
    )

# %% [markdown]
# ## How sure is a p95?
#
# Run that cell again and p95 changes. By how much may it? To judge a method one must know the truth, so here the
# latencies are *simulated*: most answers take about 4 ms, and one in twelve waits for a save of about 12 ms more.


# %% tags=["nbval-check-output"]
def simulated_ms(rng, size, slow_share=1 / 12, slow_ms=12):
    answer = rng.lognormal(np.log(4), 0.15, size)
    return answer + (rng.random(size) < slow_share) * slow_ms * rng.lognormal(0, 0.3, size)


true_p95 = np.percentile(simulated_ms(np.random.default_rng(0), 2_000_000), 95)
print(f"simulated: the true p95 is {true_p95:.1f} ms")

rng = np.random.default_rng(1)
for calls in (10, 20, 100, 1000):
    found = np.percentile(simulated_ms(rng, (2000, calls)), 95, axis=1)
    low, high = np.percentile(found, [5, 95])
    print(f"p95 from {calls:>4} calls: nine of ten benches say between {low:4.1f} and {high:4.1f} ms")

# %% [markdown]
# With ten or twenty calls, p95 can miss the slow band altogether. The number alone never says so. An **interval** does,
# and it needs no assumption about the shape of the distribution. Sort the samples. Each call is below the true p95 with
# a chance of 0.95, whatever that p95 is, so *how many* are below is a matter of throwing a loaded coin:
#
# ![Twenty dots on a line, sorted by time, with their ranks. The true value of another percentile, p85 say, is a vertical line at an unknown place. How many dots are to its left is binomial: it falls between two ranks with a chance that can be added up. For p95 twenty dots would be too few.](figures/order-statistics.svg)


# %% tags=["nbval-check-output"]
from math import comb


def chance(count, p, lower, upper):
    """How likely the true percentile lies between the samples of rank `lower` and `upper`."""
    return sum(comb(count, k) * p**k * (1 - p) ** (count - k) for k in range(lower, upper))


for lower, upper in [(95, 96), (93, 98), (91, 100)]:
    print(
        f"100 calls: the true p95 lies between ranks {lower} and {upper} with chance {chance(100, 0.95, lower, upper):.3f}"
    )

# %% [markdown]
# To get an interval, start where the percentile should be and widen until the chance is enough:


# %% tags=["nbval-check-output"]
def ranks(count, p, confidence=0.95):
    lower = round(count * p)
    upper = lower + 1
    while chance(count, p, lower, min(upper, count)) < confidence:
        if lower == 1 and upper >= count:
            return None
        lower, upper = max(1, lower - 1), upper + 1
    return lower, min(upper, count)


for calls in (20, 58, 59, 100, 1000):
    print(f"{calls:>4} calls: ranks for p95 {ranks(calls, 0.95)}")

# %% [markdown]
# `None` is an answer: with so few calls even the slowest one seen may lie below the true p95. The chance that all of
# $n$ calls do is $0.95^n$; only when that is below 0.05 can there be an interval at all.

# %% tags=["nbval-check-output"]
for q in (50, 90, 95, 99):
    p = q / 100
    needed = next(calls for calls in range(2, 1000) if 1 - p**calls - (1 - p) ** calls >= 0.95)
    print(f"p{q}: at least {needed} calls")

# %% [markdown]
# Sixty calls for a p95, three hundred for a p99, and those give intervals that are just barely intervals. Now, does it
# keep its promise? Five thousand simulated benches; how often does the interval hold the truth?


# %% tags=["nbval-check-output"]
def held(calls, benches=5000, seed=2):
    lower, upper = ranks(calls, 0.95)
    samples = np.sort(simulated_ms(np.random.default_rng(seed), (benches, calls)), axis=1)
    inside = (samples[:, lower - 1] <= true_p95) & (true_p95 <= samples[:, upper - 1])
    return inside.mean(), np.median(samples[:, upper - 1] - samples[:, lower - 1])


for calls in (60, 100, 300, 1000):
    share, width = held(calls)
    print(
        f"{calls:>4} calls: holds the true p95 in {share:.1%} of benches; typical width {width:.1f} ms (simulated)"
    )

# %% [markdown]
# As promised, as far as five thousand throws can tell, and for a distribution with two humps that no formula with a
# bell curve fits. The width shrinks slowly, and only once the upper hump is well covered: then about four times the
# calls halve it.
#
# ### Play with it
#
# One simulated bench that goes on measuring. Where does the interval begin? Make the slow calls rare, near 5 %: then
# p95 stands on the edge between two humps, and no number of calls that you can afford makes it narrow. What would you
# report then?

# %%
from offlinefirst.measure.stats import needed_samples, percentile_interval


def shrink(calls, slow_percent, slow_ms):
    samples = simulated_ms(np.random.default_rng(7), calls, slow_percent / 100, slow_ms)
    counts = np.unique(np.geomspace(needed_samples(95), calls, 60).astype(int))
    intervals = [percentile_interval(samples[:count], 95) for count in counts]
    figure, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
    low, high = [one.low for one in intervals], [one.high for one in intervals]
    axis.fill_between(counts, low, high, color=BLUE, alpha=0.3, step="post")
    axis.plot(np.arange(1, calls + 1), samples, ".", color=GREY, markersize=2)
    truth = np.percentile(simulated_ms(np.random.default_rng(0), 300_000, slow_percent / 100, slow_ms), 95)
    axis.axhline(truth, color=ORANGE)
    axis.text(calls * 1.02, truth, "true p95", color=ORANGE, va="center")
    axis.set(xscale="log", xlim=(10, calls), ylim=(0, max(20, high[0] * 1.1)))
    axis.set(xlabel="calls so far (log scale)", ylabel="time (ms)")
    axis.set_title(f"Simulated: after {calls} calls the p95 lies between {low[-1]:.1f} and {high[-1]:.1f} ms")
    axis.spines[["top", "right"]].set_visible(False)
    plt.close(figure)
    return figure


# %%
from ipywidgets import IntSlider

from offlinefirst.course.play import play

play(
    shrink,
    calls=IntSlider(1000, min=60, max=5000, step=20, description="calls"),
    slow_percent=IntSlider(8, min=0, max=30, description="slow calls %"),
    slow_ms=IntSlider(12, min=0, max=60, description="slower by ms"),
)

# %% [markdown] spine="measure"
# ## Measure it: which model, and by how much?
#
# Achieng's question is whether Mutheu's phone should carry the medium model. In turn, on the same photos, with an
# interval on everything. For the ratio there is nothing new to learn: each pair gives one ratio, and the median is the
# percentile with q = 50.

# %%
subjects = {name: LeafApp(name).diagnose for name in ("leaf-small", "leaf-medium")}
warm, steady = bench(subjects, new_photo, min_calls=200)

for name, times in steady.items():
    p50, p95 = (percentile_interval(times, q) for q in (50, 95))
    print(
        f"{name:<12} p50 {1000 * p50.low:6.2f} to {1000 * p50.high:6.2f} ms   p95 {1000 * p95.low:6.2f} to {1000 * p95.high:6.2f} ms"
    )
ratios = np.array(steady["leaf-medium"]) / np.array(steady["leaf-small"])
by_order = percentile_interval(ratios, 50)
print(
    f"medium takes {by_order.low:.2f} to {by_order.high:.2f} times as long as small, in {len(ratios)} pairs"
)

# %% [markdown]
# The package's `ratio_interval` gets there by another road: it draws the pairs anew, with repeats, two thousand times
# and looks where the medians fall (the *bootstrap*). Two methods that agree are worth more than one, but both believe
# that the pairs are independent:

# %%
from offlinefirst.measure.stats import ratio_interval

by_bootstrap = ratio_interval(steady["leaf-medium"], steady["leaf-small"])
print(f"order statistics {by_order.low:.3f} to {by_order.high:.3f}")
print(f"bootstrap        {by_bootstrap.low:.3f} to {by_bootstrap.high:.3f}")

# %% [markdown]
# Speed is half of the question. What the medium model *knows* beyond the small one stands beside it in the next
# notebook, where every row of the table has its quality.

# %% [markdown] spine="claim"
# ## The claim: what a loop of single inferences does not see
#
# The source material says that such loops are useful, and that scheduling, background tasks and heat make real
# performance another matter. Background tasks we can make. The rule, before the number is seen: with one busy
# neighbour, the same answers take at least 1.25 times as long. Ten pairs of blocks, quiet first in one pair and busy
# first in the next; and we judge by the unfavourable end of the interval for the median.

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_least

app, slowdown = LeafApp("leaf-medium"), []
app.look(new_photo(0))
for pair in range(10):
    took = {}
    for busy in (False, True) if pair % 2 == 0 else (True, False):
        with neighbour() if busy else contextlib.nullcontext():
            took[busy] = sum(time_calls(app.look, new_photo, 20))
    slowdown.append(took[True] / took[False])
interval = percentile_interval(slowdown, 50)
print(f"median slowdown between {interval.low:.2f} and {interval.high:.2f} times")
verdict("background-tasks", measured=interval.low, unit="times as long at least", rule=at_least(1.25))

# %% [markdown]
# On a device with one core the neighbour takes its fair half. Where the system lends the app a second core, expect a
# number near 1, and another verdict. Either way the quiet loop could not have told: it has no neighbour.

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.measure.bench` does what the page did, and what it left out. It starts a fresh process under the limits
# of a profile, keeps load, first call and steady state apart, watches the memory from outside, notes threads and
# processor, and keeps every raw sample in a report that can be stored as JSON.

# %%
from offlinefirst.measure.bench import bench as bench_model

SQUARES = {"image": new_photo(0)}
report = bench_model(locate("leaf-small"), profile="phone-2gb", inputs=SQUARES, min_calls=100)
print(f"load        {1000 * report.load_s:.1f} ms")
print(f"first call  {1000 * report.first_s:.2f} ms")
print(
    f"p50, p95    {1000 * report.p50_s:.3f} ms, {1000 * report.p95_s:.3f} ms from {len(report.samples_s)} calls"
)
print(f"peak RSS    {report.peak_rss_bytes / 2**20:.0f} MiB")
wide = percentile_interval(report.samples_s, 95)
print(f"p95 lies between {1000 * wide.low:.3f} and {1000 * wide.high:.3f} ms")

# %% [markdown]
# The raw samples are what makes the last line possible: a report of four numbers could not have been asked again. Two
# things to know. For a model alone the collector is off, since the runtime makes hardly any Python objects;
# `collector="on"` leaves it on, and the report says which. And one report is one model: two reports are two blocks (lie
# 8), so for a ratio take pairs, as above.
#
# What cannot be answered is refused in words:

# %%
from offlinefirst.measure.errors import MeasureError

attempts = [
    lambda: percentile_interval(report.samples_s[:40], 95),
    lambda: ratio_interval(report.samples_s[:20], report.samples_s[:19]),
    lambda: bench_model("leaf-huge.onnx", profile="phone-2gb"),
]
for attempt in attempts:
    try:
        attempt()
    except MeasureError as error:
        print(f"{type(error).__name__}: {error}\n")

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **The core is this computer's.** One core of a laptop is still several times a phone's. Ratios between models
#   travel better than times; even they change with the processor's instructions and caches.
# - **Pairs cancel what multiplies, not what adds.** A neighbour who takes the core in slices of some milliseconds
#   adds them to both, and pulls the ratio towards 1. Run the comparison on a busy computer and on a quiet one, and
#   see.
# - **Samples are not quite independent.** A neighbour or a hot processor slows many calls in a row, and an interval
#   from order statistics believes in separate throws of the coin. Under drift it is too narrow. Several runs at
#   different times of the day are worth more than one long one.
# - **The model's file was warm.** The system had it in memory. After a reboot the load takes as long as the flash
#   needs.
# - **A minute is not a day.** Heat, memory pressure and the whole way from tap to answer are in the next notebook.
# - **Interval and p95 look at this machine's calls**, not at Mutheu's. What she meets is told by her phone, if she
#   agrees to send it: chapter 17.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("04-measuring/01-a-bench-you-can-trust")

# %% [markdown] spine="next"
# ## Next
#
# [The matrix](02-the-matrix.ipynb): from one loop to user flows, soak tests and the table of devices, models and
# metrics. Then the [lab](../../labs/04-measuring/lab.ipynb), where you mend a bench that lies.
