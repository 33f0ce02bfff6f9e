# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: "Lab: what it costs to arrive"
#     chapter: 1
#     device: phone-2gb
#     teach_minutes: 5
#     exercise_minutes: 110
#     objectives:
#       - Price a model's journey over a link that comes and goes, in hours, bytes, money and work
#       - Extend a decision framework without breaking what it already decides
#       - Find a break-even where no formula does, and say when there is none
#       - Defend a stack with reasons, and say what would change your mind
#     after: [01-african-ai-opportunity/01-the-constraints, 01-african-ai-opportunity/02-choosing-a-stack]
# ---

# %% [markdown]
# # Lab: what it costs to arrive
#
# Njeri's plans are on paper. Now somebody has to sign for them, and asks: what does it cost until the model is on the
# phone, what does your framework say about a model that changes every week, and from how many people on does it pay?
# The exercises stand on their own: do them in any order.
#
# **How this works.** Each exercise has an answer cell and a check cell. Fill in the answer, run it, run the check. A
# check tries your function on the cases of the field and says in words what went wrong. Read the checks, they are
# short. Run all cells as often as you like: a check that is not done yet does not stop the others, and your points
# are kept in a file on this computer.

# %% [markdown] tags=["instructor"]
# **Timing.** Exercise 1 30 minutes, 2 25, 3 25, 4 30 with the discussion. One long sitting or two.
#
# **Common mistakes.** 1: eight times too fast (bits for bytes); a gigabyte of 2 to the 30; dividing by the uptime;
# not paying for bytes that were thrown away. 2: promising updates to people without a link; throwing the old reasons
# away. 3: drawing a line through two points of a staircase; no answer for "never". 4: reasons that would fit any
# project.
#
# **Early birds.** 1: let the schedule be drawn a hundred times, and quote the ninth tenth instead of the average.
#
# **Rubric for exercise 4** (10 points, beside its check): each reason rests on a fact of the card and would be
# another for another card (3); names what is given up by the choice, and who bears it (2); the simpler model is a
# real candidate, with how it would be judged (2); what would change the mind is something that can be found out, and
# says by whom and how (2); numbers carry units (1).

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# ## Exercise 1: a model's journey to a phone (4 points, 30 minutes)
#
# The office puts a model online at hour 0. The link is up in some hours and down in the others. What is paid for is
# what travelled, also when a cut made it worthless.


# %% answer="journey"
def journey(size_bytes, profile, up, resumes):
    """Follow a model over a link that comes and goes.

    Args:
        size_bytes: The model's.
        profile: Has `link.bandwidth_bps`, `price_usd_per_gb` (a GB being 1,000,000,000 bytes) and `wage_usd_per_hour`.
        up: When the link is up, in hours from hour 0: [(start, end), ...], in order. Beyond the last one it is down.
        resumes: Whether a cut download goes on where it was. If not, each time the link comes up it begins anew.

    Returns:
        A dict: "hours" from hour 0 until the last byte is there (None if that does not happen); "bytes" that travelled
        in all; "usd" for them; "work_h", the hours of wage that this is. Latency is left out. A model that is whole
        travels no more.
    """
    ### BEGIN SOLUTION
    bytes_per_h = profile.link.bandwidth_bps / 8 * 3600
    have, travelled, hours = 0.0, 0.0, None
    for start, end in up:
        if not resumes:
            have = 0.0
        takes_h = (size_bytes - have) / bytes_per_h
        if start + takes_h <= end:
            travelled += size_bytes - have
            hours = start + takes_h
            break
        have += (end - start) * bytes_per_h
        travelled += (end - start) * bytes_per_h
    usd = travelled / 1e9 * profile.price_usd_per_gb
    return {"hours": hours, "bytes": travelled, "usd": usd, "work_h": usd / profile.wage_usd_per_hour}
    ### END SOLUTION


# %% [markdown]
# The check walks minute by minute, which is slow and hard to get wrong, through schedules in whole minutes. Each model
# takes half a minute less than whole minutes, so that nothing hangs on the last digit of a fraction.


