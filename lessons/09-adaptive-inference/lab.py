# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: "Lab: what can we afford?"
#     chapter: 9
#     device: phone-2gb
#     teach_minutes: 5
#     exercise_minutes: 110
#     objectives:
#       - Choose a model that fits what is free, and spend the battery where somebody waits
#       - Keep a choice steady without ever holding what does not fit
#       - Load late, evict in time, and survive a model that cannot be loaded
#       - Choose a threshold for asking the cloud within what asking may cost
#     after: [09-adaptive-inference/01-progressive-degradation, 09-adaptive-inference/03-local-first-cloud-second]
# ---

# %% [markdown]
# # Lab: what can we afford?
#
# Achieng's app holds three leaf models and a rule that needs none. You write what decides between them. The exercises stand on
# their own: do them in any order.
#
# **How this works.** Each exercise has an answer cell and a check cell. Fill in the answer, run it, run the check. A check tries
# many situations and says in words which one went wrong. Your points are kept in a file on this computer.

# %% [markdown] tags=["instructor"]
# **Timing.** Exercise 1 15 minutes, 2 25, 3 25, 4 15, 5 30 with a discussion.
#
# **Common mistakes.** 1: limits on free memory in place of the models' own sizes; the source's order of questions, which gives an
# urgent job at 3 % the middle model. 2: counting the last resort as a switch, so that the engine never comes back; keeping a
# model that no longer fits because the window is not over. 3: evicting after loading; bytes of a failed load that stay booked. 4:
# a threshold that asks more than may be asked, because several photos share a confidence.
#
# **Rubric for exercise 5** (10 points, beside its check): says for whom it saves and why (3); what the farmer is told when a smaller
# model answered (3); how it was judged on days that it was not made on (2); what would have to be measured on a real phone (2).

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# The models. Quality and size come from the file that ships with them; what each takes in memory is supposed for this lab, with
# round numbers. Work is counted in parameters: these networks differ in width alone, so it grows with them.

# %%
import json
from dataclasses import dataclass

from offlinefirst.datasets.places import locate

MiB = 1 << 20
ABOUT = json.loads(locate("leaf-models-about").read_text())["models"]


@dataclass(frozen=True)
class Tier:
    name: str
    memory_bytes: int
    quality: float
    work: int


# %%
TIERS = [
    Tier(name, size * MiB, ABOUT[name]["accuracy"], ABOUT[name]["parameters"])
    for name, size in (("leaf-large", 60), ("leaf-medium", 30), ("leaf-small", 12))
]
RULE_QUALITY = 0.4

# %%
for tier in TIERS:
    print(
        f"{tier.name:12} {tier.memory_bytes // MiB:3} MiB  {tier.quality:.1%} right  {tier.work:8,} parameters"
    )

# %% [markdown]
# ## Exercise 1: the best that fits (2 points, 15 minutes)
#
# The source's engine asks about the battery, then whether 200 MB are free. Ask what matters: does the model fit, and is this a
# job to save on?


# %% answer="tier"
def choose(tiers, free_bytes, saving):
    """Choose a model for one job.

    Args:
        tiers: A list of Tier, in no order.
        free_bytes: What a model may take.
        saving: False: the job gets the best that fits. True: it gets the one with the least work, among those that fit
            and are at most 0.03 worse in quality than the best that fits.

    Returns:
        The name of the chosen tier; None, which stands for the rule, when none fits. Of two that are equal in quality
        (or in work, when saving) the one that takes less memory.
    """
    ### BEGIN SOLUTION
    fits = [tier for tier in tiers if tier.memory_bytes <= free_bytes]
    if not fits:
        return None
    if saving:
        best = max(tier.quality for tier in fits)
        good = [tier for tier in fits if tier.quality >= best - 0.03]
        return min(good, key=lambda tier: (tier.work, tier.memory_bytes)).name
    return max(fits, key=lambda tier: (tier.quality, -tier.memory_bytes)).name
    ### END SOLUTION


