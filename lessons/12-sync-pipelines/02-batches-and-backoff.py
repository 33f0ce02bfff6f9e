# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Batches and backoff
#     chapter: 12
#     device: phone-2gb
#     teach_minutes: 60
#     exercise_minutes: 10
#     objectives:
#       - Break a batch uploader by a failure, a slow caller, a second thread, a kill and by silence
#       - Build a queue whose every step is a transaction, so that a kill between two steps loses nothing
#       - Choose when to try again, so that forty phones do not come back in the same second
#       - Tell what batching and packing save in bytes, and from which batch size on it hardly matters
#     after: [12-sync-pipelines/01-store-then-send]
#     claims: [outbox-code, result-bytes]
# ---

# %% [markdown] spine="insight"
# # Batches and backoff
#
# **Key insight:** a queue is a promise to somebody who has stopped looking. So it lives on the disk, moves in transactions, and
# after a failure it is the *queue* that waits, never the person.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** The uploader 8 minutes, broken in six ways 17, durable by hand 15, the herd 8, bytes 4, production 8.
#
# **Board sketch.** The states figure with no arrows. Ask for each arrow: what is on the disk just before, just after, and what
# if the phone dies in between?
#
# **Common mistakes.** "A lock mends it": which of the six? (One.) Waiting 2, 4, 8 s exactly, which keeps a herd together.
# Making the batch's key when it is sent. Deleting what the server refuses, or trying it for ever.

# %% [markdown] spine="situation"
# ## The situation
#
# In the season Wanza judges hundreds of leaves a week, and so do forty colleagues in the county. One request for each leaf
# costs more in headers than in news, so her app sends them in batches. The office has one small server. When the mast has
# been down for an afternoon, forty phones have something to say at once. (The people are invented and the leaves are
# synthetic.)

# %%
import random

LABELS = ["Healthy", "MLND", "Fall Armyworm", "Deficiency"]


def predictions(count, seed=3):
    """What a phone would report."""
    rng = random.Random(seed)
    return [
        {"number": number, "farm": f"KTI-{rng.randrange(400):04d}", "plot": rng.randint(1, 6)}
        | {"label": rng.choice(LABELS), "sure": round(rng.uniform(0.4, 1), 3), "model": "leaf-medium-1.2.0"}
        | {"taken": f"2026-11-{1 + number // 40:02d}T{8 + number % 9:02d}:{rng.randrange(60):02d}+03:00"}
        for number in range(count)
    ]


predictions(1)[0]

# %% [markdown] spine="naive"
# ## The batch uploader
#
# The source's class, retold: fifty predictions or five minutes make a batch; after a failure it goes back into the queue,
# and the waits double up to a minute. Its `api_client` becomes a function, and so that we can wind them by hand, sleep and
# timer come in from outside.

# %% tags=["long"]
import threading
import time


class BatchUploader:
    def __init__(self, upload, most=50, most_seconds=300, sleep=time.sleep, timer=threading.Timer):
        self.upload, self.sleep, self.make_timer = upload, sleep, timer
        self.queue, self.timer, self.most, self.most_seconds = [], None, most, most_seconds

    def add(self, prediction):
        self.queue.append(prediction)
        if len(self.queue) >= self.most:
            self.flush()
        elif self.timer is None:
            self.timer = self.make_timer(self.most_seconds, self.flush)
            self.timer.start()

    def flush(self):
        if self.timer:
            self.timer.cancel()
            self.timer = None
        if not self.queue:
            return
        batch, self.queue = self.queue[:], []
        try:
            self.upload(batch)
        except (ConnectionError, TimeoutError):
            self.queue.extend(batch)
            self.sleep(min(2**self.retry_count, 60))
            self.retry_count += 1


# %%
timers = []


class ByHand:
    """A timer that rings when we say so."""

    def __init__(self, seconds, act):
        self.act, self.waiting = act, False
        timers.append(self)

    def start(self):
        self.waiting = True

    def cancel(self):
        self.waiting = False


# %%
def counted(received, count):
    """The share of predictions that arrived exactly once, in per cent."""
    times = [sum(one["number"] == number for one in received) for number in range(count)]
    return 100 * times.count(1) / count


# %% [markdown] spine="fails"
# ## Broken in six ways
#
# **One: the first failure is the last.** The link is down.


