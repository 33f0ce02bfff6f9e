# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Local first, cloud second
#     chapter: 9
#     device: phone-2gb
#     teach_minutes: 50
#     exercise_minutes: 10
#     objectives:
#       - Choose a confidence below which a photo is worth a question, on photos that are not judged
#       - Put one deadline on a whole question, and a breaker and a cap on asking at all
#       - Count why each answer came from where it came, and read the counts
#       - Watch a sensor on the spot, and send alarms in place of readings
#     after: [09-adaptive-inference/01-progressive-degradation, 06-quantization/02-int8-for-real]
#     needs: [water-flow]
#     claims: [cloud-fallback, alerts-only]
# ---

# %% [markdown] spine="insight"
# # Local first, cloud second
#
# **Key insight:** the device answers every time. The cloud is a second opinion that has to be worth its bytes, and its failure is
# an ordinary day: it may cost the better answer, never the answer.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 8 minutes, threshold 10, deadline and breaker 15, a day 5, the pump 12.
#
# **Board sketch.** A funnel: all photos, the doubtful ones, those with a link, those within the cap. Write the shares beside it.
#
# **Common mistakes.** Choosing the threshold on the photos that judge it. Taking a read timeout for a deadline. Retrying a service
# that is down at every photo. Believing a label because it came over HTTPS. Counting fallbacks without their reasons.

# %% [markdown] spine="situation"
# ## The situation
#
# Mutheu's phone holds the small leaf model. The ministry has a server with the large one, and Achieng would like to use it: some
# photos are hard, and for those a second opinion may save a field. But the link is up for 60 to 85 % of the time (the source's
# figure), a photo costs airtime, and Mutheu stands in the sun with a farmer who wants to know now.
#
# ![A photo goes to the small model on the phone. A sure answer goes straight to the officer. A doubtful one passes four gates, link, breaker, cap and deadline, to the large model in the cloud; whichever gate is shut, the phone's own answer is given, with the reason.](figures/cascade.svg)
#
# Synthetic leaves: 600 to choose with, 1,000 to judge.

# %%
import numpy as np
import onnxruntime as ort

from offlinefirst.datasets.leaves import CLASSES, leaves
from offlinefirst.datasets.places import locate

choosing, choosing_labels = leaves(600, seed=501, size=48)
judging, judging_labels = leaves(1000, seed=502, size=48)
small, large = (
    ort.InferenceSession(locate(name), providers=["CPUExecutionProvider"])
    for name in ("leaf-small", "leaf-large")
)


# %%
def probabilities(session, photos):
    pixels = photos.transpose(0, 3, 1, 2).astype(np.float32) / 255
    scores = session.run(None, {"image": pixels})[0]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def judged(session, photos, labels):
    """The confidence for each photo, and whether the answer is right."""
    found = np.concatenate([probabilities(session, some) for some in np.split(photos, 20)])
    return found.max(axis=1), found.argmax(axis=1) == labels


judging_confidence, small_judged = judged(small, judging, judging_labels)
_, large_judged = judged(large, judging, judging_labels)
for name, right in (("small, on the phone", small_judged), ("large, in the cloud", large_judged)):
    print(f"{name:22}{right.mean():6.1%} right of {len(right):,} synthetic leaves")

# %% [markdown]
# The cloud of this notebook is a real HTTP service on this machine. It runs the large model on the JPEG that comes in, and it
# misbehaves when it is told to.

# %% tags=["long"]
import io

from PIL import Image

from offlinefirst.inference.fallback import Reply
from offlinefirst.inference.practice_cloud import PracticeCloud


def as_jpeg(photo):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=90)
    return file.getvalue()


def judge(session, photos):
    found = probabilities(session, photos)[0]
    return Reply(CLASSES[found.argmax()], float(found.max()))


cloud = PracticeCloud(lambda body: judge(large, np.asarray(Image.open(io.BytesIO(body)))[None]), hang_s=1.0)
_ = cloud.__enter__()

# %% [markdown] spine="naive"
# ## The naive version: ask the best model
#
# The server's model is better, so every photo goes there. `timeout=0.2` looks careful; on a real phone it would be 30 seconds.

# %%
import time

import httpx


def ask(photo, timeout_s=0.2):
    reply = httpx.post(cloud.url, content=as_jpeg(photo), timeout=timeout_s)
    reply.raise_for_status()
    return Reply(**reply.json())


ask(judging[0])

# %% [markdown] spine="fails"
# ### It fails: a day with outages
#
# Thirty visits. The link is down for three of ten hours, and for one hour the server is drowning: it answers, a byte at a time.

