# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Hub, hand to hand, stick
#     chapter: 11
#     device: phone-2gb
#     teach_minutes: 55
#     exercise_minutes: 15
#     objectives:
#       - Tell the three topologies apart by who has to be where when, and combine them
#       - Measure how old the picture is that each officer works with, and what each way of exchange costs in bytes
#       - Say what an acknowledgement has to promise, and show a hub that promises too much
#     after: [11-collaborating-with-crdts/01-documents]
# ---

# %% [markdown] spine="insight"
# # Hub, hand to hand, stick
#
# **Key insight:** a document does not care which way its bytes come. So the ways are not rivals: use each one that the
# week offers, and measure how old the picture is that each officer works with.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 10 minutes, staleness 10, the three ways 15, measure and play 10, the hub's promise 10.
#
# **Board sketch.** The four small maps of the figure, without arrows. Learners draw in whom Wanza's edit of Monday
# reaches by Wednesday, for each of them, and by which way.
#
# **Common mistakes.** Taking "synced an hour ago" for "an hour old": what came an hour ago may be a week old. Counting
# only the officer with the good link. Taking "sent" for "kept".

# %% [markdown] spine="situation"
# ## The situation
#
# One week of three officers around Kitui. They visit plots from Monday to Saturday and write down what they see.
# Mutheu lives in town and has a link in the evenings. Kioko has one every second evening. In Wanza's valley there is none until
# Saturday, when all come to the market. But people meet: Mutheu and Kioko at the school, Kioko and Wanza at the
# borehole. And all pass the crossroads shop, where a USB stick hangs on a nail. All are invented, and so is the week.

# %%
import random

OFFICERS = ("Mutheu", "Kioko", "Wanza")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


def hours(text):
    """'Mon 19, Wed 19' as hours since Monday 0:00."""
    return [24 * DAYS.index(moment.split()[0]) + int(moment.split()[1]) for moment in text.split(", ")]


# %% tags=["nbval-check-output"]
LINKS = {
    "Mutheu": hours(", ".join(f"{day} 19" for day in DAYS)),
    "Kioko": hours("Mon 20, Wed 20, Fri 20, Sat 11"),
    "Wanza": hours("Sat 11"),
}
MEETINGS = {
    ("Mutheu", "Kioko"): hours("Mon 13, Tue 13, Wed 13, Thu 13, Fri 13"),
    ("Kioko", "Wanza"): hours("Tue 12, Thu 12, Sat 10"),
}
SHOP = {
    "Mutheu": hours("Mon 16, Wed 16, Fri 16"),
    "Kioko": hours("Tue 17, Thu 17, Sat 9"),
    "Wanza": hours("Wed 9, Sat 9"),
}
links, meetings, shop = (sum(map(len, table.values())) for table in (LINKS, MEETINGS, SHOP))
print(f"{links} hours with a link, {meetings} meetings, {shop} visits to the shop")

# %% tags=["nbval-check-output"]
rng = random.Random(11)
VISITS = [
    (24 * day + rng.randrange(7, 19), officer, f"plot-{rng.randrange(40):02}")
    for day in range(6)
    for officer in OFFICERS
    for _ in range(6)
]
WEEK = [(hour, "visit", (officer, plot)) for hour, officer, plot in VISITS]
WEEK += [(hour, "link", (officer,)) for officer, found in LINKS.items() for hour in found]
WEEK += [(hour, "meeting", pair) for pair, found in MEETINGS.items() for hour in found]
WEEK += [(hour, "shop", (officer,)) for officer, found in SHOP.items() for hour in found]
WEEK.sort()
print(len(WEEK), "moments; the first:", *WEEK[:4], sep="\n")

# %% [markdown]
# ![Four small maps with Mutheu, Kioko and Wanza. Hub: each phone has an arrow to a server, Wanza's is dashed and only drawn for Saturday. Hand to hand: Mutheu and Kioko are joined, Kioko and Wanza are joined, Mutheu and Wanza are not. Stick: each phone reaches a stick at the shop. Hybrid: all of these lines at once.](figures/topologies.svg)