# %%
def minute_by_minute(minutes, up_minutes, resumes):
    """How far a model that ends half-way through its last minute gets: (when it is whole or None, minutes of link used)."""
    have = used = 0
    previous = None
    for minute in sorted({minute for start, end in up_minutes for minute in range(start, end)}):
        if not resumes and previous != minute - 1:
            have = 0
        have, used, previous = have + 1, used + 1, minute
        if have == minutes:
            return minute + 0.5, used - 0.5
    return None, used


# %%
import random

SCHEDULES = {  # minutes of link that the model needs, and when the link is up, in minutes
    "up all the time": (13, [(0, 600)]),
    "up, but only from ten minutes on": (13, [(10, 600)]),
    "it only just fits": (30, [(5, 35)]),
    "half a minute too short": (31, [(5, 35)]),
    "cut twice": (30, [(0, 20), (60, 85), (200, 300)]),
    "cut, and never that long again": (50, [(0, 40), (60, 100), (150, 190)]),
    "never up": (20, []),
    "too short in all": (100, [(0, 30), (90, 120)]),
}
for seed in range(20):
    rng = random.Random(seed)
    edges = sorted(rng.sample(range(600), 8))
    SCHEDULES[f"schedule {seed}"] = (rng.randint(5, 120), list(zip(edges[::2], edges[1::2], strict=True)))


# %% tags=["long"]
import math


def compare(said, minutes, up, resumes, phone, case, verify):
    """Hold what `journey` said against the walk, minute by minute."""
    per_minute = phone.link.bandwidth_bps / 8 * 60
    done, used = minute_by_minute(minutes, up, resumes)
    got = said["hours"]
    verify(
        got is None or done is not None, f"{case} it never arrives in this schedule, and you said {got} h."
    )
    if done is not None:
        wanted = done / 60
        verify(got is not None, f"{case} you said that it never arrives. It does, after {wanted:.2f} h.")
        verify(
            math.isclose(got, wanted, abs_tol=1e-3),
            f"{case} it is there after {wanted:.2f} h; you said {got:.2f}.",
        )
    usd = used * per_minute / 1e9 * phone.price_usd_per_gb
    expected = {"bytes": used * per_minute, "usd": usd, "work_h": usd / phone.wage_usd_per_hour}
    for what, value in expected.items():
        same = math.isclose(said[what], value, rel_tol=1e-5, abs_tol=1e-7 if what != "bytes" else 1)
        verify(same, f"{case} {what} should be {value:,.6g}; you said {said[what]:,.6g}.")


# %% check="journey" points=4
from dataclasses import replace

from offlinefirst.course.checks import check

phones = [device.load(name) for name in device.names()]
phones.append(replace(phones[0], title="Phone, 2 GB, another wage", wage_usd_per_hour=0.4))

with check(
    "01-african-ai-opportunity/journey",
    points=4,
    revisit="01-the-constraints.ipynb#The-fix,-first-half:-a-profile-instead-of-a-table",
) as verify:
    for phone in phones:
        for why, (minutes, up) in SCHEDULES.items():
            for resumes in (True, False):
                size_bytes = round((minutes - 0.5) * 60 * phone.link.bandwidth_bps / 8)
                hours = [(start / 60, end / 60) for start, end in up]
                case = f"{phone.title}, {size_bytes / 1e6:.1f} MB, {why}, resumes {resumes}:"
                compare(journey(size_bytes, phone, hours, resumes), minutes, up, resumes, phone, case, verify)

# %% [markdown]
# Now use it: 300 simulated mornings of Mutheu's link, outages of three hours, a model of 300 MB. What would you
# promise her?

# %%
from offlinefirst.link.outages import up_intervals


def promise(resumes, size_bytes=300_000_000):
    phone, found = device.load("phone-2gb"), []
    for seed in range(300):
        up = up_intervals(random.Random(seed), hours=336, uptime=phone.link.uptime, mean_outage_h=3)
        found.append(journey(size_bytes, phone, [(i.start_h, i.end_h) for i in up], resumes))
    hours = sorted(one["hours"] for one in found)
    usd = sorted(one["usd"] for one in found)
    return f"middle {hours[150]:.1f} h and {usd[150]:.2f} USD, one in ten over {hours[270]:.1f} h or {usd[270]:.2f} USD"


try:
    print("resumed:", promise(resumes=True))
    print("anew:   ", promise(resumes=False))
