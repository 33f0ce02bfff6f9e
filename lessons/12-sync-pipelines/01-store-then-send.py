# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Store, then send
#     chapter: 12
#     device: phone-2gb
#     teach_minutes: 50
#     exercise_minutes: 10
#     objectives:
#       - Show how an answer that is lost on its way makes one event into two, and a login page makes it into none
#       - Give every event a key when it is made, and say why a hash of its photo is no such key
#       - Take the server's word only for the events that it names
#       - Separate the rhythms of judging, sending and fetching models, so that none waits for another
#     after: [02-offline-first-design/02-resumable-downloads, 08-runtimes-and-packaging/02-a-package-you-can-trust]
#     claims: [sync-code]
# ---

# %% [markdown] spine="insight"
# # Store, then send
#
# **Key insight:** the phone cannot know whether the office has something, only whether the office *said* so. So it says
# everything again until it is told, and the office counts by a key that was made when the event was.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and the service 8 minutes, the day that fails 10, keys 8, the server's word 6, rhythms 8,
# measure and production 10.
#
# **Board sketch.** The three lines of the lost answer. Ask the phone's side: "stored or not?" Nobody can tell, and no
# protocol makes it knowable; what can be chosen is which mistake to make. Then write the key beside both arrows.
#
# **Common mistakes.** "We use TCP, it is reliable": it is, up to the moment the connection is gone. Marking before sending
# (loses) as the mend for marking after (doubles). A key made when the *request* is made: every retry is a new event.
# Calling a second send of the same key a bug: it is the design.

# %% [markdown] spine="situation"
# ## The situation
#
# Mutheu judges maize leaves on her phone, at the farm, with no link needed; the office in Kitui counts what was seen
# where, to send spray before a pest spreads. A case counted twice sends spray to the wrong valley. A case not counted
# sends none. And now and then the office has a better model for her.
#
# ![A pipeline from left to right. A photo goes to the model on the phone; the judgement goes into a store on the phone; from there, when there is a link, to the office, which answers with the keys it has. Separately, on its own rhythm, a new model comes from the office to the phone.](figures/pipeline.svg)
#
# Mutheu is invented and her leaves are drawn, not photographed; the models are real, and the office is a practice
# collector on this computer, which can be told to lose its answers, to fail, or to lie.

# %%
import numpy as np
import onnxruntime as ort

from offlinefirst.datasets.leaves import CLASSES, leaves
from offlinefirst.datasets.places import locate

leaf_photos, truth = leaves(40, seed=2)
model = ort.InferenceSession(locate("leaf-small"), providers=["CPUExecutionProvider"])


def judge(photo, session=model):
    """What the model on the phone says of a photo: a label and how sure it is."""
    pixels = np.ascontiguousarray(photo.transpose(2, 0, 1)[None], np.float32) / 255
    scores = session.run(None, {"image": pixels})[0][0]
    shares = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    return CLASSES[shares.argmax()], round(float(shares.max()), 3)


judge(leaf_photos[0])

# %% [markdown]
# Her Monday: eight farms, on the hour. The plots of 12:00 and 13:00 lie side by side, so she files the same photo for both.
# What the link does is written down beforehand, so that everybody's Monday goes wrong in the same way:

# %% tags=["nbval-check-output"]
VISITS = {hour: {"farm": f"KTI-{hour:02d}", "photo": 12 if hour == 13 else hour} for hour in range(8, 16)}
MONDAY = {
    8: "good",
    9: "answer lost",
    10: "good",
    11: "login page",
    12: "good",
    13: "office fails",
    14: "good",
}
MONDAY |= {15: "no link"}  # and good from 16:00 on
[f"{hour}:00 {MONDAY.get(hour, 'good')}" for hour in range(8, 17)]

# %%
from offlinefirst.link.collector import Collector, cut_request, login_page, lose_answer, store_and_fail

FAULTS = {"good": None, "no link": cut_request(), "answer lost": lose_answer()}
FAULTS |= {"login page": login_page(), "office fails": store_and_fail()}


class Day:
    """The hour, and what the link does at that hour."""

    def __init__(self, weather):
        self.weather, self.hour = weather, 0.0

    def link(self):
        return self.weather.get(int(self.hour), "good")

    def fault(self, number):
        return FAULTS[self.link()]

    def is_online(self):
        return self.link() != "no link"  # what a phone's system knows: there is a network