# %% [markdown] spine="naive"
# ## A server in the middle
#
# That is how most apps are built. Whenever there is a link, the phone sends its register up and takes the server's down. Here the
# server is a document in memory; the phones' documents are real.

# %%
from offlinefirst.sync.documents import CropRegister

FARM = "kitui-03"
CONDITIONS = ("healthy", "stressed", "diseased")


def new_phones():
    return {name: CropRegister(farm=FARM, officer=name, client_id=n) for n, name in enumerate(OFFICERS, 1)}


def write_down(phone, plot, hour):
    with phone.batch():
        phone.set(plot, "condition", CONDITIONS[hour % 3])
        phone.set(plot, "note", f"seen at {hour % 24}:00 on {DAYS[hour // 24]}")


# %%
def live(week, ways):
    """The phones after the week, the bytes each way took, and after each moment what every phone had of whom."""
    phones, bytes_by, seen = new_phones(), dict.fromkeys(ways, 0), []
    for hour, kind, who in week:
        if kind == "visit":
            write_down(phones[who[0]], who[1], hour)
        elif kind in ways:
            bytes_by[kind] += ways[kind](*(phones[name] for name in who))
        seen.append((hour, {name: phone.clocks() for name, phone in phones.items()}))
    return phones, bytes_by, seen


# %% tags=["nbval-check-output"]
def whole_register(server):
    def sync(phone):
        up, down = phone.update_since(None), server.update_since(None)
        server.apply(up)
        phone.apply(down)
        return len(up) + len(down)

    return sync


server = CropRegister(farm=FARM, officer="office", client_id=9)
naive_phones, naive_bytes, naive_seen = live(WEEK, {"link": whole_register(server)})
print(f"{naive_bytes['link']:,} bytes; the office has {len(server.plots())} plots")

# %% [markdown] spine="fails"
# ## It fails
#
# On Friday evening, what does each officer know of what the others wrote?


# %%
def known_at(seen, hour):
    """What each phone had, of whom, at that hour."""
    return [clocks for at, clocks in seen if at <= hour][-1]


friday = known_at(naive_seen, 24 * 4 + 22)
for reader in OFFICERS:
    for number, writer in enumerate(OFFICERS, 1):
        have, made = friday[reader].get(number, 0), friday[writer].get(number, 0)
        if reader != writer:
            print(f"{reader} has {have:>3} of {writer}'s {made} changes")

# %% [markdown]
# Wanza has nothing of anybody, and nobody has anything of hers, although Kioko sat beside her at the borehole on Tuesday
# and on Thursday. Their phones had all they needed, an arm's length apart, and waited for a mast. And every evening the whole register went up and
# came down again, most of it known to both sides.

# %% [markdown] spine="fix"
# ## The fix, one step at a time
#
# ### Say how old the picture is
#
# "Synced two hours ago" says nothing: what came two hours ago may have been a week old. We ask instead: *of what others have
# written by now and I have not seen, how old is the oldest?* If there is nothing unseen, the picture is not old at all.


# %% tags=["nbval-check-output"]
def moments(seen):
    """When each change was made: {(author, number): hour}, read off the authors' own phones."""
    made = {}
    for hour, clocks in seen:
        for author, name in enumerate(OFFICERS, 1):
            for number in range(clocks[name].get(author, 0)):
                made.setdefault((author, number), hour)
    return made


def staleness(seen, reader, hour):
    have = known_at(seen, hour)[reader]
    unseen = [
        at for (author, number), at in moments(seen).items() if at <= hour and number >= have.get(author, 0)
    ]
    return hour - min(unseen, default=hour)


for reader in OFFICERS:
    print(f"{reader}'s picture on Friday at 22:00 is {staleness(naive_seen, reader, 24 * 4 + 22)} hours old")

# %% [markdown]
# Mutheu's link works every evening, and her picture is as old as Wanza's silence.
#
# ### Send only what the other lacks
#
# The last notebook's state vectors. Each side sends its own, and gets the rest. That is all there is to a meeting of two phones,
# over Bluetooth, a cable or one phone's hotspot:


