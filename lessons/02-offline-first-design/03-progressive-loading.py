# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Half a model now
#     chapter: 2
#     device: phone-2gb
#     teach_minutes: 40
#     exercise_minutes: 5
#     objectives:
#       - Cut a model so that its first piece can answer by itself
#       - Load the pieces so that a cut, a bad piece or a new version costs one piece and not the model
#       - Decide what to put on the phone in the shop, where the link is good
#     after: [02-offline-first-design/02-resumable-downloads]
#     claims: [progressive-loading, delta-saves, app-update-size]
# ---

# %% [markdown] spine="insight"
# # Half a model now
#
# **Key insight:** half a model now beats a whole one tomorrow, if the first half can answer by itself, and if everybody
# can tell which half it is.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 8 minutes, cutting the model 10, bad piece and new version 12, shop 5, claims 5.
#
# **Board sketch.** Accuracy against time: a step at the end for the one file, a staircase for the pieces. Ask where the
# farmer stands who comes after ten seconds.
#
# **Common mistakes.** Cutting a file every 100 KB and calling it progressive: no piece of a layer answers anything.

# %% [markdown] spine="situation"
# ## The situation
#
# Ekai's clinic shares a table with the farmers' cooperative, and people queue while the new leaf model is on its way.
# The model sorts 64 measurements of a leaf into four classes. It is an *ensemble*: eight small networks whose scores are added. The
# leaves are synthetic, drawn from a seeded generator; the networks are really trained, here and now.

# %% tags=["nbval-check-output"]
import numpy as np

CLASSES = ["healthy", "streak virus", "fall armyworm", "deficiency"]
rng = np.random.default_rng(4)
CENTRES = rng.normal(size=(4, 64)) * 0.5


def leaves(count, seed):
    draw = np.random.default_rng(seed)
    labels = draw.integers(4, size=count)
    side = draw.choice(
        [-1, 1], size=(count, 1)
    )  # upper or lower side of the leaf: what a straight line cannot sort
    return side * CENTRES[labels] + draw.normal(size=(count, 64)), labels


train_leaves, train_labels = leaves(3000, seed=1)
test_leaves, test_labels = leaves(2000, seed=2)
print(train_leaves.shape, [int((test_labels == label).sum()) for label in range(4)])

# %%
HIDDEN = 768


def train_member(seed, leaves_seen=2000):
    """A small network: a random layer, then one fitted by least squares, on a sample of the leaves."""
    draw = np.random.default_rng(seed)
    first = draw.normal(size=(64, HIDDEN)) / 8
    chosen = draw.choice(len(train_leaves), leaves_seen, replace=False)
    hidden = np.maximum(train_leaves[chosen] @ first, 0)
    wanted = np.eye(4)[train_labels[chosen]]
    last = np.linalg.solve(hidden.T @ hidden + 20 * np.eye(HIDDEN), hidden.T @ wanted)
    return np.concatenate([first.ravel(), last.ravel()]).astype(np.float16).tobytes()


# %%
def votes(member, some_leaves):
    weights = np.frombuffer(member, np.float16).astype(np.float32)
    first, last = weights[: 64 * HIDDEN].reshape(64, HIDDEN), weights[64 * HIDDEN :].reshape(HIDDEN, 4)
    return np.maximum(some_leaves @ first, 0) @ last


MEMBERS = [train_member(seed) for seed in range(8)]
MODEL = b"".join(MEMBERS)
print(f"{len(MEMBERS)} members of {len(MEMBERS[0]):,} bytes")

# %%
phone = device.current().profile
print(f"{len(MODEL):,} bytes: {phone.link.transfer_s(len(MODEL)):.1f} s on this phone's link, if it holds")

# %% [markdown] spine="naive"
# ## One file
#
# The model is a file, the file is downloaded, then the app can answer. We practise at six times the speed;
# times are converted to the real link's, and this computer's own work is multiplied with them.

# %%
import contextlib
import hashlib
import time

