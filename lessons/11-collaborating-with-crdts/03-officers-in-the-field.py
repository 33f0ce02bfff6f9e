# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Officers in the field
#     chapter: 11
#     device: phone-2gb
#     teach_minutes: 50
#     exercise_minutes: 15
#     objectives:
#       - Say what a state vector is, and work out from two of them what has to be sent
#       - Follow three registers through a day of edits made apart, and predict what each shows after every meeting
#       - Tell a conflict that a register settles from one that it hides
#       - Exchange a register on a USB stick that may be full, pulled out, old, foreign or hostile
#     after: [11-collaborating-with-crdts/02-three-topologies]
# ---

# %% [markdown] spine="insight"
# # Officers in the field
#
# **Key insight:** number what each person writes. Then a few numbers, the state vector, say all that a phone has, and
# two phones find out what each lacks before either has shown anything.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 7 minutes, by hand 15, the story 10, play 10 (theirs), measure 5, the stick 13.
#
# **Board sketch.** The first figure, with the two vectors written first and the edits covered. Ask: who has to send
# what? Then uncover.
#
# **Playing.** In pairs, one predicts, one drags. Three tasks: make a conflict; make one in which all three values
# differ; make two phones agree while the third is still in the field. Let them find that bags never conflict.
#
# **Common mistakes.** Taking a state vector for a time ("larger is later"). Thinking that the register keeps the later
# of two values written apart. Thinking that a signature hides what is signed.

# %% [markdown] spine="situation"
# ## The situation
#
# Mutheu, Kioko and Wanza visit the same farms around Kitui. Each phone has the farm's crop register. On weekdays they
# are out of reach; on Saturday they meet at the market, or one of them leaves a USB stick in the shop there. Today all
# three were at the same plot, at different hours, and wrote down what they saw. All are invented.

# %% tags=["nbval-check-output"]
DAY = [
    ("Mutheu", "condition", "stressed"),
    ("Kioko", "condition", "diseased"),
    ("Kioko", "bags", 3),
    ("Wanza", "bags", 4),
    ("Wanza", "note", "goat in the field"),
]
for hour, (officer, field, value) in enumerate(DAY, 9):
    print(f"{hour:>2}:00  {officer:<7} {field}: {value}")

# %% [markdown] spine="naive"
# ## The newest file wins
#
# The register is a file. Whoever comes to the market puts theirs on the stick, and the newest is everybody's.


# %% tags=["nbval-check-output"]
def write(register, field, value, hour):
    register[field] = register.get(field, 0) + value if field == "bags" else value
    register["saved"] = hour


phones = {
    name: {"crop": "maize", "condition": "healthy", "saved": 0} for name in ("Mutheu", "Kioko", "Wanza")
}
for hour, (officer, field, value) in enumerate(DAY, 9):
    write(phones[officer], field, value, hour)
newest = max(phones.values(), key=lambda register: register["saved"])
newest

# %% [markdown] spine="fails"
# ## It fails
#
# Wanza's file is the newest, so it is now everybody's. What became of the day?

# %% tags=["nbval-check-output"]
expected_bags = sum(value for _, field, value in DAY if field == "bags")
print(f"bags: {newest['bags']}, and {expected_bags} were counted")
print(f"condition: {newest['condition']}, and nobody who wrote about it today called it that")

# %% [markdown] spine="fix"
# ## By hand: number the edits
#
# Two officers' work is gone, and the sick field is healthy again. A later clock would not have helped: the file is the
# wrong thing to compare. Nobody replaced anybody's *edit*. So we keep edits. Each gets its author's name and next
# number, which is all it takes to tell it from any other, and notes what its author's phone knew at that moment.


# %% tags=["nbval-check-output"]
def new_phone(name):
    return {"name": name, "edits": {}, "vector": {}}


def edit(phone, field, value):
    number = phone["vector"].get(phone["name"], 0) + 1
    phone["edits"][phone["name"], number] = {"field": field, "value": value, "knew": dict(phone["vector"])}
    phone["vector"][phone["name"]] = number


phones = {name: new_phone(name) for name in ("Mutheu", "Kioko", "Wanza")}
for officer, field, value in DAY:
    edit(phones[officer], field, value)
for phone in phones.values():
    print(phone["name"], "has", list(phone["edits"]), "and the vector", phone["vector"])

