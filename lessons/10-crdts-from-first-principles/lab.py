# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: "Lab: a register that agrees with itself"
#     chapter: 10
#     device: phone-2gb
#     teach_minutes: 5
#     exercise_minutes: 110
#     objectives:
#       - Write the clock that phones with wrong clocks can share, and refuse the one that is mad
#       - Write a counter and a set whose copies agree whoever meets whom, late, twice or never
#       - Send only what changed, without claiming more than was seen
#       - Choose a type for each field of a form, and defend what it loses or asks
#     after: [10-crdts-from-first-principles/01-time-you-cannot-trust, 10-crdts-from-first-principles/02-counters-registers-sets]
# ---

# %% [markdown]
# # Lab: a register that agrees with itself
#
# Mutheu, Kioko and Wanza keep one register on three phones. You write the parts that let the copies agree. The
# exercises stand on their own: do them in any order, over two sittings.
#
# **How this works.** Each exercise has an answer cell and a check cell. Fill in the answer, run it, run the check.
# The checks try *every* short history that two phones can have, and tell you the shortest that goes wrong. Read
# them, they are short. Run all cells as often as you like: a check that is not done yet does not stop the others.

# %% [markdown] tags=["instructor"]
# **Timing.** Exercise 1 15 minutes, 2 20, 3 25, 4 30, 5 20 and a discussion of 20.
#
# **Common mistakes.** 1: no limit, or one counted from the latest stamp; the count of the wrong side. 2: adding on
# merge, the larger of two totals, one place that goes down. 3: the union (what was removed comes back), or dropping
# by the farm's name what somebody has just added again. 4: the whole vector as the delta's context. 5: one type for
# everything.
#
# **Early birds.** 3: what does your merge do when Kioko restores last week's backup and adds a farm? Let them find
# the history in which a farm of his vanishes at Mutheu's.
#
# **Rubric for exercise 5** (10 points, beside its check): says for each field what one edit means, replacing,
# adding or removing (3); names what is lost or asked with the chosen type, with the figure (3); who answers the
# questions and when (2); names the field where no type is enough, and why (2: the seed in the store must not go
# below zero).

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# ## Exercise 1: hear a stamp (3 points, 15 minutes)
#
# Stamps are pairs (milliseconds, count), as in the lesson. Your phone's last stamp is `last`; a colleague's stamp
# `other` arrives.


# %% answer="receive"
def receive(last, other, now, limit):
    """The stamp of hearing `other`.

    Args: this phone's last stamp; the one that arrives, both (ms, count); what this phone's own clock shows, in ms;
    how many ms ahead of that clock a stamp may be.

    Returns (ms, count): later than both stamps; its ms is the greatest of the two and of `now`; its count starts from
    0 when the clock is ahead of both, and is never greater than needed. Raises ValueError when `other` is more than
    `limit` ahead of `now`. Hint: pairs compare like words in a dictionary.
    """
    ### BEGIN SOLUTION
    if other[0] > now + limit:
        raise ValueError(f"{other[0] - now} ms ahead, and {limit} is the limit")
    ms, count = max(last, other)
    return (now, 0) if now > ms else (ms, count + 1)
    ### END SOLUTION


# %% [markdown]
# The check tries every pair of small stamps on every small clock, and a few days as they are.

# %%
from itertools import permutations, product

SMALL = list(product(range(4), range(3)))
CASES = [(*case, limit) for limit in (1, 2) for case in product(SMALL, SMALL, range(5))]
DAY = 86_400_000
CASES += [
    ((20_514 * DAY, 3), (20_514 * DAY + ahead, 0), 20_514 * DAY, DAY) for ahead in (-DAY, 0, DAY, DAY + 1)
]
CASES += [((20_514 * DAY, 3), (5, 9), 0, DAY), ((0, 0), (20_514 * DAY, 0), 0, DAY)]


def heard(case):
    """What `receive` gave, or "refused"."""
    try:
        return receive(*case)
    except ValueError:
        return "refused"


