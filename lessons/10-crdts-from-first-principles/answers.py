# %% [markdown]
# Other answers to the lab's exercises. Wrong ones are the mistakes of first designs in the field.

# %% exercise="receive" right="case by case, as the paper writes it"
def receive(last, other, now, limit):
    if other[0] - now > limit:
        raise ValueError("too far ahead")
    ms = max(last[0], other[0], now)
    if ms == last[0] == other[0]:
        return ms, max(last[1], other[1]) + 1
    if ms == last[0]:
        return ms, last[1] + 1
    if ms == other[0]:
        return ms, other[1] + 1
    return ms, 0


# %% exercise="receive" right="with an error of its own, and the clock as a stamp"
def receive(last, other, now, limit):
    class DriftError(ValueError):
        pass

    if not other[0] <= now + limit:
        raise DriftError(other[0] - now)
    return max((now, 0), *((ms, count + 1) for ms, count in (last, other)))


# %% exercise="receive" wrong="takes the larger of the clocks without a limit" says="One mad clock takes all there"
def receive(last, other, now, limit):
    ms, count = max(last, other)
    return (now, 0) if now > ms else (ms, count + 1)


# %% exercise="receive" wrong="counts the limit from the latest stamp, so that two steps pass where one is refused" says="One mad clock takes all there"
def receive(last, other, now, limit):
    if other[0] > max(now, last[0]) + limit:
        raise ValueError("too far ahead")
    ms, count = max(last, other)
    return (now, 0) if now > ms else (ms, count + 1)


# %% exercise="receive" wrong="clips what is too far ahead instead of refusing it" says="One mad clock takes all there"
def receive(last, other, now, limit):
    other = (min(other[0], now + limit), other[1])
    ms, count = max(last, other)
    return (now, 0) if now > ms else (ms, count + 1)


# %% exercise="receive" wrong="refuses at the limit" says="would be allowed"
def receive(last, other, now, limit):
    if other[0] >= now + limit:
        raise ValueError("too far ahead")
    ms, count = max(last, other)
    return (now, 0) if now > ms else (ms, count + 1)


# %% exercise="receive" wrong="refuses old stamps too" says="would be allowed"
def receive(last, other, now, limit):
    if abs(other[0] - now) > limit:
        raise ValueError("too far away")
    ms, count = max(last, other)
    return (now, 0) if now > ms else (ms, count + 1)


# %% exercise="receive" wrong="compares wall clocks alone" says="not later than the stamp"
def receive(last, other, now, limit):
    if other[0] > now + limit:
        raise ValueError("too far ahead")
    return max(now, other[0]), 0


# %% exercise="receive" wrong="forgets its own last stamp" says="go back"
def receive(last, other, now, limit):
    if other[0] > now + limit:
        raise ValueError("too far ahead")
    return (now, 0) if now > other[0] else (other[0], other[1] + 1)


# %% exercise="receive" wrong="counts on from its own count under the other's time" says="not later than the stamp"
def receive(last, other, now, limit):
    if other[0] > now + limit:
        raise ValueError("too far ahead")
    ms = max(last[0], other[0], now)
    return (now, 0) if now > max(last[0], other[0]) else (ms, last[1] + 1)


# %% exercise="receive" wrong="never starts the count again" says="begins at 0"
def receive(last, other, now, limit):
    if other[0] > now + limit:
        raise ValueError("too far ahead")
    return max(last[0], other[0], now), max(last[1], other[1]) + 1


# %% exercise="receive" wrong="adds the counts" says="is enough"
def receive(last, other, now, limit):
    if other[0] > now + limit:
        raise ValueError("too far ahead")
    ms = max(last[0], other[0])
    return (now, 0) if now > ms else (ms, last[1] + other[1] + 1)


# %% exercise="receive" wrong="returns the wall clock alone" says="no pair"
def receive(last, other, now, limit):
    if other[0] > now + limit:
        raise ValueError("too far ahead")
    return max(last[0], other[0], now)


# %% exercise="receive" wrong="refuses without a word" says="raise ValueError"
def receive(last, other, now, limit):
    if other[0] > now + limit:
        return None
    ms, count = max(last, other)
    return (now, 0) if now > ms else (ms, count + 1)