# %% [markdown]
# `vector` is the **state vector**: for each author, up to which number the edits are here. It is complete because every
# author's edits come in order and none is left out. So what a phone lacks can be worked out by another one, from the
# vector alone:
#
# ![Two phones. Mutheu's has the edits M1 to M4 and K1, Kioko's has M1, M2 and K1 to K3. Each first sends its state vector, M 4 K 1 and M 2 K 3. Then Mutheu sends M3 and M4, and Kioko sends K2 and K3. Afterwards both have the same seven edits and the vector M 4, K 3.](figures/receipts.svg)


# %% tags=["nbval-check-output"]
def lacked_by(vector, phone):
    """What `phone` has and a phone with that vector has not."""
    return {dot: one for dot, one in phone["edits"].items() if dot[1] > vector.get(dot[0], 0)}


def meet(one, other):
    for sender, receiver in ((one, other), (other, one)):
        sent = lacked_by(receiver["vector"], sender)
        receiver["edits"] |= sent
        receiver["vector"] |= dict(sorted(sent))  # of each author the last number stays
        print(f"{sender['name']} sends {receiver['name']} {sorted(sent) or 'nothing'}")


meet(phones["Mutheu"], phones["Kioko"])
meet(phones["Kioko"], phones["Wanza"])
meet(phones["Wanza"], phones["Kioko"])

# %% [markdown]
# The second meeting carries Mutheu's edit to Wanza through Kioko; the third carries nothing. And what does a phone
# show? Bags are added up. Of a field's edits, those stand that no edit knew of and replaced. Then Wanza asks the farmer,
# and writes one edit more, which knew all the others:


# %% tags=["nbval-check-output"]
def standing(phone, field):
    writes = {dot: one for dot, one in phone["edits"].items() if one["field"] == field}
    return {
        dot: one["value"]
        for dot, one in writes.items()
        if not any(other["knew"].get(dot[0], 0) >= dot[1] for other in writes.values())
    }


print("condition:", standing(phones["Wanza"], "condition"))
print("bags:", sum(one["value"] for one in phones["Wanza"]["edits"].values() if one["field"] == "bags"))

edit(phones["Wanza"], "condition", "diseased")
print("after Wanza's edit:", standing(phones["Wanza"], "condition"))

# %% [markdown]
# All seven bags. And two conditions, for nobody can compute whether the leaves were stressed or diseased, until
# somebody who saw both decides.
#
# ## The real register, step by step
#
# `CropRegister` of the [first notebook](01-documents.ipynb) numbers edits in the same way (its writers are numbers, its
# state vector a few bytes). `Officers` holds three of them, one a phone. Phones at the market exchange what each lacks;
# phones in the field talk to nobody. It is a model of the market, not of the register: that one is real.

# %% tags=["nbval-check-output"]
from datetime import date

from offlinefirst.course.officers import FIELD, MARKET, OFFICERS, Officers, describe

officers = Officers(today=lambda: date(2026, 6, 1))
for name in OFFICERS:
    officers.go(name, FIELD)
for officer, field, value in DAY:
    officers.edit(officer, field, value)
for name, register in officers.registers.items():
    print(f"{name:<7} shows {officers.value(name, 'condition'):<9} and has the vector {register.clocks()}")

# %% [markdown]
# Writer 1 is Mutheu, 2 Kioko, 3 Wanza. (A vector counts one more than we wrote, for every writer's first entry says
# whose number it is; and Mutheu had entered *maize* and *healthy* before.) Now Mutheu comes to the market, then Kioko.

# %%
import matplotlib.pyplot as plt

told = len(officers.events)
officers.go("Mutheu", MARKET)
officers.go("Kioko", MARKET)
for event in officers.events[told:]:
    print(describe(event))
plt.rcParams["font.size"] = 9.5
officers.draw("Two have met (simulated): each got what it lacked, and both show Kioko's value")

# %% [markdown]
# Look at the right of the picture. Both have Mutheu's edit and Kioko's, and both *show* Kioko's. The register keeps one
# value for a field, and every phone keeps the same one: that is what convergence promises, and all. Our model has seen
# all phones, so it can add the line that the register does not have: a conflict. Why Kioko's? He was later. Let him be
# earlier, and let the writers' numbers be drawn anew, as real phones do:

# %% tags=["nbval-check-output"]
import random

from offlinefirst.sync.documents import CropRegister

rng = random.Random(11)
later_stands = larger_stands = 0
for _ in range(200):
    first, second = (CropRegister(farm="k", officer=name, client_id=rng.getrandbits(31)) for name in "ab")
    first.set("north", "condition", "diseased")
    second.set("north", "condition", "stressed")  # a minute later, on another phone
    first.apply(second.update_since(first.state_vector()))
    later = first.plot("north").condition == "stressed"
    later_stands += later
    larger_stands += later == (second.client_id > first.client_id)
print(f"the later edit stands in {later_stands} of 200, that of the larger number in {larger_stands} of 200")

# %% [markdown]
# It was luck. Of two values that were written apart in place of the same one, that of the larger writer's number
# stands, and the number is drawn when the document is opened. (After longer stories it can be an earlier writer's
# number that decides.) It is a rule that every phone can follow without asking, and it knows nothing of leaves.
# Where the value matters, somebody has to be shown both: that is the [next
# notebook](04-when-merging-is-not-enough.ipynb).
#
# Wanza comes last, and then one more edit:

# %% tags=["nbval-check-output"]
told = len(officers.events)
officers.go("Wanza", MARKET)
officers.edit("Wanza", "condition", "diseased")
for event in officers.events[told:]:
    if "no changes" not in describe(event):
        print(describe(event))
print({name: (officers.value(name, "bags"), officers.who(name, "bags")) for name in OFFICERS})
print("all the same:", officers.agree(), "  conflicts:", officers.hidden("Mutheu", "condition"))

# %% [markdown]
# Seven bags by Kioko and Wanza on every phone: bags are counted by each writer apart, and added up when somebody looks.
# And Wanza's edit, made when her phone knew both values, ends the conflict.
#
# ### Play with it
#
# Drag a phone by its head, or use its button. Write, meet, part. Make a conflict; then one between three values; then
# let two phones agree while the third is still away. Watch what a meeting costs. (With no kernel running you see the
# story that it began with, as a picture.)

# %%
from offlinefirst.course.officers_widget import officers_widget

game = Officers()
for officer in ("Mutheu", "Kioko"):
    game.go(officer, FIELD)
game.edit("Mutheu", "condition", "stressed")
game.edit("Kioko", "condition", "diseased")
game.edit("Wanza", "bags", 4)
game.go("Kioko", MARKET)
officers_widget(game)

# %% [markdown] spine="measure"
# ## Measure it: twelve Saturdays
#
# Does a meeting stay cheap while the history grows? Twelve weeks, 40 edits a week by each of three officers on 30 plots
# (synthetic). On Saturday Kioko brings Mutheu what she lacks. Beside it: the whole history, and the table alone as
# JSON, which a file that is copied would cost.

# %% tags=["long"]
import json

rng, today = random.Random(5), date(2026, 6, 1)
mutheu, kioko, wanza = registers = [
    CropRegister(farm="kitui-03", officer=name, client_id=n, today=lambda: today)
    for n, name in enumerate(OFFICERS, 1)
]


def week(register):
    with register.batch():
        for _ in range(40):
            plot = f"plot-{rng.randrange(30):02d}"
            register.set(plot, "condition", rng.choice(["healthy", "stressed", "diseased"]))
            if rng.random() < 0.3:
                register.add_bags(plot, rng.randint(1, 5))


sent, history, table = [], [], []
for _ in range(12):
    for register in registers:
        week(register)
    kioko.apply(wanza.update_since(kioko.state_vector()))
    sent.append(len(mutheu.state_vector()) + len(kioko.update_since(mutheu.state_vector())))
    for one, other in ((mutheu, kioko), (kioko, mutheu), (wanza, kioko)):
        one.apply(other.update_since(one.state_vector()))
    history.append(len(mutheu.update_since(None)))
    plots = [{"name": p.name, "condition": p.condition, "bags": p.bags} for p in mutheu.plots().values()]
    table.append(len(json.dumps(plots, separators=(",", ":"))))

