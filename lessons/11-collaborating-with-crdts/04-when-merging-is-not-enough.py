# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: When merging is not enough
#     chapter: 11
#     device: laptop-4gb
#     teach_minutes: 60
#     exercise_minutes: 10
#     objectives:
#       - Show that replicas which agree can agree on something impossible
#       - Keep a stock above zero without a network, by giving each officer a share
#       - Say what agreement by majority costs offline, and what its timeout does not tell
#       - Put contradictions before people as edits, and find what a history remembers and which edit broke it
#     after: [11-collaborating-with-crdts/03-officers-in-the-field]
# ---

# %% [markdown] spine="insight"
# # When merging is not enough
#
# **Key insight:** convergence says that all phones agree. It does not say that what they agree on is possible, or
# right, or theirs to keep.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Naive and escrow 15 minutes, Raft 12, people 8, the measured month 8, histories 10, debugging 7.
#
# **Board sketch.** The four questions of the second figure, empty on the right. Fill in as the notebook goes.
#
# **Common mistakes.** "The merge is wrong": it is not, both gave. Hearing "refused" where Raft says "timeout". Thinking
# that a deleted field is deleted. Choosing consensus for everything because it is safe: let them count how many farmers
# it sends away.

# %% [markdown] spine="situation"
# ## The situation
#
# The store in Kitui has 20 bags of seed for a dry year. Mutheu, Kioko and Wanza promise bags to farmers, in
# fields where no phone reaches anybody, and note it in a stock that all share. People, store and seed are invented.

# %% [markdown] spine="naive"
# ## A counter, and a check
#
# The counter of chapter 10 merges what everybody added and took. And each phone looks before it gives: is there enough?

# %% tags=["nbval-check-output"]
from offlinefirst.sync.counters import PNCounter


def promise(stock, officer, bags):
    if stock.value < bags:
        raise ValueError(f"only {stock.value} bags left")
    return stock.add(officer, -bags)[0]


stock = PNCounter().add("store", 20)[0]
on_mutheus_phone = promise(stock, "mutheu", 20)
on_kiokos_phone = promise(stock, "kioko", 20)
print("each was told yes;", on_mutheus_phone.value, "left here,", on_kiokos_phone.value, "left there")

# %% [markdown] spine="fails"
# ## It fails
#
# They meet, in any order, as often as you like:

# %% tags=["nbval-check-output"]
meetings = [on_mutheus_phone.merge(on_kiokos_phone), on_kiokos_phone.merge(on_mutheus_phone)]
meetings.append(meetings[0].merge(on_kiokos_phone).merge(stock))
print("bags left:", *(state.value for state in meetings))
print("all agree:", all(one == meetings[0] for one in meetings))

# %% [markdown]
# Perfect convergence on minus 20. Nothing is wrong with the merge: both did give. What failed was a **rule about the
# whole** (never below zero), checked on a copy that knew only a part. No merge function can mend it: by the time that
# two edits meet, both farmers have been told yes.
#
# There are three ways out, and each gives something up.
#
# ![Four questions one below the other. Can both edits stand, or either one without harm? Then merge. If not: must a number stay above a floor, and can it be shared out? Then escrow. If not: must it be settled before anybody goes on? Then agreement, which needs a majority. If not: does only somebody who was there know what is right? Then people, by a review queue.](figures/which-answer.svg)

# %% [markdown] spine="fix"
# ## Way out 1: a share for each
#
# ![The store had 20 bags and moved the rights to them: 8 to Mutheu, 8 to Kioko and 4 to Wanza. Mutheu gave 6 and has 2 left, Kioko gave 8 and has none, Wanza has 4. A dashed arrow from Wanza to Kioko: 2 more, when they meet.](figures/escrow.svg)
#
# Instead of a common stock, everybody holds rights to a part of it. Each has a row that nobody else writes: what came
# in, what was given, what was handed on to whom. Four lines tell what somebody may still give:


# %% tags=["long", "nbval-check-output"]
from copy import deepcopy


def rights(rows, who):
    got = sum(row["moved"].get(who, 0) for row in rows.values())
    mine = rows[who]
    return mine["came"] + got - sum(mine["moved"].values()) - mine["gave"]