# %% exercise="receive" wrong="is made for one visible case" says="refused"
def receive(last, other, now, limit):
    if (last, other) == ((20_514 * 86_400_000, 3), (20_514 * 86_400_000, 0)):
        return 20_514 * 86_400_000, 4
    raise ValueError("too far ahead")


# %% exercise="counter" right="two dicts of places"
def empty():
    return {"came": {}, "went": {}}


def count(state, name, bags):
    side = "came" if bags > 0 else "went"
    place = state[side].get(name, 0) + abs(bags)
    return {**state, side: {**state[side], name: place}}


def merge(mine, yours):
    return {
        side: {
            name: max(mine[side].get(name, 0), yours[side].get(name, 0))
            for name in {**mine[side], **yours[side]}
        }
        for side in ("came", "went")
    }


def total(state):
    return sum(state["came"].values()) - sum(state["went"].values())


# %% exercise="counter" right="a numbered log of each officer's counts, the longer one wins"
def empty():
    return []


def count(state, name, bags):
    mine = [entry for entry in state if entry[0] == name]
    return [*state, [name, len(mine) + 1, bags]]


def merge(mine, yours):
    every = {(name, number): bags for name, number, bags in [*mine, *yours]}
    return [[*key, bags] for key, bags in sorted(every.items())]


def total(state):
    return sum(bags for _, _, bags in state)


# %% exercise="counter" right="a total with a version for each officer"
def empty():
    return {}


def count(state, name, bags):
    version, sum_of_mine = state.get(name, [0, 0])
    return state | {name: [version + 1, sum_of_mine + bags]}


def merge(mine, yours):
    return {name: max(mine.get(name, [0, 0]), yours.get(name, [0, 0])) for name in mine | yours}


def total(state):
    return sum(sum_of_one for _, sum_of_one in state.values())


# %% exercise="counter" wrong="adds the totals on merge" says="told"
def empty():
    return 0


def count(state, name, bags):
    return state + bags


def merge(mine, yours):
    return mine + yours


def total(state):
    return state


# %% exercise="counter" wrong="takes the larger total" says="are there"
def empty():
    return 0


def count(state, name, bags):
    return state + bags


def merge(mine, yours):
    return max(mine, yours)


def total(state):
    return state


# %% exercise="counter" wrong="has one place for each officer, which also goes down" says="are there"
def empty():
    return {}


def count(state, name, bags):
    return {**state, name: state.get(name, 0) + bags}


def merge(mine, yours):
    return {name: max(mine.get(name, 0), yours.get(name, 0)) for name in {**mine, **yours}}


def total(state):
    return sum(state.values())


# %% exercise="counter" wrong="adds each place on merge" says="are there"
def empty():
    return {}


def count(state, name, bags):
    came, went = state.get(name, [0, 0])
    return {**state, name: [came + max(0, bags), went + max(0, -bags)]}


def merge(mine, yours):
    names = {**mine, **yours}
    return {n: [a + b for a, b in zip(mine.get(n, [0, 0]), yours.get(n, [0, 0]), strict=True)] for n in names}


def total(state):
    return sum(came - went for came, went in state.values())


# %% exercise="counter" wrong="lets the newest copy of each place win" says="are there"
def empty():
    return {}


def count(state, name, bags):
    return {**state, name: state.get(name, 0) + bags}


def merge(mine, yours):
    return {**mine, **yours}


def total(state):
    return sum(state.values())


# %% exercise="counter" wrong="shares one place for in and one for out" says="are there"
def empty():
    return [0, 0]


def count(state, name, bags):
    return [state[0] + max(0, bags), state[1] + max(0, -bags)]


def merge(mine, yours):
    return [max(mine[0], yours[0]), max(mine[1], yours[1])]


def total(state):
    return state[0] - state[1]


# %% exercise="counter" wrong="stops at zero" says="are there"
def empty():
    return {}


def count(state, name, bags):
    came, went = state.get(name, [0, 0])
    return {**state, name: [came + max(0, bags), went + max(0, -bags)]}


def merge(mine, yours):
    names = {**mine, **yours}
    return {n: [max(p) for p in zip(mine.get(n, [0, 0]), yours.get(n, [0, 0]), strict=True)] for n in names}