from offlinefirst.delivery.download import download
from offlinefirst.delivery.errors import DamagedError
from offlinefirst.link import PracticeServer, faults

SCALE = 6


def new_folder(name):
    folder = device.current().scratch / name
    folder.mkdir(exist_ok=True)
    return folder


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# %%
with PracticeServer({"leaf.bin": MODEL}, link=phone.link, time_scale=SCALE) as server:
    download(server.url("leaf.bin"), sha256=sha256(MODEL), to=new_folder("one") / "leaf.bin", progress=False)
    whole_s = server.now_s
print(f"the first answer after {whole_s:.0f} s")

# %% [markdown] spine="fails"
# ## It fails
#
# The link drops at 60 % and does not come back today. How many of the farmers in the queue get an answer?

# %%
cut_at = int(0.6 * len(MODEL))
with PracticeServer(
    {"leaf.bin": MODEL}, faults=[faults.CutAfter(cut_at), *[faults.Busy(503)] * 50]
) as server:
    target = new_folder("cut") / "leaf.bin"
    try:
        download(
            server.url("leaf.bin"), sha256=sha256(MODEL), to=target, progress=False, sleep=lambda s: None
        )
    except Exception as error:
        print(type(error).__name__)
print([path.name for path in new_folder("cut").iterdir()])

# %% [markdown]
# None. More than half of the bytes are on the phone, paid for, and of no use to anybody. They will be resumed tomorrow,
# which is what the last notebook was for. But people are here today.

# %% [markdown] spine="fix"
# ## The fix: pieces that can answer
#
# Cutting the file every 100 KB would not help: a piece of a layer answers nothing. We cut where the *model* allows it.
# One member can vote alone. Two vote better.


# %%
def accuracy(members):
    total = sum(votes(member, test_leaves) for member in members)
    return float((total.argmax(axis=1) == test_labels).mean())


staircase = [accuracy(MEMBERS[:count]) for count in range(1, len(MEMBERS) + 1)]
for count, value in enumerate(staircase, 1):
    print(f"{count} members, {count * len(MEMBERS[0]):>9,} bytes: {value:.1%}")

# %% [markdown]
# Before anybody pays for networks: what does the simplest model do, one straight line for each class?

# %%
linear = np.linalg.lstsq(train_leaves, np.eye(4)[train_labels], rcond=None)[0]
right = float(((test_leaves @ linear).argmax(axis=1) == test_labels).mean())
error = {share: (share * (1 - share) / len(test_labels)) ** 0.5 for share in (staircase[0], staircase[-1])}
print(f"a linear model of {64 * 4 * 2} bytes: {right:.1%}")
print("one standard error:", ", ".join(f"{value:.1%} at {share:.1%}" for share, value in error.items()))

# %% [markdown]
# No better than guessing among four: these leaves were made so that no line divides them. And the first piece already knows
# most of what the whole knows; the third, fourth and fifth differ by less than these figures can tell apart. A list tells what the pieces are, in which order they come
# and what each must hash to: a *manifest*. A piece is stored under its hash, so that one name never means two contents.
#
# ![A manifest lists eight parts with their hashes; the first is marked as enough for a first answer. On the phone lie the parts that have arrived, each named by its hash; version 2 of the manifest shares six of them with version 1, so only two are fetched.](figures/shards.svg)


# %%
def manifest_of(members, version):
    parts = [
        {"name": f"member-{n}", "size": len(data), "sha256": sha256(data)} for n, data in enumerate(members)
    ]
    return {"name": "leaf", "version": version, "parts": parts}


first = manifest_of(MEMBERS, "1.0")
print(first["parts"][0])

# %% [markdown]
# Loading is a loop: bring the next piece that is not there, check it, keep it. A piece with the wrong hash costs that
# piece.


