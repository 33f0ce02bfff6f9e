# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Time you cannot trust
#     chapter: 10
#     device: phone-2gb
#     teach_minutes: 60
#     exercise_minutes: 10
#     objectives:
#       - Count how often last-write-wins loses the newer write, as clocks err more and edits come closer
#       - Build Lamport, vector and hybrid logical clocks by hand, and say what each can tell and what it cannot
#       - Keep one phone with a mad clock from taking every other phone into the future
#       - Choose stamps for a register that phones with wrong clocks write into
#     claims: [lww-suffices]
# ---

# %% [markdown] spine="insight"
# # Time you cannot trust
#
# **Key insight:** a time stamp says what a clock showed, not what came first. "Who knew of what" is the better
# question, and it can be answered without a clock.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 10 minutes, how often 10, Lamport 8, vectors 10, hybrid 12, season and claim 10.
#
# **Board sketch.** Three vertical lines, one for each officer, time running down. Let the room place five edits and
# two meetings, then ask of pairs of edits: could this one have known of that one? Colour the pairs where the answer
# is no, both ways. Only then bring clocks.
#
# **Common mistakes.** "We use UTC, so we have no clock problem" (a time zone is one error of many). "The server
# stamps it": it stamps the arrival, which for an offline phone is days after the edit. "Concurrent means at the
# same time": it means that neither knew of the other, and can be a week apart. Comparing vector clocks with `max`.

# %% [markdown] spine="situation"
# ## The situation
#
# Mutheu, Kioko and Wanza are the three extension officers of one ward in Kitui, and they keep one register of farms
# and plots. They work without a link, and their phones exchange the register when they meet. The officers are
# invented.
#
# Kioko set his phone's clock by hand when he changed the SIM card, six hours too early. Wanza's battery died at
# noon; a phone without a network to ask comes up on the day that its maker chose, often 1 January 1970. All three
# look at the same plot on the same Monday:

# %% tags=["nbval-check-output"]
from datetime import datetime, timedelta

MONDAY = datetime(2026, 3, 2)
VISITS = [(9.0, "Mutheu", "healthy"), (14.0, "Kioko", "armyworm"), (16.5, "Wanza", "sprayed")]


def shows(officer, hour):
    """What the officer's phone shows when it is really this hour of that Monday."""
    if officer == "Kioko":
        return MONDAY + timedelta(hours=hour - 6)
    if officer == "Wanza" and hour >= 12:
        return datetime(1970, 1, 1) + timedelta(hours=hour - 12)
    return MONDAY + timedelta(hours=hour)


for hour, officer, condition in VISITS:
    print(
        f"{int(hour):>2}:{int(hour % 1 * 60):02}  {officer:<7} {condition:<9} stamped {shows(officer, hour)}"
    )

# %% [markdown] spine="naive"
# ## The rule that everybody writes first
#
# When two copies of a field differ, keep the one with the later stamp. The document that this chapter grew from
# says so too: last-write-wins with timestamps *often suffices*. It is one line.

# %% tags=["nbval-check-output"]
edits = [(shows(officer, hour), officer, condition) for hour, officer, condition in VISITS]


def last_write_wins(edits):
    return max(edits)


last_write_wins(edits)[1:]

# %% [markdown] spine="fails"
# ## It fails
#
# The register says *healthy*. The armyworm that Kioko found, and the spraying that Wanza saw, are gone. No phone
# reports a conflict, because in the rule's eyes there was none: all three copies agree, on the oldest of three
# observations.
#
# A clock that runs *ahead* is worse, because nobody gets past it. Say that Kioko's is a year ahead instead. He
# writes "armyworm" once; then Mutheu looks every Monday.

# %% tags=["nbval-check-output"]
register = [(MONDAY + timedelta(days=365), "Kioko", "armyworm")]
for week in range(1, 60):
    register.append((MONDAY + timedelta(weeks=week), "Mutheu", "healthy"))
    if last_write_wins(register)[1] == "Mutheu":
        break
print(f"Mutheu has to correct the field {week} times until one correction stays")

# %% [markdown]
# ### How often?
#
# Two officers write the same field, the second one `gap` after the first. Each clock errs by something between -E
# and +E. The newer write is lost when the first clock runs ahead of the second by more than the gap. We draw
# clocks, and beside them set the exact share: the difference of two such errors is a triangle, and we want its
# tail.


# %% tags=["nbval-check-output"]
import random

rng = random.Random(10)