# %%
LADDERS = [
    TIERS,
    TIERS[::-1],
    [Tier("a", 10, 0.90, 5), Tier("b", 20, 0.92, 9), Tier("c", 40, 0.97, 30)],
    [Tier("a", 30, 0.90, 5), Tier("b", 10, 0.90, 5), Tier("c", 20, 0.88, 2)],
    [Tier("a", 30, 0.90, 5), Tier("b", 10, 0.89, 5)],
    [Tier("a", 40, 0.25, 9), Tier("just good enough", 20, 0.22, 5), Tier("c", 10, 0.21, 1)],
    [Tier("worse and larger", 50, 0.7, 1), Tier("better", 10, 0.9, 2)],
    [Tier("only", 10, 0.5, 1)],
]


# %% tags=["long"]
def judge_choice(verify, ladder, free, saving):
    """Hold one choice against the words of the exercise."""
    said = choose(list(ladder), free, saving)
    fits = [tier for tier in ladder if tier.memory_bytes <= free]
    case = f"{', '.join(f'{t.name} ({t.memory_bytes:,} bytes)' for t in ladder)}; {free:,} bytes free"
    verify((said is None) == (not fits), f"{case}: you said {said!r}; {len(fits)} of them fit.")
    found = said is None or any(tier.name == said for tier in fits)
    verify(found, f"{case}: you chose {said!r}, which does not fit.")
    if not fits:
        return
    best = max(tier.quality for tier in fits)
    if saving:
        good = [t for t in fits if t.quality >= best - 0.03]
        right = min(good, key=lambda t: (t.work, t.memory_bytes)).name
        better = f"{right!r} is good enough and takes less work, or less memory"
        verify(said == right, f"{case}, saving: you chose {said!r}; {better}.")
    else:
        right = min((t for t in fits if t.quality == best), key=lambda t: t.memory_bytes).name
        verify(
            said == right, f"{case}, nothing to save: you chose {said!r}; {right!r} is the best that fits."
        )


# %% check="tier" points=2
from offlinefirst.course.checks import check

with check(
    "09-adaptive-inference/tier",
    points=2,
    revisit="01-progressive-degradation.ipynb#Three:-a-pure-function-that-says-why",
) as verify:
    small_room = choose(list(TIERS), 5 * MiB, False)
    verify(small_room is None, "5 MiB are free, and the smallest model takes 12: the rule has to answer.")
    for ladder in LADDERS:
        sizes = sorted({tier.memory_bytes for tier in ladder})
        for free in [0, *sizes, *[size - 1 for size in sizes], 10**12]:
            for saving in (False, True):
                judge_choice(verify, ladder, free, saving)

# %% [markdown]
# ## Exercise 2: steady, and never too large (3 points, 25 minutes)
#
# Free memory goes up and down as other apps come and go, and a choice that follows every twitch loads and drops models all day.
# So: after a switch no other for two minutes. But what does not fit must go at once. What answers in the meantime?
#
# The rule can: it takes no memory, so its answers are no switch.


# %% answer="steady"
class Steady:
    """A switch is an answer by another model than the last model that answered. The rule (None) is no model."""

    def __init__(self, window_s=120):
        ### BEGIN SOLUTION
        self.window_s, self.model, self.switched_s = window_s, None, None
        ### END SOLUTION

    def use(self, wanted, fits, now_s):
        """Say what answers now.

        Args:
            wanted: The model that one would like; None for the rule. It fits.
            fits: The names of all models that fit now.
            now_s: A clock's seconds, never less than before.

        Returns:
            A model that fits, or None. Never two switches less than `window_s` seconds apart. What is wanted, whenever
            that is allowed; else the model that answered last, if it fits. The very first model is no switch.
        """
        ### BEGIN SOLUTION
        if wanted is None or wanted == self.model:
            return wanted
        if self.model is None:
            self.model = wanted
        elif self.switched_s is None or now_s - self.switched_s >= self.window_s:
            self.model, self.switched_s = wanted, now_s
        return self.model if self.model in fits else None
        ### END SOLUTION