# %%
def load(manifest, server, folder, wanted=None):
    """Bring pieces until `wanted` are there; yields the time after each."""
    for part in manifest["parts"][:wanted]:
        path = folder / part["sha256"]
        for _ in range(3):
            with contextlib.suppress(DamagedError):  # it has put the bytes aside; ask once more
                download(server.url(part["sha256"]), sha256=part["sha256"], to=path, progress=False)
        if not path.exists():
            raise DamagedError(f"{part['name']} came wrong three times")
        yield server.now_s


FILES = {sha256(member): member for member in MEMBERS}
with PracticeServer(FILES, link=phone.link, time_scale=SCALE) as server:
    arrivals = list(load(first, server, new_folder("pieces")))
print(
    f"first answer after {arrivals[0]:.1f} s, all of it after {arrivals[-1]:.1f} s (as one file: {whole_s:.1f} s)"
)

# %% [markdown]
# ### A new version
#
# Members 2 and 5 were trained anew. The manifest changes in two lines, and six pieces are there already:

# %%
NEXT = [train_member(100 + n) if n in (2, 5) else member for n, member in enumerate(MEMBERS)]
second = manifest_of(NEXT, "1.1")
FILES |= {sha256(member): member for member in NEXT}
with PracticeServer(FILES) as server:
    list(load(second, server, new_folder("pieces")))
    few_bytes = sum(one.body_bytes for one in server.requests)
print(
    f"{few_bytes:,} of {len(MODEL):,} bytes fetched: {few_bytes / len(MODEL):.0%}; accuracy {accuracy(NEXT):.1%}"
)

# %% [markdown]
# And when a fine-tuning has touched *every* weight a little? Then every piece has another hash. Could we send the
# difference? A first look: how many bytes of a member stay the same when its weights move by a thousandth, and what is
# left when the difference of the bytes is compressed?

# %%
import zlib

old = np.frombuffer(MEMBERS[0], np.float16)
nudge = 1 + np.random.default_rng(9).normal(size=old.size) / 1000
new = (old.astype(np.float32) * nudge).astype(np.float16)
same = float((old.view(np.uint8) == new.view(np.uint8)).mean())
difference = zlib.compress((new.view(np.uint8) - old.view(np.uint8)).tobytes(), 9)
print(f"bytes that stayed the same: {same:.0%}")
print(
    f"compressed: the new piece {len(zlib.compress(new.tobytes(), 9)):,}, the difference {len(difference):,} bytes"
)

# %% [markdown]
# A difference is smaller than the piece and far from nothing. Chapter 13 looks for better ones, and finds that it
# matters *what* was trained and in which number format the weights are.

# %% [markdown]
# ### In the shop
#
# The best link that this phone will ever see is the one in the shop, or at the training in town. What should be on it
# when it leaves? At least what makes the app answer; then what fits the room that the owner can spare.


# %%
def in_the_shop(manifest, room_bytes):
    """The pieces to put on the phone, in order, as far as they fit."""
    chosen = []
    for part in manifest["parts"]:
        if part["size"] > room_bytes:
            break
        room_bytes -= part["size"]
        chosen.append(part["name"])
    return chosen


for room in (100_000, 250_000, 1_000_000):
    chosen = in_the_shop(first, room)
    on_day_one = f"{staircase[len(chosen) - 1]:.1%} on day one" if chosen else "no answer on day one"
    print(f"{room:>9,} bytes to spare: {len(chosen)} pieces, {on_day_one}")

# %% [markdown] spine="measure"
# ## Measure it: who gets an answer, and how good?
#
# Accuracy against time for both designs, on a link that is down for half a minute after the first eight seconds.

# %%
from offlinefirst.delivery.policy import Policy
from offlinefirst.link.outages import Interval

PATIENT = Policy(attempts=1000)
UP = [Interval(0, 8 / 3600), Interval(38 / 3600, 1)]
pause = time.sleep


def patient(url, **options):
    return download(
        url, **options, policy=PATIENT, progress=False, sleep=lambda seconds: pause(min(seconds, 2) / SCALE)
    )