# %% tags=["fails-on-purpose"]
def no_link(batch):
    raise ConnectionError("no link")


uploader = BatchUploader(no_link, timer=ByHand)
for prediction in predictions(50):
    uploader.add(prediction)

# %% [markdown]
# `retry_count` is never set. The error comes up in whoever took the fiftieth photo. We set it, and go on.
#
# **Two: the person waits.** Still no link, and sixty leaves to judge. From the fiftieth on, each photo tries to send, and
# sleeps while the camera waits:

# %%
slept = []
uploader = BatchUploader(no_link, sleep=slept.append, timer=ByHand)
uploader.retry_count = 0
for prediction in predictions(60):
    uploader.add(prediction)
shares = {"people who need not wait": 100 * (60 - len(slept)) / 60}
print(f"{len(slept)} photos waited: {slept} s, {sum(slept) / 60:.1f} minutes in all")

# %% [markdown]
# **Three: two threads.** The timer flushes in a thread of its own. Copying the queue and emptying it are two steps, and the
# other thread may come in between. We hold the uploader at that very moment (`Held` calls us after the copy), to see
# on purpose what happens by chance once a month.


# %%
class Held(list):
    """A queue that lets the other thread in, after it was copied and before it is emptied."""

    def __init__(self, meanwhile):
        super().__init__()
        self.meanwhile = meanwhile

    def __getitem__(self, what):
        copy, meanwhile = list(self), self.meanwhile
        self.meanwhile = lambda: None
        meanwhile()
        return copy


# %%
for what, act in {
    "a second flush": lambda up: up.flush(),
    "a new photo": lambda up: up.add({"number": 3}),
}.items():
    received = []
    uploader = BatchUploader(received.extend, timer=ByHand)
    uploader.queue = Held(lambda act=act, uploader=uploader: act(uploader))
    for number in range(3):
        uploader.add({"number": number})
    uploader.flush()
    uploader.flush()
    shares[what] = counted(received, 3 + (what == "a new photo"))
    print(f"{what} in between: arrived {[one['number'] for one in received]}")

# %% [markdown]
# The second flush sends everything twice. The new photo goes into a list that is thrown away a moment later: lost.
#
# **Four: a kill.** The queue is a variable. A child process takes thirty photos and is killed before the five minutes are over.

# %%
import subprocess
import sys

child = """
import time
queue = []  # what the source's queue is
for number in range(30):
    queue.append({"number": number})
print(len(queue), flush=True)
time.sleep(60)
"""
process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True)
taken = int(process.stdout.readline())
process.kill()
process.communicate()
shares["a kill"] = counted([], taken)
print(f"{taken} photos judged; after the kill there is no file, no queue, nothing to send")

# %% [markdown]
# **Five: silence after a failure.** Twenty photos, the timer rings, the link is down; the link comes back. Who tries again?

# %%
link = {"up": False}
received = []


def upload(batch):
    if not link["up"]:
        raise ConnectionError
    received.extend(batch)


timers.clear()
uploader = BatchUploader(upload, timer=ByHand, sleep=lambda seconds: None)
uploader.retry_count = 0
for prediction in predictions(20):
    uploader.add(prediction)
timers[-1].act()  # five minutes are over
link["up"] = True
shares["silence"] = counted(received, 20)
print(f"{len(uploader.queue)} in the queue, {sum(one.waiting for one in timers)} timers running")

# %% [markdown]
# Nobody, until somebody takes the next photo.
#
# **Six: another kind of error.** The listing catches Python's own `ConnectionError`. The HTTP clients that people use raise their
# own errors, and a server's refusal is no connection error at all. The queue was emptied first:

# %% tags=["long"]
import httpx

from offlinefirst.link.collector import Collector

client = httpx.Client()
for what, address in {"no link": "http://127.0.0.1:9/events", "refused": None}.items():
    with Collector(
        refuses=lambda p: "no such plot" if p["number"] == 7 else None, refuses_whole=True
    ) as office:

        def over_http(batch, url=address or office.url):
            client.post(url, json={"events": [{"payload": one} for one in batch]}).raise_for_status()

        uploader = BatchUploader(over_http, most=20, timer=ByHand)
        try:
            for prediction in predictions(20):
                uploader.add(prediction)
        except httpx.HTTPError as error:
            print(
                f"{what}: {type(error).__name__}; in the queue {len(uploader.queue)}, at the office {len(office.received)}"
            )
        shares[what] = counted([one.payload for one in office.received], 20)

