# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Text that two people type
#     chapter: 10
#     device: phone-2gb
#     teach_minutes: 60
#     exercise_minutes: 10
#     objectives:
#       - Show how places, last-write-wins and three-way merges each spoil a note that two people edit offline
#       - Build a text whose merge is the union of two sets, and say why every phone then shows the same
#       - Explain interleaving, and place a character so that what was typed in one go stays in one piece
#       - Choose a library for text, and count positions in the unit that it counts in
#     after: [10-crdts-from-first-principles/02-counters-registers-sets]
# ---

# %% [markdown] spine="insight"
# # Text that two people type
#
# **Key insight:** a place in a text is not a number. Say which character you typed *after*, by its name, and a text
# can be put together from its pieces in any order.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and the three failures 20 minutes, fractions 8, the tree 15, deleting 5, measure 7, production
# 5.
#
# **Board sketch.** Write "maize is dry" with a box for each letter. Two learners come to the board, each with a card
# of letters to put in, and may not look at each other's. Then let a third, who was outside, apply their instructions
# in either order. Next round they may write "after *this* box" instead of a number.
#
# **Common mistakes.** Thinking that the tie-break by name is the hard part: any rule that all phones share will do.
# Believing that a fraction is a name: it says where, not after whom. Deleting for real what others may build on.
# Expecting a merged sentence to make sense.

# %% [markdown] spine="situation"
# ## The situation
#
# The register has a note for each plot, in plain words, and notes are where officers put what no field asks for. On
# Monday Mutheu and Kioko both have this one on their phones. By evening both have added to it, neither with a link.
# The officers and the note are invented.

# %% [markdown] spine="naive"
# ## The edit that everybody sends first
#
# An editor knows where the cursor is. So an edit is a place, a number of characters to delete, and characters to put
# in. Each phone applies its own edits, and then the other's when they come.

# %% tags=["nbval-check-output"]
MONDAY = "Maize knee high. Leaves rusty."

mutheus = [(17, 0, "Lower ")]  # at place 17, delete 0 characters, put in "Lower "
kiokos = [(0, 0, "North side: ")]


def apply(text, edits):
    for place, deleted, typed in edits:
        text = text[:place] + typed + text[place + deleted :]
    return text


print("Mutheu wrote ", apply(MONDAY, mutheus))
print("Kioko wrote  ", apply(MONDAY, kiokos))

# %% [markdown] spine="fails"
# ## It fails
#
# In the evening they meet. Beside it, what last-write-wins would make of the two notes:

# %% tags=["nbval-check-output"]
on_mutheus_phone = apply(apply(MONDAY, mutheus), kiokos)
on_kiokos_phone = apply(apply(MONDAY, kiokos), mutheus)
print("on Mutheu's  ", on_mutheus_phone)
print("on Kioko's   ", on_kiokos_phone)

stamped = [("18:02", apply(MONDAY, mutheus)), ("18:05", apply(MONDAY, kiokos))]
print("the last wins", max(stamped)[1])
assert on_mutheus_phone != on_kiokos_phone

# %% [markdown]
# Two phones, two texts. Mutheu's is right by luck: what came to her stood before everything. On Kioko's, place 17 is
# somewhere else, because the text had grown at the front. And the two will not come together again: every further
# edit is applied to a different text.
#
# Last-write-wins at least ends with one text. It is one of the two, whole, and Mutheu's work is gone.
#
# ### A merge with three texts
#
# Programmers have merged text for decades: compare both versions with the last one that both had, and take over both
# sets of changes. `difflib` finds the changes; where both touched the same place, somebody has to choose.

# %%
from difflib import SequenceMatcher