def give(rows, who, bags):
    if bags > rights(rows, who):
        return f"{who} has a right to {rights(rows, who)}, not to {bags}"
    rows[who]["gave"] += bags
    return f"{who} gives {bags}"


rows = {name: {"came": 0, "gave": 0, "moved": {}} for name in ("store", "mutheu", "kioko", "wanza")}
rows["store"] = {"came": 20, "gave": 0, "moved": {"mutheu": 8, "kioko": 8, "wanza": 4}}
phones = {name: deepcopy(rows) for name in ("mutheu", "kioko", "wanza")}

print(give(phones["mutheu"], "mutheu", 6))
print(give(phones["kioko"], "kioko", 8))
print(give(phones["kioko"], "kioko", 1))

# %% [markdown]
# Kioko's refusal needed no network: he asked his own row. All numbers only grow, and each has one writer, so merging
# takes the larger. Wanza, who has not given any, hands two on:


# %% tags=["nbval-check-output"]
def merged(one, other):
    both = {}
    for who in one:
        a, b = one[who], other[who]
        moved = {to: max(a["moved"].get(to, 0), b["moved"].get(to, 0)) for to in {*a["moved"], *b["moved"]}}
        both[who] = {"came": max(a["came"], b["came"]), "gave": max(a["gave"], b["gave"]), "moved": moved}
    return both


phones["wanza"]["wanza"]["moved"]["kioko"] = 2
phones["kioko"] = merged(phones["kioko"], phones["wanza"])
print(give(phones["kioko"], "kioko", 1))
together = merged(merged(phones["mutheu"], phones["kioko"]), phones["wanza"])
print(
    {who: rights(together, who) for who in together}, "of", 20 - sum(row["gave"] for row in together.values())
)

# %% [markdown]
# Rights always add up to the bags that are there, so nobody can give what is not. What is given up: a bag can be there
# and not be had, because the right to it is in the next valley, or on a phone that fell into a river.
#
# ## Way out 2: agree first
#
# Some things cannot be shared out: who is on duty tonight, which of two buyers gets the cow. Then all must settle it
# before anybody goes on, and **consensus** does that: a write counts when a majority has it. `pysyncobj` is Raft in
# Python (Ongaro and Ousterhout, 2014). Three nodes, each a process on this computer, keep our stock. A `@replicated`
# method runs on every node in the same order, once a majority has it. The cells below do nothing without `pysyncobj`;
# the text says what they showed here.

# %% tags=["long"]
import importlib.util

RAFT = importlib.util.find_spec("pysyncobj") is not None
NODE = """
import json, sys
from pysyncobj import SyncObj, SyncObjException, replicated

class Store(SyncObj):
    bags = 20
    @replicated
    def give(self, bags):
        given = min(bags, self.bags)
        self.bags -= given
        return given

store = Store(sys.argv[1], sys.argv[2:])
for line in sys.stdin:
    try:
        bags, timeout_s = map(int, line.split())
        told = {"gave": store.give(bags, sync=True, timeout=timeout_s)} if bags else {}
    except SyncObjException as error:
        told = {"error": f"SyncObjException({error.errorCode!r})"}
    print(json.dumps(told | {"bags": store.bags, "leader": str(store._getLeader() or "")}), flush=True)
"""
print("pysyncobj is here" if RAFT else "pysyncobj is not installed: python3 course.py setup --full brings it")

# %% tags=["long"]
import json
import socket
import subprocess
import sys
import time


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def start(address):
    command = [sys.executable, "-c", NODE, address, *(one for one in addresses if one != address)]
    nodes[address] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(address, bags=0, timeout_s=10):
    """Give so many bags (0: only look) through one of the nodes."""
    nodes[address].stdin.write(f"{bags} {timeout_s}\n")
    nodes[address].stdin.flush()
    return json.loads(nodes[address].stdout.readline())


# %% tags=["long"]
def wait_for_leader(not_this=""):
    while True:
        leaders = {ask(address)["leader"] for address in nodes}
        if len(leaders) == 1 and not leaders & {"", not_this}:
            return leaders.pop()
        time.sleep(0.02)


def stop(address):
    process = nodes.pop(address)
    process.kill()  # as a power cut or the end of the battery would
    process.communicate()