# %% [markdown]
# The check plays every sequence of five jobs in six situations, with shorter and longer gaps, and looks at each answer.

# %%
import itertools

SITUATIONS = [(wanted, fits) for fits in ((), ("small",), ("small", "large")) for wanted in (None, *fits)]


# %% tags=["long"]
def judge_steady(verify, steps, said, gap_s, window_s):
    """Hold each answer against the words of the exercise; what answered before is taken from the answers themselves."""
    last, switched_s = None, None
    for i, ((wanted, fits), answer) in enumerate(zip(steps, said, strict=True)):
        story = (
            f"After {said[:i]} with {gap_s} s between jobs and a window of {window_s} s, {wanted!r} is wanted and "
            f"{list(fits)} fit: you answered with {answer!r}"
        )
        verify(answer is None or answer in fits, f"{story}, which does not fit.")
        recent = switched_s is not None and gap_s * i - switched_s < window_s
        if answer not in (None, last) and last is not None:
            verify(not recent, f"{story}. That is a second switch within the window.")
            switched_s = gap_s * i
        elif not recent or wanted in (None, last) or last is None:
            verify(answer == wanted, f"{story}. Nothing forbids what is wanted.")
        else:
            verify(
                answer is not None or last not in fits, f"{story}. The model that answered last still fits."
            )
        last = last if answer is None else answer


# %% check="steady" points=3
with check(
    "09-adaptive-inference/steady",
    points=3,
    revisit="01-progressive-degradation.ipynb#Four:-a-dead-band,-and-a-window",
) as verify:
    for gap_s, window_s in ((60, 120), (50, 120), (120, 120), (1, 0)):
        for steps in itertools.product(SITUATIONS, repeat=5):
            engine = Steady(window_s)
            said = [engine.use(wanted, fits, gap_s * i) for i, (wanted, fits) in enumerate(steps)]
            judge_steady(verify, steps, said, gap_s, window_s)

# %% [markdown]
# ## Exercise 3: load late, evict in time (3 points, 25 minutes)
#
# The source's engine loads all its models when it starts, and so holds the very memory that it means to save. Load a model when
# it is first asked for. Make room *before* you load: the phone does not care that you would have evicted a moment later.


# %% answer="shelf"
class Shelf:
    def __init__(self, tiers, budget_bytes, load):
        """Keep the books of a list of Tier; nothing is loaded yet. `load(name)` returns a model, or raises anything.

        A model is dropped when the shelf no longer refers to it.
        """
        ### BEGIN SOLUTION
        self.sizes = {tier.name: tier.memory_bytes for tier in tiers}
        self.budget, self.load, self.loaded = budget_bytes, load, {}
        ### END SOLUTION

    def get(self, name):
        """Return the model, loaded if need be; None when it is too large for the budget or cannot be loaded.

        What was used longest ago makes room first, no more than has to; for what can never fit, nobody goes.
        """
        ### BEGIN SOLUTION
        if self.sizes[name] > self.budget:
            return None
        if name in self.loaded:
            self.loaded[name] = self.loaded.pop(name)
            return self.loaded[name]
        while sum(self.sizes[one] for one in self.loaded) + self.sizes[name] > self.budget:
            del self.loaded[next(iter(self.loaded))]
        try:
            self.loaded[name] = self.load(name)
        except Exception:
            return None
        return self.loaded[name]
        ### END SOLUTION


# %% [markdown]
# The check hands out models whose bytes it can count, and counts what is alive at each load.

# %% tags=["long"]
import gc
import weakref


class Model:
    def __init__(self, name):
        self.name = name


