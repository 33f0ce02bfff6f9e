# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: "Lab: numbers that hold"
#     chapter: 4
#     device: phone-2gb
#     teach_minutes: 5
#     exercise_minutes: 110
#     objectives:
#       - Mend a benchmark that lies in six ways
#       - Give a p95 an interval, and refuse where there is none
#       - Decide from pairs whether a change made the app slower, at a known rate of error
#       - Plan a measurement that fits into an hour and answers the question
#     after: [04-measuring/01-a-bench-you-can-trust]
# ---

# %% [markdown]
# # Lab: numbers that hold
#
# Achieng has to decide what Mutheu's phone will carry, and everybody who sends her a number is sure of it. You write what
# she measures and judges with. The exercises stand on their own: do them in any order, over two sittings.
#
# **How this works.** Each exercise has an answer cell and a check cell. Fill in the answer, run it, run the check. A
# check attacks your function and says in words what went wrong. Read the checks, they are short. Run all cells as often
# as you like: your points are kept in a file on this computer.

# %% [markdown] tags=["instructor"]
# **Timing.** Exercise 1 30 minutes, 2 25, 3 25, 4 30 with a discussion of 15. Two sittings.
#
# **Common mistakes.** 1: warm-up calls with the very photo that is timed later; switching the collector back on only on
# the way without an error. 2: ranks counted from 0 in one place and from 1 in another; sorting the caller's list. 3: one
# threshold for all ("5 % is noise"), and comparing two medians instead of the pairs; a bootstrap of few pairs is accepted,
# and errs more often than it says: let them print it for 15 pairs. 4: many calls in one session, where
# sessions are what differs.
#
# **Early birds.** 3: what if Achieng looks after every ten pairs and stops when the verdict pleases her? Let them
# simulate how often "slower" comes out for two apps that are the same.
#
# **Rubric for exercise 4** (10 points, beside its check): the plan says which decision hangs on it, and what result would
# change that decision (3); where its minutes go, and why not elsewhere (2); what of Mutheu's day it leaves out: heat,
# other apps, an old battery (3); quality stands beside cost (2).

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# ## Exercise 1: mend a bench that lies (5 points, 30 minutes)
#
# The phone of this exercise is a model of one, with a clock that a script moves on. So it knows how long each call
# *really* took, and can tell you. It behaves as the phones of the notebook do.

# %% tags=["long"]
import gc
import random


class PracticePhone:
    """A phone with a scripted clock; what really happened is in `calls`, which benches do not look at."""

    def __init__(self, seed, cores=1, cpu_count=4):
        self.cores, self.cpu_count, self.calls, self.loads = cores, cpu_count, [], []
        self._rng, self._now_s, self._photos, self._answered = random.Random(seed), 100.0, 0, set()

    def clock(self):
        """Seconds; goes only forward, in fine steps. Reading it takes a microsecond."""
        self._now_s += 1e-6
        return self._now_s

    def wall_clock(self):
        """Seconds of the day; in steps of 10 milliseconds, and the network corrects it now and then."""
        self._now_s += 1e-6
        return self._now_s // 0.01 * 0.01 - (0.5 if self._now_s > 100.7 else 0)

    def new_photo(self):
        """A photo that the phone has not seen. Taking one takes 40 milliseconds."""
        self._now_s += 0.04
        self._photos += 1
        return f"photo {self._photos}"


# %% tags=["long"]
class PracticeModel:
    """What `load` gives: call it with a photo."""

    def __init__(self, phone, threads):
        self.phone, self.threads, self.number = phone, threads, 0

    def __call__(self, photo):
        phone = self.phone
        self.number += 1
        seconds = 0.008 * phone._rng.lognormvariate(0, 0.1) * (1 if self.threads == phone.cores else 2.2)
        seconds *= {1: 9, 2: 4, 3: 2.5, 4: 1.5}.get(self.number, 1)
        if self.number % 12 == 0:
            seconds += 0.02  # saves the register
        collector = gc.isenabled() and gc.get_threshold()[0] > 0
        if collector and self.number % 17 == 0:
            seconds += 0.05  # the collector runs
        seconds = 0.00002 if (remembered := photo in phone._answered) else seconds
        phone._answered.add(photo)
        phone._now_s += seconds
        told = {"number": self.number, "threads": self.threads, "remembered": remembered}
        phone.calls.append({"seconds": seconds, "collector": collector, "photo": photo, **told})
        return "Fall Armyworm"