# %% tags=["long"]
from offlinefirst.course.checks import check


def judge_stamp(case, verify):
    last, other, now, limit = case
    stamp, ahead = heard(case), other[0] - now
    told = f"last {last}, other {other}, clock {now}, limit {limit}:"
    if ahead > limit:
        why = f"for a stamp {ahead} ahead. One mad clock takes all there: raise ValueError."
        return verify(stamp == "refused", f"{told} gave {stamp!r} {why}")
    verify(stamp != "refused", f"{told} refused, but it is {ahead} ahead and {limit} would be allowed.")
    pair = isinstance(stamp, (tuple, list)) and len(stamp) == 2
    verify(pair, f"{told} gave {stamp!r}, which is no pair (ms, count).")
    stamp = tuple(stamp)
    verify(stamp > other, f"{told} gave {stamp}, which is not later than the stamp that was heard.")
    verify(stamp > last, f"{told} gave {stamp}: this phone's stamps go back.")
    verify(
        stamp[0] == max(last[0], other[0], now), f"{told} gave {stamp}; its ms should be the greatest of all."
    )
    if now > max(last[0], other[0]):
        return verify(
            stamp[1] == 0, f"{told} gave {stamp}: the clock is ahead of both, so the count begins at 0."
        )
    needed = max(last, other)[1] + 1
    return verify(stamp[1] == needed, f"{told} gave {stamp}; a count of {needed} is enough.")


# %% check="receive" points=3
with check(
    "10-crdts-from-first-principles/receive",
    points=3,
    revisit="01-time-you-cannot-trust.ipynb#The-fix:-ask-who-knew-of-what",
) as verify:
    for case in CASES:
        judge_stamp(case, verify)

# %% [markdown]
# ## Exercise 2: count bags in and out (4 points, 20 minutes)
#
# The ward's store: bags come in and go out at three places. You choose what the state looks like. It travels as
# JSON: dicts, lists, texts and numbers.


# %% answer="counter"
def empty():
    """A counter that nobody has used."""
    ### BEGIN SOLUTION
    return {}
    ### END SOLUTION


def count(state, name, bags):
    """The state after this officer has taken bags in (above 0) or given them out (below 0); `state` stays as it is."""
    ### BEGIN SOLUTION
    came, went = state.get(name, [0, 0])
    return {**state, name: [came + max(0, bags), went + max(0, -bags)]}
    ### END SOLUTION


def merge(mine, yours):
    """The state that knows what both know; neither is changed."""
    ### BEGIN SOLUTION
    names = {*mine, *yours}
    pairs = {name: zip(mine.get(name, [0, 0]), yours.get(name, [0, 0]), strict=True) for name in names}
    return {name: [max(both) for both in pair] for name, pair in pairs.items()}
    ### END SOLUTION


def total(state):
    """How many bags are there."""
    ### BEGIN SOLUTION
    return sum(came - went for came, went in state.values())
    ### END SOLUTION


# %% [markdown]
# The attack: all histories of up to four steps at two phones. A step is a count, or one phone telling the other; at
# the end everything that was ever told is told again, late and in the wrong order.

# %%
import json

COUNTS = {f"{name} {bags:+}": (name, bags) for name in ("Mutheu", "Kioko") for bags in (5, -3)}
TELLS = {"Mutheu tells Kioko": ("Mutheu", "Kioko"), "Kioko tells Mutheu": ("Kioko", "Mutheu")}
COUNT_HISTORIES = [steps for length in range(1, 5) for steps in product([*COUNTS, *TELLS], repeat=length)]


def as_sent(state):
    return json.loads(json.dumps(state))


def unchanged(function, *arguments):
    """Call it with copies; the result, and whether the copies are as they were."""
    before = [as_sent(one) for one in arguments]
    result = function(*before)
    return result, before == [as_sent(one) for one in arguments]