class Store:
    """Loads models for the check, and knows which are still held."""

    def __init__(self, sizes, broken=()):
        self.sizes, self.broken, self.alive, self.loads, self.most = sizes, set(broken), [], [], 0

    def held(self):
        self.alive = [ref for ref in self.alive if ref() is not None]
        return {ref().name for ref in self.alive}

    def load(self, name):
        self.loads.append(name)
        self.most = max(self.most, sum(self.sizes[one] for one in self.held()) + self.sizes[name])
        if name in self.broken:
            raise (OSError, MemoryError, KeyError)[len(self.loads) % 3](f"{name}: the file is damaged")
        model = Model(name)
        self.alive.append(weakref.ref(model))
        return model


# %% tags=["long"]
SIZED = [Tier("a", 30, 0.9, 1), Tier("b", 20, 0.9, 1), Tier("c", 50, 0.9, 1), Tier("d", 120, 0.9, 1)]
SIZES = {tier.name: tier.memory_bytes for tier in SIZED}


def play(asked, budget, broken=()):
    """What the shelf returned, which loads it asked for, what it held in the end and at most, what should be held."""
    store, right, right_loads = Store(SIZES, broken), [], []
    shelf = Shelf(list(SIZED), budget, store.load)
    verify_start = list(store.loads)
    said = []
    for name in asked:
        model = shelf.get(name)
        said.append(getattr(model, "name", model))
        del model
        if SIZES[name] > budget:
            continue
        if name not in right:
            while sum(SIZES[one] for one in right) + SIZES[name] > budget:
                right.pop(0)
            right_loads.append(name)
        else:
            right.remove(name)
        right += [] if name in broken else [name]
    if store.held() != set(right):
        gc.collect()  # what hangs in a circle of references is not held
    return said, verify_start, store.loads, right_loads, store.held(), set(right), store.most


# %%
def judge_shelf(verify, asked, budget, broken):
    """Hold a play against what should have happened."""
    said, at_start, loads, right_loads, held, right, most = play(asked, budget, broken)
    sizes = ", ".join(f"{name} takes {size}" for name, size in SIZES.items())
    damaged = ", b is damaged" if broken else ""
    case = f"Asked for {' '.join(asked)} with a budget of {budget}{damaged} ({sizes})"
    verify(not at_start, "You loaded models before anybody asked for one.")
    verify(most <= budget, f"{case}: at one moment {most} were held. Make room before you load.")
    wanted = [None if SIZES[name] > budget or name in broken else name for name in asked]
    verify(said == wanted, f"{case}: you returned {said}; it should be {wanted}.")
    enough = f"you loaded {loads}; {right_loads} would have been enough and needed"
    verify(loads == right_loads, f"{case}: {enough}.")
    verify(held == right, f"{case}: in the end you hold {sorted(held)}; it should be {sorted(right)}.")


# %% check="shelf" points=3
with check(
    "09-adaptive-inference/shelf",
    points=3,
    revisit="01-progressive-degradation.ipynb#Two:-a-budget,-and-loading-only-within-it",
) as verify:
    for asked in itertools.product("abcd", repeat=4):
        for budget in (60, 80):
            for broken in ("", "b"):
                judge_shelf(verify, asked, budget, broken)

# %% [markdown]
# ## Exercise 4: when to ask (3 points, 15 minutes)
#
# The phone is sure of some photos and doubts others. Asking the cloud costs airtime, so only a share of the photos may go there.
# From photos whose answers are known, find the confidence below which to ask.


# %% answer="threshold"
def threshold(confidence, phone_right, cloud_right, most_asked):
    """Choose the threshold: photos with a confidence *below* it are asked.

    Args:
        confidence: The phone's, from 0 to below 1, for each photo.
        phone_right: Whether the phone was right, for each.
        cloud_right: Whether the cloud was.
        most_asked: The largest share of the photos that may be asked, from 0 to 1.

    Returns:
        A threshold from 0 to 1 that asks no more than that share of these photos, and gives the most right answers;
        of several such the one that asks the fewest photos.
    """
    ### BEGIN SOLUTION
    best = None
    for limit in sorted({0.0, *confidence, 1.0}):
        asks = [one < limit for one in confidence]
        if sum(asks) > most_asked * len(confidence):
            break
        right = sum(c if a else p for a, p, c in zip(asks, phone_right, cloud_right, strict=True))
        if best is None or right > best[0]:
            best = (right, limit)
    return best[1]
    ### END SOLUTION


