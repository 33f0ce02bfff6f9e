# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Documents that several people edit
#     chapter: 11
#     device: phone-2gb
#     teach_minutes: 60
#     exercise_minutes: 10
#     objectives:
#       - Keep and pass on a document's history, and show what goes wrong when only its contents are passed on
#       - Read a state vector, send another phone exactly what it lacks, and lay out a register so that nothing is lost
#       - Choose how many edits share a transaction, from bytes and time as measured
#       - Refuse an update from outside before it changes anything
#     after: [10-crdts-from-first-principles/04-what-it-costs]
# ---

# %% [markdown] spine="insight"
# # Documents that several people edit
#
# **Key insight:** a shared document *is* its history. What you see on the screen is worked out from it. Keep and pass on the
# history; whoever passes on what they see makes everybody's work appear twice, or vanish.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 10 minutes, history and state vectors 15, the two traps 10, bad updates 10, measure 5,
# production 10.
#
# **Board sketch.** Two columns, "what I see" and "who wrote it when", for the same word on two phones. Ask which of the two
# a backup has to hold. Then let two learners type the same word in again, and merge.
#
# **Common mistakes.** Saving the contents because they are readable. Giving every phone the same client number "so that it is
# the same document". Taking a merge without an exception for a merge that is right. Believing that delete deletes.

# %% [markdown] spine="situation"
# ## The situation
#
# In chapter 10 you built counters, registers, sets and a text by hand. Nobody ships those: the types are right, and what
# surrounds them (encoding, gaps in the history, memory, speed) is years of work. The Yjs family is that work. Browsers
# run it in JavaScript; we call its Rust library through `pycrdt`.
#
# For farm kitui-03, Mutheu and Kioko share three things: the crop register, the list of what to bring on Saturday, and a
# page of notes. During the week neither has a link. They are invented.

# %% tags=["nbval-check-output"]
from pycrdt import Doc, Map, Text


def new_phone(number):
    """A document with three parts. The number tells the phones apart; we fix it so that results repeat."""
    doc = Doc(client_id=number)
    return doc, doc.get("plots", type=Map), doc.get("todo", type=Map), doc.get("notes", type=Text)


mutheu, plots, todo, notes = new_phone(1)
plots["north crop"] = "maize"
plots["north bags"] = 4
todo["twine"] = "open"
notes.insert(0, "Rain on Monday.")
print(sorted(plots.items()), dict(todo), str(notes), sep="\n")

# %% [markdown] spine="naive"
# ## Save what is on the screen
#
# The app has to keep this when it is closed, and Kioko's phone has to get it. JSON is what everybody knows:


# %% tags=["nbval-check-output"]
import json


def save(doc):
    parts = {"plots": Map, "todo": Map, "notes": Text}
    contents = {name: doc.get(name, type=kind).to_py() for name, kind in parts.items()}
    return json.dumps(contents, sort_keys=True)


def open_again(text, number):
    doc, plots, todo, notes = new_phone(number)
    contents = json.loads(text)
    plots.update(contents["plots"])
    todo.update(contents["todo"])
    notes.insert(0, contents["notes"])
    return doc


kioko = open_again(save(mutheu), number=2)
print(save(kioko) == save(mutheu))

# %% [markdown] spine="fails"
# ## It fails
#
# The same on both phones, readable, done. During the week Kioko adds a line, and Mutheu counts one more bag. On Saturday they
# meet and merge, as the library offers it.

# %% tags=["nbval-check-output"]
kioko.get("notes", type=Text).insert(15, " Wind on Tuesday.")
plots["north bags"] = 5


def meet(one, other):
    """Each gives the other all it has; a CRDT may be given things twice."""
    for_other, for_one = one.get_update(), other.get_update()
    other.apply_update(for_other)
    one.apply_update(for_one)


meet(mutheu, kioko)
print(save(mutheu) == save(kioko))
print(str(notes))
print("bags:", plots["north bags"])