# %% tags=["long"]
def judge_counts(steps, verify):
    phones, sent, true = {"Mutheu": empty(), "Kioko": empty()}, [], 0
    told = f"After {', '.join(steps)}"
    for step in steps:
        if step in COUNTS:
            name, bags = COUNTS[step]
            phones[name], same = unchanged(lambda state, n=name, b=bags: count(state, n, b), phones[name])
            true += bags
        else:
            one, other = TELLS[step]
            sent.append(as_sent(phones[one]))
            phones[other], same = unchanged(merge, phones[other], sent[-1])
        verify(
            same, f"{told}: a state was changed in place, so a copy that somebody still holds changes too."
        )
    both = merge(as_sent(phones["Mutheu"]), as_sent(phones["Kioko"]))
    verify(total(both) == true, f"{told}, and both told: {total(both)} bags, but {true} are there.")
    back = merge(as_sent(phones["Kioko"]), as_sent(phones["Mutheu"]))
    verify(
        total(back) == true,
        f"{told}, and told the other way round: {total(back)} bags, but {true} are there.",
    )
    for late in [*reversed(sent), both, back]:
        both = merge(both, as_sent(late))
    verify(total(both) == true, f"{told}, and old news told again: {total(both)} bags, but {true} are there.")


# %% check="counter" points=4
with check(
    "10-crdts-from-first-principles/counter",
    points=4,
    revisit="02-counters-registers-sets.ipynb#Counting-down",
) as verify:
    for steps in COUNT_HISTORIES:
        judge_counts(steps, verify)
    three = [count(empty(), name, bags) for name, bags in (("Mutheu", 12), ("Kioko", 5), ("Wanza", -8))]
    for a, b, c in permutations(three):
        whole = total(merge(merge(a, b), merge(b, c)))
        verify(whole == 9, f"Three officers counted 12, 5 and -8; merged: {whole}.")

# %% [markdown]
# ## Exercise 3: merge a set with dots (4 points, 25 minutes)
#
# A state is `(dots, seen)`: the dots that stand, each with its farm, such as `{("Mutheu", 2): "Mbooni 4"}`, and how
# many adds of each officer were seen, such as `{"Mutheu": 2}`. Adding and removing are given.


# %%
def add(state, name, farm):
    dots, seen = state
    number = seen.get(name, 0) + 1
    return {**dots, (name, number): farm}, {**seen, name: number}


def remove(state, farm):
    dots, seen = state
    return {dot: one for dot, one in dots.items() if one != farm}, seen


# %% answer="merge_sets"
def merge_sets(mine, yours):
    """The state that knows what both know; neither is changed.

    A dot stands if both hold it, or if one holds it and the other has never seen it. Hint: a dot is (name, number); it was
    seen if its number is not above what was seen of that name.
    """
    ### BEGIN SOLUTION
    (my_dots, my_seen), (your_dots, your_seen) = mine, yours
    kept = {
        dot: farm for dot, farm in my_dots.items() if dot in your_dots or dot[1] > your_seen.get(dot[0], 0)
    }
    kept |= {
        dot: farm for dot, farm in your_dots.items() if dot in my_dots or dot[1] > my_seen.get(dot[0], 0)
    }
    seen = {name: max(my_seen.get(name, 0), your_seen.get(name, 0)) for name in {**my_seen, **your_seen}}
    return kept, seen
    ### END SOLUTION


# %% [markdown]
# Again every history of up to five steps. Beside each phone the check keeps the plain truth: which adds it knows
# of, and which of those it knows to be removed.

# %%
FARMS = ["Mbooni 1", "Mbooni 2"]
EDITS = {f"{name} adds {farm}": (name, farm) for name, farm in [("Mutheu", FARMS[0]), ("Kioko", FARMS[0])]}
EDITS |= {f"Kioko adds {FARMS[1]}": ("Kioko", FARMS[1])}
REMOVALS = {f"{name} removes {FARMS[0]}": (name, FARMS[0]) for name in ("Mutheu", "Kioko")}
SET_HISTORIES = [s for length in range(1, 6) for s in product([*EDITS, *REMOVALS, *TELLS], repeat=length)]
#: A history that begins with hearing or removing nothing is a shorter one in disguise.
SET_HISTORIES = [steps for steps in SET_HISTORIES if steps[0] in EDITS]