def lost_share(error_h, gap_h, draws=20_000):
    lost = sum(rng.uniform(-error_h, error_h) - rng.uniform(-error_h, error_h) > gap_h for _ in range(draws))
    return lost / draws


def exact_share(error_h, gap_h):
    return max(0, 1 - gap_h / (2 * error_h)) ** 2 / 2


print("clocks within     written after    newer write lost    exact")
for error_h, gap_h in [(1 / 60, 1), (1, 1), (3, 1), (3, 5), (24, 1), (24, 24)]:
    drawn, exact = lost_share(error_h, gap_h), exact_share(error_h, gap_h)
    print(f"{error_h:>8.2f} h {gap_h:>15.0f} h {drawn:>17.1%} {exact:>13.1%}")

# %% tags=["long"]
import matplotlib.pyplot as plt

ERRORS = {"1 minute": 1 / 60, "1 hour": 1, "6 hours": 6, "1 day": 24}
COLOURS = ["#009E73", "#0072B2", "#CC79A7", "#D55E00"]
gaps_h = [10 ** (step / 20) for step in range(-60, 46)]

figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
for (name, error_h), colour in zip(ERRORS.items(), COLOURS, strict=True):
    shares = [100 * exact_share(error_h, gap_h) for gap_h in gaps_h]
    axis.plot(gaps_h, shares, color=colour)
    at = 2 * error_h * 0.42
    axis.annotate(f"  {name}", (at, 100 * exact_share(error_h, at)), color=colour, fontsize=9)
axis.set(xscale="log", xlabel="time between the two writes", ylabel="newer write lost (%)", ylim=(0, 55))
axis.minorticks_off()
axis.text(0.0011, 10, "clocks within ...\n(right of each line)", fontsize=9)
axis.set_xticks([1 / 60, 1, 24, 168], ["1 minute", "1 hour", "1 day", "1 week"])
axis.set_title(
    "Last-write-wins forgets newer writes where clocks differ by more than edits are apart (synthetic)"
)
axis.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# Where a line is at 50 %, last-write-wins is a coin toss. It is safe where edits of one field lie further apart than
# two clocks can differ. The worst clock decides that, and a dead battery makes it decades wrong.
#
# ### Play with it
#
# On the left what happened, on the right the order that the stamps claim. A line that crosses another is a pair of
# edits in the wrong order. How small must the errors be before nothing crosses? (Wanza's battery stays charged
# here.)

# %% tags=["long"]
EDITS = [(8, "Mutheu"), (9, "Kioko"), (10, "Wanza"), (11.5, "Kioko")]
EDITS += [(12, "Mutheu"), (14, "Wanza"), (15, "Kioko")]
LOOKS = {"Mutheu": ("#0072B2", "-"), "Kioko": ("#D55E00", "--"), "Wanza": ("#009E73", ":")}


def two_orders(**error_h):
    """Draw seven edits by the real time and by their stamps; the keywords are the clocks' errors in hours."""
    stamped = [(hour + error_h[name], hour, name) for hour, name in EDITS]
    rank = {(hour, name): place for place, (_, hour, name) in enumerate(sorted(stamped))}
    figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
    for place, (hour, name) in enumerate(EDITS):
        colour, style = LOOKS[name]
        axis.plot([0, 1], [place, rank[hour, name]], style, color=colour, marker="o")
        label = f"{int(hour)}:{int(hour % 1 * 60):02} {name}"
        axis.text(-0.03, place, label, ha="right", va="center", color=colour)
        axis.text(1.03, rank[hour, name], name, va="center", color=colour)
    places = [rank[edit] for edit in EDITS]
    wrong = sum(places[i] > places[j] for i in range(len(EDITS)) for j in range(i + 1, len(EDITS)))
    axis.set(xlim=(-0.45, 1.3), yticks=[], title=f"{wrong} of 21 pairs in the wrong order (synthetic)")
    axis.set_xticks([0, 1], ["what happened", "what the stamps say"])
    axis.invert_yaxis()
    axis.spines[["top", "right", "left", "bottom"]].set_visible(False)
    plt.close(figure)
    return figure


# %%
from ipywidgets import FloatSlider

from offlinefirst.course.play import play


def clock_slider(name, hours):
    return FloatSlider(hours, min=-6, max=6, step=0.5, description=f"{name}, h")


play(
    two_orders,
    Mutheu=clock_slider("Mutheu", 0.5),
    Kioko=clock_slider("Kioko", -3),
    Wanza=clock_slider("Wanza", 1.5),
)