# %% [markdown] spine="naive"
# ## The service that most apps have
#
# The document this chapter grew from calls it "sync when available", the most common pattern. Its listing is for Android;
# this is its logic in Python. Judge at once, store, and if there is a link, send everything that is not marked and
# mark it; then look for a new model. (There it runs in the background. Here it runs at once, so that the order is
# the same each time.)

# %% tags=["long"]
import hashlib
import sqlite3

import httpx

client = httpx.Client()
COLUMNS = "image_hash, farm, label, sure"


class LikeTheSource:
    def __init__(self, url, day, get_model=lambda: None):
        self.url, self.day, self.get_model = url, day, get_model
        self.db = sqlite3.connect(":memory:", check_same_thread=False)
        self.db.execute(f"CREATE TABLE results (id INTEGER PRIMARY KEY, {COLUMNS}, synced DEFAULT 0)")

    def visit(self, farm, photo):
        self.store(hashlib.sha256(photo.tobytes()).hexdigest()[:16], farm, *judge(photo))
        if self.day.is_online():
            self.sync_results()
            self.get_model()

    def store(self, *row):
        self.db.execute(f"INSERT INTO results ({COLUMNS}) VALUES (?, ?, ?, ?)", row)

    def sync_results(self):
        pending = self.db.execute(f"SELECT id, {COLUMNS} FROM results WHERE NOT synced").fetchall()
        events = [{"key": row[1], "kind": "leaf", "payload": row[2:]} for row in pending]
        if events:
            client.post(self.url, json={"events": events}).raise_for_status()
            self.db.executemany("UPDATE results SET synced = 1 WHERE id = ?", [row[:1] for row in pending])


# %% [markdown] spine="fails"
# ## Its Monday
#
# An error in the background ends the background job and nothing else, so we pass over it.


# %%
import contextlib
from collections import Counter


def live(app, day, visits=VISITS, until=24):
    """One day: visits on the hour, a tick every quarter; what the link does wrong is passed over."""
    for quarter in range(4 * 8, 4 * until):
        day.hour = quarter / 4
        with contextlib.suppress(httpx.HTTPError):
            if day.hour in visits:
                visit = visits[day.hour]
                app.visit(visit["farm"], leaf_photos[visit["photo"]])
        with contextlib.suppress(httpx.HTTPError):
            getattr(app, "tick", lambda: None)()  # the source's does nothing then


# %%
def counted(office, visits=VISITS):
    """How often the office counted each farm's case."""
    cases = Counter(event.payload[0] for event in office.received)
    return {visit["farm"]: cases[visit["farm"]] for visit in visits.values()}


def show(cases):
    for farm, count in cases.items():
        if count != 1:
            print(f"{farm}  {count}  {'missing' if count == 0 else 'counted twice or more'}")
    print(f"{sum(count == 1 for count in cases.values())} of {len(cases)} counted once")


# %%
day = Day(MONDAY)
with Collector(faults=day.fault, by_key=False) as office:
    live(LikeTheSource(office.url, day), day)
    show(monday := counted(office))

# %% [markdown]
# Three kinds of wrong in one day, and not one error message:
#
# - **Counted twice or more.** At 9:00 the office stored the case and its answer was lost; at 13:00 it stored and said 500.
#   The phone saw an error both times, marked nothing, and sent again.
# - **Missing, marked as synced.** At 11:00 a login page came with status 200. `isOnline` was true, the upload "worked", the
#   case was marked, and nobody will send it again.
# - **Missing, still waiting.** At 15:00 there was no link. At 16:00 there was, but the listing sends only when a photo is
#   taken. The next one is tomorrow's; if the phone is handed in tonight, there is none.
#
# ![A conversation between phone and office. The phone sends a case; the office stores it; its answer is lost. To the phone this looks the same as a case that never arrived. Without a key the case that is sent again is counted a second time; with a key the office answers: have it.](figures/lost-answer.svg)

# %% [markdown]
# And the order of two lines: the model is looked for *after* a sync that worked. On a day when the collecting server fails,
# the better model, which lies on another server that is well, does not come either.

# %%
asked_at = []
bad_day = Day(dict.fromkeys(range(24), "office fails"))
with Collector(faults=bad_day.fault, by_key=False) as office:
    live(LikeTheSource(office.url, bad_day, lambda: asked_at.append(bad_day.hour)), bad_day)