def names_of(farms):
    return ", ".join(sorted(set(farms))) or "no farm"


# %% tags=["long"]
def judge_sets(steps, verify):
    phones = {name: ({}, {}) for name in ("Mutheu", "Kioko")}
    truth = {name: (frozenset(), frozenset()) for name in phones}  # adds known, of these known to be removed
    farm_of, told = {}, ""
    for step in steps:
        told = f"{told}, then {step}" if told else step
        if step in EDITS:
            name, farm = EDITS[step]
            dots, _ = phones[name] = add(phones[name], name, farm)
            new = max(dot for dot in dots if dot[0] == name)
            farm_of[new], truth[name] = farm, (truth[name][0] | {new}, truth[name][1])
        elif step in REMOVALS:
            name, farm = REMOVALS[step]
            phones[name], adds = remove(phones[name], farm), truth[name][0]
            truth[name] = adds, truth[name][1] | {dot for dot in adds if farm_of[dot] == farm}
        else:
            other, name = TELLS[step]
            before = [(dict(dots), dict(seen)) for dots, seen in (phones[name], phones[other])]
            phones[name] = judge_merge(told, phones[name], phones[other], before, verify)
            truth[name] = tuple(one | two for one, two in zip(truth[name], truth[other], strict=True))
        wanted, shown = (
            {farm_of[dot] for dot in truth[name][0] - truth[name][1]},
            set(phones[name][0].values()),
        )
        why = "a removed farm is back" if shown - wanted else "a farm is lost that stands"
        verify(
            shown == wanted, f"{told}: {name}'s phone shows {names_of(shown)} for {names_of(wanted)}; {why}."
        )


# %%
def judge_merge(told, mine, yours, before, verify):
    merged = merge_sets(mine, yours)
    verify([mine, yours] == before, f"{told}: one of the two states was changed in place.")
    verify(isinstance(merged, tuple) and len(merged) == 2, f"{told}: gave {merged!r}, not (dots, seen).")
    dots, seen = merged
    both = {name: max(mine[1].get(name, 0), yours[1].get(name, 0)) for name in {**mine[1], **yours[1]}}
    verify(seen == both, f"{told}: both together have seen {both}; the merged state says {seen}.")
    verify(merge_sets(yours, mine) == merged, f"{told}: who merges whom makes a difference.")
    verify(merge_sets(merged, yours) == merged, f"{told}: hearing it twice makes a difference.")
    return dict(dots), dict(seen)


# %% check="merge_sets" points=4
with check(
    "10-crdts-from-first-principles/merge_sets",
    points=4,
    revisit="02-counters-registers-sets.ipynb#Many-values:-sets",
) as verify:
    for steps in SET_HISTORIES:
        judge_sets(steps, verify)
    three = [add(({}, {}), name, f"{name}'s") for name in ("Mutheu", "Kioko", "Wanza")]
    for a, b, c in permutations(three):
        dots, seen = merge_sets(merge_sets(a, b), merge_sets(b, c))
        told = f"Three officers added a farm each; merged: {names_of(dots.values())}, seen {seen}."
        verify(len(dots) == len(seen) == 3, told)

# %% [markdown]
# ## Exercise 4: send only what changed (4 points, 30 minutes)
#
# A delta is a small state of the same kind, merged like any other. Here `seen` is the plain set of all dots that
# were seen, so that a delta can speak of dot 3 without saying anything of 1 and 2. The merge is given.


# %%
def join(mine, yours):
    (my_dots, my_seen), (your_dots, your_seen) = mine, yours
    both = {**my_dots, **your_dots}
    kept = {
        dot: farm
        for dot, farm in both.items()
        if (dot in my_dots or dot not in my_seen) and (dot in your_dots or dot not in your_seen)
    }
    return kept, my_seen | your_seen