# %%
with PracticeServer({"leaf.bin": MODEL}, link=phone.link, outages=UP, time_scale=SCALE) as server:
    patient(server.url("leaf.bin"), sha256=sha256(MODEL), to=new_folder("one-outage") / "leaf.bin")
    one_file_s = server.now_s
with PracticeServer(FILES, link=phone.link, outages=UP, time_scale=SCALE) as server:
    piece_s = []
    for part in first["parts"]:
        target = new_folder("outage") / part["sha256"]
        patient(server.url(part["sha256"]), sha256=part["sha256"], to=target)
        piece_s.append(server.now_s)

# %% tags=["long"]
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(8, 3), layout="constrained")
axis.axvspan(8, 38, color="#eeeeee", zorder=0)
axis.text(23, 3, "link down", ha="center", color="#555555")
end = max(one_file_s, piece_s[-1]) + 5
axis.step(
    [0, *piece_s, end], [0, *[100 * a for a in staircase], 100 * staircase[-1]], where="post", color="#0072B2"
)
axis.step(
    [0, one_file_s, end],
    [0, 100 * staircase[-1], 100 * staircase[-1]],
    where="post",
    color="#D55E00",
    ls="--",
)
axis.text(piece_s[0] + 1, 100 * staircase[0] - 9, "in pieces", color="#0072B2")
axis.text(one_file_s - 1, 40, "one file", color="#B04A00", ha="right")
axis.set(xlabel="seconds on the phone's link", ylabel="leaves sorted right, %", ylim=(0, 100), xlim=(0, end))
axis.set_title("Pieces answer before the outage (synthetic leaves)")
axis.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %%
print(f"first answer: {piece_s[0]:.0f} s in pieces, {one_file_s:.0f} s as one file")
print(f"everything:   {piece_s[-1]:.0f} s in pieces, {one_file_s:.0f} s as one file")

# %% [markdown] spine="claim"
# ## The claims, checked

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_most, each, holds_if

shares = {"steady link": 100 * arrivals[0] / whole_s, "with the outage": 100 * piece_s[0] / one_file_s}
print(
    f"the first answers are right in {staircase[0]:.1%} of the cases, all pieces together in {staircase[-1]:.1%}"
)
rule = each({name: at_most(50) for name in shares})
verdict("progressive-loading", measured=shares, unit="percent of the wait", rule=rule)

# %% [markdown]
# With few parts changed and with all of them, half of the model being what we would call a saving:

# %%
ALL_NEW = [train_member(200 + n) for n in range(8)]
with PracticeServer({sha256(member): member for member in ALL_NEW}) as server:
    list(load(manifest_of(ALL_NEW, "2.0"), server, new_folder("pieces")))
    all_bytes = sum(one.body_bytes for one in server.requests)
measured = {"two of eight changed": 100 * few_bytes / len(MODEL), "all changed": 100 * all_bytes / len(MODEL)}
rule = holds_if("when few parts changed", at_most(50), where="two of eight changed", elsewhere="all changed")
verdict("delta-saves", measured=measured, unit="percent of the model", rule=rule)

# %% [markdown]
# And the size at which a model inside an app update stops being practical. Somebody who earns the median wage pays for
# the update with a day of eight hours at most, and it must fit this phone's share of storage twice, old and new:

# %%
day_of_work_gb = 8 * phone.wage_usd_per_hour / phone.price_usd_per_gb
fits_gb = phone.storage_quota_bytes / 2 / 1e9
largest_gb = min(day_of_work_gb, fits_gb)
print(f"a day's wage buys {day_of_work_gb:.2f} GB, and {fits_gb:.2f} GB fit twice")
verdict("app-update-size", measured=largest_gb, unit="GB", rule=at_most(2))