def total(state):
    return max(0, sum(came - went for came, went in state.values()))


# %% exercise="counter" wrong="changes the state in place" says="changed in place"
def empty():
    return {}


def count(state, name, bags):
    place = state.setdefault(name, [0, 0])
    place[bags < 0] += abs(bags)
    return state


def merge(mine, yours):
    names = {**mine, **yours}
    return {n: [max(p) for p in zip(mine.get(n, [0, 0]), yours.get(n, [0, 0]), strict=True)] for n in names}


def total(state):
    return sum(came - went for came, went in state.values())


# %% exercise="counter" wrong="merges into its own state" says="changed in place"
def empty():
    return {}


def count(state, name, bags):
    came, went = state.get(name, [0, 0])
    return {**state, name: [came + max(0, bags), went + max(0, -bags)]}


def merge(mine, yours):
    for name, place in yours.items():
        mine[name] = [max(pair) for pair in zip(mine.get(name, [0, 0]), place, strict=True)]
    return mine


def total(state):
    return sum(came - went for came, went in state.values())


# %% exercise="counter" wrong="knows two officers only" says="raised"
def empty():
    return {"Mutheu": [0, 0], "Kioko": [0, 0]}


def count(state, name, bags):
    came, went = state[name]
    return {**state, name: [came + max(0, bags), went + max(0, -bags)]}


def merge(mine, yours):
    return {name: [max(pair) for pair in zip(mine[name], yours[name], strict=True)] for name in mine}


def total(state):
    return sum(came - went for came, went in state.values())


# %% exercise="merge_sets" right="sets of dots: both, or new to the other"
def merge_sets(mine, yours):
    def unseen(state, seen):
        return {dot for dot in state if dot[1] > seen.get(dot[0], 0)}

    stand = mine[0].keys() & yours[0].keys() | unseen(mine[0], yours[1]) | unseen(yours[0], mine[1])
    seen = dict(mine[1])
    for name, number in yours[1].items():
        seen[name] = max(number, seen.get(name, 0))
    return {dot: (mine[0] | yours[0])[dot] for dot in stand}, seen


# %% exercise="merge_sets" right="starts from the union and takes out what one side has dropped"
def merge_sets(mine, yours):
    dots = {**mine[0], **yours[0]}
    for held, seen in (mine, yours):
        for name, number in list(dots):
            if (name, number) not in held and number <= seen.get(name, 0):
                del dots[name, number]
    return dots, {name: max(mine[1].get(name, 0), yours[1].get(name, 0)) for name in {*mine[1], *yours[1]}}


# %% exercise="merge_sets" wrong="takes the union of the dots" says="a removed farm is back"
def merge_sets(mine, yours):
    seen = {name: max(mine[1].get(name, 0), yours[1].get(name, 0)) for name in {**mine[1], **yours[1]}}
    return {**mine[0], **yours[0]}, seen


# %% exercise="merge_sets" wrong="keeps only what both hold" says="a farm is lost"
def merge_sets(mine, yours):
    seen = {name: max(mine[1].get(name, 0), yours[1].get(name, 0)) for name in {**mine[1], **yours[1]}}
    return {dot: farm for dot, farm in mine[0].items() if dot in yours[0]}, seen


# %% exercise="merge_sets" wrong="is off by one, so that an add just made counts as unseen" says="a removed farm is back"
def merge_sets(mine, yours):
    (a, seen_a), (b, seen_b) = mine, yours
    kept = {d: f for d, f in a.items() if d in b or d[1] >= seen_b.get(d[0], 0)}
    kept |= {d: f for d, f in b.items() if d in a or d[1] >= seen_a.get(d[0], 0)}
    return kept, {n: max(seen_a.get(n, 0), seen_b.get(n, 0)) for n in {**seen_a, **seen_b}}


# %% exercise="merge_sets" wrong="asks only what the other side has seen" says="makes a difference"
def merge_sets(mine, yours):
    (a, seen_a), (b, seen_b) = mine, yours
    kept = {d: f for d, f in a.items() if d in b or d[1] > seen_b.get(d[0], 0)}
    return {**b, **kept}, {n: max(seen_a.get(n, 0), seen_b.get(n, 0)) for n in {**seen_a, **seen_b}}