# %% [markdown]
# They agree, and what they agree on is wrong. Monday's rain is there twice. Mutheu's fifth bag is gone. Nobody lost a
# message and nothing was merged wrongly: *opening the file typed everything in again*, on a phone with another number. To the
# library that was new work: a second sentence that happens to read like the first, and a second "4" that nobody wrote
# knowing of Mutheu's. It stands against her "5", and one of the two has to win.
#
# ![Two ways to pass on a note. Above, only the text is copied: Kioko's phone types it in again under his own number, and after the merge both pieces stand beside each other. Below, the history is copied: Kioko's phone has Mutheu's own letters, adds his, and the merge has each letter once.](figures/history-or-contents.svg)

# %% [markdown] spine="fix"
# ## The fix, in small steps
#
# ### Pass on the history
#
# A document writes out its history as an *update*: every change with its author's number and place. A file of those bytes
# is the document. Nobody types anything in.

# %% tags=["nbval-check-output"]
mutheu, plots, todo, notes = new_phone(1)
plots["north crop"], plots["north bags"], todo["twine"] = "maize", 4, "open"
notes.insert(0, "Rain on Monday.")

kioko, *_ = new_phone(2)
kioko.apply_update(mutheu.get_update())
kioko.get("notes", type=Text).insert(15, " Wind on Tuesday.")
plots["north bags"] = 5
meet(mutheu, kioko)
print(str(notes), "| bags:", plots["north bags"])

# %% [markdown]
# ### Send only what the other lacks
#
# Each phone numbers its changes. So what a phone has fits into a few numbers, its **state vector**: for each author, how many
# of that author's changes are here. The bytes are small integers, seven bits in each byte:


# %% tags=["nbval-check-output"]
def numbers(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def read_vector(data):
    _, *rest = numbers(data)  # first how many authors, then a pair for each
    return dict(zip(rest[::2], rest[1::2], strict=True))


print(mutheu.get_state(), read_vector(mutheu.get_state()))

# %% [markdown]
# Mutheu's four fields and fifteen letters, and Kioko's letters. Whoever knows this can send the rest and nothing else.

# %% tags=["nbval-check-output"]
with mutheu.transaction():
    for week in range(200):
        notes += f" Week {week}: dry."
kioko.apply_update(mutheu.get_update())
his_vector = kioko.get_state()  # Kioko leaves this with Mutheu

plots["north bags"] = 6
print(f"all there is: {len(mutheu.get_update()):,} bytes")
print(f"what Kioko lacks: {len(mutheu.get_update(his_vector))} bytes")
print(f"what Mutheu lacks of her own: {len(mutheu.get_update(mutheu.get_state()))} bytes")

# %% [markdown]
# Even "nothing" is a few bytes: the update always tells which changes were taken back, because a deletion has no number of
# its own and no state vector shows it.
#
# ### The same plot, begun twice
#
# Plots have fields, so it is natural to put a map for each plot into the map of plots. Both officers visit the new plot in the
# east, both offline, and each begins its entry:

# %% tags=["nbval-check-output"]
one, other = Doc(client_id=1), Doc(client_id=2)
for doc, fields in ((one, {"crop": "beans", "area": 0.5}), (other, {"condition": "healthy"})):
    doc.get("plots", type=Map)["east"] = Map(fields)
meet(one, other)
one.get("plots", type=Map).to_py()

# %% [markdown]
# All that Mutheu wrote has vanished. The key "east" held one map from each of them; a key holds one value, so one *map*
# won, with everything in it. No merging of fields ever began. The remedy is in the layout, not in the library: one flat map,
# with plot and field together as its key.

# %% tags=["nbval-check-output"]
one, other = Doc(client_id=1), Doc(client_id=2)
for doc, fields in ((one, {"crop": "beans", "area": 0.5}), (other, {"condition": "healthy"})):
    for field, value in fields.items():
        doc.get("plots", type=Map)[f"east/{field}"] = value
meet(one, other)
sorted(one.get("plots", type=Map).items())

# %% [markdown]
# ### A place in a text is not a place in its bytes
#
# The officers write Kikamba, and pycrdt counts places in bytes:

# %% tags=["nbval-check-output"]
doc = Doc(client_id=1)
note = doc.get("note", type=Text)
note.insert(0, "ũũ maize")
note.insert(3, "dry ")  # Python's place 3, before "maize"
print(str(note))

text = "ũũ maize"
again = Doc(client_id=1).get("note", type=Text)
again.insert(0, text)
again.insert(len(text[:3].encode()), "dry ")
print(str(again))

# %% [markdown]
# The first went astray without an error. Yjs in a browser counts in a third unit, UTF-16, so both programs are right by their
# own rule. Whoever stands between them converts.
#
# ### What comes in from outside
#
# An update is bytes from somebody else's phone. The library checks that it can read them. It cannot know what they are
# supposed to mean:

# %% tags=["nbval-check-output"]
stranger = Doc(client_id=9)
other_plots = stranger.get("plots", type=Map)
other_plots["north area"] = "large"
other_plots["north planted"] = "2062-01-01"
stranger.get("secrets", type=Text).insert(0, "hello")

kioko.apply_update(stranger.get_update() + b"junk")  # no complaint
print(sorted(kioko.get("plots", type=Map).items()), sorted(kioko.keys()))

# %% [markdown]
# Junk at the end, a word where a number belongs, maize planted in 2062, a part that no register has: all in. And there is no undo: a
# history only grows, and from here it spreads to every phone. So an update is tried on a copy first, looked at, and only
# then applied.


# %% tags=["nbval-check-output"]
def apply_if_good(doc, update, check):
    copy = Doc()
    copy.apply_update(doc.get_update())
    copy.apply_update(update)
    if wrong := check(copy):
        return f"refused: {wrong}"
    doc.apply_update(update)
    return "applied"


def check(doc):
    if extra := set(doc.keys()) - {"plots", "todo", "notes"}:
        return f"no such part: {extra}"
    for key, value in doc.get("plots", type=Map).to_py().items():
        if key.endswith("area") and not isinstance(value, float):
            return f"{key} is {value!r}"


clean, *_ = new_phone(3)
print(apply_if_good(clean, stranger.get_update(), check), clean.get_state())

# %% [markdown] spine="measure"
# ## Measure it: how many edits share a transaction
#
# Every transaction becomes one update on the wire. A synthetic typist makes twenty thousand edits in a note, with slips and jumps. How
# many of them should go together?

# %%
import random
import time


def typist(edits, seed=3):
    """(place, how many to delete, text): synthetic."""
    rng, length, at, made = random.Random(seed), 0, 0, []
    for _ in range(edits):
        if rng.random() < 0.02:
            at = rng.randrange(length + 1)
        slip = rng.random() < 0.12 and at > 0
        at += -1 if slip else 1
        length += -1 if slip else 1
        made.append((at, 1, "") if slip else (at - 1, 0, rng.choice("adehimnosu ")))
    return made


EDITS = typist(20_000)


# %%
def type_all(edits, together):
    """Bytes of all updates, seconds, and the bytes of the document in the end."""
    doc, sizes = Doc(client_id=1), []
    text = doc.get("notes", type=Text)
    doc.observe(lambda event: sizes.append(len(event.update)))
    began = time.perf_counter()
    for start in range(0, len(edits), together):
        with doc.transaction():
            for at, deleted, typed in edits[start : start + together]:
                if deleted:
                    del text[at : at + deleted]
                else:
                    text.insert(at, typed)
    return sum(sizes), time.perf_counter() - began, len(doc.get_update())


# %%
TOGETHER = (1, 10, 100, 1_000, len(EDITS))
measured = {together: type_all(EDITS, together) for together in TOGETHER}
print("edits together   bytes on the wire   seconds   document in the end")
for together, (wire, seconds, document) in measured.items():
    print(f"{together:>14,}{wire:>20,}{seconds:>10.2f}{document:>22,}")
print(f"a hundred together send {measured[1][0] / measured[100][0]:.0f} times less than one by one")
print("all in one transaction took the longest:", max(TOGETHER, key=lambda n: measured[n][1]) == len(EDITS))

# %% [markdown]
# The document in the end is the same size whatever we do; only the way there differs. One by one, every letter travels with its
# author, number and neighbours. All in one, the library looks for places among changes that it has not yet put in
# order, and the longer the transaction, the slower each edit.

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.sync.documents` puts three views on one document: `CropRegister`, `TodoList` and `SharedText`. They share one
# history, one state vector, one update.

# %%
from datetime import date

from offlinefirst.sync.documents import CropRegister, SharedText, TodoList

TODAY = date(2026, 4, 1)


def open_farm(officer, number, farm="kitui-03"):
    register = CropRegister(farm=farm, officer=officer, client_id=number, today=lambda: TODAY)
    return register, TodoList.beside(register), SharedText.beside(register)


# %% tags=["nbval-check-output"]
register, todo, notes = open_farm("Mutheu", 1)
with register.batch():
    register.set("east", "crop", "beans")
    register.set("east", "planted", date(2026, 3, 14))
    register.add_bags("east", 4)
    notes.insert(0, "ũũ maize")
notes.insert(3, "dry ")
todo.add("twine")
print(register.plot("east"), notes, [item.text for item in todo.items()], sep="\n")

# %% tags=["nbval-check-output"]
kiokos, his_todo, his_notes = open_farm("Kioko", 2)
kiokos.set("east", "condition", "healthy")
kiokos.add_bags("east", 3)
his_todo.add("twine")

for_kioko = register.update_since(kiokos.state_vector())
for_mutheu = kiokos.update_since(register.state_vector())
kiokos.apply(for_kioko)
register.apply(for_mutheu)
print(register.plots() == kiokos.plots(), register.plot("east").bags, "bags", register.clocks())
print([(item.text, item.by) for item in todo.items()])
print("crop by", register.who("east", "crop"), "| bags by", register.who("east", "bags"))

# %% [markdown]
# Bags add up because each phone counts under a key of its own, as in chapter 10's counters. There are two items "twine", each
# with its phone's number in its key: whoever ticks one off does not tick the other. Each phone also writes down once
# which officer its number is, so the document can say who wrote what. And its edits in a batch share transactions, a
# hundred each.
#
# Then bad updates. Each of these was made for the purpose; a refusal has a reason, and changes nothing.

# %%
import textwrap

from offlinefirst.sync.documents import RefusedUpdateError

good = register.update_since()
other_farm, *_ = open_farm("Wanza", 5, farm="kitui-04")
other_farm.set("east", "crop", "sorghum")
clock_ahead = CropRegister(farm="kitui-03", officer="Wanza", client_id=6, today=lambda: date(2062, 1, 1))
clock_ahead.set("east", "planted", date(2062, 1, 1))
large = Doc(client_id=7)
large.get("kitui-03/plots", type=Map)["east/area_ha"] = "large"
part, *_ = open_farm("Wanza", 8)
part.set("west", "crop", "peas")
known = part.state_vector()
part.set("west", "crop", "beans")

# %% tags=["nbval-check-output"]
BAD = {"truncated": good[:-5], "junk behind it": good + b"junk", "enormous": bytes(9_000_000)}
BAD |= {"another farm": other_farm.update_since(), "from the future": clock_ahead.update_since()}
BAD |= {"wrong schema": large.get_update(), "a part without its beginning": part.update_since(known)}
before = kiokos.update_since()
for name, update in BAD.items():
    try:
        kiokos.apply(update)
        print(name, "WAS APPLIED")
    except RefusedUpdateError as error:
        reason = textwrap.fill(f"{type(error).__name__}: {error}", 100, subsequent_indent=" " * 30)
        print(f"{name:<30}{reason}")
print("unchanged:", kiokos.update_since() == before)

# %% [markdown]
# What does trying every update on a copy cost? The copy is kept and not made anew each time. For the short edits of a day:

# %%
day, *_ = open_farm("Mutheu", 1)
updates = []
day.subscribe(updates.append)
for number in range(1_000):
    day.set(f"plot-{number % 50}", "note", f"visit {number}")


def seconds_for(apply):
    began = time.perf_counter()
    for update in updates:
        apply(update)
    return time.perf_counter() - began


bare_s, checked_s = seconds_for(Doc().apply_update), seconds_for(open_farm("Kioko", 2)[0].apply)
print(f"{len(updates):,} updates: pycrdt {1e6 * bare_s / len(updates):.0f} microseconds each,", end=" ")
print(f"with checks {1e6 * checked_s / len(updates):.0f}, which is {checked_s / bare_s:.0f} times as much")

# %% [markdown]
# That is the price for others' updates, one by one; own edits go a short way, and what another phone did in a week apart comes in
# one update and costs it once.
#
# ### Deleting, and what it does not delete

# %% tags=["nbval-check-output"]
register.set("east", "note", "the farmer is ill")
sent_before = register.update_since()
register.set("east", "note", "-")
print("in what this phone would send now:", b"the farmer is ill" in register.update_since())
print("in what it sent before:           ", b"the farmer is ill" in sent_before)
for entry in register.history():
    if entry.key == "east/note":
        print(f"change {entry.clock} of {entry.officer}: {entry.value!r}, stands: {entry.stands}")

# %% [markdown]
# This copy forgot the words, and only them: that Mutheu wrote a note there, as her change number so-and-so, stays for ever,
# because others may build on it. Every phone that has not heard of the change still has the words, and so have bundles on
# USB sticks, the hub's log until it is compacted, and backups. What must not spread must not be written into a shared document.
#
# ### Beside its peers
#
# `benchmarks/crdt.py` replays a long editing trace through `SharedText` and through plain pycrdt with the same batches, and
# lets Yjs in Node read the result. It takes a while; these are the figures it wrote when it was last run.

# %%
from offlinefirst.course.lessons import course_root

path = course_root() / "benchmarks/results/crdt.json"
report = json.loads(path.read_text()) if path.exists() else {"metrics": {}}
WORDS = {"overhead_vs_pycrdt": "time, as a multiple of plain pycrdt's with the same batches"}
WORDS |= {"update_bytes_vs_unbatched": "bytes on the wire, as a part of those without batches"}
WORDS |= {"yjs_same_text": "Yjs in Node reads the same text (1 is yes)"}
for name, words in WORDS.items():
    value = report["metrics"].get(name)
    print(f"{words:<62}{'not measured yet' if value is None else f'{value:.3g}'}")

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **Agreement is not truth.** Two officers who write different crops into one field get one of the two, the same on both
#   phones. The [next but one notebook](03-officers-in-the-field.ipynb) shows which, and the last one what to do about it.
# - **Dates are judged by the phone's own clock.** A phone whose clock is a month behind refuses good updates until it is set
#   right. It says so, and nothing is lost: what it refused comes again.
# - **An author's name is a claim.** Nobody can write in *this* document's own number, but a phone that lies to everybody
#   from the start is believed. Signed bundles say who brought an update.
# - **A history grows.** This register takes eight megabytes and then asks for a new season's document. Ours has no way of
#   cutting off an old history that some phone might still build upon.
# - **The typist is synthetic**, and the times are this machine's. Take the ratios.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("11-collaborating-with-crdts/01-documents")

# %% [markdown] spine="next"
# ## Next
#
# The bytes are in hand; how do they get from phone to phone? [Over a hub, from hand to hand, or on a USB
# stick](02-three-topologies.ipynb), for the same week.