# %% [markdown] spine="fix"
# ## The fix: ask who knew of what
#
# Forget the hour. Kioko had met Mutheu at the market at eleven and had *seen* "healthy" when he wrote "armyworm".
# He meant to replace it. Wanza first wrote "sprayed" without having heard anybody, and then met Kioko.
#
# ![Three vertical lines for Mutheu, Kioko and Wanza, time running down. Mutheu writes healthy; an arrow runs from her line to Kioko's; Kioko writes armyworm; Wanza, who has heard nobody, writes sprayed; an arrow runs from Kioko's line to Wanza's; Wanza writes armyworm, sprayed. Beside each edit stand its Lamport stamp and its vector clock. The pairs healthy and sprayed, and armyworm and sprayed, are marked: neither knew of the other.](figures/who-knew-what.svg)
#
# **Lamport's clock** is a count with one rule: never be behind what you have heard. Two lines:


# %% tags=["nbval-check-output"]
def tick(count):
    return count + 1


def hear(count, other):
    return max(count, other) + 1


healthy = tick(0)  # Mutheu
armyworm = tick(hear(0, healthy))  # Kioko, after the market
sprayed = tick(0)  # Wanza, who has heard nobody
both = tick(hear(sprayed, armyworm))  # Wanza, after she met Kioko
print(f"healthy {healthy}, armyworm {armyworm}, sprayed {sprayed}, armyworm and sprayed {both}")

# %% [markdown]
# Whoever knew of an edit has a greater count than that edit, whatever the clocks show. So a write that was *meant*
# to replace another always wins over it. That is all it promises. Look at "sprayed" and "armyworm": 1 and 3. The
# counts put one before the other, though neither officer knew of the other's. And the count has nothing to do with
# the day: who writes much counts fast, so the last write of a quiet officer can lose against a busy one's of the
# week before.
#
# **A vector clock** keeps a count for *each* officer: how many edits of hers do I know? One edit is before another
# if all its counts are at most the other's. If neither is before the other, they are **concurrent**: neither knew.


# %% tags=["nbval-check-output"]
def merge(mine, yours):
    return {name: max(mine.get(name, 0), yours.get(name, 0)) for name in {**mine, **yours}}


def edit(knows, name):
    return {**knows, name: knows.get(name, 0) + 1}


def before(one, other):
    return one != other and all(count <= other.get(name, 0) for name, count in one.items())


vectors = {"healthy": edit({}, "Mutheu")}
vectors["armyworm"] = edit(merge({}, vectors["healthy"]), "Kioko")
vectors["sprayed"] = edit({}, "Wanza")
vectors["both"] = edit(merge(vectors["sprayed"], vectors["armyworm"]), "Wanza")
for name, vector in vectors.items():
    print(f"{name:<9} {vector}")

# %% tags=["nbval-check-output"]
from itertools import combinations

for one, other in combinations(vectors, 2):
    says = [f"{one} before {other}"] if before(vectors[one], vectors[other]) else []
    says += [f"{other} before {one}"] if before(vectors[other], vectors[one]) else []
    print(*says or [f"{one}, {other}: concurrent, nobody knew"])

# %% [markdown]
# This is the whole truth about who knew what, and the register can now do the decent thing: replace what was meant
# to be replaced, and show a person what was not. It costs a number for every officer who ever wrote, on every edit.
# And it does not say what came first among the concurrent ones, because nothing that the phones know says so. For a
# note that a person will read, nobody needs an order. For a field that must show *one* value now, we want a tie
# broken sensibly: by the clock, as far as the clock can be believed.
#
# **A hybrid logical clock** is a wall clock that obeys Lamport's rule. Take the time; if that is not later than
# everything heard so far, stay at the latest time heard and count.


# %% tags=["nbval-check-output"]
def hybrid_tick(last, now):
    wall, count = last
    return (now, 0) if now > wall else (wall, count + 1)


def hybrid_hear(last, other, now):
    return hybrid_tick(max(last, other), now)


HOUR, DAY, NEVER = 60, 24 * 60, (0, 0)  # minutes; Monday 0:00 is minute 0 of this little world
mutheu = hybrid_tick(NEVER, 9 * HOUR)
kioko = hybrid_hear(NEVER, mutheu, 5 * HOUR)  # at eleven; his clock shows five
armyworm = hybrid_tick(kioko, 8 * HOUR)  # at two
print(f"healthy {mutheu}, armyworm {armyworm}: the newer wins: {armyworm > mutheu}")