def load(phone, threads):
    """Read the model from the phone's flash; the second time the system still has it in memory."""
    seconds = 0.004 if phone.loads else 0.3 * phone._rng.lognormvariate(0, 0.1)
    phone._now_s += seconds
    phone.loads.append(seconds)
    return PracticeModel(phone, threads)


# %% [markdown]
# And this is the bench that was sent to Achieng, with its result. Everything in it is a line that somebody really writes.


# %%
def bench_that_lies(phone, calls=100):
    gc.disable()
    model = load(phone, threads=phone.cpu_count)
    start = phone.wall_clock()
    photo = phone.new_photo()
    for _ in range(calls):
        model(photo)
    seconds = phone.wall_clock() - start
    gc.enable()
    return seconds / calls


print(f"an answer takes {1000 * bench_that_lies(PracticePhone(seed=1)):.2f} ms")

# %% [markdown]
# Write the bench that she can trust.


# %% answer="measure"
def measure(phone, calls, warm_up):
    """Load the model once, and time it as Mutheu's app would run it.

    Args:
        phone: Has `clock()`, `wall_clock()`, `new_photo()`, `cores` and `cpu_count`. `load(phone, threads)` gives the
            model, which is called with a photo.
        calls: How many steady calls to keep.
        warm_up: How many calls after the first do not count.

    Returns:
        {"load_s": seconds, "first_s": seconds, "steady_s": list of `calls` seconds, one for each call, in order}.

    Hint: for each line of the bench above, ask what it would have to look like on Mutheu's phone.
    """
    ### BEGIN SOLUTION
    start = phone.clock()
    model = load(phone, threads=phone.cores)
    load_s, seconds = phone.clock() - start, []
    for _ in range(1 + warm_up + calls):
        photo = phone.new_photo()
        start = phone.clock()
        model(photo)
        seconds.append(phone.clock() - start)
    return {"load_s": load_s, "first_s": seconds[0], "steady_s": seconds[1 + warm_up :]}
    ### END SOLUTION


# %% [markdown]
# The check runs your bench on several phones and holds it against what really happened.

# %%
from unittest import mock

PHONES = [(1, 1, 4, 60, 5), (2, 2, 8, 100, 10), (3, 1, 2, 24, 4), (4, 4, 1, 300, 3)]


def near(measured, true):
    return isinstance(measured, int | float) and abs(measured - true) <= 1e-5


# %%
def run_bench(phone, calls, warm_up):
    """What `measure` gives, whether it left the collector on, and how often it ran or froze it itself."""
    gc.enable()
    before, helped = gc.get_threshold(), mock.Mock()
    try:
        with mock.patch.multiple(gc, collect=helped, freeze=helped):
            found = measure(phone, calls, warm_up)
        return found, gc.isenabled() and gc.get_threshold()[0] > 0, helped.call_count
    finally:
        gc.enable()
        gc.set_threshold(*before)


# %%
def held_against(found, phone, calls, verify):
    """Each number beside what really happened."""
    made = phone.calls[-calls:]
    for number, (one, call) in enumerate(zip(found["steady_s"], made, strict=True), 1):
        took = f"Steady call {number} took {1000 * call['seconds']:.3f} ms"
        verify(near(one, call["seconds"]), f"{took}, and your sample says {one!r} s.")
    for key, true in [("first_s", phone.calls[0]["seconds"]), ("load_s", phone.loads[0])]:
        verify(
            near(found[key], true), f"`{key}` really was {1000 * true:.3f} ms, and you say {found[key]!r} s."
        )


# %% check="measure" points=5
from offlinefirst.course.checks import check