addresses = [free_address() for _ in range(3)]
nodes = {}
if RAFT:
    for address in addresses:
        start(address)
    leader = wait_for_leader()
    for address in addresses:
        print("ask for 9:", ask(address, 9).get("gave"), "given")

# %% [markdown]
# Nine, nine and two, whichever node we asked: the third got what was left. No minus, and no shares. Now the leader's
# battery dies:

# %%
if RAFT:
    stop(leader)
    started = time.perf_counter()
    second_leader = wait_for_leader(not_this=leader)
    print(
        f"a new leader after {time.perf_counter() - started:.1f} s; nothing lost: {ask(second_leader)['bags']} bags"
    )
    print("five are brought back:", ask(second_leader, -5)["bags"], "bags")

# %% [markdown]
# Two of three go on. But our officers are not in a server room. A phone in the field is alone, a minority of one. We
# take the second node away, ask the last one for a bag, and bring the other back:

# %%
if RAFT:
    (follower,) = set(nodes) - {second_leader}
    stop(follower)
    alone = ask(second_leader, 1, timeout_s=2)
    print(alone["error"], "after 2 s;", alone["bags"], "bags")

    start(follower)
    wait_for_leader()
    deadline = time.perf_counter() + 5
    while ask(second_leader)["bags"] == alone["bags"] and time.perf_counter() < deadline:
        time.sleep(0.1)
    print(f"bags before the timeout {alone['bags']}, after the reunion {ask(second_leader)['bags']}")
    for address in list(nodes):
        stop(address)

# %% [markdown]
# That is what consensus means offline: **no majority, no write**. Mutheu in the field can give nothing, although bags
# are there. And the timeout says less than it seems to. She has told the farmer "no", and after the reunion the write
# that "failed" is carried out: it had waited in the node's log. **A timeout is not a no, it is "nobody knows yet".**
# Whoever tries again after a timeout gives twice, unless each wish has a key by which it is done once (chapter 12 makes
# such keys).
#
# ## Way out 3: ask people
#
# Were the leaves stressed or diseased? No share and no majority knows. So we keep both values, with their authors, and
# show them to somebody who can find out. By hand, a field is what each officer wrote last, without those that somebody
# knew and replaced:

# %% tags=["nbval-check-output"]
field = {"Mutheu": "stressed", "Kioko": "diseased"}  # written apart, both stand


def open_question(field):
    return sorted(set(field.values())) if len(set(field.values())) > 1 else None


def decide(field, officer, value):
    return {officer: value}  # whoever decides has seen all of it, and replaces all of it


print("to be decided:", open_question(field))
field = decide(field, "Wanza", "diseased")
print("to be decided:", open_question(field), "  stands:", field)

# %% [markdown] spine="measure"
# ## Measure it: a month at the store
#
# How many farmers go home with seed? Sixty bags, three officers, one to three bags a farmer, half of all farmers
# Mutheu's; the links go up and down as in chapter 2 (all synthetic). *Counter*: everybody gets what the own copy says
# is there. *Escrow*: what one has a right to; with a link, phones that are up as well are asked to hand on.
# *Agreement*: what two of three phones can settle now.

# %%
import random
from contextlib import suppress

from offlinefirst.link.outages import is_up, up_intervals
from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.escrow import Escrow, NoRightsError

OFFICERS, HOURS, BAGS = ("mutheu", "kioko", "wanza"), 28 * 24, 60


def month(seed, uptime):
    rng = random.Random(seed)
    links = {who: up_intervals(rng, hours=HOURS, uptime=uptime, mean_outage_h=8) for who in OFFICERS}
    hours = sorted(rng.sample(range(HOURS), 30))
    wishes = [(hour, rng.choice((*OFFICERS, "mutheu")), rng.randint(1, 3)) for hour in hours]
    return [
        (hour, who, bags, [one for one in OFFICERS if is_up(links[one], hour)]) for hour, who, bags in wishes
    ]


# %%
def meet(copies, up):
    together = copies[up[0]]
    for other in up[1:]:
        together = together.merge(copies[other])
    copies.update(dict.fromkeys(up, together))