# %% tags=["long"]
HOURS = ["answers"] * 3 + ["hangs"] * 2 + ["answers"] * 2 + ["drips"] + ["answers"] + ["hangs"]
visits = [(mode, 3 * hour + i) for hour, mode in enumerate(HOURS) for i in range(3)]


def naive_day():
    seconds, answers = [], []
    for mode, i in visits:
        cloud.mode = mode
        begun = time.perf_counter()
        try:
            answers.append(ask(judging[i]).label == CLASSES[judging_labels[i]])
        except httpx.HTTPError:
            answers.append(None)
        seconds.append(time.perf_counter() - begun)
    return np.array(seconds), answers


naive_seconds, naive_answers = naive_day()
drips = naive_seconds[[mode == "drips" for mode, _ in visits]]
print(
    f"no answer: {naive_answers.count(None)} of {len(visits)}; slowest: {naive_seconds.max():.1f} s, with a timeout of 0.2 s"
)
assert naive_answers.count(None) >= 9
assert drips.min() > 0.4

# %% [markdown]
# Two failures. In an outage there is no answer, though a model sits on the phone. And the timeout is none: httpx, like most
# clients, counts from byte to byte, so a server that drips outlasts it.

# %% [markdown] spine="fix"
# ## Mended, step 1: what is doubtful?
#
# The phone answers first. Its highest probability is a confidence; is it worth anything? On the photos to choose with:

# %%
confidence, small_right = judged(small, choosing, choosing_labels)
_, large_right = judged(large, choosing, choosing_labels)
for low, high in ((0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
    these = (confidence >= low) & (confidence < high)
    print(
        f"sure {low:.0%} to {min(high, 1):.0%}: {these.sum():4} photos, small right {small_right[these].mean():4.0%}, "
        f"large {large_right[these].mean():4.0%}"
    )

# %% [markdown] spine="measure"
# Where the small model doubts, it is often wrong and the large one is much better; where it is sure, asking changes little. So
# photos are worth asking about from the bottom up. Sort by confidence, hand over one more at a time:

# %% tags=["long"]
import matplotlib.pyplot as plt

order = np.argsort(confidence)
fifth = len(order) // 5
handed_over = np.arange(len(order) + 1) / len(order)
gained = np.concatenate([[0], np.cumsum(large_right[order].astype(int) - small_right[order])])
accuracy = (small_right.sum() + gained) / len(order)
figure, axes = plt.subplots(figsize=(7, 3.6))
axes.plot(100 * handed_over, 100 * accuracy, color="#0072B2")
axes.axhline(100 * large_right.mean(), color="#D55E00", linestyle="--")
axes.text(99, 100 * large_right.mean() - 0.4, "every photo to the cloud", color="#D55E00", ha="right")
axes.plot([0, 20], 100 * accuracy[[0, fifth]], "ko")
axes.text(22, 100 * accuracy[fifth] - 0.3, f"one in five: {accuracy[fifth]:.1%}")
axes.text(2, 100 * accuracy[0] - 0.1, f"none: {accuracy[0]:.1%}")
axes.set_xlabel("photos handed over, the most doubtful first (%)")
axes.set_ylabel("right answers (%)")
axes.set_title("Doubtful photos bring the gain (synthetic leaves)")
axes.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# We can pay for one photo in five, so the threshold is the confidence at that place. It is chosen; now it is judged on photos
# that had no say:

# %%
threshold = float(confidence[order[fifth]])
doubtful = judging_confidence < threshold
cascaded = np.where(doubtful, large_judged, small_judged).mean()
print(
    f"below {threshold:.2f} ask: {doubtful.mean():.1%} of the photos, {small_judged.mean():.1%} -> {cascaded:.1%} right "
    f"(everything to the cloud: {large_judged.mean():.1%})"
)

# %% [markdown] spine="claim"
# ## A claim, checked
#
# The source says of fallbacks: count how often and why, so that you can mend the edge model. In numbers: the small model is worse by
# at least ten points on the photos whose reason was doubt than on the others.

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_least, at_most, each

sure_right, doubt_right = small_judged[~doubtful].mean(), small_judged[doubtful].mean()
print(f"small model: {sure_right:.1%} right where it is sure, {doubt_right:.1%} where it doubts")
verdict("cloud-fallback", measured=float(sure_right - doubt_right) * 100, rule=at_least(10))

# %% [markdown]
# ## Step 2: one deadline for all of it
#
# Not so long for each byte, but a moment after which nobody waits. The question runs beside us; at the deadline we go on without
# it.

# %%
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet

beside = ThreadPoolExecutor(2)


def ask_until(photo, deadline_s):
    try:
        return beside.submit(ask, photo).result(timeout=deadline_s)
    except (NotYet, httpx.HTTPError):
        return None


cloud.mode = "drips"
begun = time.perf_counter()
second_opinion = ask_until(judging[0], deadline_s=0.3)
waited_s = time.perf_counter() - begun
print(f"{second_opinion} after {waited_s:.2f} s")
assert second_opinion is None
assert waited_s < 0.9

# %% [markdown]
# ## Step 3: a breaker
#
# In an outage of two hours every doubtful photo waits for its full deadline, to learn what the last one learned. A breaker
# remembers. After some failures in a row it opens: nobody is asked for a while. Then one question goes through, and its fate
# decides. Below it, an outage of two hours with a doubtful photo every minute, simulated: nothing is sent, only counted.
#
# ![Three states. Closed: every question goes out; three failures in a row lead to open. Open: none goes out; after the pause it leads to half-open. Half-open: one question goes out; success leads to closed, failure back to open with twice the pause.](figures/breaker.svg)


# %%
class HandBreaker:
    def __init__(self):
        self.failures, self.open_until, self.pause = 0, 0.0, 60.0

    def may_ask(self, now_s):
        return now_s >= self.open_until

    def tell(self, worked, now_s):
        self.failures = 0 if worked else self.failures + 1
        self.pause = 60.0 if worked else self.pause
        if self.failures >= 3:
            self.open_until, self.pause = now_s + self.pause, min(2 * self.pause, 3600)


# %%
breaker, asked = HandBreaker(), []
for minute in range(180):
    if breaker.may_ask(60 * minute):
        asked.append(minute)
        breaker.tell(worked=not 30 <= minute < 150, now_s=60 * minute)
in_outage = sum(30 <= minute < 150 for minute in asked)
first_after = next(minute for minute in asked if minute >= 150) - 150
print(
    f"asked in vain: {in_outage} times in place of 120; first good answer {first_after} minutes after the link was back"
)

# %% [markdown]
# That is the trade: fewer questions in vain against some answers from the phone alone after the link is back. How many, the
# longest pause decides.
#
# ## Step 4: what may it cost?
#
# A photo is bytes, and bytes are wages (chapter 1). The trap is to look at the bill afterwards: with several questions under way
# each of them sees money left. So the highest price is set aside *before* a question goes out, and the difference given back.


# %%
class HandCap:
    def __init__(self, most_bytes):
        self.left = most_bytes

    def set_aside(self, highest_bytes):
        if highest_bytes > self.left:
            return False
        self.left -= highest_bytes
        return True

    def settle(self, highest_bytes, actual_bytes):
        self.left += highest_bytes - actual_bytes


cap = HandCap(10_000)
print([cap.set_aside(4_000) for _ in range(3)])
cap.settle(4_000, 1_500)
print(cap.set_aside(4_000), cap.left)

# %% [markdown] spine="production"
# ## The production version
#
# `Cascade` is these four steps with the corners that the field finds: a probe that never comes back, money set aside over
# midnight, a clock set back, a reply with a label that nobody knows, questions given up that still hold a thread. It counts its
# reasons. `best_threshold` chooses as the lab will: the best that asks at most one in five, equal confidences together.

# %%
from offlinefirst.inference.breaker import Breaker, CostCap
from offlinefirst.inference.cloud import HttpCloud
from offlinefirst.inference.fallback import Cascade, best_threshold, thresholds

now_s = 0.0  # the simulated day's clock, so that ten hours need not take ten hours
service = HttpCloud(cloud.url, encode=lambda photo: (as_jpeg(photo), "image/jpeg"), largest_body_bytes=3_000)
chosen = best_threshold(thresholds(confidence, small_right, large_right), most_asked=0.2)
cascade = Cascade(
    local=lambda photo: judge(small, photo[None]),
    cloud=service,
    threshold=chosen.threshold,
    labels=CLASSES,
    deadline_s=0.3,
    highest_cost=service.highest_cost,
    cap=CostCap(most=3_000_000, period_s=86_400),
    breaker=Breaker(failures_to_open=3, pause_s=120, longest_pause_s=1200),
    clock=lambda: now_s,
)

# %% [markdown]
# The same ten hours with more visits, so that there are enough doubtful ones: a hundred photos an hour. Breaker and cap look at a
# simulated clock; questions and deadline are real.


# %%
def cascade_day():
    global now_s
    answers, seconds = [], []
    for i in range(1000):
        now_s, cloud.mode = 36.0 * i, HOURS[i // 100]
        begun = time.perf_counter()
        answers.append(cascade.answer(judging[i]))
        seconds.append(time.perf_counter() - begun)
    return answers, seconds


received_before = cloud.received_bytes
day, seconds = cascade_day()
right = np.mean([answer.label == CLASSES[label] for answer, label in zip(day, judging_labels, strict=True)])
print(
    f"answered {len(day)} of 1000, {right:.1%} right; slowest {max(seconds):.2f} s, half within {np.median(seconds):.4f} s"
)

# %% [markdown]
# ### Why?
#
# A share of fallbacks alone would say "something is wrong". The reasons say what to mend: many *no link* is geography, *over the
# cost cap* a budget, *deadline* a slow server, *unusable reply* a service that has changed its labels.

# %%
for reason, count in sorted(cascade.reasons.items(), key=lambda item: -item[1]):
    print(f"{reason:20}{count:5}")
changed = sum(answer.label != answer.local.label for answer in day)
print(f"{changed} answers of {cascade.reasons.get('asked', 0)} asked were changed by the cloud")

# %% [markdown]
# What each design does with the same thousand photos and the same day:

# %%
jpeg_bytes = np.mean([len(as_jpeg(photo)) for photo in judging[:100]])
up = np.repeat([mode == "answers" for mode in HOURS], 100)
rows = {
    "phone only": (1.0, small_judged.mean(), 0),
    "cloud only": (up.mean(), large_judged[up].sum() / 1000, up.sum() * jpeg_bytes),
    "cascade": (1.0, right, cloud.received_bytes - received_before),
}
print(f"{'':12}{'answered':>10}{'right of all':>14}{'photos sent':>14}")
for name, (answered, share, sent) in rows.items():
    print(f"{name:12}{answered:10.0%}{share:14.1%}{sent / 1e3:11,.0f} kB")
assert rows["cascade"][1] > rows["phone only"][1] > rows["cloud only"][1]
cascade.close()
service.close()
cloud.__exit__()

# %% [markdown]
# ## A sensor that speaks when it matters
#
# The same thought without a camera. Kioko looks after a pumping station: a meter that says each hour how many litres a second
# flow. Sending every reading costs airtime, and nobody reads them. He wants to know when something is wrong.

# %%
from offlinefirst.datasets.places import MissingDataError
from offlinefirst.datasets.sensors import made_readings, read_water_flow

try:
    readings = read_water_flow(locate("water-flow"))
    whose = "a real pipeline in Italy"
except MissingDataError:
    readings = made_readings(seed=7)
    whose = "synthetic; the real ones come with: course.py data fetch water-flow"
print(f"{len(readings):,} hourly readings ({whose}), {len(readings.troubles)} known anomalies")

# %% [markdown]
# Naive: an alarm outside fixed limits, the lowest and the highest of the first three days.

# %%
values = np.array(readings.value)
low, high = values[:72].min(), values[:72].max()
outside = [at for at, value in readings if not low <= value <= high]


def in_trouble(at):
    return any(begin <= at <= end for begin, end in readings.troubles)


false_alarms = sum(not in_trouble(at) for at in outside)
print(f"{len(outside)} alarms, {false_alarms} of them on a usual reading")

# %% [markdown]
# Demand has a rhythm, and real demand drifts over weeks. So expect what the last days brought *at this hour*, and measure surprise in the usual
# scatter around it. The textbook takes mean and standard deviation:


# %%
def by_mean(pool):
    return pool.mean(), max(pool.std(), 0.3)


def surprises(usual, limit, learn_all):
    by_hour, found = [[] for _ in range(24)], []
    for place, (at, value) in enumerate(readings):
        pool = np.array([one for near in (at.hour - 1, at.hour, at.hour + 1) for one in by_hour[near % 24]])
        middle, scatter = usual(pool) if place > 72 else (value, 1)
        odd = abs(value - middle) > limit * scatter
        found += [at] if odd else []
        if learn_all or not odd:
            by_hour[at.hour] = [*by_hour[at.hour], value][-7:]
    return found


# %% [markdown]
# A standstill drags the mean down and blows the deviation up for a week, and for that week nothing is surprising. Two remedies:
# what is odd must not teach; or the median, with the median distance from it, which a few bad hours cannot move.


# %%
def by_median(pool):
    middle = np.median(pool)
    return middle, max(1.4826 * np.median(abs(pool - middle)), 0.3)


hours_of_trouble = sum(in_trouble(at) for at in readings.at)
for name, usual in (("mean", by_mean), ("median", by_median)):
    for what, learn_all in (("learns everything", True), ("learns the usual only", False)):
        found = surprises(usual, 6, learn_all)
        hits = sum(in_trouble(at) for at in found)
        print(
            f"{name:8}{what:23}{hits:4} of {hours_of_trouble} odd hours found, {len(found) - hits:4} usual ones taken for odd"
        )

# %% [markdown]
# Either remedy brings back much of what the textbook's version slept through.
#
# `Watch` takes both, a limit of ten, and what was still missing: a jump between neighbours counts too, so does a meter that says the same number for
# a day; one alarm and its end in place of one for each hour; a new normal after two days; a line a day, so that silence means a
# dead station and not a quiet one.

# %%
import json

from offlinefirst.inference.watch import Watch

watch = Watch()
events = [event for at, value in readings for event in watch.add(at, value)]
alarms = [event for event in events if event.kind == "alarm"]
for event in alarms:
    print(
        f"{event.at:%d %B %H:%M}  {event.why:6}{event.value:8.1f} l/s, expected {event.expected:.1f}"
        f"{'' if in_trouble(event.at) else '   not among the known anomalies'}"
    )

# %% tags=["long"]
from matplotlib.dates import ConciseDateFormatter

figure, axes = plt.subplots(figsize=(9, 3.2))
axes.plot(readings.at, readings.value, color="0.45", linewidth=0.8)
for begin, end in readings.troubles:
    axes.axvspan(begin, end, color="#D55E00", alpha=0.3)
axes.plot([event.at for event in alarms], [event.value for event in alarms], "kv", markersize=8)
axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
axes.set_ylabel("flow (l/s)")
title = "Alarms (triangles) and known anomalies (shaded)"
axes.set_title(
    title + (", synthetic readings" if readings.synthetic else ", water-flow of the package river")
)
axes.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %%
by_reading = sum(len(json.dumps({"t": at.isoformat(), "v": value})) for at, value in readings)
by_event = sum(len(json.dumps(event.to_json())) for event in events)
caught = sum(any(begin <= event.at <= end for event in alarms) for begin, end in readings.troubles)
delays = [
    min((event.at - begin).total_seconds() / 3600 for event in alarms if begin <= event.at <= end)
    for begin, end in readings.troubles
    if any(begin <= event.at <= end for event in alarms)
]
other = sum(not in_trouble(event.at) for event in alarms)
print(f"caught {caught} of {len(readings.troubles)}, {max(delays):.0f} h late at most; other alarms: {other}")
print(f"sent: {len(events)} messages for {len(readings):,} readings, {by_event:,} bytes for {by_reading:,}")

# %% [markdown]
# The limits of `Watch` were set while looking at the real readings. A fairer test: made-up meters with known troubles, a drop, a
# spike, a drift and a stuck value each.

# %%
caught_made, other = 0, 0
for seed in range(10, 20):
    made, watch = made_readings(seed=seed), Watch()
    found = [event.at for at, value in made for event in watch.add(at, value) if event.kind == "alarm"]
    caught_made += sum(any(begin <= at <= end for at in found) for begin, end in made.troubles)
    other += sum(not any(begin <= at <= end for begin, end in made.troubles) for at in found)
print(f"ten synthetic meters: {caught_made} of 40 troubles caught, {other} other alarms in {10 * 56} days")

# %% [markdown]
# ## The claim about sensors
#
# The source: detect on the device, push only alerts, and there is less noise upstream.

# %%
verdict(
    "alerts-only",
    measured={
        "bytes sent, of all": by_event / by_reading,
        "anomalies caught": caught / len(readings.troubles),
    },
    rule=each({"bytes sent, of all": at_most(0.5), "anomalies caught": at_least(1.0)}),
)

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **A confidence that means something.** On synthetic leaves of the kind that it was trained on, the small model knows when it
#   doubts. On a photo of a goat it may be sure. Chapter 16 looks at inputs that belong nowhere.
# - **The privacy of a second opinion.** A photo that is sent is a photo that somebody has. Asking needs consent.
# - **A fair price.** These photos have 48 pixels a side. A camera's weighs far more; chapter 12 makes it small.
# - **Four anomalies.** A detector judged on four events is judged on four events, and the limits of `Watch` were set with
#   the real readings in view. The made-up ones had no say, and they are as simple as we imagined them.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("09-adaptive-inference/03-local-first-cloud-second")

# %% [markdown] spine="next"
# ## Next
#
# [The lab](../../labs/09-adaptive-inference/lab.ipynb): a policy that does not flap, a budget that holds, a threshold, a breaker,
# and a day that you survive with your own rules.