# %% exercise="merge_sets" wrong="keeps its own idea of what was seen" says="have seen"
def merge_sets(mine, yours):
    (a, seen_a), (b, seen_b) = mine, yours
    kept = {d: f for d, f in a.items() if d in b or d[1] > seen_b.get(d[0], 0)}
    kept |= {d: f for d, f in b.items() if d in a or d[1] > seen_a.get(d[0], 0)}
    return kept, seen_a


# %% exercise="merge_sets" wrong="lets the other's numbers of what was seen win" says="makes a difference"
def merge_sets(mine, yours):
    (a, seen_a), (b, seen_b) = mine, yours
    kept = {d: f for d, f in a.items() if d in b or d[1] > seen_b.get(d[0], 0)}
    kept |= {d: f for d, f in b.items() if d in a or d[1] > seen_a.get(d[0], 0)}
    return kept, {**seen_a, **seen_b}


# %% exercise="merge_sets" wrong="takes what was seen from the dots that stand" says="have seen"
def merge_sets(mine, yours):
    (a, seen_a), (b, seen_b) = mine, yours
    kept = {d: f for d, f in a.items() if d in b or d[1] > seen_b.get(d[0], 0)}
    kept |= {d: f for d, f in b.items() if d in a or d[1] > seen_a.get(d[0], 0)}
    return kept, {n: max(number for name, number in kept if name == n) for n, _ in kept}


# %% exercise="merge_sets" wrong="lets a removal win over an add that it has not seen, by the farm's name" says="a farm is lost"
def merge_sets(mine, yours):
    (a, seen_a), (b, seen_b) = mine, yours
    kept = {d: f for d, f in a.items() if d in b or d[1] > seen_b.get(d[0], 0)}
    kept |= {d: f for d, f in b.items() if d in a or d[1] > seen_a.get(d[0], 0)}
    gone = {f for d, f in {**a, **b}.items() if d not in kept}
    kept = {d: f for d, f in kept.items() if f not in gone}
    return kept, {n: max(seen_a.get(n, 0), seen_b.get(n, 0)) for n in {**seen_a, **seen_b}}


# %% exercise="merge_sets" wrong="compares how much each has seen, and takes over the fuller state" says="a farm is lost"
def merge_sets(mine, yours):
    fuller = max(mine, yours, key=lambda state: (sum(state[1].values()), sorted(state[0])))
    return fuller[0], {n: max(mine[1].get(n, 0), yours[1].get(n, 0)) for n in {**mine[1], **yours[1]}}


# %% exercise="merge_sets" wrong="changes its own state" says="changed in place"
def merge_sets(mine, yours):
    (a, seen_a), (b, seen_b) = mine, yours
    for dot in [d for d in a if d not in b and d[1] <= seen_b.get(d[0], 0)]:
        del a[dot]
    a.update({d: f for d, f in b.items() if d[1] > seen_a.get(d[0], 0)})
    return a, {n: max(seen_a.get(n, 0), seen_b.get(n, 0)) for n in {**seen_a, **seen_b}}


# %% exercise="merge_sets" wrong="knows Mutheu's dots only" says="have seen"
def merge_sets(mine, yours):
    (a, seen_a), (b, seen_b) = mine, yours
    kept = {d: f for d, f in a.items() if d in b or d[1] > seen_b.get("Mutheu", 0)}
    kept |= {d: f for d, f in b.items() if d in a or d[1] > seen_a.get("Mutheu", 0)}
    return kept, {"Mutheu": max(seen_a.get("Mutheu", 0), seen_b.get("Mutheu", 0))}


# %% exercise="merge_sets" wrong="knows the two officers of the histories only" says="Three officers"
def merge_sets(mine, yours):
    (a, seen_a), (b, seen_b) = mine, yours
    kept = {d: f for d, f in a.items() if d in b or d[1] > seen_b.get(d[0], 0)}
    kept |= {d: f for d, f in b.items() if d in a or d[1] > seen_a.get(d[0], 0)}
    names = [name for name in ("Mutheu", "Kioko") if name in {**seen_a, **seen_b}]
    return kept, {n: max(seen_a.get(n, 0), seen_b.get(n, 0)) for n in names}