def counter(wishes):
    copies, given = {who: PNCounter().add("store", BAGS)[0] for who in OFFICERS}, 0
    for _, who, bags, up in wishes:
        if who in up:
            meet(copies, up)
        if copies[who].value >= bags:
            copies[who], given = copies[who].add(who, -bags)[0], given + bags
    return given


# %% tags=["long"]
def escrow(wishes):
    stock, given = Escrow().receive("store", BAGS)[0], 0
    for who in OFFICERS:
        stock, _ = stock.move("store", who, BAGS // 3)
    copies = dict.fromkeys(OFFICERS, stock)
    for _, who, bags, up in wishes:
        for other in up if who in up else []:  # with a link: ask for half of what another has
            if other != who and copies[who].rights(who) < bags:
                copies[other], _ = copies[other].move(other, who, -(-copies[other].rights(other) // 2))
                meet(copies, up)
        with suppress(NoRightsError):
            copies[who], given = copies[who].give(who, bags)[0], given + bags
    return given


def agreement(wishes):
    given = 0
    for _, who, bags, up in wishes:
        if who in up and len(up) >= 2 and given + bags <= BAGS:
            given += bags
    return given


# %%
DESIGNS, UPTIMES = {"counter": counter, "escrow": escrow, "agreement": agreement}, (0.1, 0.3, 0.6, 0.9)
MONTHS = {uptime: [month(seed, uptime) for seed in range(100)] for uptime in UPTIMES}

print(f"{'links up':<10}" + "".join(f"{name:<25}" for name in DESIGNS).rstrip())
for up in UPTIMES:
    wished = [min(BAGS, sum(bags for _, _, bags, _ in wishes)) for wishes in MONTHS[up]]
    cells = []
    for design in DESIGNS.values():
        given = [design(wishes) for wishes in MONTHS[up]]
        broken = sum(bags > BAGS for bags in given)
        cells.append(f"{sum(given) / sum(wished):>4.0%}, owes in {broken:>2} of 100  ")
    print(f"{up:<10.0%}" + "".join(cells).rstrip())

# %% [markdown]
# The share is of the bags that could have been given; "owes" counts the months in which more was promised than there
# was. The counter gives all and more, and breaks its word. Agreement never does, and sends people away whenever the
# link is down. Escrow never breaks it either, and minds the link far less; what it loses are bags whose right was in
# the wrong place. (A question put to people waits for their next link, and for them.)

# %% [markdown] spine="production"
# ## The production versions
#
# `Escrow` is the table by hand as one immutable state with deltas. Its tests check the laws of merging, and run four
# phones with lost, late and repeated messages against the one rule: nobody ever sees less than nothing. The extra lines
# buy a refusal that says who could help, deltas that bring along where a right came from, and no hearing for a lie that
# shows.

# %% tags=["nbval-check-output"]
stock, _ = Escrow().receive("store", 20)
for who, bags in (("mutheu", 8), ("kioko", 8), ("wanza", 4)):
    stock, _ = stock.move("store", who, bags)
try:
    stock.give("kioko", 9)
except NoRightsError as error:
    print(error)
_, delta = stock.give("kioko", 8)
print(
    "a delta brings where its right came from:",
    sorted(delta.rows),
    "so an empty phone sees",
    Escrow().merge(delta).value,
)
try:
    Escrow.from_json('{"kioko": [0, 8, {}]}')
except SyncError as error:
    print(f"{type(error).__name__}: {error}")

# %% [markdown]
# For people there is `ReviewedRegister`: every field a multi-value register of chapter 10, a queue of what contradicts,
# and decisions that say over what they were made. A decision is an edit: it needs no office, and travels like
# everything else. Nobody can decide what they have not seen, and no decision buries news.

# %% tags=["nbval-check-output"]
from offlinefirst.sync.review import ReviewedRegister, StaleDecisionError

base, _ = ReviewedRegister().write("mutheu", "north/condition", "healthy")
one, _ = base.write("mutheu", "north/condition", "stressed")
other, _ = base.write("kioko", "north/condition", "diseased")
both = one.merge(other)
for question in both.queue():
    print(question)
decided, _ = both.decide("wanza", question, "diseased", why="I saw rust on the lower leaves")
print("stands:", decided.value("north/condition"), "because", decided.decisions()[0].why)

news, _ = both.write("kioko", "north/condition", "lost")
try:
    news.decide("wanza", question, "diseased")
except StaleDecisionError as error:
    print(error)
print("written beside the decision:", *decided.merge(news).queue())

# %% [markdown]
# ## What a history remembers
#
# A farmer asks Mutheu to delete his telephone number (an invented one). She overwrites the note and meets Kioko, and
# neither register shows it any more. Who still has it?

# %% tags=["long", "nbval-check-output"]
from datetime import date

from offlinefirst.sync.documents import CropRegister, RefusedUpdateError
from offlinefirst.sync.exchange import SenderKey, pack
from offlinefirst.sync.history import UpdateLog, first_bad, remains, replay

NUMBER = "0700-00-000"
today = {"today": lambda: date(2026, 6, 1)}
mutheu, kioko, wanza = (
    CropRegister(farm="kitui-03", officer=name, client_id=n, **today)
    for n, name in enumerate(["Mutheu", "Kioko", "Wanza"], 5)
)
log = UpdateLog(clock=lambda: 0.0)  # what a hub, or a careful phone, keeps of every update
log.keep(mutheu)
mutheu.set("north", "note", f"call {NUMBER} before coming")
wanza.apply(mutheu.update_since(None))  # Wanza leaves for the far valley
stick = pack(mutheu, farm="kitui-03", sender_key=SenderKey.from_seed("Mutheu", b"m" * 32))
backup = mutheu.update_since(None)
mutheu.set("north", "note", "call before coming")
kioko.apply(mutheu.update_since(None))

stores = {"Mutheu's register": mutheu.update_since(None), "Kioko's register": kioko.update_since(None)}
stores |= {"Wanza's, who is away": wanza.update_since(None), "the bundle on the stick": stick}
stores |= {"last week's backup": backup, "the log of updates": b"".join(one.update for one in log.entries)}
for name, found in remains(NUMBER, stores).items():
    print(f"{name:<25}{'still holds it' if found else 'does not hold it'}")

# %% [markdown]
# The registers really have forgotten: the library keeps of an overwritten value only that it was there. But copies had
# been sent, and **deletion does not follow copies**. (Mind the bundle: its bytes are packed, and a search that does not
# unpack says "clean". And a document opened with `keep_deleted`, as for an undo, forgets nothing.)
#
# What does remove it? First: a *fresh document*, without history, from the values alone; then destroy the old copies.
# It must have another name. Under the old name, what happens when Wanza returns is luck, by the rule of the last
# notebook: the value of the larger writer's number stands (Mutheu's was 5).

# %% tags=["nbval-check-output"]
for farm, number in (("kitui-03", 2), ("kitui-03", 9), ("kitui-03b", 2)):
    fresh = CropRegister(farm=farm, officer="Mutheu", client_id=number, **today)
    fresh.set("north", "note", mutheu.plot("north").note)
    try:
        fresh.apply(wanza.update_since(None))
    except RefusedUpdateError as error:
        print(f"refused: {error}")
    print(f"{farm:<9} as writer {number}: {fresh.plot('north').note}")

# %% [markdown]
# Second: write only *sealed* values into what is shared, and keep the key elsewhere. Who destroys the key has deleted
# the value in every copy at once, also in those that cannot be reached:

# %% tags=["nbval-check-output"]
import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

key = bytearray(hashlib.sha256(b"for this notebook; a real key is random").digest())
sealed = AESGCM(bytes(key)).encrypt(b"once-only-12", NUMBER.encode(), b"north/note")
kioko.set("north", "note", f"sealed:{sealed.hex()}")
print("in the register:", kioko.plot("north").note[:40] + "...")
print("with the key:", AESGCM(bytes(key)).decrypt(b"once-only-12", sealed, b"north/note").decode())
key[:] = bytes(32)  # destroyed
try:
    AESGCM(bytes(key)).decrypt(b"once-only-12", sealed, b"north/note")
except InvalidTag:
    print("without it: nothing")

# %% [markdown]
# One key for each farmer, then, and a list of who got which. It helps against copies of the register, not against a
# photo of the screen. (A nonce is used once only; chapter 16 seals properly.) Best of all is the number that was never
# written into anything shared.
#
# ## Which edit broke it?
#
# On Monday the register says that plot *north* has 40 hectares. It has 0.4. A log of the updates answers three questions: what
# happened in which order, since when it is wrong, and who wrote it.

# %%
mutheu, kioko = (
    CropRegister(farm="kitui-03", officer=name, client_id=n, **today)
    for n, name in ((1, "Mutheu"), (2, "Kioko"))
)
rng, minutes = random.Random(3), iter(range(10_000))
log = UpdateLog(clock=lambda: 60.0 * next(minutes))
log.keep(mutheu)
for number in range(200):
    mutheu.set(rng.choice(["north", "south"]), "note", f"visit {number}")
    kioko.add_bags("south", 1)
    if number == 77:
        kioko.set("north", "area_ha", 40)  # he meant 0.40
    if number % 5 == 0:
        log.apply(mutheu, kioko.update_since(mutheu.state_vector()), "Kioko's phone")


# %% tags=["nbval-check-output"]
looked = []


def empty_register():
    return CropRegister(farm="kitui-03", officer="reader", **today)


def impossible(register):
    looked.append(register)
    return any((plot.area_ha or 0) > 20 for plot in CropRegister.beside(register).plots().values())


found = first_bad(log, empty_register, impossible)
print(f"update {found.number} of {len(log.entries)}, minute {found.at_s / 60:.0f}, from {found.source}")
print(f"found with {len(looked)} replays")
for step in replay(log, empty_register):
    if step.logged == found:
        print(step)
print("who wrote the area:", mutheu.who("north", "area_ha"))

# %% [markdown]
# Halving works because every prefix of a log is a state that the phone really had. And the remedy is no rollback, which
# nobody could carry to all phones: it is one more edit.
#
# Testing asks the same thing the other way round: not which edit broke it, but whether any order of edits can. For small
# cases, try them all, shortest first:


# %% tags=["long", "nbval-check-output"]
from itertools import product


def worst(history, stock, give_20):
    copies = {"mutheu": stock, "kioko": stock}
    for step in history:
        if step == "meet":
            copies = dict.fromkeys(copies, copies["mutheu"].merge(copies["kioko"]))
        else:
            with suppress(ValueError, NoRightsError):
                copies[step] = give_20(copies[step], step)
    return min(copy.value for copy in copies.values())


def first_broken(stock, give_20, longest=6):
    tried = [h for length in range(longest + 1) for h in product(("mutheu", "kioko", "meet"), repeat=length)]
    broken = (history for history in tried if worst(history, stock, give_20) < 0)
    return next(broken, f"none of {len(tried):,}")


shared, _ = Escrow().receive("store", 20)
shared, _ = shared.move("store", "mutheu", 20)  # all to Mutheu, the hardest case for Kioko
print("counter:", first_broken(PNCounter().add("store", 20)[0], lambda stock, who: promise(stock, who, 20)))
print("escrow: ", first_broken(shared, lambda stock, who: stock.give(who, 20)[0]))

# %% [markdown]
# Three steps, the shortest story of this notebook. The course's own tests draw random histories for more phones, with
# messages lost, late and twice, and shrink what fails in the same way. The laws of merging are the first thing to state
# for them. The rule about the whole, such as *never below zero*, is the second, and the one that is forgotten.

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **Escrow leaks rights.** A lost phone's rights are lost until somebody declares them void, and that declaration
#   needs agreement: if the phone is found again, its bags are given twice.
# - **One computer's Raft.** Loopback has no weather, and our nodes keep their log in memory; a real node keeps a
#   journal on its disk, or three dead batteries forget everything.
# - **A forged row is refused only when it shows.** A phone that lies about its own intake gives itself rights. Who
#   wrote what is for signatures.
# - **A review queue costs people's time.** Which fields are worth it is yours to decide; the lab counts the questions.
# - **A log is a memory as well.** Everything that helps to find a mistake helps to find a telephone number. Decide how
#   long it is kept before it is needed.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("11-collaborating-with-crdts/04-when-merging-is-not-enough")

# %% [markdown] spine="next"
# ## Next
#
# In [the lab](../../labs/11-collaborating-with-crdts/lab.ipynb) you design a strategy for a whole season of outages,
# wrong clocks, a lost phone and a stolen one, and it is scored on all of this.
