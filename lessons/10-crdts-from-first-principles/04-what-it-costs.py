# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: What it costs
#     chapter: 10
#     device: phone-2gb
#     teach_minutes: 55
#     exercise_minutes: 10
#     objectives:
#       - Work out what a season of syncing costs an officer, in money and hours of work
#       - Send what changed instead of everything, and lose nothing when a message is lost
#       - Measure how bytes and time grow with a text's history, in a library and in a version made for reading
#       - Decide when history may be dropped, and what becomes of a phone that comes back after that
#     after: [10-crdts-from-first-principles/03-text]
# ---

# %% [markdown] spine="insight"
# # What it costs
#
# **Key insight:** what makes merging safe has to be kept: names, and knowledge of the dead. Send only what changed;
# and before you drop history, decide how long anybody may stay away.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive set 12 minutes, OR-set and deltas 15, text 12, batches 5, pruning 11.
#
# **Board sketch.** Two axes, days and kilobytes. Let the room draw the curve of a list of always some forty entries,
# before the first plot is shown. Most draw a flat line.
#
# **Common mistakes.** Quoting the size of a state and forgetting how often it is sent. Taking compression for a cure:
# it divides a line that keeps growing. "We will garbage-collect later": later needs everybody's consent, and somebody
# is always away.

# %% [markdown] spine="situation"
# ## The situation
#
# Mutheu, Kioko and Wanza share a list of plots to visit. A plot goes on it when somebody hears of trouble there, and
# comes off after the visit. The list has forty to fifty plots on any day of the season, which has 156 working days.
# Each evening their phones sync with the office, over data that is paid for by the megabyte. The officers and their
# days are synthetic; the price and the wage are this notebook's phone's, the worst end of [the constraint
# table](../../datasets/constraints.md).

# %% tags=["nbval-check-output"]
import random

OFFICERS, DAYS, CHANGES = ("Mutheu", "Kioko", "Wanza"), 156, 16

phone = device.current().profile


def price(size_bytes):
    """Dollars, and hours of work at the median wage."""
    dollars = size_bytes / 1e9 * phone.price_usd_per_gb
    return dollars, dollars / phone.wage_usd_per_hour


print(f"a megabyte: {100 * price(1e6)[0]:.1f} cents, {60 * price(1e6)[1]:.1f} minutes of work")

# %% [markdown] spine="naive"
# ## The set that everybody builds first
#
# Each time that a plot is put on the list, that entry gets a name of its own. Removing writes the name on a second
# list, of the dead. Both only grow, so the merge is a union, as in the last notebook. In the evening, each phone
# sends what it has, and gets what the office has.

# %%
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class TombstoneSet:
    added: frozenset = frozenset()  # (plot, officer, number)
    removed: frozenset = frozenset()

    def merge(self, other):
        return TombstoneSet(self.added | other.added, self.removed | other.removed)

    def to_json(self):
        return json.dumps([sorted(self.added), sorted(self.removed)], separators=(",", ":"))

    def __iter__(self):
        return iter({plot for plot, *_ in self.added - self.removed})


# %%
PLOTS = [f"Mbooni {number}" for number in range(1, 400)]


def draw_season(seed=10):
    """For each day its changes: (officer, "add" or "remove", plot)."""
    rng, listed, season = random.Random(seed), [], []
    for _ in range(DAYS):
        season.append([])
        for officer in OFFICERS * CHANGES:
            if len(listed) < 40 or (len(listed) < 50 and rng.random() < 0.5):
                plot = rng.choice([plot for plot in PLOTS if plot not in listed])
                listed.append(plot)
                season[-1].append((officer, "add", plot))
            else:
                plot = listed.pop(rng.randrange(len(listed)))
                season[-1].append((officer, "remove", plot))
    return season


SEASON = draw_season()  # once, so that every design lives through the same one

# %% tags=["nbval-check-output"]
naive, numbers, naive_bytes = TombstoneSet(), dict.fromkeys(OFFICERS, 0), []
for day in SEASON:
    for officer, what, plot in day:
        numbers[officer] += what == "add"
        if what == "add":
            naive = TombstoneSet(naive.added | {(plot, officer, numbers[officer])}, naive.removed)
        else:
            naive = TombstoneSet(naive.added, naive.removed | {one for one in naive.added if one[0] == plot})
    naive_bytes.append(len(naive.to_json()))