# %%
figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
weeks = range(1, 13)
for name, sizes, up, style in (
    ("whole history", history, 0, {"color": "#0072B2", "marker": "s"}),
    ("the table alone, as JSON", table, 6, {"color": "#555555", "linestyle": "--"}),
    ("what Mutheu lacks, with her vector", sent, -8, {"color": "#D55E00", "marker": "o"}),
):
    axis.plot(weeks, [size / 1000 for size in sizes], linewidth=2, markersize=5, **style)
    axis.annotate(name, (12, sizes[-1] / 1000), (6, up), textcoords="offset points", va="center")
axis.set(xlim=(1, 16.5), ylim=(0, None), xlabel="Saturday", ylabel="kB", xticks=weeks)
axis.set_title("A meeting costs what was new, not what there is (synthetic season)")
axis.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %% tags=["nbval-check-output"]
print(f"last Saturday: {sent[-1]:,} bytes for what was new, {history[-1]:,} for the whole history")
print(
    f"since the fourth: new {sent[-1] / sent[3]:.2f} times, history {history[-1] / history[3]:.2f} times as much"
)
deletions = len(kioko.update_since(kioko.state_vector()))
print(f"a phone that lacks nothing is sent {deletions} bytes: the list of what was overwritten")

# %% [markdown]
# And honestly: the table alone is smaller than its history. Who may lose edits can copy tables. The history is the
# price of merging, and it grows; [chapter 10](../10-crdts-from-first-principles/04-what-it-costs.ipynb) prices it. What
# is sent shrinks at first, while plots get their names, and then grows a little too: an update lists every deletion
# there ever was, and overwriting deletes.

# %% [markdown] spine="production"
# ## The production version: a stick
#
# State vectors work without anybody being there: leave yours, and whoever comes next knows what to leave for you.
# `Exchange` does that in a folder. Every officer has one file there, a **bundle**: state vector, and the update that
# somebody else may lack, signed.
#
# ![A bundle as a row of boxes: version, public key of 32 bytes, signature of 64 bytes, header with farm, sender, number, time, what it goes on from and the sender's state vector, and the packed update. The signature covers all of it. Below, the order of the checks: size, key and signature, header, update.](figures/stick.svg)
#
# Keys are made on each phone, and their public halves shown to each other once, face to face. (Here they come from
# fixed seeds, so that the notebook repeats.)

# %%
from offlinefirst.sync.exchange import Exchange, SenderKey, Trust

SATURDAY = 1_780_732_800.0  # 6 June 2026
keys = {name: SenderKey.from_seed(name, bytes([n]) * 32) for n, name in enumerate(OFFICERS, 1)}
trusted = Trust({name: key.public for name, key in keys.items()})
stick = device.current().scratch / "stick"
stick.mkdir()


def at_the_stick(name, place=stick, clock=SATURDAY, trusted=trusted):
    options = {"farm": "kitui-03", "sender_key": keys[name], "trusted": trusted}
    return Exchange(place, clock=lambda: clock, **options)


# %%
registers = {
    name: CropRegister(farm="kitui-03", officer=name, client_id=n) for n, name in enumerate(OFFICERS, 1)
}
for officer, field, value in DAY:
    if field == "bags":
        registers[officer].add_bags("north", value)
    else:
        registers[officer].set("north", field, value)

for name in [*OFFICERS, *OFFICERS]:
    visit = at_the_stick(name).visit(registers[name])
    got = ", ".join(f"{one.items} from {one.sender}" for one in visit.taken if one.items) or "nothing new"
    print(f"{name:<7} got {got:<26} left {visit.wrote_bytes} bytes")
plot = registers["Mutheu"].plot("north")
print("all the same:", len({str(register.plots()) for register in registers.values()}) == 1)
print(plot.bags, "bags,", plot.condition, "-", plot.note)

# %% [markdown]
# Entries are counted, names among them. The first round goes one way only: Mutheu found an empty stick. On the second
# everybody has everything. No two of them were ever there at once.
#
# ### What else lies on a stick
#
# A stick passes through many hands. Beside the good bundles we put what it may bring: one cut short, one with a byte
# changed, one of a stranger, one for another farm, one from the future, one that is enormous, and a photo.

# %%
from offlinefirst.sync.exchange import pack