with check(
    "04-measuring/measure", points=5, revisit="01-a-bench-you-can-trust.ipynb#The-bench,-by-hand"
) as verify:
    for seed, cores, cpu_count, calls, warm_up in PHONES:
        phone, wanted = PracticePhone(seed, cores, cpu_count), 1 + warm_up + calls
        found, left_on, helped = run_bench(phone, calls, warm_up)
        keys = isinstance(found, dict) and set(found) == {"load_s", "first_s", "steady_s"}
        verify(keys, "Return the three keys.")
        steady, made = found["steady_s"], len(phone.calls)
        verify(
            isinstance(steady, list), "`steady_s` is every sample, as a list: a sum cannot be asked again."
        )
        kept = f"{calls} steady calls were asked for, and you keep {len(steady)}. None may be dropped."
        verify(len(steady) == calls, kept)
        verify(made == wanted, f"{wanted} calls were to be made, first and warm-up too; you made {made}.")
        verify(len(phone.loads) == 1, "You loaded the model twice; the second time it is in memory.")
        remembered = any(call["remembered"] for call in phone.calls)
        verify(not remembered, "The app remembered a photo, and you timed its memory.")
        threads = phone.calls[-1]["threads"]
        verify(threads == cores, f"{threads} threads on a phone that gives the app {cores}.")
        collected = all(call["collector"] for call in phone.calls)
        verify(collected, "You switched the garbage collector off. The app cannot.")
        verify(left_on, "Your bench leaves the garbage collector switched off.")
        verify(helped == 0, "You ran or froze the collector yourself. The app does not, and so it pauses.")
        held_against(found, phone, calls, verify)

# %% [markdown]
# ## Exercise 2: a p95 with its interval (4 points, 25 minutes)
#
# A percentile from few calls is a guess. Say between which two samples the true one lies, or that nobody can say.


# %% answer="interval"
def p95_interval(samples, confidence=0.95):
    """Give the true p95 an interval that holds for every distribution: (low, high), two of the samples.

    Args:
        samples: A list of up to 1,000 seconds, in no particular order. It stays as it is.
        confidence: How often the interval shall hold the truth. The ranks are the closest pair that does, or up to
            three ranks wider.

    Raises:
        ValueError: Even the least and the greatest sample do not enclose it that often. The text says how many samples
            it takes at least. Also when a sample is no finite number.

    Hint: how many samples lie below the true p95 is binomial; `math.comb`. Write it yourself first.
    """
    ### BEGIN SOLUTION
    needed = next(n for n in range(2, 10_000) if 1 - 0.95**n - 0.05**n >= confidence)
    if len(samples) < needed or not all(map(math.isfinite, samples)):
        raise ValueError(f"take at least {needed} samples, all of them finite numbers")
    count, ordered = len(samples), sorted(samples)
    chances = [math.comb(count, k) * 0.95**k * 0.05 ** (count - k) for k in range(count + 1)]
    lower = min(count - 1, round(0.95 * count))
    upper = lower + 1
    while sum(chances[lower:upper]) < confidence:
        down = chances[lower - 1] if lower > 1 else 0
        up = chances[upper] if upper < count else 0
        lower, upper = (lower - 1, upper) if down >= up else (lower, upper + 1)
    return ordered[lower - 1], ordered[upper - 1]
    ### END SOLUTION


# %% [markdown]
# The check numbers the samples so that it can tell which ranks you chose, and adds up their chance itself, exactly.

# %%
import math
from bisect import bisect_left
from itertools import accumulate

CASES = [(59, 0.95), (60, 0.95), (75, 0.95), (100, 0.95), (137, 0.95), (300, 0.95), (1000, 0.95)]
CASES += [(45, 0.9), (64, 0.9), (500, 0.9), (90, 0.99), (250, 0.99)]
TOO_FEW = {(58, 0.95): 59, (20, 0.95): 59, (1, 0.95): 59, (0, 0.95): 59, (44, 0.9): 45, (89, 0.99): 90}


def below(count):
    """Chances that fewer than k of `count` samples lie below the true p95, for k from 0 on; summed in whole numbers."""
    ways = accumulate(math.comb(count, k) * 19**k for k in range(count + 1))
    return [0.0, *(number / 20**count for number in ways)]


def closest(chances, confidence):
    """How far apart the closest ranks are that will do."""
    last = len(chances) - 2
    highs = [(low, bisect_left(chances, chances[low] + confidence - 1e-9)) for low in range(1, last)]
    return min(high - low for low, high in highs if high <= last)


# %%
def numbered(count):
    """Samples in disorder, and the rank of each."""
    samples = [round(0.004 * 1.01**rank, 9) for rank in range(count)]
    ranks = {sample: rank for rank, sample in enumerate(samples, 1)}
    random.Random(count).shuffle(samples)
    return samples, ranks