print(f"plots on the list in the end: {len(list(naive))}")
print(f"state on day 1: {naive_bytes[0]:,} bytes, on day {DAYS}: {naive_bytes[-1]:,} bytes")

# %% [markdown] spine="fails"
# ## It fails
#
# What it computes is right; the bill is not. Up and down, every evening:

# %% tags=["nbval-check-output"]
naive_season = 2 * sum(naive_bytes)
dollars, hours = price(naive_season)
print(
    f"one officer's season: {naive_season / 1e6:.0f} MB, {100 * dollars:.1f} cents, {hours:.1f} hours of work"
)
again = naive_season + 2 * DAYS * naive_bytes[-1]
print(f"the season after, if nobody begins anew: {again / 1e6:.0f} MB, {price(again)[1]:.1f} hours of work")

# %% [markdown] spine="fix"
# ## The fix, one waste at a time
#
# That is for a list of some forty plots. It is not ruin; it is a bill that grows with the square of the time, for
# every list and every officer. The dead are the reason: by the end nearly every name in the state belongs to a plot
# that was visited long ago.
#
# **No list of the dead.** The OR-set of [the last notebook but one](02-counters-registers-sets.ipynb) keeps the names
# of what is in it, and one number for each officer: "I have seen all her additions up to 1,204". A name at or below
# the number that is not in the set *must* have been removed. Same season:

# %% tags=["nbval-check-output"]
from offlinefirst.sync.sets import ORSet


def live(season):
    """For each evening the state, and the delta of each officer's day."""
    state, evenings = ORSet(), []
    for day in season:
        deltas = dict.fromkeys(OFFICERS, ORSet())
        for officer, what, plot in day:
            state, delta = state.add(officer, plot) if what == "add" else state.remove(plot)
            deltas[officer] = deltas[officer].merge(delta)
        evenings.append((state, deltas))
    return evenings


evenings = live(SEASON)
assert set(evenings[-1][0]) == set(naive)
state_bytes = [len(state.to_json()) for state, _ in evenings]
print(f"state on day 1: {state_bytes[0]:,} bytes, on day {DAYS}: {state_bytes[-1]:,} bytes")

# %% [markdown]
# The same plots, and the state stays as large as the list.
#
# **Send what changed.** `live` has already collected the day's **deltas**. A delta is a small state, so deltas are
# merged with each other as states are: the day is *one* delta for each officer. She sends hers, and gets those of the
# two others.


# %% tags=["nbval-check-output"]
def wire_bytes(deltas, officer):
    """Up and down, for one officer on one evening."""
    down = ORSet()
    for other, delta in deltas.items():
        down = down.merge(delta) if other != officer else down
    return len(deltas[officer].to_json()) + len(down.to_json())


delta_bytes = [wire_bytes(deltas, "Mutheu") for _, deltas in evenings]
seasons = {"tombstones, all of it": naive_season}
seasons |= {"OR-set, all of it": 2 * sum(state_bytes), "OR-set, deltas": sum(delta_bytes)}
for design, size in seasons.items():
    dollars, hours = price(size)
    print(
        f"{design:<22} {size / 1e6:7.2f} MB   {100 * dollars:7.2f} cents   {60 * hours:6.1f} minutes of work"
    )

# %% [markdown] spine="measure"
# Evening by evening:

# %% tags=["long"]
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
LINES = [("tombstones: everything", [2 * size for size in naive_bytes], "#D55E00", "-")]
LINES += [("OR-set: everything", [2 * size for size in state_bytes], "#E69F00", "--")]
LINES += [("OR-set: the day's deltas", delta_bytes, "#0072B2", ":")]
for label, sizes, colour, style in LINES:
    axis.plot(range(1, DAYS + 1), [size / 1000 for size in sizes], style, color=colour, linewidth=2)
    axis.annotate(
        label, (100, sizes[99] / 1000), xytext=(0, 8), textcoords="offset points", ha="right", color=colour
    )
axis.set(yscale="log", xlabel="working day of the season", ylabel="kB up and down that evening")
axis.set_title("One officer's evening sync: 40 to 50 plots on the list (synthetic season)")
plt.close(figure)
figure

# %% [markdown]
# The scale is logarithmic. When each day changes as much as the whole list holds, as here, deltas save less than two
# thirds of the state's bytes. They pay where little changes in something large. Sets of thousands of plots, of which
# one in a hundred changes:

# %%
import time


