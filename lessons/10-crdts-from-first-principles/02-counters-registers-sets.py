# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Counters, registers, sets
#     chapter: 10
#     device: phone-2gb
#     teach_minutes: 65
#     exercise_minutes: 10
#     objectives:
#       - Show how a sum, a maximum and a list each go wrong when copies are merged twice or out of order
#       - Build a counter, two registers and a set that survive it, in a few lines each
#       - Check by brute force that a merge is commutative, associative and idempotent
#       - Choose a type for each field of a form by what it loses
#     after: [10-crdts-from-first-principles/01-time-you-cannot-trust]
#     claims: [crdt-guarantee]
# ---

# %% [markdown] spine="insight"
# # Counters, registers, sets
#
# **Key insight:** give every writer a place of their own, let every edit only go up, and let merging take the
# larger of two. Then it does not matter who tells whom, in which order, or how often.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Tally 15 minutes, laws 10, registers 10, sets 20, which type for which field 10.
#
# **Board sketch.** The tally first, with coins: three learners hold 12, 5 and 8 and exchange slips of paper. Let
# the room invent merge rules until somebody writes three numbers on one slip. For sets, draw dots beside names and
# cross nothing out.
#
# **Common mistakes.** "Merge adds the changes": true if each change arrives exactly once, which no link promises.
# Taking idempotence for a detail. Thinking that a tombstone is about space only: it also forbids coming back.
# Believing that a CRDT resolves a conflict; it makes every copy show the same one.

# %% [markdown] spine="situation"
# ## The situation
#
# The ward has a seed store, and the officers take bags of harvested maize in at three collection points: Mutheu 12
# bags, Kioko 5, Wanza 8. Everybody's phone shows the total. Phones exchange what they know when they meet: on the
# road, over a USB stick that goes round, twice in a row because somebody was not sure that it worked. People and
# bags are invented.

# %% tags=["nbval-check-output"]
import random

BAGS = {"Mutheu": 12, "Kioko": 5, "Wanza": 8}
MEETINGS = [("Mutheu", "Kioko"), ("Kioko", "Wanza"), ("Kioko", "Wanza")]
MEETINGS += [("Wanza", "Mutheu"), ("Mutheu", "Kioko")]
print(f"really {sum(BAGS.values())} bags; {len(MEETINGS)} meetings, one of them twice")


def after_meetings(states, merge, meetings):
    """What every phone knows after these meetings; two that meet know the same."""
    states = dict(states)
    for one, other in meetings:
        states[one] = states[other] = merge(states[one], states[other])
    return states


# %% [markdown] spine="naive"
# ## The total is a number, so add
#
# Two rules come to mind. Add what the other brings; or take the larger total, so that nothing is counted twice.

# %% [markdown] spine="fails"
# ## Both fail

# %% tags=["nbval-check-output"]
print("add:   ", after_meetings(BAGS, lambda mine, yours: mine + yours, MEETINGS))
print("larger:", after_meetings(BAGS, max, MEETINGS))

# %% [markdown] spine="fix"
# Adding counts Kioko's bags each time he passes by. The larger total forgets everybody but one. And no cleverer
# rule exists: from the two numbers 17 and 13 nobody can tell whether Kioko's five are in both. A total does not say
# what it is the total *of*.
#
# ## The fix: a place for each writer
#
# So keep what it is the total of. Only Mutheu writes Mutheu's number, and it only grows, so of two copies of it the
# larger is the later. This is the **grow-only counter**.


# %% tags=["nbval-check-output"]
def larger_of_each(mine, yours):
    return {name: max(mine.get(name, 0), yours.get(name, 0)) for name in sorted({*mine, *yours})}


places = {name: {name: bags} for name, bags in BAGS.items()}
for name, known in after_meetings(places, larger_of_each, MEETINGS).items():
    print(f"{name:<7} {sum(known.values())}  {known}")

# %% [markdown]
# ### Three laws, checked by brute force
#
# A merge may be used with any link, in any order, with any repeats, if it is **commutative** (who starts does not
# matter), **associative** (neither does who met whom first) and **idempotent** (telling twice is telling once). For
# small states one can simply try everything: all states of two officers with up to two bags each, all pairs, all
# triples.


# %% tags=["nbval-check-output"]
from itertools import product