# %% tags=["nbval-check-output"]
def exchange(one, other):
    vectors = one.state_vector(), other.state_vector()
    for_other, for_one = one.update_since(vectors[1]), other.update_since(vectors[0])
    other.apply(for_other)
    one.apply(for_one)
    return sum(map(len, (*vectors, for_other, for_one)))


office = CropRegister(farm=FARM, officer="office", client_id=9)
_, lean_bytes, lean_seen = live(WEEK, {"link": lambda phone: exchange(phone, office)})
print(f"whole registers {naive_bytes['link']:,} bytes, what lacks {lean_bytes['link']:,} bytes")
print(
    "the same picture at every moment:", [seen for _, seen in lean_seen] == [seen for _, seen in naive_seen]
)

# %% [markdown]
# ### From hand to hand
#
# The same function, without an office. Kioko carries Wanza's changes to Mutheu and never notices: they are part of what he has.

# %% tags=["nbval-check-output"]
_, hand_bytes, hand_seen = live(WEEK, {"meeting": exchange})
for reader in OFFICERS:
    print(f"{reader}'s picture on Friday at 22:00 is {staleness(hand_seen, reader, 24 * 4 + 22)} hours old")
print(f"{hand_bytes['meeting']:,} bytes, none of them paid for")

# %% [markdown]
# ### The stick at the shop
#
# Nobody has to be there at the same time. On the stick lie signed bundles, one file for each officer; whoever passes takes what
# is new and leaves what the others lack (`offlinefirst.sync.exchange`; the [next notebook](03-officers-in-the-field.ipynb)
# is about its dangers).

# %% tags=["nbval-check-output"]
from offlinefirst.sync.exchange import Exchange, SenderKey, Trust

keys = {name: SenderKey.from_seed(name, bytes([n]) * 32) for n, name in enumerate(OFFICERS, 1)}
trusted = Trust.of(*keys.values())
stick = device.current().scratch / "stick"


def at_the_shop(phone):
    stick.mkdir(exist_ok=True)
    mine = Exchange(stick, farm=FARM, sender_key=keys[phone.officer], trusted=trusted)
    visit = mine.visit(phone)
    return visit.wrote_bytes + sum(taken.bundle_bytes for taken in visit.taken)


_, stick_bytes, stick_seen = live(WEEK, {"shop": at_the_shop})
for reader in OFFICERS:
    print(f"{reader}'s picture on Friday at 22:00 is {staleness(stick_seen, reader, 24 * 4 + 22)} hours old")

# %% [markdown]
# ### A hub for real
#
# So far the office was a variable in this notebook. A real one is a server that phones reach over a network, here over loopback. `Hub`
# speaks the protocol of Yjs over WebSockets; `HubClient` keeps a document and the hub's copy the same while there is a link.
# To count real bytes, with all that WebSockets add, we put a counter in between:

# %%
import asyncio


async def counting_relay(port, counts):
    """Pass on a connection both ways, and count."""

    async def pump(reader, writer):
        while data := await reader.read(65_536):
            counts.append(len(data))
            writer.write(data)
            await writer.drain()
        writer.close()

    async def connected(reader, writer):
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer), return_exceptions=True)

    relay = await asyncio.start_server(connected, "127.0.0.1", 0)
    return relay, f"ws://127.0.0.1:{relay.sockets[0].getsockname()[1]}"


# %%
from offlinefirst.sync.hub import Hub, grant
from offlinefirst.sync.hub_client import HubClient

folder = device.current().scratch
tokens = folder / "tokens.toml"
token = grant(tokens, "officers", write=[FARM])