# %% [markdown]
# All twenty are gone, in the second case for the sake of one. Had it queued them again, they would have been refused
# together for ever. Six faults, and a lock would have mended one of them.

# %% [markdown] spine="fix"
# ## Durable, by hand
#
# ![The states of an event. Waiting; in a batch, which has a key of its own; claimed by one sender for two minutes. From there: gone when the office names it; back as it was when there is no answer, when the office is busy or the sender is killed; cut in two when it is refused together with others; a dead letter with the reason when it is refused alone; waiting again when the office answers and does not name it. A person may put a dead letter back.](figures/states.svg)
#
# **Put: on the disk, or not taken.** SQLite in its journal mode WAL writes each transaction to the end of a log;
# `synchronous = FULL` makes it wait for the disk. When `put` returns, a power cut may come.

# %%
import json
import secrets
import sqlite3


def open_queue(path):
    db = sqlite3.connect(path, isolation_level=None)  # we say ourselves where transactions begin and end
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, key UNIQUE, text, batch)")
    db.execute("CREATE TABLE IF NOT EXISTS batches (key UNIQUE, claimed_s)")
    return db


# %%
def put(db, payload):
    key = secrets.token_urlsafe(16)
    db.execute("INSERT INTO events (key, text) VALUES (?, ?)", (key, json.dumps(payload)))
    return key


queue = open_queue(device.current().scratch / "queue.db")
for prediction in predictions(60):
    put(queue, prediction)
queue.execute("SELECT count(*) FROM events").fetchone()[0]

# %% [markdown]
# **Claim: one sender, for a while.** The oldest events are put into a batch, and the batch into the name of whoever took it, in
# one transaction: two senders never get the same. A claim is a *lease*: it runs out, so that a sender that died does not keep
# its batch for ever. The batch gets a key when it is formed, not when it is sent.

# %%
LEASE_S = 120


def claim(db, now_s, most=50):
    db.execute("BEGIN IMMEDIATE")  # from here on no other writer
    row = db.execute("SELECT key FROM batches WHERE claimed_s <= ?", (now_s - LEASE_S,)).fetchone()
    batch = row[0] if row else secrets.token_urlsafe(16)
    if row is None:
        db.execute("INSERT INTO batches VALUES (?, NULL)", (batch,))
        oldest = "SELECT number FROM events WHERE batch IS NULL ORDER BY number LIMIT ?"
        db.execute(f"UPDATE events SET batch = ? WHERE number IN ({oldest})", (batch, most))
    db.execute("UPDATE batches SET claimed_s = ? WHERE key = ?", (now_s, batch))
    db.execute("COMMIT")
    return batch, db.execute(
        "SELECT key, text FROM events WHERE batch = ? ORDER BY number", (batch,)
    ).fetchall()


# %%
first, events = claim(queue, now_s=0)
second, others = claim(queue, now_s=1)
again, same = claim(queue, now_s=121)  # the first sender died
print(
    len(events),
    "events;",
    len(others),
    "for the second sender; after the lease the first batch:",
    again == first,
)

# %% [markdown]
# **Acknowledge: gone in one step.** The events leave and the batch with them, or nothing does.


# %%
def acknowledge(db, batch):
    db.execute("BEGIN IMMEDIATE")
    db.execute("DELETE FROM events WHERE batch = ?", (batch,))
    db.execute("DELETE FROM batches WHERE key = ?", (batch,))
    db.execute("COMMIT")


def send_one(db, url, now_s):
    batch, rows = claim(db, now_s)
    events = [{"key": key, "kind": "leaf", "payload": json.loads(text)} for key, text in rows]
    answer = client.post(url, json={"events": events}, headers={"Idempotency-Key": batch}).raise_for_status()
    if answer.json()["batch"] == batch:
        acknowledge(db, batch)


# %% [markdown]
# Why keep the batch together, when every event has its own key? Because a body that is the same on every try can be recognised
# and answered without looking inside, and because of what happens otherwise where the *batch* is what the office goes by.
# Two clients, and an office that loses two answers; it counts each `Idempotency-Key` once:

# %%
from offlinefirst.link.collector import lose_answer