def laws(merge, states):
    """Which of the three laws hold for all of these states."""
    triples = product(states, repeat=3)
    return {
        "commutative": all(merge(a, b) == merge(b, a) for a, b in product(states, repeat=2)),
        "associative": all(merge(merge(a, b), c) == merge(a, merge(b, c)) for a, b, c in triples),
        "idempotent": all(merge(a, a) == a for a in states),
    }


pairs = [{"Mutheu": m, "Kioko": k} for m, k in product(range(3), repeat=2)]
RULES = {"add": (lambda a, b: a + b, range(5)), "average": (lambda a, b: (a + b) / 2, range(5))}
RULES |= {"newest copy": (lambda a, b: b, range(5)), "larger total": (max, range(5))}
RULES |= {"larger of each": (larger_of_each, pairs)}
for name, (merge, states) in RULES.items():
    found = laws(merge, states)
    print(f"{name:<16}" + "  ".join(f"{law} {'yes' if holds else 'NO '}" for law, holds in found.items()))

# %% [markdown]
# "Larger total" keeps all three laws and is still wrong. The laws say that copies *agree*, not on what. Two things
# about edits have to be added: the state must **hold every edit**, which a total does not, and an **edit must go
# up** in the order that the merge climbs, or the next merge takes it back.
#
# ![States of two officers as points in a grid that widens upwards. From nothing at the bottom one step up leads to Mutheu 1 or Kioko 1, two steps to Mutheu 1 with Kioko 1, or Mutheu 2. Two phones that stand at Mutheu 2 and at Mutheu 1 with Kioko 1 both climb to Mutheu 2 with Kioko 1, the lowest point above both.](figures/merge-goes-up.svg)
#
# ### Counting down
#
# Mutheu gives 5 of her bags to a school. Her place goes from 12 to 7, which is *down*, and the next meeting brings
# it back:

# %% tags=["nbval-check-output"]
gave_away = {"Mutheu": 7}
old_copy_at_kiokos = {"Mutheu": 12, "Kioko": 5}
larger_of_each(gave_away, old_copy_at_kiokos)

# %% [markdown]
# The bags are back from the school. The mend: two places each, one for what came in and one for what went out. Both
# only grow. This is the **PN-counter**, for positive and negative.


# %% tags=["nbval-check-output"]
def merge_both(mine, yours):
    return tuple(larger_of_each(a, b) for a, b in zip(mine, yours, strict=True))


mutheus = ({"Mutheu": 12}, {"Mutheu": 5})  # came, went
kiokos = ({"Mutheu": 12, "Kioko": 5}, {})
came, went = (sum(places.values()) for places in merge_both(mutheus, kiokos))
print(f"{came} came, {went} went, {came - went} are there")

# %% [markdown]
# ## One value: registers
#
# The condition of a plot is one value, and writing replaces it. The **last-write-wins register** is the larger of
# two (stamp, value) pairs, with a stamp from [the last notebook](01-time-you-cannot-trust.ipynb). One detail
# decides whether it is a merge at all. Here are two writes in the same millisecond, with stamps that do not name
# their phone:


# %% tags=["nbval-check-output"]
def keep_mine_on_a_tie(mine, yours):
    return yours if yours[0] > mine[0] else mine


def larger_pair(mine, yours):
    return max(mine, yours)


writes = [(1000, "armyworm"), (1000, "healthy"), (900, "sprayed")]
print("at Mutheu's:", keep_mine_on_a_tie(*writes[:2]), "  at Kioko's:", keep_mine_on_a_tie(*writes[1::-1]))
for merge in (keep_mine_on_a_tie, larger_pair):
    print(f"{merge.__name__:<19}", laws(merge, writes))

# %% [markdown]
# Each keeps its own, at this meeting and at every later one: the copies differ for ever. Breaking the tie by
# *anything that both sides see* mends it. That is what the name in a stamp is for.
#
# The **multi-value register** does not choose. A write carries the vector of what its author had seen, and stands
# until a write that saw it replaces it.


# %% tags=["nbval-check-output"]
def seen_by(one, other):
    return one != other and all(count <= dict(other).get(name, 0) for name, count in one)


def merge_values(mine, yours):
    """Values by the vector of their write, as a tuple of pairs."""
    both = {**mine, **yours}
    return {one: value for one, value in both.items() if not any(seen_by(one, other) for other in both)}