# %% answer="deltas"
def add_delta(state, name, farm):
    """The delta of adding the farm: `join(state, delta)` has it, under a dot (name, number) never used before.

    Args: `(dots, seen)`, a dict and a frozenset; who adds; what. Returns a delta `(dots, seen)` that speaks of no more than
    the new dot and the dots under which this farm stands here (you may replace those, or leave them alone).
    """
    ### BEGIN SOLUTION
    dots, seen = state
    new = name, 1 + max((number for who, number in seen if who == name), default=0)
    replaced = {dot for dot, one in dots.items() if one == farm}
    return {new: farm}, frozenset([new, *replaced])
    ### END SOLUTION


def remove_delta(state, farm):
    """The delta of removing the farm, as far as its adds are seen here: `join(state, delta)` does not have it."""
    ### BEGIN SOLUTION
    dots, _ = state
    return {}, frozenset(dot for dot, one in dots.items() if one == farm)
    ### END SOLUTION


# %% [markdown]
# Every history of up to four steps; and then all its deltas, in every order and one of them twice, to a phone that
# knows nothing.

# %%
STEPS = {**EDITS, **REMOVALS, "Mutheu tells Kioko": ("Mutheu", "Kioko")}
DELTA_HISTORIES = [s for length in range(1, 5) for s in product(STEPS, repeat=length) if s[0] in EDITS]


# %% tags=["long"]
def judge_delta(told, state, delta, farm, adds, taken, verify):
    """One delta; returns the new state. `taken`: the dots that any phone has used."""
    ok = isinstance(delta, tuple) and len(delta) == 2 and isinstance(delta[0], dict)
    verify(ok, f"{told}: gave {delta!r}, not (dots, seen).")
    dots, seen = delta[0], frozenset(delta[1])
    others = {one for one in dots.values() if one != farm}
    verify(not others, f"{told}: the delta carries {names_of(others)}, which did not change.")
    here = {dot for dot, one in state[0].items() if one == farm}
    fresh = set(dots) - here
    used = sorted(fresh & (state[1] | taken))
    verify(not used, f"{told}: the dot {used} was used before; removing one add would remove the other.")
    claimed = sorted(seen - here - fresh)
    verify(not claimed, f"{told}: the delta claims to have seen {claimed}, which is not what changed.")
    verify(len(fresh) == adds, f"{told}: the delta has {len(fresh)} new dots; {adds} is right.")
    unseen = sorted(set(dots) - seen)
    verify(not unseen, f"{told}: {unseen} is held but not seen. It would come back once removed.")
    new = join(state, (dots, seen))
    shown, farms = set(new[0].values()), {*state[0].values()} - {farm} | ({farm} if adds else set())
    verify(shown == farms, f"{told}: with its own delta one sees {names_of(shown)} for {names_of(farms)}.")
    return new


# %% tags=["long"]
def judge_deltas(steps, verify):
    phones, deltas, told = dict.fromkeys(("Mutheu", "Kioko"), ({}, frozenset())), [], ""
    taken = set()
    for step in steps:
        told = f"{told}, then {step}" if told else step
        name, farm = STEPS[step]
        if step in EDITS:
            deltas.append(add_delta(phones[name], name, farm))
        elif step in REMOVALS:
            deltas.append(remove_delta(phones[name], farm))
        else:
            phones["Kioko"] = join(phones["Kioko"], phones["Mutheu"])
            continue
        adds = int(step in EDITS)
        phones[name] = judge_delta(told, phones[name], deltas[-1], farm, adds, taken, verify)
        taken |= set(deltas[-1][0])
    farms = set(join(phones["Mutheu"], phones["Kioko"])[0].values())
    for order in permutations(deltas):
        wanza = ({}, frozenset())
        for dots, seen in [*order, order[0]]:
            wanza = join(wanza, (dots, frozenset(seen)))
        shown = set(wanza[0].values())
        verify(
            shown == farms,
            f"{told}: with the deltas in another order Wanza sees {names_of(shown)} for {names_of(farms)}.",
        )