sender = registers["Wanza"]
good = {"farm": "kitui-03", "sender_key": keys["Wanza"], "clock": lambda: SATURDAY}
whole = pack(sender, **good)
stranger = SenderKey.from_seed("Juma", b"j" * 32)
odd = {
    "cut": whole[:-20],
    "changed": whole[:150] + b"X" + whole[151:],
    "stranger": pack(sender, **(good | {"sender_key": stranger})),
    "farm": pack(sender, **(good | {"farm": "kitui-07"})),
    "future": pack(sender, **(good | {"clock": lambda: SATURDAY + 90_000})),
    "enormous": bytes(3_000_000),
}
for name, data in [(f"kitui-03.{name}.bundle", data) for name, data in odd.items()] + [("holiday.jpg", b"")]:
    _ = (stick / name).write_bytes(data)

# %% tags=["nbval-check-output"]
import textwrap

before = registers["Kioko"].update_since(None)
visit = at_the_stick("Kioko").visit(registers["Kioko"])
for refused in visit.refused:
    print(textwrap.fill(f"{refused.name.split('.')[1]:<10}{refused.words}", 105, subsequent_indent=" " * 10))
print("not opened:", *visit.ignored, "  taken:", *(one.sender for one in visit.taken))
print("register unchanged:", registers["Kioko"].update_since(None) == before)

# %% [markdown]
# Each refusal says what to do, and the good bundles beside it were taken. Old bundles put back are taken too, and
# change nothing: an update taken twice is taken once. If Wanza's phone is stolen, the others revoke its key; from then
# on nothing that it signs is taken:

# %% tags=["nbval-check-output"]
registers["Wanza"].set("north", "crop", "sold")  # the thief
at_the_stick("Wanza").leave(registers["Wanza"])
after_theft = trusted.without("Wanza", "her phone was stolen on 6 June")
visit = at_the_stick("Mutheu", trusted=after_theft).visit(registers["Mutheu"])
for refused in visit.refused:
    if refused.name.split(".")[1] == "Wanza":
        print(refused.words)
print("crop on Mutheu's phone:", registers["Mutheu"].plot("north").crop)

# %% [markdown]
# ### Full, and pulled out
#
# A full stick is an error with a remedy; what was there still is. And the plug may be pulled at any moment. On the
# practice disk of chapter 2 we cut the power after every step of leaving a bundle, and let Kioko look at what may be
# found:

# %%
from offlinefirst.device.practice_disk import PracticeDisk, power_cuts
from offlinefirst.sync.exchange import StickError

small = PracticeDisk(capacity_bytes=300)
try:
    at_the_stick("Mutheu", small).leave(registers["Mutheu"])
except StickError as error:
    print(textwrap.fill(error.strerror, 105), "\nfiles on it:", small.names())

# %% tags=["nbval-check-output"]
disk = PracticeDisk()
at_the_stick("Mutheu", disk).leave(registers["Mutheu"])
old = {name: disk.read(name) for name in disk.names()}
registers["Mutheu"].add_bags("north", 2)
outcomes = list(power_cuts(lambda disk: at_the_stick("Mutheu", disk).leave(registers["Mutheu"]), old))
looks = [at_the_stick("Kioko", found.disk()).collect(registers["Kioko"]) for found in outcomes]
print(f"{len(outcomes)} things that may be found after a cut")
print(
    f"{sum(bool(look.refused) for look in looks)} with a broken bundle, {sum(not look.taken for look in looks)} with none"
)

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **Signed is not secret.** Whoever finds the stick can read it. And a signature says whose phone it was, not who held
#   it: what a stolen phone signed before the key was revoked has been taken, and is in everybody's history, also
#   through the bundles of others.
# - **Revoking has to travel too.** Here a list on each phone is changed by hand.
# - **The conflict line in the pictures is the model's.** It has seen all phones. A register shows one value and its
#   author; to show both, it must keep what each edit knew, as ours by hand did. That is a multi-value register, and a
#   choice to make for each field.
# - **The stick is taken at its word about what is missing.** Somebody who removes Wanza's bundle delays her edits until
#   she comes again; nobody is told.
# - **Phones that start from a copy of each other** share their writer's number, and number different edits alike.
#   `CropRegister` takes a new one whenever it is opened; a program that remembers its number must not be restored from
#   a backup.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("11-collaborating-with-crdts/03-officers-in-the-field")

# %% [markdown] spine="next"
# ## Next
#
# All phones agree. Is what they agree on possible? [When merging is not enough](04-when-merging-is-not-enough.ipynb)
# has stocks that must not go below zero, questions that only people can answer, and histories that remember too much.