def one_in_a_hundred(size):
    """Bytes of the state and of the delta, and seconds for merging two sets of that size."""
    state, _ = ORSet().add("office", *(f"Mbooni {number}" for number in range(size)))
    _, delta = state.add("Mutheu", *(f"Mbooni {number}" for number in range(0, size, 100)))
    other, _ = ORSet().add("Kioko", *(f"Mbooni {number}" for number in range(size)))
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        state.merge(other)
        seconds.append(time.perf_counter() - started)
    return len(state.to_json()), len(delta.to_json()), min(seconds)


for size in (1_000, 4_000, 16_000):
    whole, delta, seconds = one_in_a_hundred(size)
    print(f"{size:>6} plots: {whole:>7,} bytes, delta {delta / whole:.1%}; merge {1000 * seconds:5.1f} ms")

# %% [markdown]
# Here the delta is what one hopes for: about as much smaller as the change is. The time for a merge grows with the
# sets, too, but bytes are what is paid for.
#
# ### A delta that gets lost
#
# Deltas have a price that states do not have: one that is lost leaves a gap. Kioko's phone sends Tuesday's delta into
# a dead link:

# %% tags=["nbval-check-output"]
tuesday, wednesday = (evenings[day][1]["Kioko"] for day in (1, 2))


def apart(state):
    return sum(officer == "Kioko" for officer, _ in state.context.apart)


monday = evenings[0][0]
office = monday.merge(wednesday)
print(f"additions of Kioko's: seen up to {office.context.seen['Kioko']}, and {apart(office)} beyond a gap")
assert office.merge(tuesday) == monday.merge(tuesday).merge(wednesday)
assert apart(office.merge(tuesday)) == 0

# %% [markdown]
# The office holds Wednesday's additions *apart*, beyond the gap: nothing is wrong, something is missing, and it can
# say what. When Tuesday's delta comes after all, the gap closes. The usual cure is at the sender. Keep merging into
# one outgoing delta, and begin a new one only when the office has confirmed:

# %% tags=["nbval-check-output"]
unsent, confirmed = ORSet(), monday
for evening, link_is_up in ((1, False), (2, False), (3, True)):
    unsent = unsent.merge(evenings[evening][1]["Kioko"])
    if link_is_up:
        confirmed, sent, unsent = confirmed.merge(unsent), unsent, ORSet()
print(f"three days in one delta: {len(sent.to_json())} bytes; beyond a gap: {apart(confirmed)}")
assert sum(len(evenings[day][1]["Kioko"].to_json()) for day in (1, 2, 3)) > len(sent.to_json())

# %% [markdown]
# A plot that came and went within the three days leaves only a number behind, so three days in one delta are shorter
# than three deltas.
#
# ## Text: a name for each letter
#
# A set names its elements; a text names every letter. What does a note cost that has been typed, corrected and typed
# again? We replay keystrokes: real ones if they were fetched (`python3 course.py data fetch editing-sequential`),
# else those of a seeded typist.

# %%
from offlinefirst.datasets.typist import editing_trace

trace = editing_trace("editing-sequential")
patches = [patch for edit in trace.edits for patch in edit.patches]
print(
    f"{trace.told}: {len(trace.edits):,} edits, {len(patches):,} places, {len(trace.end):,} characters in the end"
)

# %%
from pycrdt import Doc, Text

from offlinefirst.sync.sequence import Sequence


def sizes_while_typing(patches, steps):
    ours, doc = Sequence("Mutheu"), Doc()
    theirs = doc.get("note", type=Text)
    for number, patch in enumerate(patches, 1):
        if patch.deleted:
            ours.delete(patch.at, patch.deleted)
            del theirs[patch.at : patch.at + patch.deleted]
        if patch.text:
            ours.insert(patch.at, patch.text)
            theirs.insert(patch.at, patch.text)
        if number % steps == 0:
            sizes = len(ours.state().to_json().encode()), len(doc.get_update())
            yield number, len(ours), *sizes, ours.tombstones


# %%
table = list(sizes_while_typing(patches[:4_000], 500))
number, length, ours, theirs, dead = table[-1]
print(
    f"after {number:,} edits: {length:,} characters and {dead} tombstones; "
    f"bytes for each character: ours {ours / length:.1f}, pycrdt {theirs / length:.1f}"
)