def changes(old, new):
    matcher = SequenceMatcher(None, old.split(" "), new.split(" "), autojunk=False)
    return [(a, b, new.split(" ")[c:d]) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal"]


def three_way(old, one, other, ask=True):
    words, mine, yours = old.split(" "), changes(old, one), changes(old, other)
    if ask and any(a <= d and c <= b for a, b, _ in mine for c, d, _ in yours):
        return "CONFLICT: both changed the same place, somebody has to choose"
    for a, b, new in sorted(mine + yours, reverse=True):  # from the end, so that no place moves
        words[a:b] = new
    return " ".join(words)


# %% tags=["nbval-check-output"]
print("one place each: ", three_way(MONDAY, "Maize waist high. Leaves rusty.", MONDAY + " Sprayed."))
print("both at the end:", three_way(MONDAY, MONDAY + " Sprayed.", MONDAY + " Aphids."))

mutheu = "Sprayed. " + MONDAY
kioko = "Sprayed. " + MONDAY + " Aphids."  # he has hers through Wanza
print("both, unasked:  ", three_way(MONDAY, mutheu, kioko, ask=False))

# %% [markdown]
# The first is right. In the second both added at the end, which is where people add, and there is nobody in the
# field to choose.
#
# In the third the merge takes both without asking. Which text did both have *last*? With a server that is known.
# Phones that meet in pairs have it from here and there: Wanza carried Mutheu's note to Kioko, and later Mutheu meets
# Kioko, with Monday's text as the last one that she knows to be common.
#
# *Sprayed* twice: on a plot that may be sprayed once. The merge cannot tell "both typed it" from "one typed it and it
# came by two ways", because the letters that were typed have no names.

# %% [markdown] spine="fix"
# ## The fix, in four steps
#
# **Step 1: a place that does not move.** Give each character a fraction between its neighbours' when it is typed.
# Nothing ever moves, so the text is a *set* of (fraction, who, letter), read in order; and sets can be merged by
# union, in any order, as often as one likes. The name is there for ties.


# %% tags=["nbval-check-output"]
def shared(text):
    return {((place + 1) / (len(text) + 1), "office"): letter for place, letter in enumerate(text)}


def type_at(chars, who, index, letter):
    """`index` characters stand before the new one."""
    order = sorted(chars)
    low = order[index - 1][0] if index else 0.0
    high = order[index][0] if index < len(order) else 1.0
    return chars | {((low + high) / 2, who): letter}


def text_of(chars):
    return "".join(chars[key] for key in sorted(chars))


# %% tags=["nbval-check-output"]
def type_words(chars, who, index, words, type_one=type_at):
    for number, letter in enumerate(words):
        chars = type_one(chars, who, index + number, letter)
    return chars


note = shared(MONDAY)
mutheu = type_words(note, "Mutheu", 17, "Lower ")
kioko = type_words(note, "Kioko", 0, "North side: ")
assert text_of(mutheu | kioko) == text_of(kioko | mutheu)
print(text_of(mutheu | kioko))

# %% [markdown]
# Both edits, where they were meant, the same on every phone. It is tempting to stop here. Now let both type at the
# *same* place, the end; and then one of them a longer sentence:

# %% tags=["nbval-check-output"]
mutheu = type_words(note, "Mutheu", 30, " Sprayed.")
kioko = type_words(note, "Kioko", 30, " Aphids!!")
print(text_of(mutheu | kioko))

sentence = " Sprayed with neem on the lower rows, the upper ones tomorrow."
alone = text_of(type_words(note, "Mutheu", 17, sentence))
wrong = next(number for number, letter in enumerate(sentence) if alone[17 + number] != letter)
print(alone)
print(f"letter {wrong + 1} of {len(sentence)} is the first in the wrong place")

# %% [markdown]
# Letter by letter, like a zip. Both halve the same gaps, so their letters get the same fractions, and the tie-break
# shuffles them. No update was lost, all phones agree, and nobody can read it. This is called **interleaving**. It
# needs no bad luck: two people, one place, no link.
#
# For the second fault one phone is enough: Mutheu types a long sentence, alone, and its end lands in the next word.
# Halving a gap takes one bit for each letter, a float has 53 of them, and then two characters stand at one place.
# Exact fractions would go on, growing with every letter. But no number cures the zip: a number says *where*, and
# where is the same for both.
#
# **Step 2: name what you typed after.** Each character gets a name that no other will ever have: a count, and who
# typed it. It remembers its *parent*, the character that it was typed after. That is a tree, and reading it from the
# top gives the text: a character, then what was typed after it, the newest first, because who types right after a
# letter wants to see it there. The merge is still a union.

# %%
ROOT = (0, "")  # stands before the text; the left side is for step 3


def order_of(chars, at=ROOT):
    """Names in the order of the text; chars are {name: (parent, side, letter)}."""

    def hanging(side):
        return sorted((name for name, one in chars.items() if one[:2] == (at, side)), reverse=True)

    for name in hanging("left"):
        yield from order_of(chars, name)
    yield at
    for name in hanging("right"):
        yield from order_of(chars, name)


# %% tags=["nbval-check-output"]
def tree_text(chars, gone=frozenset()):
    return "".join(chars[name][2] for name in order_of(chars) if name != ROOT and name not in gone)


def next_name(chars, who):
    return 1 + max((count for count, _ in chars), default=0), who


def type_after(chars, who, index, letter):
    parent = list(order_of(chars))[index]  # number 0 is the root
    return chars | {next_name(chars, who): (parent, "right", letter)}


note = type_words({}, "office", 0, "Leaves rusty.", type_after)
mutheu = type_words(note, "Mutheu", 13, " Sprayed.", type_after)
kioko = type_words(note, "Kioko", 13, " Aphids!!", type_after)
both = mutheu | kioko
assert tree_text(both) == tree_text(kioko | mutheu) == tree_text(both | mutheu)
print(tree_text(both))

# %% [markdown]
# Each letter hangs on the one before it, so a sentence is one branch, and branches are read one after the other.
# Whose comes first is for the names to say. It is the same on every phone, and nobody minds.
#
# But not everybody types forwards. A visit log has the newest line on top, so officers type above what they typed
# last. Three lines each:

# %% tags=["nbval-check-output"]
log = type_words({}, "office", 0, "log\n", type_after)


def add_on_top(chars, who, lines, type_one):
    for line in lines:
        chars = type_words(chars, who, 4, line + "\n", type_one)
    return chars


lines = {"Mutheu": ["mon rust", "tue sprayed", "wed dry"], "Kioko": ["MON APHIDS", "TUE NONE", "WED WEEDED"]}
phones = [add_on_top(log, who, lines[who], type_after) for who in lines]
print(tree_text(phones[0] | phones[1]))

# %% [markdown]
# Line by line, the officers' days are mixed: every first letter of a line hangs on the same parent, the end of "log".
# Forwards runs stay together, backwards ones do not.
#
# **Step 3: left or right.** Whoever types before a character that hangs there already means *before that one*. So:
# hang the new character to the right of the one before it; but if something hangs there already, hang it to the
# **left** of the one that follows.
#
# ![A tree of letters. From the root hangs d, right of it r, right of it y: the word dry. Right of y hang two branches: Kioko's comma and the word wet, and Mutheu's exclamation mark, which has the letters s, o hanging to its left because she typed them before it. Read from left to right each branch is in one piece.](figures/text-tree.svg)


# %% tags=["nbval-check-output"]
def type_beside(chars, who, index, letter, gone=frozenset()):
    order = list(order_of(chars))
    parent = [name for name in order if name not in gone][index]
    side = "right"
    if any(one[:2] == (parent, "right") for one in chars.values()):
        parent, side = order[order.index(parent) + 1], "left"
    return chars | {next_name(chars, who): (parent, side, letter)}


phones = [add_on_top(log, who, lines[who], type_beside) for who in lines]
assert tree_text(phones[0] | phones[1]) == tree_text(phones[1] | phones[0])
print(tree_text(phones[0] | phones[1]))

# %% [markdown]
# Now each officer's days are one branch, whichever way they grew. This rule is called *Fugue*, after the music in
# which voices do not get in each other's way.
#
# **Step 4: the dead stay where they are.** Kioko deletes "rusty". If his phone takes the letters out of the set, two
# things can happen. The union brings them back; or, if the deletion travels, whatever hung on them falls out of the
# tree. The third line is the way out:

# %% tags=["nbval-check-output"]
note = type_words({}, "office", 0, "Leaves rusty.", type_beside)
mutheu = type_words(note, "Mutheu", 12, ", lower rows only", type_beside)
rusty = set(list(order_of(note))[8:13])

without = {name: one for name, one in note.items() if name not in rusty}
print("union:        ", tree_text(mutheu | without))
print("taken out:    ", tree_text({name: one for name, one in mutheu.items() if name not in rusty}))
print("tombstones:   ", tree_text(mutheu, gone=rusty))

# %% [markdown]
# A deleted character stays in the tree, unread: a **tombstone**. What was deleted is a second set that only grows,
# and its merge is a union, too.
#
# That is the whole algorithm: two sets that only grow. A union does not care about order, nor about doubles, and what
# comes before its parent is in the set and shows as soon as the parent is there. *All phones that have seen the same
# characters show the same text*, and not by good luck: the text is a function of the two sets.

# %% [markdown] spine="measure"
# ## Measured
#
# Examples can be chosen. So we let two officers type a word at one random place of a note, each forwards or
# backwards, three hundred times, with each of the three rules. A word that ends in more than one piece was
# interleaved.

# %%
import random


def pieces(text, letters):
    """In how many pieces the letters stand."""
    return sum(a in letters and b not in letters for a, b in zip(text, text[1:] + " ", strict=True))


def one_history(rng, type_one, read, note):
    place, written = rng.randrange(len("Leaves rusty.")), []
    for who, word in (("Mutheu", "SPRAYED"), ("Kioko", "012345")):
        chars, forwards = dict(note), rng.random() < 0.5
        for number, letter in enumerate(word):
            chars = type_one(chars, who, place + number * forwards, letter)
        written.append(chars)
    merged = written[0] | written[1]
    text = read(merged)
    return text == read(written[1] | written[0]), max(pieces(text, "SPRAYED"), pieces(text, "012345"))


# %% tags=["nbval-check-output"]
FLAT, TREE = shared("Leaves rusty."), type_words({}, "office", 0, "Leaves rusty.", type_beside)
RULES = {"a fraction": (type_at, text_of, FLAT), "typed after": (type_after, tree_text, TREE)}
RULES["after or before"] = (type_beside, tree_text, TREE)

measured = {}
for name, (type_one, read, note) in RULES.items():
    rng = random.Random(3)
    measured[name] = [one_history(rng, type_one, read, note) for _ in range(300)]
    same = sum(agree for agree, _ in measured[name])
    whole = sum(most == 1 for _, most in measured[name])
    print(f"{name:<16} phones agree {same / 300:4.0%}   both words in one piece {whole / 300:4.0%}")

# %% tags=["long"]
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(8, 2.6), layout="constrained")
for row, found in enumerate(measured.values()):
    left = 0
    for most, colour in ((1, "#009E73"), (2, "#F0E442"), (3, "#E69F00"), (99, "#D55E00")):
        count = sum(low < m <= most for low in [most - 1 if most < 99 else 3] for _, m in found)
        axis.barh(row, count, left=left, color=colour, edgecolor="black", height=0.6)
        if count > 15:
            told = f"{most} piece{'s' * (most > 1)}" if most < 99 else "4 or more pieces"
            axis.text(left + count / 2, row, told, ha="center", va="center", fontsize=9)
        left += count