for kind in ("a new batch key on every try", "the batch keeps its key"):
    with Collector(faults=[lose_answer(), lose_answer()]) as office:
        batch = secrets.token_urlsafe(8)
        for _ in range(3):
            batch = secrets.token_urlsafe(8) if kind.startswith("a new") else batch
            try:  # no keys inside: the batch is all that the office can go by
                whole = [{"key": batch, "payload": predictions(20)}]
                client.post(office.url, json={"events": whole}, headers={"Idempotency-Key": batch})
                break
            except httpx.HTTPError:
                continue
        print(f"{kind:<30} the office counted {20 * len(office.received)} of 20")

# %% [markdown]
# ### When to try again
#
# After a failure: not at once, and not for ever later. The wait doubles, up to a cap. And it is *drawn*, anywhere between nothing
# and that ceiling ("full jitter"), because this phone is not alone.


# %%
def wait_s(failures, rng, first_s=2, cap_s=600):
    return rng.uniform(0, min(cap_s, first_s * 2 ** (failures - 1)))


rng = random.Random(5)
print([round(wait_s(failures, rng), 1) for failures in range(1, 11)])

# %% [markdown]
# Forty phones try at the full hour, and the mast is down for ten minutes. Then it is back, and the office can take five
# requests in a second; to the others it says 429, busy. Three ways to wait: the source's (2 to the power of the failures,
# at most a minute), the same with a cap of ten minutes, and with full jitter. A simulation, of a second a step:

# %%
OUTAGE_S, PER_S, PHONES = 600, 5, 40


def herd(wait, seed=1):
    """When phones ask, and when they are served: seconds after the hour."""
    rng = random.Random(seed)
    due = {phone: (rng.random(), 0) for phone in range(PHONES)}  # all within the first second
    asked, served = [], []
    while due:
        second = int(min(at for at, _ in due.values()))
        now = sorted((at, phone) for phone, (at, _) in due.items() if int(at) == second)
        for place, (at, phone) in enumerate(now):
            asked.append(at)
            failures = due.pop(phone)[1] + 1
            if second >= OUTAGE_S and place < PER_S:
                served.append(at)
            else:
                due[phone] = (at + max(1.0, wait(failures, rng)), failures)
    return asked, served


# %%
WAYS = {"the source's waits": lambda failures, rng: min(2 ** (failures - 1), 60)}
WAYS |= {"a cap of ten minutes": lambda failures, rng: min(2 ** (failures - 1), 600)}
WAYS |= {"full jitter": wait_s}
herds = {name: herd(wait) for name, wait in WAYS.items()}

# %% tags=["long"]
import matplotlib.pyplot as plt