# %% [markdown]
# Kioko's six hours did no harm to a write that knew what it replaced. The stamp is still nearly a time: his edit is
# filed at nine o'clock and not at fourteen, because nothing that he had heard was later. For the register's list
# "what changed this week", that is good enough.
#
# ### And the phone in 2099
#
# Lamport's rule is "never be behind what you have heard". Now hear this: Wanza's new phone believes that it is
# 2099. The three meet once. Then Wanza sets her clock right.

# %% tags=["nbval-check-output"]
YEAR, SINCE_1970 = 365 * DAY, 20_514 * DAY
wanza = hybrid_tick(NEVER, 73 * YEAR)
mutheu_met = hybrid_hear(mutheu, wanza, 17 * HOUR)
next_week = hybrid_tick(mutheu_met, 7 * DAY)
next_year = hybrid_tick(next_week, YEAR)
stamps = {"Monday": mutheu, "met": mutheu_met, "next week": next_week, "next year": next_year}
for name, (wall, count) in stamps.items():
    print(f"Mutheu, {name:<10} year {2026 + wall // YEAR}, count {count}")

# %% [markdown]
# One meeting, and *Mutheu's* stamps say 2099 until 2099. So does every phone that she meets. They are still in
# order, but no clock has a say in it any more: the hybrid clock has become a plain Lamport clock, with a wrong
# date on it. The mend is one line: refuse what is too far ahead, *before* taking anything over.


# %% tags=["fails-on-purpose"]
def hybrid_hear(last, other, now, limit=DAY):
    if other[0] > now + limit:
        raise ValueError(f"a stamp {(other[0] - now) / DAY:,.0f} days ahead: is one of our clocks wrong?")
    return hybrid_tick(max(last, other), now)


hybrid_hear(mutheu, wanza, 17 * HOUR)

# %% [markdown]
# Mutheu keeps her clock and her register, and a person is told. What this cannot tell is *who* is wrong. Wanza's
# old phone, back in 1970 after its battery died, would refuse everybody with the very same words.
#
# It need not, because it can know better: at noon its own clock had shown a Monday in 2026. A phone keeps the
# latest time that its own clock ever showed, saves it, and takes *that* for now when the clock shows less.

# %% tags=["nbval-check-output"]
in_1970 = 4 * HOUR - SINCE_1970
try:
    hybrid_hear(NEVER, mutheu, in_1970)
except ValueError as error:
    print("by the clock alone:   ", error)
print("by the latest it knew:", hybrid_hear(NEVER, mutheu, max(12 * HOUR, in_1970)))

# %% [markdown] spine="measure"
# ## Measure it: a season with three clocks
#
# Sixty days, and each week eight plots that all three officers look after, because the armyworm is there. Twelve
# edits a day. Every day two officers meet at noon, and most evenings all three at the office, where a network
# sets the clocks that have died. Every edit gets a wall stamp, a Lamport stamp, a hybrid one and a vector, side by
# side. All of it is synthetic.


# %% tags=["long"]
class Phone:
    def __init__(self, name, error):
        self.name, self.error, self.died, self.newest = name, error, None, 0
        self.lamport, self.hybrid, self.vector, self.known = 0, NEVER, {}, set()

    def wall(self, now):
        shown = now + self.error if self.died is None else now - self.died - SINCE_1970
        self.newest = max(self.newest, shown)
        return shown

    def write(self, now, plot):
        shown, self.lamport = self.wall(now), tick(self.lamport)
        self.hybrid = hybrid_tick(self.hybrid, self.newest)
        self.vector = edit(self.vector, self.name)
        stamps = {"wall": shown, "Lamport": self.lamport, "hybrid": self.hybrid, "vector": self.vector}
        return {"plot": plot, "now": now, "by": self.name, "knew": frozenset(self.known), **stamps}

    def learn(self, other, now):
        self.wall(now)
        self.lamport = hear(self.lamport, other.lamport)
        self.hybrid = hybrid_hear(self.hybrid, other.hybrid, self.newest, limit=7 * DAY)
        self.vector, self.known = merge(self.vector, other.vector), self.known | other.known