healthy = {(("Mutheu", 1),): "healthy"}
armyworm = {(("Kioko", 1), ("Mutheu", 1)): "armyworm"}  # he had seen "healthy"
sprayed = {(("Wanza", 1),): "sprayed"}  # she had seen nothing
print(list(merge_values(merge_values(healthy, sprayed), armyworm).values()))
print(laws(merge_values, [{}, healthy, armyworm, sprayed]))

# %% [markdown]
# "healthy" is gone, because somebody who had read it wrote something else. The other two stand, until a person who
# sees both writes a third.
#
# ## Many values: sets
#
# The register's list of farms. The naive merge is the union, and it can only grow: what Mutheu removes comes back
# from the next phone. So one keeps a **tombstone** for what was removed:


# %% tags=["nbval-check-output"]
def merge_two_phase(mine, yours):
    return tuple(one | other for one, other in zip(mine, yours, strict=True))


def farms_of(state):
    added, tombstones = state
    return sorted(added - tombstones)


start = ({"Mbooni 1", "Mbooni 2"}, set())
removed = (start[0], {"Mbooni 2"})  # the farmer moves away
next_season = ({*start[0], "Mbooni 2"}, {"Mbooni 2"})  # and comes back; Wanza adds the farm again
print("removed:    ", farms_of(merge_two_phase(start, removed)))
print("added again:", farms_of(next_season))

# %% [markdown]
# All laws hold (two unions), and a farm that was removed once can *never* come back. What is missing is which
# adding the removal was about. So give each adding a name: the officer, and the how-many-eth of her addings. That
# name is called a **dot**. A removal is about the dots that its author saw; an add makes a new one that nobody has
# seen yet.
#
# And no tombstones are needed. If a phone *lacks* a dot, either it has never seen it, or it has seen and removed
# it. The vector of dots seen tells which:


# %%
def add(state, name, farm):
    dots, seen = state
    number = seen.get(name, 0) + 1
    return {**dots, (name, number): farm}, {**seen, name: number}


def remove(state, farm):
    dots, seen = state
    return {dot: one for dot, one in dots.items() if one != farm}, seen


def merge_sets(mine, yours):
    (my_dots, my_seen), (your_dots, your_seen) = mine, yours

    def stands(dot, dots, seen):
        return dot in dots or dot[1] > seen.get(dot[0], 0)  # held here, or never seen here

    both = {**my_dots, **your_dots}
    kept = {d: f for d, f in both.items() if stands(d, my_dots, my_seen) and stands(d, your_dots, your_seen)}
    return kept, larger_of_each(my_seen, your_seen)


# %% tags=["nbval-check-output"]
start = add(add(({}, {}), "Mutheu", "Mbooni 1"), "Mutheu", "Mbooni 2")
removed = remove(start, "Mbooni 2")
again = add(start, "Wanza", "Mbooni 2")  # she does not know of the removal, and adds the farm anew
for label, state in {
    "removed, told to a copy": merge_sets(start, removed),
    "removed here, added there": merge_sets(removed, again),
    "removed after that": merge_sets(again, remove(merge_sets(removed, again), "Mbooni 2")),
}.items():
    print(f"{label:<26}", sorted(set(state[0].values())), state[1])

# %% [markdown]
# ![Two phones start with one farm under the dot Mutheu 2. On the left Mutheu removes the farm: its dot is gone, her vector still says that Mutheu 2 was seen. On the right Wanza adds the farm again under the new dot Wanza 1. The merged set drops Mutheu 2, which the left side saw and no longer holds, and keeps Wanza 1, which the left side has never seen.](figures/dots.svg)
#
# This is the **observed-remove set**: where an add and a removal do not know of each other, the add wins. The other
# choice, remove wins, would forget a farm that somebody just visited. A farm too many on the list is seen and
# removed; a farm that is missing is seen by nobody.
#
# Do the laws hold? The states of a set are too many to list, so we take those that occur: seeded random histories
# of three phones, and in each history all triples.