def draw_herds(found):
    figure, axes = plt.subplots(len(found), figsize=(9, 5.4), sharex=True, sharey=True, layout="constrained")
    for axis, (name, (asked, served)) in zip(axes, found.items(), strict=True):
        late = [at for at in asked if at >= OUTAGE_S]
        axis.axvspan(0, OUTAGE_S, color="#eeeeee")
        axis.hist(asked, bins=range(0, 1300, 5), color="#D55E00", label="refused")
        axis.hist(served, bins=range(0, 1300, 5), color="#0072B2")
        told = f"{name}: {len(asked)} requests; {len(late) - PHONES} refused as busy; last one served at {max(served):.0f} s"
        axis.text(0.01, 0.86, told, transform=axis.transAxes, fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    axes[1].set_ylabel("requests in 5 s")
    axes[-1].set_xlabel("seconds after the hour; grey: the mast is down; blue: served, orange: in vain")
    axes[0].set_title("Forty phones after an outage (simulated)", loc="left")
    axes[0].set_xlim(0, 1300)
    plt.close(figure)
    return figure


draw_herds(herds)

# %% [markdown]
# Without jitter the herd stays together: forty at once, again and again, five of which are served each time. Drawn waits
# spread it, and nobody had to agree on anything. The price is on the picture too: a phone that has drawn a long wait comes
# later than it could have.
#
# And when the office says when to come back, that is when *everybody* comes back. So the draw is added to what it asked for:

# %%
from collections import Counter

for name, extra in {"Retry-After alone": 0.0, "and a draw on top": 60.0}.items():
    back = Counter(int(30 + random.Random(phone).uniform(0, extra)) for phone in range(PHONES))
    print(f"{name:<20} at most {max(back.values())} phones in one second")

# %% [markdown] spine="measure"
# ## Measure it: bytes for one event
#
# One request carries a head: address, type, length, who is asking. One event in JSON repeats the names of its fields. Batches share
# the head, and packing (gzip) shares the names. We count what reaches the office's socket, heads and bodies; TCP and TLS
# come on top, and weigh on small requests most.

# %%
import gzip

SIZES = (1, 2, 5, 10, 20, 50, 100, 200)
events = [{"key": secrets.token_urlsafe(16), "kind": "leaf", "payload": one} for one in predictions(200)]


def bytes_per_event(size, packed):
    with Collector() as office:
        for start in range(0, len(events), size):
            body = json.dumps({"events": events[start : start + size]}, separators=(",", ":")).encode()
            headers = {"Idempotency-Key": secrets.token_urlsafe(16)} | (
                {"Content-Encoding": "gzip"} if packed else {}
            )
            client.post(office.url, content=gzip.compress(body) if packed else body, headers=headers)
        return sum(one.wire_bytes for one in office.arrivals) / len(events)


wire = {packed: [bytes_per_event(size, packed) for size in SIZES] for packed in (False, True)}

# %% tags=["long"]
figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
for packed, label, colour, mark in [
    (False, "plain JSON", "#D55E00", "s"),
    (True, "packed (gzip)", "#0072B2", "o"),
]:
    axis.plot(SIZES, wire[packed], mark + "-", color=colour)
    axis.annotate(
        f"{label}: {wire[packed][-1]:.0f} bytes",
        (SIZES[-1], wire[packed][-1]),
        (0, 8),
        textcoords="offset points",
        ha="right",
    )
axis.set_xscale("log")
axis.set_xticks(SIZES, SIZES)
axis.minorticks_off()
axis.set(xlabel="events in a batch", ylabel="bytes for an event", ylim=(0, None))
axis.set_title(
    f"One by one {wire[False][0]:.0f} bytes; the head is shared by 20 already (synthetic events)", loc="left"
)
axis.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# Twenty events share the head well enough; what is left is the events themselves. Packing goes on paying, because the next event
# repeats the words of the last. What stays is what cannot be guessed: a random key is 16 bytes however it is packed. And
# packing a single event saves less in the body than the line `Content-Encoding: gzip` adds to the head: see the left end of the line.

# %% [markdown] spine="claim"
# ## The claims, checked
#
# For each way of breaking the uploader, the share of predictions that were counted exactly once; and of photos that nobody had
# to wait for. (The first way, which ends the app, is taken as mended.)

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_least, at_most, each, holds_if

verdict("outbox-code", measured=shares, unit="%", rule=each({name: at_least(100) for name in shares}))

# %% [markdown]
# And "a few bytes" for a result, if a hundred are few:

# %%
named = {"in packed batches of 100": wire[True][SIZES.index(100)], "one by one": wire[False][0]}
rule = holds_if(
    "if they go in packed batches", at_most(100), where="in packed batches of 100", elsewhere="one by one"
)
verdict("result-bytes", measured=named, unit="bytes", rule=rule)

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.sync.outbox` has these three transactions, its rules in a module without disk or wire
# (`_outbox_rules`), and what the page left out. Five things at once: a child killed with thirty photos
# in the queue, a link that is down, an office that loses an answer, is busy, and refuses one event without saying which.

# %%
from offlinefirst.link.collector import busy
from offlinefirst.sync.outbox import IntakeClosedError, Limits, Outbox
from offlinefirst.sync.sender import Sender

child = """
import os, sys
from offlinefirst.sync.outbox import Outbox

outbox = Outbox(sys.argv[1])
for number in range(30):
    outbox.put("leaf", {"number": number})
os.kill(os.getpid(), 9)
"""
clock = {"s": time.time()}
path = device.current().scratch / "outbox.db"
subprocess.run([sys.executable, "-c", child, path], check=False)
outbox = Outbox(path, clock=lambda: clock["s"], rng=random.Random(4), limits=Limits(batch_events=8))
outbox.status()

# %%
refuses = {
    "refuses": lambda payload: "no such plot" if payload["number"] == 7 else None,
    "refuses_whole": True,
}
with (
    Collector(faults=[lose_answer(), busy(429, 30)], **refuses) as office,
    Sender(outbox, office.url) as sender,
):
    for url in ("http://127.0.0.1:9/events", office.url, office.url, office.url):
        sender.url = url
        done = sender.send(flush=True)
        told = f"{done.trouble}; again in {done.wait_s:.1f} s" if done.trouble else "nothing left"
        print(f"{done.stored:>2} stored, {done.refused} refused, {done.requests} requests: {told}")
        clock["s"] += (done.wait_s or 0) + 0.001
    print(f"counted exactly once: {0.3 * counted([one.payload for one in office.received], 30):.0f} of 30")
for letter in outbox.dead_letters():
    print("put aside:", letter.text, "because", letter.why)

# %% [markdown]
# Nobody slept: `send` says when to come back. The culprit was found by cutting the batch in two until it stood alone; it is kept,
# with the reason, and a person can put it back (`revive`) when the plot has been registered.
#
# ### Full
#
# When the queue or the storage is full, the worst answer is to take the photo and lose it later. The outbox stops taking in,
# says why and what helps, and goes on sending.

# %%
small = Outbox(device.current().scratch / "small.db", limits=Limits(queue_events=3))
try:
    for prediction in predictions(5):
        small.put("leaf", prediction)
except IntakeClosedError as error:
    print(error)
print(small.status().events, "are safe;", "sending goes on:", small.claim(flush=True) is not None)

# %%
no_room = Outbox(device.current().scratch / "no-room.db", free_bytes=lambda: 0)
try:
    no_room.put("leaf", predictions(1)[0])
except IntakeClosedError as error:
    print(error)

# %% [markdown]
# ### A wrong clock
#
# Waits and leases go by the device's clock, which must survive a restart, and which somebody may set. A batch is to wait for ten
# minutes; the clock is set back by a year. By hand we compared `claimed_s <= now_s - LEASE_S`, which now takes a year to come
# true. The rule in production: a wait is over when the clock has moved by that much *in either direction*.

# %%
from offlinefirst.sync._outbox_rules import left_s

for moved_s, what in [
    (0, "right"),
    (-100, "100 s back"),
    (-31_536_000, "a year back"),
    (31_536_000, "a year ahead"),
]:
    print(f"clock {what:<14} still to wait: {left_s(since_s=0, wait_s=600, now_s=moved_s):,.0f} s")

# %% [markdown]
# Nothing ever waits longer than twice its time. At worst something goes out too soon, which costs a request.
#
# ### A thousand kills
#
# `benchmarks/outbox.py` kills a phone and an office at each of their system calls on database and socket, some times over
# (strace counts the calls), drains the outbox afterwards, and compares what was accepted with what was counted. The figures it
# wrote when it was last run:

# %%
from offlinefirst.course.lessons import course_root

report = json.loads((course_root() / "benchmarks/results/outbox.json").read_text())
for row in report["rows"]:
    if row.get("measure", "").startswith("crashes"):
        print(f"{row['measure']:<24} {row['crashes']:>5}: {row['accepted']:,} events accepted, {row['lost']} lost, "
              f"{row['duplicated_effects']} counted twice")  # fmt: skip
metrics = report["metrics"]
print(
    f"durable puts in a second   {metrics['enqueue_ratio']:.2f} times those of a bare INSERT with the same syncs"
)
print(f"bytes for an event         {metrics['bytes_per_event_ratio']:.2f} times those of one by one")

# %% [markdown]
# The keys, limits and checks cost a part of the speed of a bare insert; how large a part moves by a fifth from run to run.

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **A killed process is not a power cut.** That `put` returns after the sync is asserted from the trace of system calls. Whether
#   the phone's flash keeps what it says it has synced, no program can tell.
# - **The herd is a simulation** with one office and phones that all fail at once. Real masts come back one after the other.
# - **Fairness is not here.** A phone with ten thousand events may keep the office busy for longer than one with three.
# - **Packing is not encryption**, and a length tells something too. Chapter 14 is about what should be sent at all.
# - **One file, one phone.** Whoever copies the outbox to a second phone sends everything twice; the keys catch it.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("12-sync-pipelines/02-batches-and-backoff")

# %% [markdown] spine="next"
# ## Next
#
# A judgement takes tens of bytes, a photo takes millions. [Images under 100 KB](03-images-under-100-kb.ipynb) is about the
# few that are worth sending.