# %%
async def live_with_a_hub(week, ways, store):
    """As `live`, with a real hub for the links."""
    phones, bytes_by, seen = new_phones(), dict.fromkeys([*ways, "link"], 0), []
    async with Hub(folder / store, tokens) as hub:
        counts = []
        relay, url = await counting_relay(hub.port, counts)
        for hour, kind, who in week:
            if kind == "visit":
                write_down(phones[who[0]], who[1], hour)
            elif kind == "link":
                async with HubClient(phones[who[0]], url, token) as client:
                    await client.settled()
            elif kind in ways:
                bytes_by[kind] += ways[kind](*(phones[name] for name in who))
            seen.append((hour, {name: phone.clocks() for name, phone in phones.items()}))
        relay.close()
    bytes_by["link"] = sum(counts)
    return phones, bytes_by, seen


# %%
_, hub_bytes, hub_seen = await live_with_a_hub(WEEK, {}, "hub-only")
greeting = (hub_bytes["link"] - lean_bytes["link"]) / sum(map(len, LINKS.values()))
print(
    f"{hub_bytes['link']:,} bytes through the hub's door, {lean_bytes['link']:,} of changes and vectors",
    end=": ",
)
print(f"{greeting:.0f} more for each connection")
print("the same picture as with the office in memory:", hub_seen == lean_seen)

# %% [markdown]
# The rest is greeting: every connection introduces itself over HTTP and shows its token. A real network adds TLS and the
# headers of every packet on top.
#
# ### All of them
#
# The hybrid has no code of its own. Every way applies updates to the same document; what came by one way is not sent by another,
# because the state vector has it.

# %% [markdown] spine="measure"
# ## Measure it: the same week, four ways

# %%
for bundle in stick.glob("*"):
    bundle.unlink()  # the stick alone had its week; this is another
both = {"meeting": exchange, "shop": at_the_shop}
_, hybrid_bytes, hybrid_seen = await live_with_a_hub(WEEK, both, "hybrid")
RUNS = {"hub": (hub_bytes, hub_seen), "hand to hand": (hand_bytes, hand_seen)}
RUNS |= {"stick": (stick_bytes, stick_seen), "hybrid": (hybrid_bytes, hybrid_seen)}
HOURS = range(7, 24 * 5 + 20)

ages = {
    way: {reader: [staleness(seen, reader, hour) for hour in HOURS] for reader in OFFICERS}
    for way, (_, seen) in RUNS.items()
}

# %%
from statistics import mean

print(f"{'hours old, mean (at worst)':<28}" + "".join(f"{way:<16}" for way in RUNS))
for reader in OFFICERS:
    cells = [f"{mean(ages[way][reader]):.0f} ({max(ages[way][reader])})" for way in RUNS]
    print(f"{reader:<28}" + "".join(f"{cell:<16}" for cell in cells))
paid = [f"{counts.get('link', 0):,}" for counts, _ in RUNS.values()]
free = [f"{sum(n for kind, n in counts.items() if kind != 'link'):,}" for counts, _ in RUNS.values()]
print(f"{'bytes paid for':<28}" + "".join(f"{cell:<16}" for cell in paid))
print(f"{'bytes carried by hand':<28}" + "".join(f"{cell:<16}" for cell in free))
single = [ages[way] for way in RUNS if way != "hybrid"]
worst = max(
    mine - min(way[who][at] for way in single)
    for who in OFFICERS
    for at, mine in enumerate(ages["hybrid"][who])
)
print("the hybrid is older than the best single way by at most", worst, "hours")

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 3, figsize=(8.5, 2.9), sharey=True, layout="constrained")
COLOURS, LINES = ("#0072B2", "#D55E00", "#009E73", "black"), ("-", "--", ":", "-")
days = [hour / 24 for hour in HOURS]
for panel, reader in zip(axes, OFFICERS, strict=True):
    for way, colour, line in zip(RUNS, COLOURS, LINES, strict=True):
        panel.plot(days, ages[way][reader], line, color=colour, label=way, linewidth=1.6)
    panel.set(title=f"{reader}'s picture", xticks=[day + 0.5 for day in range(6)], xticklabels=DAYS)
    panel.tick_params("x", length=0)