# %% [markdown]
# The claim holds, and is far too mild: on this phone the line is drawn well below one gigabyte.

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.delivery.shards` keeps promises that our loop does not: the version in force is always whole, also under a
# power cut; a piece that is damaged later, on the phone, is found, put aside, and only it is fetched again; and pieces that
# no version needs are removed only after the new one is whole. A piece that is damaged on its way, and then on the phone:

# %%
from offlinefirst.delivery.shards import Shards, split

folder, inbox, shop = new_folder("production"), new_folder("inbox"), new_folder("shop")
pieces = {f"member-{n}": data for n, data in enumerate(MEMBERS)}
production = split(pieces, shop, name="leaf", version="1.0", first=["member-0"])
SERVED = {part.file: shop / part.file for part in production.parts}

with PracticeServer(SERVED, faults=[None, None, faults.CorruptByte(7)]) as server:

    def bring(part):
        return download(server.url(part.file), sha256=part.sha256, to=inbox / part.file, progress=False).path

    model = Shards(folder, production, bring)
    for part in model.load():
        print(f"{part.name} is here; can answer: {model.usable}, whole: {model.whole}")
    print(len(server.requests), "requests for", len(production.parts), "pieces")
    (folder / production.parts[0].file).write_bytes(b"flash memory forgets")
    print("damaged on the phone:", [part.name for part in model.check()])
    print("brought again:", [part.name for part in model.load()])

# %% [markdown]
# ### Not now, and why
#
# When to bring the rest is a decision too. `delivery.schedule` makes it from the day's quota, the kind of link, the hour and
# the battery, and writes every reason down for the operator; the farmer is not bothered with it. An update of 45 MiB, wanted
# within three days, on a phone that is asked seven times:

# %%
from offlinefirst.delivery.schedule import Conditions, Job, Rules, Scheduler, Window

MIB = 1_048_576
rules = Rules(quota_bytes_per_day=20 * MIB, off_peak=Window(22, 5), battery_floor=0.3, battery_per_mib=0.002)
DAYS = [  # hour, link, metered, charging, battery
    (9, True, False, False, 0.80),
    (14, False, True, False, 0.55),
    (22.5, True, False, False, 0.32),
    (23, True, False, True, 0.35),
    (26, True, False, True, 0.60),
    (47, True, True, False, 0.70),
    (67, True, True, False, 0.70),
]

# %%
scheduler = Scheduler(rules)
left, sent = 45 * MIB, {}
for now_h, link_up, metered, charging, battery in DAYS:
    today = now_h // 24
    now = Conditions(
        now_h=now_h,
        link_up=link_up,
        metered=metered,
        charging=charging,
        battery=battery,
        sent_today_bytes=sent.get(today, 0),
    )
    decision = scheduler.decide(now, Job(name="leaf 1.1", size_bytes=left, deadline_h=72))
    sent[today] = sent.get(today, 0) + decision.bytes_now
    left -= decision.bytes_now
print(scheduler.report())

# %% [markdown]
# It waits for the cheap hours, goes no further than the battery and the quota allow, and takes up the rest where it left it.
# On the last evening the deadline is near, and it stops waiting for a cheap link. Each line can be checked against the
# rules; in the lab you write such a rule yourself.

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **Not every model can be cut so that a piece answers.** An ensemble can, and so can a small model with a large one
#   behind it (chapter 9). The layers of an ordinary network cannot; one trained with early exits can.
# - **This ensemble is there to be cut.** Nine tenths of each piece are a random layer that a seed could replace, and one
#   network trained as a whole might do as well. Ensembles also cost memory and time at every answer; chapter 7 distils
#   one into a single small network.
# - **The leaves are synthetic.** Real ones come with chapter 5.
# - **The whole takes longer in pieces.** Each asks anew; over TLS a new connection costs two or three more round trips, so
#   keep one open. And some of the difference above is this computer's own time, multiplied.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("02-offline-first-design/03-progressive-loading")

# %% [markdown] spine="next"
# ## Next
#
# [The lab](../../labs/02-offline-first-design/lab.ipynb), if you have not done it yet. Then chapter 3: the language that
# the farmer speaks.