# %% tags=["long"]
figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
edits = [row[0] for row in table]
for label, column, colour, style in (
    ("the text alone", 1, "#666666", "-"),
    ("ours, JSON", 2, "#D55E00", "--"),
    ("pycrdt", 3, "#0072B2", ":"),
):
    axis.plot(edits, [row[column] / 1000 for row in table], style, color=colour, linewidth=2)
    axis.annotate(f" {label}", (edits[-1], table[-1][column] / 1000), color=colour, va="center")
axis.set(xlabel="edits", ylabel="kB of state", xlim=(0, edits[-1] * 1.2), ylim=(0, None))
axis.set_title(f"A note with its history ({trace.told})")
plt.close(figure)
figure

# %% [markdown]
# A name for each letter sounds ruinous, and is not: letters that were typed in a row share one entry, "from number
# 300 on, after that one, these letters". Ours says it in JSON, pycrdt in packed bytes. Both pay for *jumps and
# corrections*, not for letters. There is a difference that the sizes do not show: ours keeps the letters that were
# deleted, pycrdt only how many they were.
#
# Time is another matter:


# %%
def seconds_for_100_edits(length):
    """Typing in the middle of a text of that length: ours, and pycrdt."""
    ours, doc = Sequence("Mutheu"), Doc()
    theirs = doc.get("note", type=Text)
    taken = []
    for text in (ours, theirs):
        text.insert(0, "x" * length)
        started = time.perf_counter()
        for number in range(100):
            text.insert(length // 2 + number, "y")
        taken.append(time.perf_counter() - started)
    return taken


for length in (500, 2_000, 8_000, 32_000):
    ours, theirs = map(min, zip(*(seconds_for_100_edits(length) for _ in range(3)), strict=True))
    print(
        f"{length:>6} characters: ours {10 * ours:7.3f} ms an edit, pycrdt {10 * theirs:6.3f} ms, {ours / theirs:5.0f} times"
    )

# %% [markdown]
# Ours walks the text letter by letter to find a place, so each edit takes as long as the text is. The library keeps a
# run in one piece and walks over pieces; a text that was typed in one go, as here, is its best case. For a plot's
# note ours would do. For a report, or for ten thousand notes, take the library: that is what its extra lines buy.

# %% [markdown] spine="production"
# ## The production version: batches
#
# With `offlinefirst.sync.documents` (pycrdt inside) one cost is left to the caller: how many edits share a
# *transaction*. Each transaction makes one update, with its own head; that update is what travels and is stored.

# %%
from offlinefirst.sync.documents import SharedText


def replay(patches, batch):
    text, sent = SharedText(farm="mbooni-3", officer="Mutheu"), []
    text.subscribe(lambda update: sent.append(len(update)))
    started = time.perf_counter()
    for first in range(0, len(patches), batch):
        with text.batch():
            for patch in patches[first : first + batch]:
                if patch.deleted:
                    text.delete(patch.at, patch.deleted)
                if patch.text:
                    text.insert(patch.at, patch.text)
    return time.perf_counter() - started, sum(sent), len(sent), text


# %%
batched = {}
for batch in (1, 10, 100, 1_000):
    batched[batch] = replay(patches[:8_000], batch)
    seconds, sent, updates, text = batched[batch]
    cents = 100 * price(sent)[0]
    print(
        f"{batch:>5} edits a batch: {updates:>5} updates, {sent:>8,} bytes ({cents:.3f} cents), {seconds:5.2f} s"
    )
assert batched[100][1] < batched[1][1] / 5

# %% [markdown]
# For one note this is a fraction of a cent either way; for thousands of notes and visits it is the bill, and each
# update also has to be stored and read again. A hundred edits to a batch save most of the bytes, and a thousand no
# more: `batch()` itself begins a new transaction after each hundred. The reason is in [chapter
# 11](../11-collaborating-with-crdts/01-documents.ipynb), where plain pycrdt is given all in one. And what a batch
# costs is *delay*: up to a hundred edits are gone if the phone dies in the middle. An officer's note is a batch; a
# visit is a batch; a day is not.
#
# ## Dropping history
#
# Everything so far kept the tombstones of the text. When may they go? A tombstone is needed as long as somebody may
# still send a letter that hangs on it, that is, until **everybody** has seen the deletion. Each phone says what it
# has seen, and the least of all is safe:
#
# ![Four rows, one for each phone, with bars for how much of the history each has seen. Mutheu, Kioko and the office have seen nearly all of it; Wanza's phone has seen a small part. A line at the end of Wanza's bar is marked "seen by all four", a line at the end of the others' bars "seen by all but Wanza". Left of a line tombstones may be dropped.](figures/seen-by-all.svg)

# %%
from offlinefirst.sync.sequence import seen_by_all

phones = {name: Sequence(name) for name in (*OFFICERS, "office")}
mutheu, kioko, wanza, office = phones.values()


def meet(*who):
    for one in who:
        for other in who:
            one.merge(other.since(one.version))


def type_on(phone, patches):
    for patch in patches:
        phone.delete(patch.at, patch.deleted)
        phone.insert(patch.at, patch.text)


# %%
type_on(mutheu, patches[:300])
meet(mutheu, wanza, office)
wanza.insert(0, "Wanza, 3 March: the pump at the lower farm is broken. ")  # and then her phone breaks, too
type_on(mutheu, patches[300:2_000])
meet(mutheu, kioko, office)

everybody = seen_by_all(phone.version for phone in phones.values())
without_wanza = seen_by_all(phone.version for phone in (mutheu, kioko, office))
print("seen by all four:      ", everybody)
print("seen by all but Wanza: ", without_wanza)

# %% [markdown]
# For each officer: how many letters she typed, and how many she deleted. One phone in a drawer holds up everybody's
# cleaning. The office decides that who has not been seen for a month is counted out, and the others *prune*: a new
# tree, an **epoch**, begins with the text of the agreed version. Whoever was asked loses nothing that he typed since:
# Kioko has a sentence that nobody has seen yet, and his phone carries it over.

# %%
archive = Sequence("archive", office.state())
kioko.insert(len(kioko), " Rain at last.")
for phone in (mutheu, kioko, office):
    phone.prune(without_wanza)
assert mutheu.text() == office.text() == archive.text()
print(f"bytes before {len(archive.state().to_json()):,}, after {len(office.state().to_json()):,}")
print(f"tombstones before {archive.tombstones}, after {office.tombstones}")

meet(mutheu, kioko, office)
assert office.text() == kioko.text() == archive.text() + " Rain at last."

# %% [markdown]
# Two months later Wanza's phone is repaired. Her letters hang on names that do not exist any more, so the office
# refuses them. Two ways out suggest themselves, and one of them is a trap: to type her text into the new one. It
# holds what she had of the old note, which then stands there twice.
#
# What she *wrote* has to be told from what she *had*. The office kept an archive of the old epoch, for as long as
# anybody may come back. The archive takes her in, and what is new in it is hers:

# %%
from offlinefirst.sync.sequence import EpochError

try:
    office.merge(wanza)
except EpochError as error:
    print(error)

had = archive.version
archive.merge(wanza)
hers = archive.since(had)
for run in hers.runs:
    print(f"from {run.replica}, for somebody to put in its place: {run.text!r}")

wanza = Sequence("Wanza 2", office.state())  # her phone begins again, under a new name
assert wanza.text() == office.text()

# %% [markdown]
# A sentence for a person, and not a merge: that is the price of pruning without asking her.
#
# pycrdt does not ask anybody. It drops the deleted *letters* and keeps their names, in ranges; so nobody is ever
# locked out, and the state never gets quite small again. That is the better bargain for most products. To begin a new
# document each season is pruning, too, and easier to explain.

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **The season is synthetic**, its busy list is one choice of many, and nobody in it edits without having seen the
#   others' changes. Put in your own numbers before you quote a price.
# - **Bytes of payload, in JSON.** Packed bytes would make all of our states smaller. Each sync also pays for the
#   connection, which can outweigh the deltas of a quiet day; chapter 12 sends in batches for that reason.
# - **"Seen by all" is a promise of those who answered.** A version that is lost, or a phone that lies about what it
#   has seen, makes an unsafe pruning. To agree on it for sure is a matter for chapter 11.
# - **Our pruning forgets one thing.** Had Kioko deleted a letter that Mutheu typed after the agreed version, and she
#   not heard of it before she pruned, the letter would be back.
# - **Pruned is not erased.** The archive, backups and every old phone still have what was deleted.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("10-crdts-from-first-principles/04-what-it-costs")

# %% [markdown] spine="next"
# ## Next
#
# In the [lab](../../labs/10-crdts-from-first-principles/lab.ipynb) you build some of these types yourself, and checks
# attack them. Chapter 11 puts them into documents that officers share.