# %% exercise="merge_sets" wrong="keeps one dot of each farm, to save room" says="a farm is lost"
def merge_sets(mine, yours):
    (a, seen_a), (b, seen_b) = mine, yours
    kept = {d: f for d, f in a.items() if d in b or d[1] > seen_b.get(d[0], 0)}
    kept |= {d: f for d, f in b.items() if d in a or d[1] > seen_a.get(d[0], 0)}
    dot_of = {farm: dot for dot, farm in sorted(kept.items())}
    seen = {n: max(seen_a.get(n, 0), seen_b.get(n, 0)) for n in {**seen_a, **seen_b}}
    return {dot: farm for farm, dot in dot_of.items()}, seen


# %% exercise="deltas" right="leaves the farm's other dots alone"
def add_delta(state, name, farm):
    numbers = [0, *(number for who, number in state[1] if who == name)]
    dot = (name, max(numbers) + 1)
    return {dot: farm}, frozenset({dot})


def remove_delta(state, farm):
    return {}, frozenset(dot for dot in state[0] if state[0][dot] == farm)


# %% exercise="deltas" right="makes the new state first and sends the difference; a set is as good as a frozenset"
def add_delta(state, name, farm):
    dots, seen = state
    number = 1
    while (name, number) in seen:
        number += 1
    replaced = {dot for dot in dots if dots[dot] == farm}
    return {(name, number): farm}, replaced | {(name, number)}


def remove_delta(state, farm):
    dots, _ = state
    after = {dot: one for dot, one in dots.items() if one != farm}
    return {}, dots.keys() - after.keys()


# %% exercise="deltas" wrong="sends the whole state" says="carries"
def add_delta(state, name, farm):
    dots, seen = state
    new = (name, 1 + max((number for who, number in seen if who == name), default=0))
    return {**dots, new: farm}, seen | {new}


def remove_delta(state, farm):
    dots, seen = state
    return {dot: one for dot, one in dots.items() if one != farm}, seen


# %% exercise="deltas" wrong="sends one farm with everything that was ever seen" says="claims to have seen"
def add_delta(state, name, farm):
    new = (name, 1 + max((number for who, number in state[1] if who == name), default=0))
    return {new: farm}, state[1] | {new}


def remove_delta(state, farm):
    return {}, frozenset(dot for dot, one in state[0].items() if one == farm)


# %% exercise="deltas" wrong="says of the writer's earlier adds that they were seen, as a vector would" says="claims to have seen"
def add_delta(state, name, farm):
    number = 1 + max((number for who, number in state[1] if who == name), default=0)
    return {(name, number): farm}, frozenset((name, one) for one in range(1, number + 1))


def remove_delta(state, farm):
    return {}, frozenset(dot for dot, one in state[0].items() if one == farm)


# %% exercise="deltas" wrong="forgets the context of a removal" says="with its own delta"
def add_delta(state, name, farm):
    new = (name, 1 + max((number for who, number in state[1] if who == name), default=0))
    return {new: farm}, frozenset([new])


def remove_delta(state, farm):
    return {}, frozenset()


# %% exercise="deltas" wrong="forgets the context of an add" says="held but not seen"
def add_delta(state, name, farm):
    new = (name, 1 + max((number for who, number in state[1] if who == name), default=0))
    return {new: farm}, frozenset()


def remove_delta(state, farm):
    return {}, frozenset(dot for dot, one in state[0].items() if one == farm)


# %% exercise="deltas" wrong="numbers by the dots that stand, so that a number is used again after a removal" says="was used before"
def add_delta(state, name, farm):
    new = (name, 1 + max((number for who, number in state[0] if who == name), default=0))
    return {new: farm}, frozenset([new])


def remove_delta(state, farm):
    return {}, frozenset(dot for dot, one in state[0].items() if one == farm)


# %% exercise="deltas" wrong="names the dot after the farm, as the other phone does too" says="was used before"
def add_delta(state, name, farm):
    new = (farm, 1 + max((number for what, number in state[1] if what == farm), default=0))
    return {new: farm}, frozenset([new])


def remove_delta(state, farm):
    return {}, frozenset(dot for dot, one in state[0].items() if one == farm)