except (NotImplementedError, TypeError, KeyError) as error:
    print("first write journey():", type(error).__name__)

# %% [markdown]
# ## Exercise 2: a case that the framework gets wrong (4 points, 25 minutes)
#
# Achieng's colleague in Lodwar forecasts prices on phones with 16 GB. The framework says *bundle*, and for a leaf
# model that changes once a year that is right. But the price model changes every week, and each change would be a new
# version of the whole app. The framework never asks how often a model changes. Teach it, without touching what it
# decides for everybody else.

# %%
from dataclasses import replace

from offlinefirst.planning import Reason, Situation, choose, every_situation


# %% answer="updates"
def choose_with_updates(situation, updates_per_year):
    """Plan a stack for a model that changes.

    Args:
        situation: A `Situation`.
        updates_per_year: How often the model changes.

    Returns:
        What `choose(situation)` says, except where a model inside the app changes more than four times a year *and* there is
        some link: there `delivery` is "bundle, then update" (the first version inside, later ones over the link), and one
        more reason about "delivery" says so and names the number of updates. All other parts and reasons stay.

    Hint: `replace(stack, delivery=..., reasons=...)` makes a changed copy.
    """
    ### BEGIN SOLUTION
    stack = choose(situation)
    if stack.delivery != "bundle" or situation.connectivity == "none" or updates_per_year <= 4:
        return stack
    because = (
        f"the model changes {updates_per_year} times a year, and the whole app should not travel each time"
    )
    reasons = (*stack.reasons, Reason("delivery", because))
    return replace(stack, delivery="bundle, then update", reasons=reasons)
    ### END SOLUTION


# %% [markdown]
# The check asks for every situation there is, with models that change never, seldom and often.


# %%
def wanted_delivery(before, situation, updates):
    inside = before.delivery == "bundle" and situation.connectivity != "none"
    return "bundle, then update" if inside and updates > 4 else before.delivery


# %% check="updates" points=4
import re

with check(
    "01-african-ai-opportunity/updates",
    points=4,
    revisit="02-choosing-a-stack.ipynb#The-fix:-nine-small-rules",
) as verify:
    for situation in every_situation():
        before = choose(situation)
        said_before = {}  # reason: for how many updates
        for updates in (0, 1, 4, 5, 7, 12, 23, 52, 365):
            after = choose_with_updates(situation, updates)
            case = f"{updates} updates a year, {situation.storage_gb} GB, link {situation.connectivity}:"
            wanted = wanted_delivery(before, situation, updates)
            said = getattr(after, "delivery", after)
            verify(said == wanted, f"{case} delivery should be {wanted!r}; you said {said!r}.")
            new = [reason for reason in after.reasons if reason not in before.reasons]
            verify(set(before.reasons) <= set(after.reasons), f"{case} a reason that still holds is gone.")
            other = replace(after, delivery=before.delivery, reasons=before.reasons)
            verify(other == before, f"{case} you changed another part of the plan than the delivery.")
            if wanted == before.delivery:
                verify(not new, f"{case} nothing is different here, and you gave a new reason.")
                continue
            about = [reason.about for reason in new]
            verify(about == ["delivery"], f"{case} give one new reason, about “delivery”.")
            why = new[0].because
            named = str(updates) in re.findall(r"\d+", why)
            verify(named, f"{case} the reason should name the number of updates; “{why}” does not.")
            verify(why not in said_before, f"{case} the reason is the same as for {said_before.get(why)}.")
            said_before[why] = updates

# %% [markdown]
# ## Exercise 3: find the break-even (4 points, 25 minutes)
#
# Real bills have steps: one more server for each 500 people, one more trainer for each 80. Two points make no line
# there. But one thing still holds: with more people the edge never loses ground. Once it is no dearer than the cloud,
# it stays so.


# %% answer="break_even"
def break_even(cloud_usd, edge_usd, most):
    """Find from how many people on the edge costs no more than the cloud.

    Args:
        cloud_usd, edge_usd: Functions of a whole number of people, in USD. Each call reads a long price list, so call
            each at most 50 times.
        most: The largest number of people to think of, at least 1.

    Returns:
        The smallest number from 1 to `most` at which the edge costs as much or less; None when there is none.
    """
    ### BEGIN SOLUTION
    if edge_usd(most) > cloud_usd(most):
        return None
    low, high = 0, most  # dearer at `low` (or nobody asked), not dearer at `high`
    while high - low > 1:
        middle = (low + high) // 2
        if edge_usd(middle) <= cloud_usd(middle):
            high = middle
        else:
            low = middle
    return high
    ### END SOLUTION