axes[0].set(ylabel="hours old", ylim=0)
axes[0].legend(fontsize=8, loc="upper left")
figure.suptitle("The hybrid is never older than the best single way (simulated week)", fontsize=10)
plt.close(figure)
figure

# %% [markdown]
# With the hub alone, one officer without a link makes everybody's picture old. Hand to hand, changes travel with whoever
# moves, and Kioko, who moves most, has the freshest picture. The stick asks nobody to be on time, and everybody to pass. Together each
# covers what the others miss, and the bytes paid for even shrink: what came by hand need not come through the hub.
#
# ### Another week
#
# What if Wanza's valley gets a mast, or nobody passes the shop? Here the hub is a document in memory again, so that it
# redraws quickly.

# %%
import ipywidgets

from offlinefirst.course.play import play


def mean_ages(links, meetings, shop):
    keep = {"link": links, "meeting": meetings, "shop": shop, "visit": 100}
    chance = random.Random(5)
    week = [moment for moment in WEEK if chance.random() * 100 < keep[moment[1]]]
    for bundle in stick.glob("*"):
        bundle.unlink()
    middle = CropRegister(farm=FARM, officer="office", client_id=9)
    ways = {"link": lambda phone: exchange(phone, middle), "meeting": exchange, "shop": at_the_shop}
    _, _, seen = live(week, ways)
    return [mean(staleness(seen, reader, hour) for hour in HOURS[::4]) for reader in OFFICERS]


# %%
def draw(**shares):
    ages = mean_ages(**shares)
    figure, axes = plt.subplots(figsize=(6, 1.9), layout="constrained")
    bars = axes.barh(OFFICERS, ages, color="#0072B2")
    axes.bar_label(bars, [f"{age:.0f} h" for age in ages], padding=3)
    axes.set(xlim=(0, 80), xlabel="hours old in the mean (simulated week)")
    axes.invert_yaxis()
    plt.close(figure)
    return figure


def percent(words):
    return ipywidgets.IntSlider(100, 0, 100, 10, description=words)


play(draw, links=percent("links, %"), meetings=percent("meetings, %"), shop=percent("shop, %"))

# %% [markdown] spine="production"
# ## What "acknowledged" promises
#
# Now the hub itself. When Mutheu's phone shows a tick, she may lose the phone. So an acknowledgement has to mean: *it is
# on a disk*. A hub that is quick with words is easily written:


# %%
class QuickHub:
    """Acknowledges at once, writes when it finds the time."""

    def __init__(self, disk):
        self.disk, self.waiting = disk, []

    def receive(self, update):
        self.waiting.append(update)
        return "acknowledged"

    def has_time(self):
        self.disk.extend(self.waiting)
        self.waiting.clear()


# %% tags=["nbval-check-output"]
disk, phone = [], new_phones()["Mutheu"]
quick = QuickHub(disk)
write_down(phone, "plot-01", 9)
quick.receive(phone.update_since(None))
quick.has_time()
known = phone.state_vector()
write_down(phone, "plot-02", 10)
print("the second visit:", quick.receive(phone.update_since(known)))

quick = QuickHub(disk)  # the power fails; the hub starts again from its disk
phone = None  # and the phone falls into the river
survivor = CropRegister(farm=FARM, officer="Wanza", client_id=3)
for update in disk:
    survivor.apply(update)
print("what is left:", list(survivor.plots()))

# %% [markdown]
# Where the phone survives, the loss would heal: at the next link it sees what the hub lacks and sends it again. Where it does
# not, acknowledged work is gone. Libraries in use do this: the store that comes with the Python server for Yjs writes in the
# background, and nobody waits for it.
#
# Ours commits first. Many phones share one `fsync`, so it costs little; and there is a message of our own in the protocol, sent
# once an update is on the disk. Here it runs as it would at the office, as a process, and is killed with -9 as soon as it has
# acknowledged:

# %%
import subprocess
import sys