axis.set_yticks(range(3), measured)
axis.invert_yaxis()
axis.set(
    xlabel="histories (synthetic)",
    xlim=(0, 300),
    title="Two words typed at one place: in how many pieces the worse of them ends",
)
plt.close(figure)
figure

# %% [markdown]
# All three rules *converge*, always. Convergence is the easy half. It is what the word "conflict-free" promises, and
# the zip above had it. "Typed after" tears a word when somebody types it backwards; only the third rule never does.

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.sync.sequence` is the tree of step 3, kept as a list so that it is not walked anew for each letter. What
# its further lines buy: edits leave as small **deltas**; what comes early waits; a
# phone says what it has seen and gets the rest; half a message, an impossible one, and a second phone with the same
# name are refused. Of two branches at one place it reads the lesser name's first, where ours above reads the newest
# first: any rule will do that all phones share.

# %% tags=["nbval-check-output"]
from offlinefirst.sync.sequence import Delta, Sequence

mutheu, kioko = Sequence("Mutheu"), Sequence("Kioko")
kioko.merge(mutheu.insert(0, MONDAY))

deltas = [mutheu.insert(30, " Sprayed."), mutheu.insert(17, "Lower ")]
kioko.insert(30, " Aphids!!")
for delta in [*reversed(deltas), *deltas]:  # in the wrong order, and twice
    kioko.merge(delta)
mutheu.merge(kioko.since(mutheu.version))
assert mutheu.text() == kioko.text()
print(mutheu.text())
print(deltas[1].to_json())

# %%
from offlinefirst.sync.errors import SyncError

copy = Sequence("Mutheu")  # her old phone, found again, with Monday's text
copy.merge(Delta(runs=(mutheu.state().runs[0],)))
for what in (
    deltas[0].to_json()[:-9],
    deltas[0].to_json().replace('"Mutheu",30', '"Mutheu",-3'),
    copy.insert(0, "X"),
):
    try:
        kioko.merge(what if isinstance(what, Delta) else Delta.from_json(what))
    except SyncError as error:
        print(f"{type(error).__name__}: {error}")

# %% [markdown]
# ### What a product should use
#
# Ours is for reading, and every edit walks the whole text. For a product there is **pycrdt**: Python's door to Yrs,
# which is the JavaScript library Yjs written anew in Rust. Its rule for typing is another one of the same family
# (YATA). The same history:

# %% tags=["nbval-check-output"]
from pycrdt import Doc, Text

docs = [Doc(client_id=1), Doc(client_id=2)]
texts = [doc.get("note", type=Text) for doc in docs]
texts[0].insert(0, MONDAY)
docs[1].apply_update(docs[0].get_update())
texts[0].insert(30, " Sprayed.")
texts[0].insert(17, "Lower ")
texts[1].insert(30, " Aphids!!")
docs[0].apply_update(docs[1].get_update(docs[0].get_state()))
print(texts[0])
assert sorted(str(texts[0])) == sorted(mutheu.text())

# %% [markdown]
# The same characters, each sentence in one piece; which of the two comes first is decided by another rule, and need
# not agree with ours.
#
# One trap is waiting for anybody who writes more than English. **What is a place counted in?**

# %% tags=["nbval-check-output"]
for words in ("nyanya mbivu", "Mũtheũ", "nyanya 🍅 mbivu"):
    text = Doc().get("note", type=Text)
    text += words
    utf16 = len(words.encode("utf-16-le")) // 2
    print(
        f"{words:<16} Python {len(words):>2}   pycrdt {len(text):>2} (UTF-8)   Yjs in a browser {utf16:>2} (UTF-16)"
    )

name = Doc().get("note", type=Text)
name += "Mũtheũ"
name.insert(2, "-")  # after the second letter, one should think
print("told a place in characters:", name, "instead of Mũ-theũ")

# %% [markdown]
# `ũ` is two bytes, so place 2 is in the middle of it. There is no error: the text is just not what was typed, on
# every phone. English notes pass all tests, and Kikamba, French and every emoji break. The course's own `SharedText`,
# over pycrdt, counts characters as Python does:

# %% tags=["nbval-check-output"]
from offlinefirst.sync.documents import SharedText

note = SharedText(farm="mbooni-3", officer="Mutheu")
note.insert(0, "Mũtheũ")
note.insert(2, "-")
print(note.text(), len(note))

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **The dead are not gone.** What Kioko deleted is still in every copy, and can be read there. [The next
#   notebook](04-what-it-costs.ipynb) counts what it costs, and chapter 11 asks what it means for privacy.
# - **A name must be a name.** Two phones under one name, or one that was restored from an old backup, spoil every
#   copy that does not notice. Ours notices, afterwards.
# - **Plain text only.** Bold type, moved paragraphs and tables need more rules.
# - **Rare histories.** Fugue's authors describe some in which this simple form still splits a run, and a second form
#   of it that does not.
# - **A merged text need not make sense.** Below, both officers correct the height. All letters are kept, all phones
#   agree, and the plot has two heights. What must have *one* value belongs in a field with a register ([the last
#   notebook](02-counters-registers-sets.ipynb)), not in a note.

# %% tags=["nbval-check-output"]
mutheu, kioko = Sequence("Mutheu"), Sequence("Kioko")
kioko.merge(mutheu.insert(0, "Maize knee high."))
for phone, height in ((mutheu, "waist"), (kioko, "hip")):
    phone.delete(6, 4)
    phone.insert(6, height)
mutheu.merge(kioko)
print(mutheu.text())

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("10-crdts-from-first-principles/03-text")

# %% [markdown] spine="next"
# ## Next
#
# [What it costs](04-what-it-costs.ipynb): names, tombstones and histories have to be stored and sent, on a phone that
# pays by the megabyte.