# %%
BILLS = {  # cloud, edge, most
    "straight lines": (lambda n: 100 + 30 * n, lambda n: 9000 + 10 * n, 10_000),
    "a server for each 500 people": (lambda n: 400 * -(-n // 500) + 2 * n, lambda n: 3000 + n, 10_000),
    "a trainer for each 80 people": (lambda n: 25 * n + 800 * (n // 80), lambda n: 9000 + 5 * n, 10_000),
    "never: the cloud is nearly free": (lambda n: 50 + n, lambda n: 9000 + n, 100_000),
    "never, by one person": (lambda n: 10 * n, lambda n: 10_000, 999),
    "only just, at the very end": (lambda n: 10 * n, lambda n: 10_000, 1000),
    "always: phones that are there anyway": (lambda n: 500 + 20 * n, lambda n: 300 + 5 * n, 5000),
    "always, with one person only": (lambda n: 7 * n, lambda n: 7, 1),
    "never, with one person only": (lambda n: 7 * n, lambda n: 8, 1),
    "a million people": (lambda n: 3 * n, lambda n: 1_234_567 + n, 1_000_000),
    "a jump": (lambda n: 0 if n < 777 else 10**6, lambda n: 5000, 1_000_000),
}

# %%
for seed in range(10):
    rng = random.Random(seed)
    fixed, each_usd, step = rng.randint(100, 40_000), rng.randint(1, 40), rng.randint(2, 300)
    BILLS[f"steps of {step} people"] = (
        lambda n, each_usd=each_usd, step=step: each_usd * step * (n // step),
        lambda n, fixed=fixed: fixed,
        50_000,
    )


# %%
def counted(function, calls):
    """The same function, noting how often it was called."""

    def noting(people):
        calls.append(people)
        return function(people)

    return noting


# %%
def judge(said, cloud, edge, most, why, verify):
    """Whether an answer is the first number of people at which the edge is not dearer."""
    if edge(most) > cloud(most):
        verify(
            said is None,
            f"{why}: the edge is dearer even for {most:,} people, so it is never; you said {said!r}.",
        )
        return
    verify(said is not None, f"{why}: you said never, and for {most:,} people the edge is not dearer.")
    people = type(said) is int and 1 <= said <= most
    verify(people, f"{why}: {said!r} is not a number of people from 1 to {most:,}.")
    verify(edge(said) <= cloud(said), f"{why}: at {said:,} people the edge still costs more than the cloud.")
    earlier = said > 1 and edge(said - 1) <= cloud(said - 1)
    verify(not earlier, f"{why}: you said {said:,}; with one person fewer the edge is not dearer either.")


# %% check="break_even" points=4
with check(
    "01-african-ai-opportunity/break_even",
    points=4,
    revisit="02-choosing-a-stack.ipynb#The-other-half-of-a-choice:-money",
) as verify:
    for why, (cloud, edge, most) in BILLS.items():
        calls = {"cloud": [], "edge": []}
        said = break_even(counted(cloud, calls["cloud"]), counted(edge, calls["edge"]), most)
        for name, asked in calls.items():
            verify(len(asked) <= 50, f"{why}: you read the {name}'s prices {len(asked):,} times; 50 must do.")
            real = all(type(n) is int and 1 <= n <= most for n in asked)
            verify(
                real, f"{why}: you asked for people that there are not; ask for whole numbers, 1 to {most:,}."
            )
        judge(said, cloud, edge, most, why, verify)

# %% [markdown]
# ## Exercise 4, open: choose a stack and defend it (3 points, 30 minutes with the discussion)
#
# Three people wait for an answer. They are invented; choose one. The framework is a beginning, and you may disagree
# with it: the check asks that your plan *can work* for that person, that each part has a reason of its own, and that
# you know what would change your mind.
#
# - The *runtime* is "LiteRT", "ONNX Runtime", "ExecuTorch" or, as a few trees or a linear model need none, "own code".
# - The *size* is at least 0.01 MB. If it is above the `max_model_mb` of `choose(...)`, your reason for it names that
#   number, and says why it may be exceeded.
# - The *first try* is a simple model: a forest, boosting, a tree, a linear or logistic model, a regression, Bayes,
#   nearest neighbours, a threshold or rules. For columns it is a forest, boosting or a tree.

# %% tags=["long"]
PHONE_32 = replace(device.load("phone-4gb"), link=None)
CARDS = {
    # Naserian's group in Marsabit weighs goats and notes vaccinations: which animals to sell before the dry months?
    "Naserian": (Situation(connectivity="none", storage_gb=32, data="tabular", android_only=True), PHONE_32),
    # Chipo answers a health line in Harare: which messages need a nurse at once? The messages must stay in the house.
    "Chipo": (
        Situation(connectivity="reliable", storage_gb=64, data="text", private=True, round_trip_ms=80),
        device.load("laptop-4gb"),
    ),
    # Baraka keeps cold rooms on Lake Victoria running: does the compressor sound as if it will fail?
    "Baraka": (
        Situation(
            connectivity="intermittent",
            storage_gb=16,
            data="audio",
            costly_data=True,
            android_only=True,
            round_trip_ms=400,
        ),
        device.load("phone-2gb"),
    ),
}
ANSWERED = ("inference", "runtime", "model_mb", "delivery", "first_try")
RUNTIMES = ("LiteRT", "ONNX Runtime", "ExecuTorch", "own code")


# %% answer="defend"
def defend():
    """Choose one of the three, plan for them, and say why.

    Returns:
        A dict: "who" (a name of CARDS); "inference" ("device" or "cloud"); "runtime" (one of RUNTIMES); "model_mb" (a
        number); "delivery" ("bundle", "download", or "by hand"); "first_try" (a simple model, in words); "reasons", a dict
        with a sentence for each of ANSWERED; and "would_change", a dict with one or more fields of a `Situation` and the
        value at which the framework, and you, would plan something else.
    """
    ### BEGIN SOLUTION
    return {
        "who": "Baraka",
        "inference": "device",
        "runtime": "LiteRT",
        "model_mb": 1.5,
        "delivery": "bundle",
        "first_try": "random forest on spectral features",
        "reasons": {
            "inference": "a compressor that fails at night does not wait for a link that comes and goes",
            "runtime": "all phones are Android phones, and it reads sound windows as int8",
            "model_mb": "of 512 MiB for the app it takes under one per cent twice, beside the recordings",
            "delivery": "with 16 GB of storage and dear data the installer brings everything in one go, in town",
            "first_try": "a failing bearing changes a few frequencies, and a forest on them can be explained to Baraka",
        },
        "would_change": {"storage_gb": 128},
    }
    ### END SOLUTION


# %%
import re

TREES = ("forest", "boost", "tree", "xgboost", "lightgbm")
SIMPLE = (*TREES, "linear", "logistic", "regression", "bayes", "nearest", "threshold", "rule")
NOT_SIMPLE = ("deep", "neural", "network", "transformer", "cnn", "lstm", "llm", "bert", "gpt")


def well_said(plan, verify):
    """Whether each part of the plan is something that one can argue about."""
    for part in ("inference", "runtime", "delivery", "first_try"):
        said = plan[part]
        verify(isinstance(said, str) and said.strip(), f"{part} is {said!r}; say it in words.")
    size, runtime = plan["model_mb"], plan["runtime"]
    number = isinstance(size, int | float) and not isinstance(size, bool)
    verify(number, f"model_mb is {size!r}; give a number of MB.")
    verify(size >= 0.01, f"model_mb is {size}; that is {1e6 * size:g} bytes. What can they have learned?")
    verify(runtime in RUNTIMES, f"{runtime!r} is no runtime here; choose from {', '.join(RUNTIMES)}.")
    for part in ("reasons", "would_change"):
        verify(isinstance(plan[part], dict), f"{part} is {plan[part]!r}; give a dict.")


# %%
def simple_first(plan, situation, verify):
    """Whether the first try is a simple model, and one that suits the data."""
    said = plan["first_try"]
    words = re.findall(r"[a-z]+", said.lower())
    good = TREES if situation.data == "tabular" else SIMPLE
    named = any(word.startswith(good) for word in words) and not any(
        word.startswith(NOT_SIMPLE) for word in words
    )
    if situation.data == "tabular":
        verify(named, f"The data have columns: first try a forest or boosting, not “{said}”.")
    verify(named, f"first_try: “{said}” is no simple model; simple are {', '.join(SIMPLE)}.")
    denied = {"no", "not", "without", "never"} & set(words)
    verify(not denied, f"first_try: say what to try; “{said}” says what not to.")


# %%
def fits_the_card(plan, verify):
    """Whether the plan can work for its person, as far as numbers tell."""
    situation, phone = CARDS[plan["who"]]
    who, where, how, size = plan["who"], plan["inference"], plan["delivery"], plan["model_mb"]
    verify(where in ("device", "cloud"), f"Inference runs on the device or in the cloud, not {where!r}.")
    best = choose(situation)
    verify(
        where == "device" or best.inference == "cloud", f"The cloud will not do: {best.reasons[0].because}."
    )
    verify(how in ("bundle", "download", "by hand"), f"{how!r} is no way to deliver a model here.")
    linked = situation.connectivity != "none"
    verify(how != "download" or linked, f"There is no link over which {who} could download.")
    room_mb = phone.storage_quota_bytes / 1e6
    verify(0 < 2 * size <= room_mb, f"{size} MB, old and new at once, and {room_mb:.0f} MB are for the app.")
    work_h = size / 1000 * phone.price_usd_per_gb / phone.wage_usd_per_hour
    verify(how != "download" or work_h <= 1, f"The download takes {work_h:.1f} hours of work. Who pays?")
    asked = f"{best.max_model_mb:g}"
    named = asked in re.findall(r"\d+(?:\.\d+)?", str(plan["reasons"].get("model_mb", "")))
    larger = f"The framework says at most {asked} MB and you plan {size:g}. Name its number in your reason, and say why."
    verify(size <= best.max_model_mb or named, larger)


# %% check="defend" points=3
with check(
    "01-african-ai-opportunity/defend",
    points=3,
    revisit="02-choosing-a-stack.ipynb#The-fix:-nine-small-rules",
) as verify:
    plan = defend()
    verify(isinstance(plan, dict), f"Return a dict; you returned {plan!r}.")
    missing = {"who", *ANSWERED, "reasons", "would_change"} - set(plan)
    verify(not missing, f"Your plan says nothing about {', '.join(sorted(missing))}.")
    verify(plan["who"] in CARDS, f"Nobody here is called {plan['who']!r}; choose from {', '.join(CARDS)}.")
    well_said(plan, verify)
    fits_the_card(plan, verify)
    simple_first(plan, CARDS[plan["who"]][0], verify)
    reasons = {part: str(plan["reasons"].get(part, "")) for part in ANSWERED}
    for part, reason in reasons.items():
        verify(len(reason.split()) >= 6, f"{part}: say why in a sentence; “{reason}” is none.")
    verify(len(set(reasons.values())) == len(ANSWERED), "Two parts have the same reason, word for word.")
    situation, _ = CARDS[plan["who"]]
    verify(bool(plan["would_change"]), "What would change your mind? If nothing would, it is no decision.")
    for field, value in plan["would_change"].items():
        verify(hasattr(situation, field), f"{field!r} is no field of a Situation.")
        verify(getattr(situation, field) != value, f"{field} is {value!r} already.")
        other, now = choose(replace(situation, **{field: value})), choose(situation)
        parts = ("inference", "runtime", "delivery", "max_model_mb", "compression", "alternatives")
        moved = [part for part in parts if getattr(other, part) != getattr(now, part)]
        verify(
            bool(moved),
            f"With {field} = {value!r} the framework plans the same. What would you do otherwise?",
        )

# %% [markdown]
# The check cannot tell whether your reasons are good, only that they are there and that the plan can work. So read
# them to somebody who chose the same person and planned otherwise. Would your reason for the runtime fit any project
# at all? Who bears what your choice gives up? And who could find out, by when, what would change your mind?

# %% [markdown]
# ## Your score

# %%
from offlinefirst.course.checks import Score

Score("01-african-ai-opportunity", journey=4, updates=4, break_even=4, defend=3)