def start_hub():
    command = [sys.executable, "-m", "offlinefirst", "hub", "--store", str(folder / "office")]
    process = subprocess.Popen(
        [*command, "--tokens", str(tokens), "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().split("/FARM")[0].split()[-1]


async def settle(phone, url):
    async with HubClient(phone, url, token) as client:
        await client.settled()


# %% tags=["nbval-check-output"]
mutheus = new_phones()["Mutheu"]
for number in range(5):
    process, url = start_hub()
    write_down(mutheus, f"plot-{number:02}", 9 + number)
    await settle(mutheus, url)
    process.kill()
    process.wait()
    process.stdout.close()

process, url = start_hub()
wanzas = CropRegister(farm=FARM, officer="Wanza", client_id=3)
await settle(wanzas, url)  # Mutheu's phone is in the river
process.terminate()
process.wait()
process.stdout.close()
print("after five kills:", list(wanzas.plots()), wanzas.plots() == mutheus.plots())

# %% [markdown]
# What else it does is a list of accidents that happened to others. Each has a test in `tests/sync/test_hub.py`:
#
# | accident | what ours does |
# |---|---|
# | rooms without a store behind them | every room has one, read before anybody joins, once for all who come at once |
# | an edit arrives before the hub listens | nothing is received before the room is ready |
# | many rooms, "database is locked" | one writer for all, many updates in one commit |
# | order by time, and the clock is set back | numbers, no times |
# | errors that are swallowed | they are logged, and the connection is closed with the reason |
# | one slow reader holds up the rest | it is sent away, and catches up when it comes again |
# | the disk is full | reading goes on, updates are turned away and the state says so |
#
# Who may do what is in a file of tokens. A token for reading, a wrong farm, and no token at all:

# %%
from offlinefirst.sync.hub_client import HubRefusedError

reader = grant(tokens, "agronomist", read=[FARM])
guest = CropRegister(farm=FARM, officer="Juma", client_id=5)
stranger = CropRegister(farm="kitui-04", officer="Juma", client_id=6)

async with Hub(folder / "office", tokens) as hub:
    await settle(guest, hub.url)
    print("the guest reads", len(guest.plots()), "plots")
    guest.set("plot-00", "note", "let me correct this")
    for who, key in ((guest, reader), (stranger, token), (guest, "guessed")):
        try:
            async with HubClient(who, hub.url, key) as client:
                await client.settled()
        except HubRefusedError as error:
            print("refused:", str(error).split(": ")[1])

# %% [markdown]
# ### Under load
#
# `benchmarks/hub.py`: two hundred clients in twenty farms make fifty edits each; midway the hub is killed with -9 and started
# again. Then the same number of prepared updates as fast as they go. When it was last run:

# %%
import json

from offlinefirst.course.lessons import course_root

path = course_root() / "benchmarks/results/hub.json"
report = json.loads(path.read_text()) if path.exists() else {"metrics": {}}
WORDS = {"converged": "farms in which all phones agreed in the end (1 is all)"}
WORDS |= {
    "lost_acknowledged": "acknowledged edits that were lost",
    "p95_ms": "ms for 95 % of edits to be seen, away from the kill",
}
WORDS |= {"acknowledged_per_s": "edits per second, each committed and acknowledged"}
for name, words in WORDS.items():
    value = report["metrics"].get(name)
    print(f"{words:<58}{'not measured yet' if value is None else f'{value:,.4g}'}")

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **One week, invented.** Another rhythm gives other numbers; the sliders show how much. Count the meetings of *your*
#   officers before you choose.
# - **Meetings are taken to work.** Pairing two phones over Bluetooth is a minute of somebody's patience. Here it is a function
#   call.
# - **Staleness is not harm.** A note that is a day old may not matter, and a price that is an hour old may.
# - **The hub has no TLS of its own** and one disk. Outside of an office's network it stands behind a server that has TLS;
#   its store needs a backup like any other.
# - **Loopback is no radio.** Bytes are counted at the hub's door, without TLS and without what masts and retries add.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("11-collaborating-with-crdts/02-three-topologies")

# %% [markdown] spine="next"
# ## Next
#
# All three phones end with the same register. [Is it the right one?](03-officers-in-the-field.ipynb)