# %% check="deltas" points=4
with check(
    "10-crdts-from-first-principles/deltas",
    points=4,
    revisit="02-counters-registers-sets.ipynb#The-production-version",
) as verify:
    for steps in DELTA_HISTORIES:
        judge_deltas(steps, verify)

# %% [markdown]
# ## Exercise 5, open: a type for each field (3 points, 20 minutes and a discussion)
#
# The form of a plot has seven fields. For each choose `"last write"`, `"all writes"` (multi-value), `"counter"`,
# `"set"` (OR-Set) or `"greatest"` (keep the greater of two). Where two values of one field stand that did not know of
# each other, a person is called. There are 200 simulated plots and three phones, one of them in 1970. Of photos,
# workers, bags, visited and area nothing may be lost or come back, and the office has time for 150 calls.
#
# | field | how it is used |
# |---|---|
# | photos | each is added once, now and then one is removed |
# | workers | who works on the plot; people come, go, and come back |
# | bags | every officer adds what was brought |
# | condition | written at every visit, in place of the last |
# | area | hardly ever written; a loan depends on it |
# | planted | hardly ever written |
# | visited | the day of the latest visit |


# %% answer="form"
def choose():
    """A dict from each of the seven fields to the name of a type."""
    ### BEGIN SOLUTION
    return {
        "photos": "set",
        "workers": "set",
        "bags": "counter",
        "condition": "last write",
        "area": "all writes",
        "planted": "all writes",
        "visited": "greatest",
    }
    ### END SOLUTION


# %% [markdown]
# The simulation, with the course's own types. A field's *use* says how often it is edited and what an edit means.

# %% tags=["long"]
import random
from dataclasses import dataclass
from functools import reduce

from offlinefirst.sync.clocks import Hybrid
from offlinefirst.sync.counters import GCounter
from offlinefirst.sync.registers import LWWRegister, MVRegister
from offlinefirst.sync.sets import ORSet

USES = {
    "photos": ("collect", 0.6),
    "workers": ("collect", 0.6),
    "bags": ("count", 0.6),
    "visited": ("day", 0.6),
}
USES |= {"condition": ("replace", 0.7), "area": ("replace", 0.1), "planted": ("replace", 0.1)}
OFFICERS = ["Mutheu", "Kioko", "Wanza"]


@dataclass(frozen=True)
class Greatest:
    value: int = 0

    def merge(self, other):
        return max(self, other, key=lambda one: one.value)


# %% tags=["long"]
FIRST = {"last write": LWWRegister(), "all writes": MVRegister(), "counter": GCounter(), "set": ORSet()}
FIRST |= {"greatest": Greatest()}
FITS = {"collect": ("last write", "all writes", "set"), "replace": ("last write", "all writes", "set")}
FITS |= {"count": ("last write", "all writes", "counter", "greatest")}
FITS |= {"day": ("last write", "all writes", "greatest")}


def edited(state, name, step, use, value, old):
    """One edit; `value` is the item or the new value, `old` what its author sees and means to be gone."""
    if isinstance(state, GCounter):
        return state.add(name, value)[0]
    if isinstance(state, ORSet):
        without = state.remove(*old)[0]
        return without if value is None else without.add(name, value)[0]
    shown = alternatives(state)
    now = shown[0] if shown else None
    if use == "count":
        value = (now or 0) + value
    if use == "collect":
        value = sorted({*(now or []), *([value] if value else [])} - {*old})
    if isinstance(state, Greatest):
        return Greatest(max(state.value, value))
    if isinstance(state, MVRegister):
        return state.set(name, value)[0]
    clock = step if name != "Wanza" else step - 1000  # Wanza's phone is in 1970
    return state.set(value, Hybrid(1000 + clock, 0, name))[0]


# %% tags=["long"]
def alternatives(state):
    """The values that are shown; more than one means a call, except in a collection."""
    if isinstance(state, MVRegister):
        return state.values
    if isinstance(state, ORSet):
        return sorted(state)
    return [state.value] if state != type(state)() else []