# %% tags=["long"]
def season(seed, error, dies=0.0):
    """All edits; clocks err by up to `error` minutes, and a battery dies after an edit with this chance."""
    rng = random.Random(seed)
    phones = [Phone(name, rng.randint(-error, error)) for name in ("Mutheu", "Kioko", "Wanza")]
    edits = []
    for day in range(1, 61):
        plots = random.Random(f"{seed}, week {day // 7}").sample(range(40), 8)
        moments = [(rng.randint(8 * HOUR, 17 * HOUR), "write") for _ in range(12)] + [(12 * HOUR, "meet")]
        for moment, what in sorted(moments):
            now, (phone, other, _) = day * DAY + moment, rng.sample(phones, 3)
            if what == "meet":
                phone.learn(other, now)
                other.learn(phone, now)
                continue
            edits.append(phone.write(now, rng.choice(plots)))
            phone.known.add(len(edits) - 1)
            phone.died = now if rng.random() < dies else phone.died
        if rng.random() < 0.6 or day % 6 == 0:
            for phone in phones:
                phone.died = None
            for one, other in [(0, 1), (2, 1), (1, 0), (1, 2), (0, 2)]:
                phones[one].learn(phones[other], day * DAY + 18 * HOUR)
    return edits


edits = season(1, error=3 * HOUR)
len(edits), {key: edits[100][key] for key in ("by", "plot", "wall", "Lamport", "hybrid", "vector")}

# %% [markdown]
# First, do vectors tell the truth? We know who knew what, because the simulation wrote it down. Here is every pair
# of the season's edits.

# %% tags=["nbval-check-output"]
pairs = [(i, j) for i in range(len(edits)) for j in range(len(edits)) if i != j]
wrong = sum((i in edits[j]["knew"]) != before(edits[i]["vector"], edits[j]["vector"]) for i, j in pairs)
behind = sum(i in edits[j]["knew"] and edits[i]["Lamport"] >= edits[j]["Lamport"] for i, j in pairs)
print(f"{len(pairs):,} pairs: vectors wrong about {wrong}; Lamport counts behind what was known: {behind}")

# %% [markdown]
# Now count losses. A newer write is lost if an *older* one of the same plot has the greater stamp. We keep two
# cases apart: the newer writer had seen the older write and meant to replace it, or had not.


# %%
def losses(edits, rule):
    """For newer writes that knew all the older ones of their plot, and for those that did not: how many, lost."""
    found = {"knew": [0, 0], "did not": [0, 0]}
    plots = {}
    for number, one in enumerate(edits):
        older = plots.setdefault(one["plot"], [])
        if older:
            case = found["knew" if all(o in one["knew"] for o in older) else "did not"]
            case[0] += 1
            case[1] += any((edits[o][rule], edits[o]["by"]) > (one[rule], one["by"]) for o in older)
        older.append(number)
    return found


# %% tags=["nbval-check-output"]
WORLDS = {"set by a network, within a minute": (1, 0.0), "set by hand, within 3 hours": (3 * HOUR, 0.0)}
WORLDS |= {"the same, and batteries die": (3 * HOUR, 0.02)}
CASES = ("knew", "did not")
counted = {}  # for each world, rule and case: newer writes, and how many of them were lost
print(f"newer write lost, of 20 seasons{'knew the older':>27}{'did not know':>15}")
for world, (error, dies) in WORLDS.items():
    seasons = [season(seed, error, dies) for seed in range(20)]
    print(world)
    for rule in ("wall", "Lamport", "hybrid"):
        found = [losses(edits, rule) for edits in seasons]
        for case in CASES:
            counted[world, rule, case] = [
                sum(column) for column in zip(*(one[case] for one in found), strict=True)
            ]
        shares = [lost / writes for writes, lost in (counted[world, rule, case] for case in CASES)]
        print(f"  {rule:<34}{shares[0]:>22.1%}{shares[1]:>15.1%}")

# %% [markdown]
# Read the middle column first: a write that knew what it replaced is never lost under Lamport or hybrid stamps, in
# any world. That is the promise, and it is kept. Wall stamps break it, most of all where a battery dies.
#
# The last column is about edits that did not know of each other, and there *no* stamp is right by itself. Lamport's
# counts lose about the same share in every world: they know nothing of hours. The hybrid clock does as well as the wall
# clocks allow, and where a battery dies it does better, because it falls back on what that phone knew last. Vectors
# pick no winner there. They hand these edits to a person, and this is how many that is:

# %% tags=["nbval-check-output"]
import json