# %%
import random

PHOTOS = [
    ([0.9, 0.5, 0.7, 0.3], [1, 0, 1, 0], [1, 1, 1, 1]),
    ([0.5, 0.5, 0.5, 0.9], [0, 0, 0, 1], [1, 1, 1, 1]),
    ([0.2, 0.4, 0.6, 0.8], [1, 1, 0, 0], [0, 0, 1, 1]),
    ([0.2, 0.4, 0.6, 0.8], [1, 1, 1, 1], [1, 1, 1, 1]),
    ([0.99, 0.98, 0.97, 0.1], [0, 0, 0, 1], [1, 1, 1, 0]),
    ([0.3], [0], [1]),
    ([0.1, 0.3, 0.5, 0.7], [1, 0, 0, 0], [0, 1, 1, 1]),
]
for size in random.choices(range(1, 9), k=40):
    sure = [random.randint(0, 9) / 10 for _ in range(size)]
    PHOTOS.append((sure, *(random.choices((0, 1), k=size) for _ in ("phone", "cloud"))))


# %% tags=["long"]
def judge_threshold(verify, photos, most):
    """Hold a threshold against every other one."""
    confidence, phone, cloud = photos

    def outcome(limit):
        """(right answers, minus the photos asked): the larger the better."""
        asks = [one < limit for one in confidence]
        return sum(c if a else p for a, p, c in zip(asks, phone, cloud, strict=True)), -sum(asks)

    limit = threshold(list(confidence), list(map(bool, phone)), list(map(bool, cloud)), most)
    case = f"Confidences {confidence}, phone right {phone}, cloud right {cloud}, at most {most:.0%} asked"
    fine = isinstance(limit, int | float) and 0 <= limit <= 1
    verify(fine, f"{case}: {limit!r} is no threshold from 0 to 1.")
    right, fewer = outcome(limit)
    together = "Photos of equal confidence go together."
    verify(-fewer <= most * len(confidence), f"{case}: {limit} asks {-fewer} photos. {together}")
    every = [outcome(one) for one in (0, *confidence, 1)]
    best, fewest = max(one for one in every if -one[1] <= most * len(confidence))
    verify(right == best, f"{case}: {limit} gets {right} right, and {best} is possible.")
    verify(fewer == fewest, f"{case}: {limit} asks {-fewer} photos, and {-fewest} would do as well.")


# %% check="threshold" points=3
with check(
    "09-adaptive-inference/threshold",
    points=3,
    revisit="03-local-first-cloud-second.ipynb#Mended,-step-1:-what-is-doubtful?",
) as verify:
    for photos in PHOTOS:
        for most in (0, 0.25, 0.5, 0.75, 1):
            judge_threshold(verify, photos, most)

# %% [markdown]
# ## Exercise 5, open: survive the day (4 points, 30 minutes)
#
# A phone's day: a battery, a charger that comes and goes with the grid, other apps that take memory, and jobs. An *urgent* job has
# a farmer waiting with a sprayer in his hand, a *normal* one has somebody waiting, a *background* one nobody (the archive of last
# year's photos).
#
# Your policy has to hold on days that it has not seen:
#
# - no model that does not fit what is free;
# - an urgent job always gets the best that fits;
# - on the charger nobody gets a model that is more than 0.03 worse than the best that fits;
# - over the day at least 40 % of the work of the largest model is saved, and at most 5 points of accuracy are lost against the
#   best that fits.