def next_edit(field, use, step, rng, seen):
    """(value, what its author means to be gone), for an author who sees these values."""
    if use == "count":
        return 1, []
    if use == "day":
        return step, []
    if use == "replace":
        return f"{field} {step}", sorted(seen)
    if seen and rng.random() < 0.4:
        return None, [rng.choice(sorted(seen))]
    return (f"photo {step}" if field == "photos" else f"worker {rng.randrange(3)}"), []


# %% tags=["long"]
def one_plot(field, type_name, seed):
    """Contributions that should stand, and what is shown in the end."""
    (use, rate), rng = USES[field], random.Random(f"{field} {seed}")
    states, knew = dict.fromkeys(OFFICERS, FIRST[type_name]), dict.fromkeys(OFFICERS, frozenset())
    made, gone = {}, set()
    for step in range(1, 13):
        one, other = rng.sample(OFFICERS, 2)
        if rng.random() < 0.35:
            states[one] = states[other] = states[one].merge(states[other])
            knew[one] = knew[other] = knew[one] | knew[other]
        elif rng.random() < rate:
            value, old = next_edit(field, use, step, rng, {made[number] for number in knew[one] - gone})
            gone |= {number for number in knew[one] if made[number] in old}
            if value is not None:
                made[step], knew[one] = value, knew[one] | {step}
            states[one] = edited(states[one], one, step, use, value, old)
    return [made[number] for number in made if number not in gone], alternatives(
        reduce(merged, states.values())
    )


def merged(one, other):
    return one.merge(other)


# %% tags=["long"]
def play(field, type_name, plots=200):
    """What this type does to this field: contributions lost, come back, and calls."""
    use, card = USES[field][0], {"lost": 0, "back": 0, "calls": 0}
    for seed in range(plots):
        standing, shown = one_plot(field, type_name, seed)
        if use == "count":
            card["lost"] += abs(sum(standing) - max(shown, default=0))
        elif use == "day":
            card["lost"] += max(standing, default=0) != max(shown, default=0)
        else:
            lists = [one if isinstance(one, list) else [one] for one in shown]
            found = {value for one in lists for value in one}
            card["lost"] += len(set(standing) - found)
            card["back"] += len(found - set(standing))
        card["calls"] += len(shown) > 1 and not (use == "collect" and type_name == "set")
    return card


def play_form(form):
    cards = {field: play(field, form[field]) for field in USES}
    for field, card in cards.items():
        print(f"{field:<10} {form[field]:<11} {card}")
    return cards


# %% check="form" points=3
with check(
    "10-crdts-from-first-principles/form",
    points=3,
    revisit="02-counters-registers-sets.ipynb#Measure-it:-which-type-for-which-field?",
) as verify:
    form = dict(choose() or {})
    verify(
        set(form) == set(USES),
        f"The form has the fields {', '.join(USES)}; you chose for {', '.join(form) or 'none'}.",
    )
    for field, type_name in form.items():
        fits = FITS[USES[field][0]]
        verify(type_name in fits, f"{field} cannot be kept in {type_name!r}; it fits into {', '.join(fits)}.")
    cards = play_form(form)
    for field in ("photos", "workers", "bags", "visited", "area"):
        card = cards[field]
        verify(card["lost"] == 0, f"{field}: {card['lost']} contributions are lost without a word.")
        verify(
            card["back"] == 0, f"{field}: {card['back']} things that somebody had removed are there again."
        )
    calls = sum(card["calls"] for card in cards.values())
    verify(
        calls <= 150,
        f"{calls} calls for 200 plots; the office has time for 150. Which field is worth asking about?",
    )

# %% [markdown]
# Now argue. What did you accept to lose, and who would notice? And the field that is not on the form: the 20 bags
# of seed in the store, which must never be promised twice. Which type would you choose? Chapter 11 says why none
# will do.

# %% [markdown]
# ## Your score

# %%
from offlinefirst.course.checks import Score

Score("10-crdts-from-first-principles", receive=3, counter=4, merge_sets=4, deltas=4, form=3)