good, _, bad = WORLDS
asked = counted[good, "wall", "did not"][0] / 20
print(f"a season has {len(edits)} edits; {asked:.0f} writers had not seen an older one of that plot")
print("bytes of one stamp as JSON, with 3, 30 and 300 officers:")
for officers in (3, 30, 300):
    vector = {f"officer-{number}": 100 for number in range(officers)}
    hybrid = [1_772_442_000_000, 3, "officer-1"]
    print(f"  vector {len(json.dumps(vector)):>6,}    hybrid {len(json.dumps(hybrid))}")

# %% [markdown] spine="claim"
# Far too many phone calls for a field that will be looked at again next week, and a vector that grows with the
# staff. Whether a field is worth a person's question is a decision for each field; the next notebook makes it.
#
# ## The claim, checked
#
# "Last-write-wins by timestamp often suffices, where a person can review conflicts." Two things can be measured.
# How often is the newer write the one that is lost? We ask for at most one in a hundred of all writes that had an
# older one to compete with, first with clocks that a network sets and then where clocks are set by hand and
# batteries die. And what is left to review? Nothing: the rule keeps one value, and a person who is shown one value
# reviews no conflict.

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_most, holds_if


def share_lost(world):
    writes, lost = zip(*(counted[world, "wall", case] for case in CASES), strict=True)
    return 100 * sum(lost) / sum(writes)


verdict(
    "lww-suffices",
    measured={good: share_lost(good), bad: share_lost(bad)},
    unit="percent of newer writes lost",
    possible=(0, 100),
    rule=holds_if("if a network sets every clock", at_most(1), where=good, elsewhere=bad),
)

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.sync.clocks` has all three. `HybridClock` is the functions above with what a phone needs besides:
# milliseconds, a name in every stamp so that no two are equal, a count that cannot grow without bound, and a state
# that survives the battery.

# %% tags=["nbval-check-output"]
from offlinefirst.sync.clocks import ClockDriftError, Hybrid, HybridClock

DAY_MS = 86_400_000
wall_ms = {"Wanza": 20_514 * DAY_MS}  # 2 March 2026, in milliseconds since 1970

clock = HybridClock("Wanza", lambda: wall_ms["Wanza"], max_drift_ms=DAY_MS)
noon = clock.tick()
saved = clock.to_json()

wall_ms["Wanza"] = 0  # the battery dies; it is 1970
clock = HybridClock.restore(saved, lambda: wall_ms["Wanza"], max_drift_ms=DAY_MS)
afternoon = clock.tick()
print(afternoon, afternoon > noon)

# %% [markdown]
# In 1970 Wanza's phone still stamps after its own last stamp, and it still hears Mutheu, because the limit counts
# from the latest time that its *own* clock ever showed. Only its own: if every accepted stamp moved the limit, two
# steps of a day would get where one of two days is refused.

# %% tags=["nbval-check-output"]
from_mutheu = Hybrid(noon.wall_ms + 5 * 3_600_000, 0, "Mutheu")
print(clock.receive(from_mutheu) > from_mutheu)

for ahead_days in (2, 73 * 365):
    before_it = clock.to_json()
    try:
        clock.receive(Hybrid(noon.wall_ms + ahead_days * DAY_MS, 0, "Kioko"))
    except ClockDriftError as error:
        print(error)
    assert clock.to_json() == before_it

# %% [markdown] spine="limits"
# Nothing was changed by the refusals, down to the byte. The rule tests of this module let wall clocks jump, phones
# restart and stamps lie at random, and check that stamps only ever grow.
#
# ## What this does not show
#
# - **Nobody can say who is wrong.** A refusal names two clocks. A phone that was off for longer than the limit, and
#   has no network to ask, refuses its colleagues until somebody sets it. Words on the screen are part of the
#   protocol.
# - **A clock that was ahead leaves stamps ahead.** Wanza's own edits of "2099" stay refused by the others after she
#   sets her clock. They have to be stamped anew, under a new name of her phone.
# - **A stamp is a statement, not a proof.** Whoever wants to win the field stamps it a little late: up to the
#   limit, it passes. Signatures say who lied (chapter 11), no clock does.
# - **The seasons are synthetic**, and so is the share of dead batteries. The shape holds for any: the closer edits
#   lie, and the further clocks err, the more is lost.
# - **Choosing a winner is not always needed.** The next notebook has data that needs no winner at all.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("10-crdts-from-first-principles/01-time-you-cannot-trust")

# %% [markdown] spine="next"
# ## Next
#
# [Counters, registers, sets](02-counters-registers-sets.ipynb): values that can be merged in any order, as often as
# you like.