# %% tags=["nbval-check-output"]
def states_of_a_history(seed, merge=merge_sets, steps=10):
    rng = random.Random(seed)
    phones = {name: ({}, {}) for name in BAGS}
    seen = [({}, {})]
    for _ in range(steps):
        one, other = rng.sample(list(phones), 2)
        what, farm = rng.choice(["add", "add", "remove", "meet"]), rng.choice(["Mbooni 1", "Mbooni 2"])
        edited = add(phones[one], one, farm) if what == "add" else remove(phones[one], farm)
        phones[one] = merge(phones[one], phones[other]) if what == "meet" else edited
        seen.append(phones[one])
    return seen


found = [laws(merge_sets, states_of_a_history(seed)) for seed in range(40)]
{law: f"{sum(one[law] for one in found)} of {len(found)} histories" for law in found[0]}

# %% [markdown] spine="measure"
# ## Measure it: which type for which field?
#
# Each field of the form has its own kind of edit. *Condition*: a write replaces what its author saw. *Bags*: every
# edit adds. *Photos*: each is added once, and may be removed. *Farms*: come, go and come back. We play 300 short
# random histories with three phones for each, on every type that could hold the field, with **perfect clocks** for
# those that use one. Because the simulation knows who saw what, it knows what should be there in the end.


# %% tags=["long"]
from dataclasses import dataclass

from offlinefirst.sync.clocks import Hybrid
from offlinefirst.sync.counters import PNCounter
from offlinefirst.sync.registers import LWWRegister, MVRegister
from offlinefirst.sync.sets import ORSet


def changed(now, what, value):
    """A whole new value, as an app makes it that holds the field in one register."""
    if what in ("write", "count"):
        return value if what == "write" else (now or 0) + value
    return sorted({*(now or []), value}) if what == "put" else [one for one in now or [] if one != value]


@dataclass(frozen=True)
class TwoPhase:
    added: frozenset = frozenset()
    tombstones: frozenset = frozenset()

    def edit(self, what, value):
        more = frozenset([value])
        if what == "put":
            return TwoPhase(self.added | more, self.tombstones)
        return TwoPhase(self.added, self.tombstones | more)

    def merge(self, other):
        return TwoPhase(self.added | other.added, self.tombstones | other.tombstones)


# %% tags=["long"]
def last_write(state, name, step, what, value):
    return state.set(changed(state.value, what, value), Hybrid(step, 0, name))[0]


def all_writes(state, name, step, what, value):
    return state.set(name, changed(max(state.values, default=None), what, value))[0]


def count(state, name, step, what, value):
    return state.add(name, value)[0]


def two_phase(state, name, step, what, value):
    return state.edit(what, value)


def or_set(state, name, step, what, value):
    return state.add(name, value)[0] if what == "put" else state.remove(value)[0]


#: For each type: its first state, how it is edited, and the alternatives that it shows.
TYPES = {
    "last write": (LWWRegister(), last_write, lambda state: [state.value]),
    "multi-value": (MVRegister(), all_writes, lambda state: state.values),
    "PN-counter": (PNCounter(), count, lambda state: [state.value]),
    "two-phase set": (TwoPhase(), two_phase, lambda state: [list(state.added - state.tombstones)]),
    "OR-Set": (ORSet(), or_set, lambda state: [list(state)]),
}


# %% tags=["long"]
def next_edit(field, step, rng, standing):
    """What an officer does who sees these: what, and the value."""
    if field in ("condition", "bags"):
        return ("write", step) if field == "condition" else ("count", 1)
    if standing and rng.random() < 0.4:
        return "drop", rng.choice(sorted(set(standing)))
    return "put", f"photo {step}" if field == "photos" else f"farm {rng.randrange(3)}"


def one_history(field, type_name, seed):
    """What should be there at the end, and the alternatives that are shown."""
    rng = random.Random(f"{field} {seed}")  # the same history for every type
    start, edit, shows = TYPES[type_name]
    state, knew, made, gone = dict.fromkeys(BAGS, start), dict.fromkeys(BAGS, frozenset()), {}, set()
    for step in range(1, 11):
        one, other = rng.sample(list(BAGS), 2)
        if rng.random() < 0.4:
            state[one] = state[other] = state[one].merge(state[other])
            knew[one] = knew[other] = knew[one] | knew[other]
            continue
        what, value = next_edit(field, step, rng, [made[number] for number in knew[one] - gone])
        gone |= {n for n in knew[one] if what == "write" or (what == "drop" and made[n] == value)}
        if what != "drop":
            made[step], knew[one] = value, knew[one] | {step}
        state[one] = edit(state[one], one, step, what, value)
    return [made[n] for n in made if n not in gone], shows(merge_all(state.values()))