print(
    f"asked for a new model {len(asked_at)} times; the first case was counted {counted(office)['KTI-08']} times"
)

# %% [markdown] spine="fix"
# ## A key, made when the event is made
#
# Mark before sending, and a cut loses the case. Mark after, and a cut doubles it. There is no third place for that line: what
# the phone does not know, it cannot mark. So the phone may say things twice, and the *office* has to notice. It needs
# a name for each event. The listing has one, it seems: `image_hash`. We let the office go by it:

# %%
day = Day(MONDAY)
with Collector(faults=day.fault) as office:  # this office counts each key once
    live(LikeTheSource(office.url, day), day)
    show(counted(office))

# %% [markdown]
# The doubles are gone, and with them a real case: the second of the two plots that share a photo. A hash of the photo names
# the photo. The event is "this officer judged this plot at this time", and two of those may look the same. (It fails the
# other way round too: the same photo, saved again by the gallery, has another hash.) An event's key is random, made
# once, when the event is made, and stored with it.

# %%
import secrets


def new_key():
    return secrets.token_urlsafe(16)  # 128 random bits


class WithKeys(LikeTheSource):
    def visit(self, farm, photo):
        self.store(new_key(), farm, *judge(photo))
        if self.day.is_online():
            self.sync_results()


# %%
day = Day(MONDAY)
with Collector(faults=day.fault) as office:
    live(WithKeys(office.url, day), day)
    show(counted(office))

# %% [markdown]
# ## The server's word, for what it names
#
# Next, the login page. Status 200 says that *somebody* was content. Our office answers with the keys it has stored, and only
# those are marked. Whatever else comes, a page, a proxy's apology, half an answer, marks nothing. (Our rows call the
# key `image_hash` still; the column's name is the only thing left of it.)


# %%
class TakesItsWord(WithKeys):
    def sync_results(self):
        pending = self.db.execute(f"SELECT {COLUMNS} FROM results WHERE NOT synced").fetchall()
        events = [{"key": row[0], "kind": "leaf", "payload": row[1:]} for row in pending]
        if events:
            answer = client.post(self.url, json={"events": events}).raise_for_status()
            keys = {row[0] for row in pending}
            with contextlib.suppress(ValueError):  # not JSON: nobody we know
                stored = answer.json()["stored"]
                done = keys if stored == "all" else keys & set(stored)
                mark = "UPDATE results SET synced = 1 WHERE image_hash = ?"
                self.db.executemany(mark, [(key,) for key in done])


# %%
day = Day(MONDAY)
with Collector(faults=day.fault) as office:
    live(TakesItsWord(office.url, day), day)
    show(counted(office))

# %% [markdown]
# ## Each job its own rhythm
#
# One is missing: the last case of the day, which waits for tomorrow's photo. Sending must not hang on judging, nor fetching
# models on sending. Three jobs, three rhythms: judge when there is a photo, send when there is something to send, look for
# a model every fourth hour.


# %%
class OwnRhythm(TakesItsWord):
    def visit(self, farm, photo):
        self.store(new_key(), farm, *judge(photo))

    def tick(self):
        if not self.day.is_online():
            return  # good for not trying, and for nothing else
        jobs = [self.sync_results] + [self.get_model] * (self.day.hour % 4 == 0)
        for job in jobs:
            with contextlib.suppress(httpx.HTTPError):  # one job's trouble is not the other's
                job()


# %%
asked_at.clear()
day = Day(MONDAY)
with Collector(faults=day.fault) as office:
    live(OwnRhythm(office.url, day, lambda: asked_at.append(day.hour)), day)
    show(counted(office))
print(f"and the phone looked for a new model {len(asked_at)} times")

# %% [markdown]
# ### Two at once
#
# In the source every photo starts its own coroutine. Two photos in quick succession, and an office that takes its time
# to answer: both read the same unsent rows.

# %%
import threading

from offlinefirst.link.collector import slow