# %% exercise="deltas" wrong="removes one dot of the farm, where two officers have added it" says="with its own delta"
def add_delta(state, name, farm):
    new = (name, 1 + max((number for who, number in state[1] if who == name), default=0))
    return {new: farm}, frozenset([new])


def remove_delta(state, farm):
    return {}, frozenset([dot for dot, one in sorted(state[0].items()) if one == farm][:1])


# %% exercise="deltas" wrong="removes by sending what is left" says="carries"
def add_delta(state, name, farm):
    new = (name, 1 + max((number for who, number in state[1] if who == name), default=0))
    return {new: farm}, frozenset([new])


def remove_delta(state, farm):
    left = {dot: one for dot, one in state[0].items() if one != farm}
    return left, state[1]


# %% exercise="deltas" wrong="does not add a farm that is there, so that a removal elsewhere takes it" says="new dots"
def add_delta(state, name, farm):
    if farm in state[0].values():
        return {}, frozenset()
    new = (name, 1 + max((number for who, number in state[1] if who == name), default=0))
    return {new: farm}, frozenset([new])


def remove_delta(state, farm):
    return {}, frozenset(dot for dot, one in state[0].items() if one == farm)


# %% exercise="deltas" wrong="is made for the first add" says="new dots"
def add_delta(state, name, farm):
    return {(name, 1): farm}, frozenset([(name, 1)])


def remove_delta(state, farm):
    return {}, frozenset(dot for dot, one in state[0].items() if one == farm)


# %% exercise="form" right="lets planted go, and keeps the area in a set, whose values a writer replaces"
def choose():
    form = dict.fromkeys(["photos", "workers", "area"], "set")
    return form | {
        "bags": "counter",
        "condition": "last write",
        "planted": "last write",
        "visited": "greatest",
    }


# %% exercise="form" wrong="lets the last write win everywhere" says="are lost without a word"
def choose():
    names = ["photos", "workers", "bags", "condition", "area", "planted", "visited"]
    return dict.fromkeys(names, "last write")


# %% exercise="form" wrong="asks about everything" says="are lost without a word"
def choose():
    names = ["photos", "workers", "bags", "condition", "area", "planted", "visited"]
    return dict.fromkeys(names, "all writes")


# %% exercise="form" wrong="asks about the condition after every visit" says="the office has time for 150"
def choose():
    form = {"photos": "set", "workers": "set", "bags": "counter", "visited": "greatest"}
    return form | dict.fromkeys(["condition", "area", "planted"], "all writes")


# %% exercise="form" wrong="trusts clocks with the day of the last visit" says="visited: "
def choose():
    form = {"photos": "set", "workers": "set", "bags": "counter", "visited": "last write"}
    return form | {"condition": "last write", "area": "all writes", "planted": "all writes"}


# %% exercise="form" wrong="lets a person sort out the visits" says="the office has time for 150"
def choose():
    form = {"photos": "set", "workers": "set", "bags": "counter", "visited": "all writes"}
    return form | {"condition": "last write", "area": "all writes", "planted": "last write"}


# %% exercise="form" wrong="keeps the greatest number of bags" says="bags: "
def choose():
    form = {"photos": "set", "workers": "set", "bags": "greatest", "visited": "greatest"}
    return form | {"condition": "last write", "area": "all writes", "planted": "all writes"}


# %% exercise="form" wrong="keeps the workers as one list" says="workers: "
def choose():
    form = {"photos": "set", "workers": "last write", "bags": "counter", "visited": "greatest"}
    return form | {"condition": "last write", "area": "all writes", "planted": "all writes"}


# %% exercise="form" wrong="lets the last write win for the area" says="area: "
def choose():
    form = {"photos": "set", "workers": "set", "bags": "counter", "visited": "greatest"}
    return form | dict.fromkeys(["condition", "area", "planted"], "last write")


# %% exercise="form" wrong="puts words into a counter" says="cannot be kept in"
def choose():
    form = {"photos": "set", "workers": "set", "bags": "counter", "visited": "greatest"}
    return form | {"condition": "counter", "area": "all writes", "planted": "all writes"}


# %% exercise="form" wrong="forgets a field" says="The form has the fields"
def choose():
    return {"photos": "set", "workers": "set", "bags": "counter", "visited": "greatest"}