# %%
from functools import reduce


def merge_all(states):
    return reduce(lambda one, other: one.merge(other), states)


def losses(field, type_name, histories=300):
    """Contributions that should be there, that are lost, that came back, and how often a person is asked."""
    there = lost = back = asked = 0
    for seed in range(histories):
        standing, shown = one_history(field, type_name, seed)
        asked += len(shown) > 1
        if field == "bags":
            there, lost = there + sum(standing), lost + sum(standing) - (max(shown, default=0) or 0)
            continue
        wanted = set(standing)
        found = {value for one in shown for value in (one if isinstance(one, list) else [one])} - {None}
        there, lost, back = there + len(wanted), lost + len(wanted - found), back + len(found - wanted)
    return there, lost, back, asked


# %% tags=["nbval-check-output"]
CANDIDATES = {"condition": ["last write", "multi-value"], "bags": ["last write", "multi-value", "PN-counter"]}
CANDIDATES |= {"photos": ["last write", "multi-value", "two-phase set", "OR-Set"]}
CANDIDATES |= {"farms": ["last write", "multi-value", "two-phase set", "OR-Set"]}
print(f"{'field':<11}{'type':<15}{'should stand':>12}{'lost':>8}{'came back':>11}{'asked, of 300':>15}")
for field, types in CANDIDATES.items():
    for type_name in types:
        there, lost, back, asked = losses(field, type_name)
        print(f"{field:<11}{type_name:<15}{there:>12,}{lost / there:>8.0%}{back:>11}{asked:>15}")

# %% [markdown]
# Read it by field. *Bags* in a register lose a good part of the harvest, with perfect clocks and even when a person
# picks the largest; the counter loses none and asks nobody. *Photos and farms* as one list lose what others put in;
# a two-phase set is right for photos, which never come back, and wrong for farms, which do; the OR-Set is right for
# both. *Condition* has no type without a price: lose observations, or ask.
#
# So for the crop register's form:
#
# | field | type | why |
# |---|---|---|
# | farms, plots, photos | OR-Set | added and removed by several; missing is worse than double |
# | bags harvested | PN-counter | every delivery counts, corrections go down |
# | crop, planted, area | multi-value register | rarely written twice; when two officers differ, somebody has to look |
# | condition | last write, hybrid stamp; history kept | written often, stale soon; asking for each would be too much |
# | note | text, [next notebook](03-text.ipynb) | two people's sentences, both wanted |
#
# ## Convergence is not correctness
#
# One more field: the 20 bags of seed in the store. Mutheu and Kioko are both offline; each promises the last 20 to
# a school.

# %% tags=["nbval-check-output"]
store, _ = PNCounter().add("Wanza", 20)
mutheu, gave_mutheu = store.add("Mutheu", -20)
kioko, gave_kioko = store.add("Kioko", -20)
print("each of them, before:", mutheu.value, kioko.value)
after = [mutheu.merge(gave_kioko), kioko.merge(gave_mutheu), store.merge(kioko).merge(mutheu)]
print("everybody, after:    ", *(state.value for state in after))

# %% [markdown] spine="claim"
# All copies agree, by theorem, on minus twenty. No merge can mend this: both promises were made before any merge
# took place. Whoever needs a floor needs to ask before acting, or to hand out shares beforehand. Chapter 11 does
# both.
#
# ## The claim, checked
#
# "CRDTs guarantee mathematically that copies merge with no central judge." We let three phones take in and give out
# bags at random, never more than each sees, with deltas that arrive late, twice, in any order. Do copies that have
# heard everything ever differ? And does the stock ever go below zero?


# %%
def stock_history(seed, steps=12):
    rng = random.Random(seed)
    states, deltas = {name: PNCounter() for name in BAGS}, []
    for _ in range(steps):
        name = rng.choice(list(BAGS))
        amount = rng.choice([20, -min(20, max(0, states[name].value))])
        states[name], delta = states[name].add(name, amount)
        deltas.append(delta)
        for reader in rng.sample(list(BAGS), 2):
            states[reader] = states[reader].merge(rng.choice(deltas))
    ends = []
    for state in states.values():
        for delta in rng.sample(deltas * 2, len(deltas) * 2):  # all of them, twice, in any order
            state = state.merge(delta)
        ends.append(state.value)
    return ends