def refusal(samples, confidence):
    """What `p95_interval` says when it refuses, or None."""
    try:
        p95_interval(samples, confidence)
    except ValueError as error:
        return str(error)
    return None


# %%
def coarse(count):
    """Samples of a clock with coarse steps, a dozen in each step, in disorder."""
    samples = [round(0.004 + 0.001 * (rank // 12), 3) for rank in range(count)]
    random.Random(count).shuffle(samples)
    return samples


def ranks_fit(samples, low, high, confidence):
    """Whether some rank of `low` and some rank of `high` are an answer; values that are alike have many ranks."""
    ordered, chances = sorted(samples), below(len(samples))
    lows, highs = ([rank for rank, one in enumerate(ordered, 1) if one == end] for end in (low, high))
    most = closest(chances, confidence) + 3
    pairs = [(lower, upper) for lower in lows for upper in highs if 0 < upper - lower <= most]
    return any(chances[upper] - chances[lower] >= confidence - 1e-9 for lower, upper in pairs)


# %%
import re


def judges_ties(verify):
    """Samples of which many are alike."""
    for count in (300, 1000):
        case = f"{count} samples of a clock with coarse steps, so that many are alike:"
        verify(refusal(coarse(count), 0.95) is None, f"{case} they are enough, and you refuse.")
        low, high = p95_interval(coarse(count))
        fits = ranks_fit(coarse(count), low, high, 0.95)
        verify(fits, f"{case} {low!r} to {high!r} is not the interval. Each sample counts, alike or not.")


# %%
def judges_refusals(verify):
    """Too few samples, and how many it takes."""
    for (count, confidence), needed in TOO_FEW.items():
        said = refusal(numbered(count)[0], confidence)
        case = f"{count} samples, confidence {confidence}:"
        verify(said is not None, f"{case} you gave an interval, and there is none.")
        told = set(re.findall(r"\d+", said))
        verify(str(needed) in told, f"{case} say how many it takes ({needed}). You said: {said!r}")
        others = told & ({"45", "59", "90"} - {str(needed), str(round(100 * confidence))})
        verify(not others, f"{case} it takes {needed}, and you name {', '.join(others)} as well: {said!r}")


# %% check="interval" points=4
with check(
    "04-measuring/interval", points=4, revisit="01-a-bench-you-can-trust.ipynb#How-sure-is-a-p95?"
) as verify:
    for count, confidence in CASES:
        samples, ranks = numbered(count)
        given = list(samples)
        low, high = p95_interval(given, confidence)
        case = f"{count} samples, confidence {confidence}:"
        verify(given == samples, f"{case} you changed the caller's list.")
        verify(low in ranks and high in ranks, f"{case} {low!r} and {high!r} are not two of the samples.")
        lower, upper, chances = ranks[low], ranks[high], below(count)
        verify(lower < upper, f"{case} you give ranks {lower} and {upper}, which enclose nothing.")
        chance = chances[upper] - chances[lower]
        verify(
            chance >= confidence - 1e-9,
            f"{case} ranks {lower} and {upper} hold the true p95 in {chance:.1%} only.",
        )
        wide = upper - lower - closest(chances, confidence)
        verify(wide <= 3, f"{case} ranks {lower} and {upper} are {wide} ranks wider than need be.")
    judges_ties(verify)
    judges_refusals(verify)
    for bad in (math.nan, math.inf, -math.inf):
        said = refusal([*numbered(100)[0], bad], 0.95)
        verify(said is not None, f"One sample is {bad}, and you computed with it.")

# %% [markdown]
# ## Exercise 3: is it slower, or does it only look so? (4 points, 25 minutes)
#
# Every change of the app is timed against the version before, in pairs, in turn. Somebody then has to say "slower", and
# the change does not go out. Called too easily, nobody listens any more; called never, the app gets slower by one per
# cent a week.

# %%
import numpy as np

from offlinefirst.measure import stats
from offlinefirst.measure.errors import TooFewSamplesError


# %% answer="decide"
def decide(old_s, new_s):
    """Say whether the new version is slower, from pairs.

    Args:
        old_s, new_s: Seconds; the first of each were measured one right after the other with the same photo, and so on.
            As many of one as of the other, all above 0.

    Returns:
        "slower" or "faster" when the pairs leave no doubt at 95 % confidence, however small the change; else "cannot
        tell". With few pairs that is always the answer.

    Hint: what does a pair tell when both of it were slow? You may use what `stats` has.
    """
    ### BEGIN SOLUTION
    ratios = [new / old for old, new in zip(old_s, new_s, strict=True)]
    try:
        interval = stats.percentile_interval(ratios, 50)
    except TooFewSamplesError:
        return "cannot tell"
    return "slower" if interval.low > 1 else "faster" if interval.high < 1 else "cannot tell"
    ### END SOLUTION


# %% [markdown]
# The check simulates benches, with fixed seeds. In each the phone gets hotter and busier, for both versions alike; one
# photo is heavier than another, again for both; and sometimes a single call is hit by something else.

# %%
SITUATIONS = {
    "a calm phone": {"pairs": 40, "drift": 0.0, "noise": 0.05, "hit": 0.0},
    "a phone that gets hotter": {"pairs": 60, "drift": 0.15, "noise": 0.05, "hit": 0.0},
    "a phone with other apps": {"pairs": 60, "drift": 0.05, "noise": 0.08, "hit": 0.12},
    "a short bench on a noisy phone": {"pairs": 15, "drift": 0.1, "noise": 0.2, "hit": 0.1},
}


def simulate(change, seed, pairs, drift, noise, hit):
    """Paired seconds of two versions; the new one takes `change` times as long."""
    rng = np.random.default_rng(seed)
    both = 0.04 * np.exp(np.cumsum(rng.normal(0, drift, pairs)) + rng.normal(0, 0.3, pairs))
    alone = rng.lognormal(0, noise, (2, pairs)) * np.where(rng.random((2, pairs)) < hit, 10, 1)
    return (both * alone[0]).tolist(), (change * both * alone[1]).tolist()


def tally(change, benches, seed, **situation):
    """How often each verdict came out."""
    verdicts = [decide(*simulate(change, (seed, number), **situation)) for number in range(benches)]
    return {verdict: verdicts.count(verdict) / benches for verdict in ("slower", "faster", "cannot tell")}


# %%
CHANGES = [
    ("a calm phone", 1.08),
    ("a phone that gets hotter", 1.08),
    ("a phone with other apps", 1.15),
]
TINY = {"pairs": 800, "drift": 0.05, "noise": 0.01, "hit": 0.0}


def fixed_pairs(pairs, slower, by):
    """Of so many pairs, the new one is slower in `slower` and faster in the others, by like amounts."""
    old = [0.04 + 0.001 * (number % 7) for number in range(pairs)]
    turns = [(number + 1) * slower // pairs - number * slower // pairs for number in range(pairs)]
    steps = [by * (1 + 0.1 * (number % 5)) for number in range(pairs)]
    new = [one * (1 + by if up else 1 / (1 + by)) for one, by, up in zip(old, steps, turns, strict=True)]
    return old, new


# %%
def judges_fixed_pairs(verify):
    """Pairs without chance, of which everybody can count how many were slower."""
    for pairs, truth in [(12, "slower"), (12, "faster"), (30, "slower")]:
        said = decide(*fixed_pairs(pairs, pairs if truth == "slower" else 0, by=1.0))
        verify(said == truth, f"{pairs} pairs, and in each the new one is twice as {truth[:-2]}: {said!r}?")
    for ups, towards in [(217, "slower"), (183, "faster")]:
        said = decide(*fixed_pairs(400, ups, by=0.04))
        doubt = f"Of 400 pairs 217 {towards}: of two equal versions one bench in ten looks so uneven."
        verify(said == "cannot tell", f"{doubt} That is doubt at 95 %, and you said {said!r}.")


# %% check="decide" points=4
with check(
    "04-measuring/decide",
    points=4,
    revisit="01-a-bench-you-can-trust.ipynb#Measure-it:-which-model,-and-by-how-much?",
) as verify:
    for pairs in (1, 3, 5):
        said = decide(
            [0.040, 0.041, 0.039, 0.040, 0.042][:pairs], [0.050, 0.051, 0.049, 0.050, 0.052][:pairs]
        )
        few = f"{pairs} pairs leave doubt at 95 %, whatever they look like, unless you assume a shape."
        verify(said == "cannot tell", f"{few} You said {said!r}.")
    for name, situation in SITUATIONS.items():
        same = tally(1.0, 150, 1, **situation)
        known = math.isclose(sum(same.values()), 1)
        verify(known, 'Return "slower", "faster" or "cannot tell", and nothing else.')
        wrong, most = same["slower"] + same["faster"], 0.13 if situation["pairs"] > 20 else 0.2
        verify(
            wrong <= most, f"On {name}, of two versions that are the same you called {wrong:.0%} different."
        )
    for name, change in CHANGES:
        for truth, factor in [("slower", change), ("faster", 1 / change)]:
            found = tally(factor, 60, 2, **SITUATIONS[name])[truth]
            verify(
                found >= 0.8, f"On {name} the new one is {truth} ({factor:.2f}); you saw it in {found:.0%}."
            )
    for truth, factor in [("slower", 1.003), ("faster", 1 / 1.003)]:
        found = tally(factor, 30, 3, **TINY)[truth]
        sure = f"0.3 % {truth} in 800 pairs on a still phone: small and sure."
        verify(found >= 0.8, f"{sure} You saw it in {found:.0%}.")
    judges_fixed_pairs(verify)

# %% [markdown]
# ## Exercise 4, open: an hour of measuring (3 points, 30 minutes and a discussion)
#
# Achieng has 60 minutes of other people's phones. She must say for each device what the medium leaf model's p95 will be,
# and how many times as long it takes as the small one. Plan it. There is no single right plan.
#
# What she knows beforehand, in the table. A *session* is a fresh process on a phone that somebody has put down to cool; it
# takes its minutes before the first call. Sessions on one device differ by a fifth or so: heat, other apps, the battery.
# Calls of one session share that.

# %%
DEVICES = {
    "phone-2gb": {"users": 0.6, "session_min": 2.5, "small_s": 0.06, "medium_s": 0.12, "cold_calls": 8},
    "phone-4gb": {"users": 0.3, "session_min": 2.5, "small_s": 0.03, "medium_s": 0.055, "cold_calls": 6},
    "laptop-4gb": {"users": 0.1, "session_min": 2.0, "small_s": 0.008, "medium_s": 0.02, "cold_calls": 3},
}
METRICS = {"p50", "p95", "mean", "load_s", "first_s", "peak_rss_bytes", "size_bytes", "energy_j", "quality"}
BUDGET_MIN = 60


# %% answer="plan"
def plan():
    """Plan the hour.

    Returns:
        {"metrics": names from METRICS that the report will show,
         "runs": a list of dicts, one for each device that is measured:
             {"device": a name from DEVICES,
              "sessions": how many,
              "warm_up": calls of each model, in each session, that do not count,
              "calls": calls of each model, in each session, that count,
              "order": "in turn" or "blocks"}}
    """
    ### BEGIN SOLUTION
    sessions = {"phone-2gb": 9, "phone-4gb": 7, "laptop-4gb": 5}
    how = {"warm_up": 15, "calls": 80, "order": "in turn"}
    runs = [{"device": name, "sessions": number, **how} for name, number in sessions.items()]
    return {"metrics": ["p50", "p95", "first_s", "peak_rss_bytes", "quality"], "runs": runs}
    ### END SOLUTION


# %% [markdown]
# The simulation carries your plan out, three hundred times with fixed seeds, and looks how far its p95 and its ratio are
# from the truth. In blocks, each model has a session's drift to itself. Nine times of ten the p95 shall be right within
# 9 % on the phones and 13 % on the laptop, and the ratio within 5 %.


# %%
def minutes(run):
    one = DEVICES[run["device"]]
    calls_s = (run["warm_up"] + run["calls"]) * (one["small_s"] + one["medium_s"])
    return run["sessions"] * (one["session_min"] + calls_s / 60)


def session(rng, typical_s, calls, warm_up, cold_calls, shared):
    """Seconds of the calls of one model that count."""
    number = np.arange(warm_up + calls)
    times = typical_s * shared * rng.lognormal(0, 0.08, warm_up + calls) * np.where(number < cold_calls, 4, 1)
    times += (rng.random(warm_up + calls) < 1 / 12) * typical_s  # saves
    return times[warm_up:]


# %%
def carry_out(run, seed):
    """p95 of the medium model, and the ratio medium to small, each divided by the truth."""
    rng, one = np.random.default_rng((9, seed)), DEVICES[run["device"]]
    small, medium = [], []
    for _ in range(run["sessions"]):
        shared = rng.lognormal(0, 0.2)
        own = shared if run["order"] == "in turn" else rng.lognormal(0, 0.2)
        how = {key: run[key] for key in ("calls", "warm_up")} | {"cold_calls": one["cold_calls"]}
        small.append(session(rng, one["small_s"], shared=shared, **how))
        medium.append(session(rng, one["medium_s"], shared=own, **how))
    p95 = np.percentile(np.concatenate(medium), 95) / (one["medium_s"] * TRUE_P95)
    ratio = np.median(np.concatenate(medium) / np.concatenate(small)) * one["small_s"] / one["medium_s"]
    return p95, ratio


_all = np.random.default_rng(0)
_many = [session(_all, 1.0, 300, 10, 10, shared=_all.lognormal(0, 0.2)) for _ in range(4000)]
TRUE_P95 = np.percentile(_many, 95)  # of all calls in very many sessions

# %% tags=["long"]
WHY = {"p95": "what waiting is like", "peak_rss_bytes": "whether it fits", "quality": "what it buys"}


def well_formed(planned, verify):
    """Everything that can be said about a plan before it is carried out."""
    metrics, runs = set(planned["metrics"]), planned["runs"]
    verify(metrics <= METRICS, f"{sorted(metrics - METRICS)} is no metric of this list.")
    for wanted, why in WHY.items():
        verify(wanted in metrics, f"Without {wanted} nobody can say {why}.")
    names = [run["device"] for run in runs]
    each = set(names) == set(DEVICES) and len(names) == 3
    verify(each, "One run for each device: a number does not travel to another.")
    numbers = [run[key] for run in runs for key in ("sessions", "warm_up", "calls")]
    whole = all(type(number) is int and number >= 0 for number in numbers)
    verify(whole, "sessions, warm_up and calls are whole numbers from 0.")
    orders = {run["order"] for run in runs}
    verify(orders <= {"in turn", "blocks"}, f"{orders}: an order is 'in turn' or 'blocks'.")
    spent = sum(map(minutes, runs))
    verify(spent <= BUDGET_MIN, f"The plan takes {spent:.0f} minutes, and there are {BUDGET_MIN}.")
    for run in runs:
        calls = run["sessions"] * run["calls"]
        verify(calls >= 59, f"{run['device']}: {calls} calls in all give a p95 no interval.")
        cold = DEVICES[run["device"]]["cold_calls"]
        first = f"{run['device']}: the first {cold} calls of a session are cold, a number of their own."
        verify(run["warm_up"] >= cold, f"{first} You keep some of them, though they may be too few to show.")


# %% check="plan" points=3
with check(
    "04-measuring/plan", points=3, revisit="01-a-bench-you-can-trust.ipynb#What-this-does-not-show"
) as verify:
    planned = plan()
    well_formed(planned, verify)
    for run in planned["runs"]:
        name = run["device"]
        results = np.array([carry_out(run, seed) for seed in range(300)])
        p95_off, ratio_off = np.percentile(np.abs(results - 1), 90, axis=0)
        print(f"{name:<11} {minutes(run):4.1f} min   p95 within {p95_off:.0%}, ratio within {ratio_off:.0%}")
        limit = 0.09 if DEVICES[name]["users"] >= 0.3 else 0.13
        often = f"{name}: one time in ten"
        verify(p95_off <= limit, f"{often} the p95 is off by {p95_off:.0%} or more; {limit:.0%} is asked.")
        verify(ratio_off <= 0.05, f"{often} the ratio is off by {ratio_off:.0%} or more; 5% is asked.")

# %% [markdown]
# Now argue. Which decision hangs on this hour, and which result would change it? Where did your minutes go, and what of
# Mutheu's day did the plan leave out? If you had one more hour, would you buy calls, sessions or phones?

# %% [markdown]
# ## Your score

# %%
from offlinefirst.course.checks import Score

Score("04-measuring", measure=5, interval=4, decide=4, plan=3)