for by_key in (False, True):
    day = Day({})
    with Collector(faults=[slow(0.4), slow(0.4)], by_key=by_key) as office:
        app = OwnRhythm(office.url, day)
        app.visit("KTI-08", leaf_photos[8])
        senders = [threading.Thread(target=app.sync_results) for _ in range(2)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        print(f"office {'with' if by_key else 'without'} keys: counted {len(office.received)}")

# %% [markdown]
# With keys this costs bytes and no truth. The production version *claims* events before it sends them, so that it costs
# no bytes either; the next notebook builds that.

# %% [markdown]
# ### A new model, when it is there
#
# The office publishes what it has: a version, a size, a hash. The phone compares, fetches with the downloader of
# chapter 2, which resumes where the link cut it off, and changes over only when the new file is whole. Here the first two
# tries are cut. (Chapter 8 packs more around a model, and chapter 13 will sign it.)

# %%
import json

from offlinefirst.delivery.download import download
from offlinefirst.delivery.errors import DeliveryError
from offlinefirst.link import PracticeServer, faults

better = locate("leaf-medium").read_bytes()
about = {"version": "1.3.0", "sha256": hashlib.sha256(better).hexdigest(), "size_bytes": len(better)}
here = {"version": "1.2.0", "session": model}


def check_for_model(server):
    offered = client.get(server.url("about.json")).json()
    if offered["version"] == here["version"]:
        return "nothing new"
    path = device.current().scratch / f"leaf-{offered['version']}.onnx"
    promised = {name: offered[name] for name in ("sha256", "size_bytes")}
    done = download(server.url("leaf.onnx"), to=path, progress=False, sleep=lambda s: None, **promised)
    here.update(version=offered["version"], session=ort.InferenceSession(path))
    return f"version {here['version']}, {done.bytes_fetched:,} bytes in {done.requests} requests"


# %%
SCRIPT = [None, faults.CutAfter(90_000), faults.CutAfter(90_000), None, None]
with PracticeServer({"about.json": json.dumps(about).encode(), "leaf.onnx": better}, faults=SCRIPT) as server:
    for _ in range(2):
        try:
            print(check_for_model(server))
        except (httpx.HTTPError, DeliveryError) as error:
            print(type(error).__name__)
right = [
    sum(judge(p, s)[0] == CLASSES[t] for p, t in zip(leaf_photos, truth, strict=True))
    for s in (model, here["session"])
]
print(f"right on {len(truth)} drawn leaves: {right[0]} before, {right[1]} after")

# %% [markdown] spine="measure"
# ## Measure it: twelve days
#
# Twelve days of bad links, drawn at random, the same for every version: each hour good or one of the four faults. The link
# is good at the end of the day, so what is missing then is missing for good, or waits for tomorrow's photo.

# %%
import random

from offlinefirst.sync.outbox import Limits, Outbox
from offlinefirst.sync.sender import Sender


def weather(seed):
    rng = random.Random(seed)
    return {hour: rng.choices(list(FAULTS), [5, 3, 1, 1, 1])[0] for hour in range(8, 20)}


# %%
class Production:
    """The same service on `offlinefirst.sync`: put, and a sender that looks every quarter of an hour."""

    def __init__(self, url, day):
        limits = Limits(batch_age_s=1_800, wait_first_s=600, wait_cap_s=7_200)
        path, rng = device.current().scratch / f"{new_key()}.db", random.Random(1)
        self.outbox = Outbox(path, limits=limits, clock=lambda: 3_600 * day.hour, rng=rng)
        self.day, self.sender = day, Sender(self.outbox, url)

    def visit(self, farm, photo):
        self.outbox.put("leaf", [farm, *judge(photo)])

    def tick(self):
        if self.day.is_online():
            self.sender.send()


# %%
VERSIONS = {"the source's": (LikeTheSource, False), "with keys": (WithKeys, True)}
VERSIONS |= {
    "takes its word": (TakesItsWord, True),
    "own rhythm": (OwnRhythm, True),
    "production": (Production, True),
}
totals = {}
for name, (make, by_key) in VERSIONS.items():
    totals[name] = Counter()
    for seed in range(12):
        day = Day(weather(seed))
        with Collector(faults=day.fault, by_key=by_key) as office:
            live(make(office.url, day), day)
            for count in counted(office).values():
                totals[name]["missing" if count == 0 else "once" if count == 1 else "more"] += 1
            totals[name]["requests"] += len(office.arrivals)
            totals[name]["bytes"] += sum(one.wire_bytes for one in office.arrivals)

# %%
print(f"{'':<16}{'counted once':<16}{'more often':<14}{'missing':<11}{'requests':<12}kB sent")
for name, total in totals.items():
    cases = total["once"] + total["more"] + total["missing"]
    print(f"{name:<16}{total['once']:>3} of {cases:<9}{total['more']:<14}{total['missing']:<11}"
          f"{total['requests']:<12}{total['bytes'] / 1000:.0f}")  # fmt: skip

# %% [markdown]
# Read it downwards. Keys take the doubles away. Taking the office at its word brings back what the login pages swallowed.
# A rhythm of its own brings in the last cases of the day, at the price of more tries. The production version gets there as
# well, with fewer tries and fewer bytes: it waits for half an hour's worth, and after a failure it waits longer and longer.

# %% [markdown] spine="claim"
# ## The claim, checked
#
# The source says of its pattern that results go to the cloud when there is internet. We ask for each case to be counted
# once, in the twelve days above.

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_least

total = totals["the source's"]
share = total["once"] / (total["once"] + total["more"] + total["missing"])
verdict("sync-code", measured=100 * share, unit="% of cases counted once", rule=at_least(100))

# %% [markdown] spine="production"
# ## The production version, killed
#
# `Outbox.put` returns when the event is on the disk, with its key. `Sender` claims a batch, sends it, and notes what the office
# named. The phone's system may kill the app at any moment. The worst one: the office has stored the batch, and its answer is
# on the way. A child process gets killed right there.

# %%
import subprocess
import sys
import time

child = """
import sys
from offlinefirst.sync.outbox import Outbox
from offlinefirst.sync.sender import Sender

with Outbox(sys.argv[1]) as outbox:
    for plot in range(5):
        outbox.put("leaf", ["KTI-20", plot])
    Sender(outbox, sys.argv[2]).send(flush=True)
"""

# %%
path = device.current().scratch / "killed.db"
with Collector(faults=[slow(60)]) as office:
    process = subprocess.Popen([sys.executable, "-c", child, str(path), office.url])
    while not office.received:
        time.sleep(0.01)
    process.kill()
    process.wait()
    print("the office has", len(office.received), "and the phone's outbox still holds", end=" ")
    with Outbox(path, clock=lambda: time.time() + 120) as outbox:  # two minutes later: the claim is over
        print(outbox.status().events)
        done = Sender(outbox, office.url).send(flush=True)
        print(
            f"sent again: {done.stored} stored; the outbox holds {outbox.status().events}, the office {len(office.received)}"
        )

# %% [markdown]
# The dead process's claim ran out after two minutes, the same batch went out again under the same keys, and the office
# counted nothing twice. `tests/sync/test_outbox_killed.py` kills phone and office at their writes, syncs, sends and
# receives; the next notebook shows what the benchmark made of a thousand kills.
#
# ### Two lies
#
# What can be defended against, and what cannot: an office that says "stored" without naming anything, and one that names
# our batch and has stored nothing.

# %%
from offlinefirst.link.collector import pretend

for lie, fault in {"a login page": login_page(), "a perfect liar": pretend()}.items():
    with Collector(faults=[fault]) as office, Outbox(device.current().scratch / f"{new_key()}.db") as outbox:
        outbox.put("leaf", ["KTI-21"])
        Sender(outbox, office.url).send(flush=True)
        state = outbox.status()
        print(
            f"{lie:<16}still in the outbox: {state.events}  at the office: {len(office.received)}  {state.trouble or ''}"
        )

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **A perfect liar wins.** If the office names the batch and has not stored it, the case is gone from both sides. Only another
#   channel finds that out: compare counts at the end of the month, and keep what was sent for that long.
# - **The office has to play along.** Keys work when the office keeps them, in the same transaction as the effect, and for longer
#   than any phone may stay away. An office without keys can be given at most once or at least once, and no more.
# - **Order is not kept.** Batches that failed may arrive after younger ones. An event says when it happened; nobody should
#   read that from when it came.
# - **A stolen phone's unsent cases are gone**, and so is their secrecy: this outbox is not encrypted.
# - **Faults here come one an hour.** Real links mix them within a request; the kill tests and the random test of
#   `tests/sync/test_outbox.py` come closer.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("12-sync-pipelines/01-store-then-send")

# %% [markdown] spine="next"
# ## Next
#
# One request for each case costs more in headers than in news. [Batches and backoff](02-batches-and-backoff.ipynb) sends
# them together, and asks what to do when forty phones find the link again at the same moment.