# %% answer="policy"
def policy(state, priority, tiers):
    """Choose what answers a job.

    Args:
        state: A DeviceState: battery_percent, charging, free_memory_bytes, hour and more.
        priority: "urgent", "normal" or "background".
        tiers: A list of Tier, best first.

    Returns:
        The name of a tier, or None for the rule.
    """
    ### BEGIN SOLUTION
    fits = [tier for tier in tiers if tier.memory_bytes <= state.free_memory_bytes]
    if not fits:
        return None
    if priority == "urgent":
        return fits[0].name
    gives_up = 0.10 if priority == "background" and not state.charging else 0.03
    good = [tier for tier in fits if tier.quality >= fits[0].quality - gives_up]
    return min(good, key=lambda tier: tier.work).name
    ### END SOLUTION


# %%
from bisect import bisect_right

from offlinefirst.device.sensors import day


def simulate(rule, seed):
    """(job, state, chosen tier or None, best tier that fits or None) for each job of a synthetic day."""
    made = day(seed)
    starts = [begin for begin, _ in made.states]
    for job in made.jobs:
        state = made.states[bisect_right(starts, job.at_s) - 1][1]
        name = rule(state, job.priority, list(TIERS))
        best = next((tier for tier in TIERS if tier.memory_bytes <= state.free_memory_bytes), None)
        yield job, state, name, best


# %%
def quality_of(tier):
    return RULE_QUALITY if tier is None else tier.quality


def judge_job(verify, job, state, name, best):
    """Hold one answer of the policy against the first three demands; returns the tier."""
    chosen = next((tier for tier in TIERS if tier.name == name), None)
    plug, room = "on" if state.charging else "off", state.free_memory_bytes / MiB
    case = f"A {job.priority} job, battery {state.battery_percent:.0f} %, {plug} the charger, {room:.0f} MiB free"
    verify(name is None or chosen is not None, f"{case}: you answered {name!r}, which is no tier.")
    fits = chosen is None or chosen.memory_bytes <= state.free_memory_bytes
    verify(fits, f"{case}: you chose {name!r}, which does not fit.")
    best_name = best.name if best else None
    good = job.priority != "urgent" or chosen == best
    verify(good, f"{case}: you chose {name!r}; the best that fits is {best_name!r}.")
    worse = quality_of(best) - quality_of(chosen)
    much = f"{worse:.0%} worse than {best_name!r}, which fits. What is there to save?"
    verify(not state.charging or worse <= 0.03, f"{case}: you chose {name!r}, {much}")
    return chosen


# %%
def judge_day(seed, verify):
    """The share of the work saved, and the points of accuracy lost."""
    work, most, lost, count = 0, 0, 0.0, 0
    for job, state, name, best in simulate(policy, seed):
        chosen = judge_job(verify, job, state, name, best)
        work, most = work + (chosen.work if chosen else 0), most + TIERS[0].work
        lost, count = lost + quality_of(best) - quality_of(chosen), count + 1
    return 1 - work / most, 100 * lost / count


# %% check="policy" points=4
with check(
    "09-adaptive-inference/policy",
    points=4,
    revisit="01-progressive-degradation.ipynb#Measure-it:-a-day",
) as verify:
    days = [judge_day(seed, verify) for seed in (*range(900, 912), *random.sample(range(10_000), 3))]
    saved, lost = [one[0] for one in days], [one[1] for one in days]
    print(
        f"work saved: {min(saved):.0%} to {max(saved):.0%}; lost: {min(lost):.1f} to {max(lost):.1f} points"
    )
    little = f"On one of {len(days)} days you saved only {min(saved):.0%} of the work."
    verify(min(saved) >= 0.4, f"{little} Who could do with less?")
    much = f"On one of {len(days)} days you lost {max(lost):.1f} points against the best that fits."
    verify(max(lost) <= 5, f"{much} Who has to do with too little?")

# %% [markdown]
# Now argue. Your policy gives the archive the small model. Next year somebody trains on those labels. And the farmer who got the
# small model's answer in a hurry: should the app tell him?

# %% [markdown]
# ## Your score

# %%
from offlinefirst.course.checks import Score

Score("09-adaptive-inference", tier=2, steady=3, shelf=3, threshold=3, policy=4)