# %% tags=["long"]
from offlinefirst.measure.claims import verdict


def converge_and_keep(shares):
    """copies always agree, but an app's invariant over several copies is not part of the guarantee"""
    if shares["copies that differ"] > 0:
        return "not reproduced"
    return "reproduced" if shares["stock below zero"] == 0 else "holds with a condition"


ends = [stock_history(seed) for seed in range(1000)]
differ = 100 * sum(len(set(values)) > 1 for values in ends) / len(ends)
below = 100 * sum(min(values) < 0 for values in ends) / len(ends)
verdict(
    "crdt-guarantee",
    measured={"copies that differ": differ, "stock below zero": below},
    unit="percent of histories",
    possible=(0, 100),
    rule=converge_and_keep,
)

# %% [markdown] spine="production"
# ## The production version
#
# The table's types come from `offlinefirst.sync`: values that never change, whose edits return the new state and a
# **delta**. A register of a thousand farms need not travel for one new farm, so a delta is a small state, merged
# like any other. That is harder than it looks. Here is Mutheu's third add by our hand-made set, sent alone to
# Kioko, who knows nothing yet; then her first two:

# %% tags=["nbval-check-output"]
first_two = start
third = add(start, "Mutheu", "Mbooni 3")
naive_delta = ({("Mutheu", 3): "Mbooni 3"}, {"Mutheu": 3})

kioko = merge_sets(({}, {}), naive_delta)
kioko = merge_sets(kioko, first_two)
sorted(kioko[0].values())

# %% [markdown]
# Two farms are gone that nobody removed. The vector in the delta says "Mutheu, up to 3", which Kioko's phone reads
# as: one and two were seen, and are not held, so they were removed. What the delta *means* is "dot 3 was seen, and
# I say nothing about 1 and 2". So a context is a vector **and** the dots beyond its gaps, which join the vector
# once the gaps are filled. `ORSet` keeps both:

# %% tags=["nbval-check-output"]
farms, first_two = ORSet().add("Mutheu", "Mbooni 1", "Mbooni 2")
farms, third = farms.add("Mutheu", "Mbooni 3")
print("the delta:   ", third.to_json())

kioko = ORSet().merge(ORSet.from_json(third.to_json()))
print("Kioko, first:", sorted(kioko), kioko.context)
kioko = kioko.merge(first_two)
print("Kioko, then: ", sorted(kioko), kioko.context)

# %% [markdown]
# Nothing is lost, and when the gap is filled the context is one number again. What deltas save, and what dots save
# over tombstones, is measured in [a notebook of its own](04-what-it-costs.ipynb).
#
# A state comes from somebody's phone, so what is malformed is refused before it is merged, with a reason:

# %% tags=["nbval-check-output"]
from offlinefirst.sync.errors import SyncError

for text in ['{"came":{"Kioko":-20},"went":{}}', '{"came":{"Kioko":1e99},"went":{}}', '{"came":{"Kioko":5']:
    try:
        PNCounter.from_json(text)
    except SyncError as error:
        print(error)

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **Names must be unique, and states saved before they are sent.** Two phones with one name, or a phone restored
#   from last month's backup, use dots twice, and other phones take new farms for ones that were removed. A restored
#   phone takes a new name.
# - **Merging trusts its sender.** A state that says "I have seen Mutheu's adds up to a million, and hold none" is
#   well formed, and removes every farm that she added. Who may say what is for signatures (chapter 11).
# - **A delta that never arrives is missed** until the two phones exchange whole states, or what the other lacks.
#   Merging makes late and double harmless, not lost.
# - **The histories are random**, three phones, ten steps. Real officers are less evenly mixed. The zeros are zeros
#   by proof; the other figures depend on how often people meet.
# - **Places stay.** A counter keeps one for every phone that ever counted. With phones that change hands every
#   season that grows; the notebook on cost measures it.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("10-crdts-from-first-principles/02-counters-registers-sets")

# %% [markdown] spine="next"
# ## Next
#
# [Text](03-text.ipynb): what two people write into one note. Then the [cost](04-what-it-costs.ipynb) of it all, and
# the lab.
