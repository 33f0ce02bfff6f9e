# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: "Lab: said until it is heard, counted once"
#     chapter: 12
#     device: phone-2gb
#     teach_minutes: 5
#     exercise_minutes: 130
#     objectives:
#       - Give events keys that survive restarts, wrong clocks and twins
#       - Compute when to try again from failures, a draw and what the server asked for
#       - Move a queue in transactions that may be cut off at any statement
#       - Find the event that a server will not take, and choose what to send first when megabytes are dear
#     after: [12-sync-pipelines/01-store-then-send, 12-sync-pipelines/02-batches-and-backoff]
# ---

# %% [markdown]
# # Lab: said until it is heard, counted once
#
# You write the parts of an outbox, each small, and each attacked by what the field does to it: kills between two lines, twins,
# clocks, a server that says no without saying to what. Last, a question without a single answer: forty kilobytes a day, and
# more to say than that.
#
# **How this works.** Fill in an answer cell, run it, run the check below it. A check that is not done yet does not stop the
# others, and your points are kept in a file on this computer. The exercises stand on their own.

# %% [markdown] tags=["instructor"]
# **Timing.** Exercise 1 20 minutes, 2 15, 3 35, 4 20, 5 20, 6 20 and a discussion of 20. Two or three sittings.
#
# **Common mistakes.** 1: a hash of the contents (twins), a counter (restarts, two phones), a key made on sending. 2: the larger of
# the two waits in place of their sum; overflow. 3: two statements without a transaction (ask: and if it dies here?); a transaction
# that begins with reading; what was not stored keeps the dissolved batch's name and is never seen again. 4: a busy server
# taken for a refusal. 5: stopping at the first quality that fits. 6: forgetting that small things can starve large ones.
#
# **Rubric for exercise 6** (10 points, beside its check): says what each kind of item is worth to whom, and how fast that fades
# (3); says what never gets sent under the rule, and why that is right (2); a rule a person can check by hand (2); what the
# officer sees of it (1); what would change the mind: another price, another pest (2).

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# ## Exercise 1: a name for each event (3 points, 20 minutes)
#
# `saved` is a dictionary that stands for the phone's storage: it is all that survives a restart. Keys and values in it are
# strings.

# %% answer="keys"
import json
import secrets


class Reporter:
    def __init__(self, saved):
        """Go on with what is in `saved`; it is empty on a new phone."""
        self.saved = saved

    def record(self, judgement):
        """Store a judgement (anything that JSON can hold) as a new event."""
        ### BEGIN SOLUTION
        place = max((int(old) for old in self.saved), default=0) + 1
        self.saved[f"{place:09d}"] = json.dumps([secrets.token_urlsafe(16), judgement])
        ### END SOLUTION

    def pending(self):
        """What is not acknowledged, oldest first: a list of (key, judgement), the keys being strings."""
        ### BEGIN SOLUTION
        return [tuple(json.loads(self.saved[place])) for place in sorted(self.saved)]
        ### END SOLUTION

    def acknowledge(self, keys):
        """Forget the events with these keys; others may be in the list too, and are ignored."""
        ### BEGIN SOLUTION
        for place in list(self.saved):
            if json.loads(self.saved[place])[0] in keys:
                del self.saved[place]
        ### END SOLUTION


# %% [markdown]
# The attack: the same judgement twice, on one phone and on two; restarts; a clock that stands still.

# %% tags=["long"]
import itertools
import time
from unittest.mock import patch

SAME = {"plot": 3, "label": "MLND"}


def new_phone(verify):
    """Record three judgements on a new phone, with a restart after each; look at it, and give its storage."""
    saved = {}
    for judgement in (SAME, SAME, {"plot": 4}):
        Reporter(saved).record(judgement)
    strings = all(isinstance(text, str) for pair in saved.items() for text in pair)
    verify(strings, "Keys and values of `saved` have to be strings: a phone's storage holds no objects.")
    first = Reporter(saved).pending()
    verify(len(first) == 3, f"After a restart {len(first)} of 3 events are pending.")
    unchanged = [judgement for _, judgement in first] == [SAME, SAME, {"plot": 4}]
    verify(unchanged, "The judgements came back changed, or not oldest first.")
    apart = len({key for key, _ in first}) == 3
    verify(apart, "Two events have one key: the office would count one of them. (The clock stands still.)")
    same = Reporter(saved).pending() == first
    verify(same, "After a restart the keys are others: the office would count all of it again.")
    return saved


def keys_in(saved):
    return [key for key, _ in Reporter(saved).pending()]


# %%
stopped = patch.multiple(time, time=lambda: 1e9, time_ns=lambda: 10**18, monotonic=lambda: 5.0)


def acknowledged(saved, verify):
    """Acknowledge one of three, then record another."""
    reporter = Reporter(saved)
    gone, *kept = keys_in(saved)
    reporter.acknowledge([gone, "a stranger"])
    verify(keys_in(saved) == kept, "After one event was acknowledged, exactly the others should be pending.")
    Reporter(saved).record(SAME)
    after = keys_in(saved)
    in_place = after[:2] == kept and len(after) == 3
    verify(in_place, "An event that came after an acknowledgement pushed another out of the storage.")
    new = after[-1] not in [gone, *kept]
    verify(new, "A new event got the key of one that the office has already: it will not be counted.")
    Reporter(saved).acknowledge(after)
    Reporter(saved).record(SAME)
    again = set(keys_in(saved)) & {gone, *after}
    verify(not again, "When all were acknowledged, a new event got a key that the office has already.")


# %% check="keys" points=3
from offlinefirst.course.checks import check

with (
    check(
        "12-sync-pipelines/keys",
        points=3,
        revisit="01-store-then-send.ipynb#A-key,-made-when-the-event-is-made",
    ) as verify,
    stopped,  # no time passes, as after a flat battery
):
    mutheus, wanzas = new_phone(verify), new_phone(verify)
    both = keys_in(mutheus) + keys_in(wanzas)
    apart = len(set(both)) == 6
    verify(apart, "Two phones gave the same key to different events: the office would count only one.")
    verify(all(len(key) >= 8 for key in both), "Keys that short will meet by chance.")
    acknowledged(mutheus, verify)

# %% [markdown]
# ## Exercise 2: when to try again (3 points, 15 minutes)


# %% answer="wait"
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def wait_s(failures, draw, retry_after, now):
    """Seconds until the next try.

    Args:
        failures: Failed tries in a row, 1 or more; a phone in a drawer reaches thousands.
        draw: A random number, 0 up to 1.
        retry_after: The server's Retry-After header: None, seconds ("120"), a date ("Sat, 21 Nov 2026 08:00:00 GMT"), or rubbish.
        now: The time, as a datetime with a time zone.

    The ceiling of the own wait is 2 s after the first failure and doubles with each, up to 600 s; the draw is a share of it. What the
    server asked for, at most a day of it, comes first, and the own wait on top. A date in the past and rubbish ask for nothing.
    """
    ### BEGIN SOLUTION
    asked = 0.0
    if retry_after is not None and retry_after.strip().isdecimal():
        asked = float(retry_after)
    elif retry_after is not None:
        try:
            asked = (parsedate_to_datetime(retry_after) - now).total_seconds()
        except (ValueError, TypeError):
            asked = 0.0
    ceiling = min(600, 2 * 2 ** min(failures - 1, 30))
    return min(max(asked, 0.0), 86_400) + draw * ceiling
    ### END SOLUTION


# %% check="wait" points=3
with check(
    "12-sync-pipelines/wait",
    points=3,
    revisit="02-batches-and-backoff.ipynb#When-to-try-again",
) as verify:
    now = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
    HEADERS = {None: 0, "0": 0, "45": 45, " 120 ": 120, "9999999": 86_400, "soon": 0, "": 0, "-5": 0}
    HEADERS |= {"Sat, 21 Nov 2026 08:01:30 GMT": 90, "Sat, 21 Nov 2026 07:00:00 GMT": 0}
    HEADERS |= {"Sun, 21 Nov 2027 08:00:00 GMT": 86_400, "1.5.2": 0}
    for failures, draw in itertools.product([1, 2, 3, 6, 9, 10, 11, 40, 5_000], [0.0, 0.25, 0.5, 0.999]):
        own = draw * min(600.0, 2.0 ** min(failures, 20))
        for header, asked in HEADERS.items():
            found = wait_s(failures, draw, header, now)
            case = f"{failures} failures, draw {draw}, Retry-After {header!r}: you said {found}"
            verify(found is not None and found >= asked, f"{case}; the server asked for {asked} s.")
            verify(
                found <= asked + 600,
                f"{case}: longer than the server asked for and the cap of 600 s together.",
            )
            crowd = not asked or abs(found - asked) > 1e-6 or own < 1e-6
            verify(crowd, f"{case}. Everybody comes back in that second; the draw belongs on top.")
            verify(
                abs(found - asked - own) < 1e-6, f"{case}; {asked} asked and {own} of our own were expected."
            )

# %% [markdown]
# ## Exercise 3: claim (4 points, 25 minutes)
#
# The queue is in SQLite. `db` is a connection with `isolation_level=None`: every statement stands alone, unless you begin a
# transaction and commit it yourself. There are two tables:
#
# | table | columns |
# |---|---|
# | `events` | `number` (grows), `key` (unique), `text`, `batch` (the batch's key, or NULL) |
# | `batches` | `key` (unique), `claimed_s` (when it was last claimed) |

# %% answer="claim"
LEASE_S = 120


def claim(db, now_s, most):
    """Take a batch to send, for LEASE_S seconds.

    A batch whose last claim is LEASE_S or more ago comes first, as it was: same key, same events. Otherwise a new one, with a new
    key, of the oldest events that are in none, at most `most`. No two claims within LEASE_S get the same event.

    Returns:
        (batch key, [(event key, text), ...] oldest first), or None when there is nothing to send.
    """
    ### BEGIN SOLUTION
    db.execute("BEGIN IMMEDIATE")
    row = db.execute("SELECT key FROM batches WHERE claimed_s <= ?", (now_s - LEASE_S,)).fetchone()
    if row is not None:
        batch = row[0]
        db.execute("UPDATE batches SET claimed_s = ? WHERE key = ?", (now_s, batch))
    else:
        batch = secrets.token_urlsafe(16)
        oldest = "SELECT number FROM events WHERE batch IS NULL ORDER BY number LIMIT ?"
        found = db.execute(f"UPDATE events SET batch = ? WHERE number IN ({oldest})", (batch, most)).rowcount
        if not found:
            db.execute("ROLLBACK")
            return None
        db.execute("INSERT INTO batches VALUES (?, ?)", (batch, now_s))
    events = db.execute("SELECT key, text FROM events WHERE batch = ? ORDER BY number", (batch,)).fetchall()
    db.execute("COMMIT")
    return batch, events
    ### END SOLUTION


# %% [markdown]
# The attack wraps the connection: before the n-th statement the phone dies, or another sender comes in. Then it looks at the file
# with a new connection, as the next start would.

# %%
import sqlite3


class Killed(BaseException):
    """The phone died."""


class Connected:
    """A connection that is closed at the end without a commit, as by a kill."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None, timeout=0)

    def __enter__(self):
        return self.db

    def __exit__(self, *_):
        self.db.rollback()
        self.db.close()


# %% tags=["long"]
class Watched:
    """A connection that does `act` before its n-th statement; after a death it does nothing any more."""

    def __init__(self, db, nth, act):
        self.db, self.left, self.act, self.dead = db, nth, act, False

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return None if self.dead else self.db.__exit__(kind, error, trace)

    def __getattr__(self, name):
        if name == "cursor":
            raise TypeError("use db.execute itself: the attack does not see through a cursor")
        thing = getattr(self.db, name)
        return self.watched(thing) if name in CHANGES else thing

    def watched(self, thing):
        def step(*arguments):
            self.left -= 1
            if self.left == 0:
                self.dead = self.act() == "die"
            if self.dead:
                raise Killed
            return thing(*arguments)

        return step


# %%
CHANGES = ("execute", "executemany", "executescript", "commit", "rollback")


ALL = [f"k{n}" for n in range(5)]


def new_queue(*more):
    """A file with events k0 to k4 in it, and whatever `more` does to it; returns its path."""
    path = device.current().scratch / f"queue-{secrets.token_hex(8)}.db"
    with Connected(path) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug in a check
        db.execute("CREATE TABLE events (number INTEGER PRIMARY KEY, key TEXT UNIQUE, text TEXT, batch TEXT)")
        db.execute("CREATE TABLE batches (key TEXT UNIQUE, claimed_s REAL)")
        db.executemany("INSERT INTO events (key, text) VALUES (?, 'x')", [(key,) for key in ALL])
        for statement in more:
            db.execute(statement)
    return path


# %%
def killed_at(act, make_queue):
    """Let `act(db)` die at its first statement, its second, ..., each time on a new queue; gives the queues."""
    for nth in range(1, 40):
        path = make_queue()
        with Connected(path) as db:
            try:
                act(Watched(db, nth, lambda: "die"))
                return
            except Killed:
                pass
        yield nth, path


# %%
def leases(verify):
    """Two senders, and time."""
    path = new_queue()
    with Connected(path) as db, Connected(path) as other:
        one, two = claim(db, 1000, 3), claim(other, 1001, 3)
        oldest = one and [key for key, _ in one[1]] == ALL[:3]
        verify(oldest, f"The first claim should be the three oldest events; it was {one}.")
        rest = two and [key for key, _ in two[1]] == ALL[3:]
        verify(rest, f"The second claim should be the other two; it was {two}.")
        verify(one[0] != two[0], "Two batches have one key.")
        early = claim(db, 1119, 3)
        verify(early is None, "Both batches are claimed, and you gave something out before a lease was over.")
        db.execute("INSERT INTO events (key, text) VALUES ('new', 'x')")
        again = claim(other, 1120, 3)
        verify(again == one, "After the lease, the first batch should come again: same key, same events.")
        new, second = claim(db, 1120, 3), claim(db, 1121, 3)
        verify(new and new[1] == [("new", "x")], f"The new event was free, and you gave {new}.")
        verify(second == two, f"The second batch's lease was over too, and you gave {second}.")


# %%
def kills(verify):
    """Death before each statement of claim, while it forms a batch and while it takes one over."""
    old = ["INSERT INTO batches VALUES ('old', 0)", "UPDATE events SET batch = 'old' WHERE number <= 3"]
    for more, what in [((), "forming a batch"), (old, "taking a batch over")]:
        for nth, path in killed_at(lambda db: claim(db, 500, 3), lambda more=more: new_queue(*more)):
            found = []
            with Connected(path) as db:
                while (got := claim(db, 1000, 3)) is not None and len(found) < 20:
                    found += [key for key, _ in got[1]] or ["nothing"]
            whole = sorted(found) == ALL
            verify(whole, f"Killed before statement {nth} of claim, {what}: later the queue gave {found}.")


# %% tags=["long"]
def meetings(verify):
    """Another sender claims before each statement of claim."""
    for nth in range(1, 40):
        path, theirs = new_queue(), []
        with Connected(path) as db, Connected(path) as other:

            def come_in(other=other, theirs=theirs):
                try:
                    theirs.append(claim(other, 500, 3))
                except sqlite3.OperationalError:
                    theirs.append(None)  # the file is locked: the other one has to wait its turn

            try:
                mine, error = claim(Watched(db, nth, come_in), 500, 3), ""
            except sqlite3.OperationalError as failed:
                mine, error = None, str(failed)
        if not theirs:
            return
        case = f"Another sender came in before statement {nth}"
        verify(not error, f"{case}, and claim failed: {error}. Lock first.")
        both = set(mine[1] if mine else []) & set(theirs[0][1] if theirs[0] else [])
        verify(not both, f"{case}: both have {', '.join(sorted(key for key, _ in both))}.")


# %% check="claim" points=4
with check(
    "12-sync-pipelines/claim", points=4, revisit="02-batches-and-backoff.ipynb#Durable,-by-hand"
) as verify:
    leases(verify)
    kills(verify)
    meetings(verify)

# %% [markdown]
# ## Exercise 3b: settle (2 points, 10 minutes)
#
# The office has answered. The same tables.


# %% answer="settle"
def settle(db, batch, stored):
    """Note the office's answer.

    The events with a key in `stored` (a list) are gone; the batch's others are free to be claimed again, in another
    batch; the batch is no more. All of it or nothing.
    """
    ### BEGIN SOLUTION
    db.execute("BEGIN IMMEDIATE")
    db.executemany("DELETE FROM events WHERE key = ?", [(key,) for key in stored])
    db.execute("UPDATE events SET batch = NULL WHERE batch = ?", (batch,))
    db.execute("DELETE FROM batches WHERE key = ?", (batch,))
    db.execute("COMMIT")
    ### END SOLUTION


# %%
def two_batches():
    """Mine holds k0 to k2, hers k3; k4 is free."""
    return new_queue(
        "INSERT INTO batches VALUES ('mine', 500), ('hers', 501)",
        "UPDATE events SET batch = CASE WHEN number <= 3 THEN 'mine' ELSE 'hers' END WHERE number <= 4",
    )


def seen(path):
    """Each event's batch, and all batches."""
    with Connected(path) as db:
        batches = {row[0] for row in db.execute("SELECT key FROM batches")}
        return dict(db.execute("SELECT key, batch FROM events")), batches


# %% check="settle" points=2
with check(
    "12-sync-pipelines/settle", points=2, revisit="02-batches-and-backoff.ipynb#Durable,-by-hand"
) as verify:
    before = seen(two_batches())
    for stored in (["k0", "k2"], ["k0", "k1", "k2"], [], ["k1"]):
        free = {key: None if batch == "mine" else batch for key, batch in before[0].items()}
        left = {key: batch for key, batch in free.items() if key not in stored}
        with Connected(path := two_batches()) as db:
            settle(db, "mine", list(stored))
        after = seen(path)
        verify(after == (left, {"hers"}), f"Stored {stored}: then events and batches were {after}.")
        for nth, path in killed_at(lambda db, stored=stored: settle(db, "mine", list(stored)), two_batches):
            half = seen(path) not in (before, after)
            verify(
                not half, f"Stored {stored}, killed before statement {nth}: {seen(path)}. All of it, or none."
            )

# %% [markdown]
# ## Exercise 4: the one that is refused (3 points, 20 minutes)
#
# The office refuses a batch as a whole, and does not say for which event.


# %% answer="poison"
def deliver(events, post):
    """Deliver what can be delivered.

    Args:
        events: A list of different strings.
        post: Sends a list of them and returns a status. 200: it has them all. 400 and 422: something in them will never be taken.
            Anything else (429, 401, 503, ...): not now; do not ask again in this call.

    Returns:
        Three lists, each in the order of `events`: delivered, refused for good, and not delivered yet.

    Requests are dear: with one culprit among 64 events, 13 are enough.
    """
    ### BEGIN SOLUTION
    delivered, refused, groups = [], [], [list(events)] if events else []
    while groups:
        group = groups.pop(0)
        status = post(group)
        if status == 200:
            delivered += group
        elif status not in (400, 422):
            groups.insert(0, group)
            break
        elif len(group) == 1:
            refused += group
        else:
            middle = len(group) // 2
            groups[:0] = [group[:middle], group[middle:]]
    return delivered, refused, [event for group in groups for event in group]
    ### END SOLUTION


# %%
import math


class Office:
    """Refuses batches with a culprit in them; busy from the n-th request on."""

    def __init__(self, culprits, busy_from=None, busy=503, no=422):
        self.culprits, self.busy_from, self.busy, self.no = set(culprits), busy_from, busy, no
        self.requests, self.has = 0, []

    def post(self, events):
        self.requests += 1
        if self.busy_from is not None and self.requests >= self.busy_from:
            return self.busy
        if self.culprits & set(events):
            return self.no
        self.has += events
        return 200


# %%
def culprits(verify):
    """Every set of culprits among up to six events."""
    sets = [(n, c) for n in range(7) for k in range(n + 1) for c in itertools.combinations(range(n), k)]
    for (count, bad_ones), no in itertools.product(sets, (400, 422)):
        names, bad = [f"e{n}" for n in range(count)], [f"e{n}" for n in bad_ones]
        office = Office(bad, no=no)
        delivered, refused, later = deliver(list(names), office.post)
        case = f"{count} events, at fault {bad or 'none'}:"
        good = [name for name in names if name not in bad]
        verify(sorted(office.has) == good, f"{case} the office has {office.has}.")
        verify(delivered == good, f"{case} you say {delivered} were delivered.")
        verify(refused == bad, f"{case} you say {refused} were refused for good.")
        verify(later == [], f"{case} you left {later} for later, and nobody was busy.")
        verify(count or not office.requests, "There was nothing to send, and you asked all the same.")


# %%
def busy_offices(verify):
    """One culprit among five, and an office that has no time from some request on."""
    names = [f"e{n}" for n in range(5)]
    for busy_from, busy in itertools.product(range(1, 12), (429, 401, 403, 404, 500, 503)):
        office = Office(["e2"], busy_from, busy)
        delivered, refused, later = deliver(list(names), office.post)
        case = f"5 events, e2 at fault, status {busy} from request {busy_from} on:"
        verify(office.requests <= busy_from, f"{case} you asked again.")
        verify(set(refused) <= {"e2"}, f"{case} {refused} were put aside, and only e2 is at fault.")
        verify(
            delivered == sorted(office.has), f"{case} the office has {office.has}, and you say {delivered}."
        )
        whole = sorted([*delivered, *refused, *later]) == names and later == sorted(later)
        verify(whole, f"{case} delivered {delivered}, refused {refused}, later {later}.")


# %% check="poison" points=3
with check(
    "12-sync-pipelines/poison", points=3, revisit="02-batches-and-backoff.ipynb#The-production-version"
) as verify:
    culprits(verify)
    busy_offices(verify)
    for place in range(64):
        office = Office([f"e{place:02d}"])
        deliver([f"e{n:02d}" for n in range(64)], office.post)
        few = office.requests <= 2 * math.log2(64) + 1
        verify(few, f"One culprit among 64 took {office.requests} requests.")

# %% [markdown]
# ## Exercise 5: a photo within its bytes (3 points, 20 minutes)
#
# When the office asks to see a leaf, the photo has to fit.

# %% answer="photo"
import io

from PIL import Image


def within(photo, most_bytes):
    """The bytes of a JPEG of at most `most_bytes` (2,000 or more), and as good as fits.

    `photo` is a Pillow image of any size and mode, upright; what is transparent becomes white. Qualities are 20 to 90; only if none
    fits, the photo is made smaller, its proportions kept. No EXIF data.
    """
    ### BEGIN SOLUTION
    white = Image.new("RGBA", photo.size, "white")
    photo = Image.alpha_composite(white, photo.convert("RGBA")).convert("RGB")

    def encoded(quality):
        buffer = io.BytesIO()
        photo.save(buffer, "JPEG", quality=quality)
        return buffer.getvalue()

    while len(encoded(20)) > most_bytes:
        photo = photo.resize([max(1, round(side * 0.85)) for side in photo.size], Image.LANCZOS)
    low, high = 20, 90  # `low` fits
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(encoded(middle)) <= most_bytes else (low, middle - 1)
    return encoded(low)
    ### END SOLUTION


# %% tags=["long"]
import numpy as np

from offlinefirst.datasets.leaves import leaves


def lab_photo(mode, size, noise):
    """A drawn leaf, enlarged, with a camera's noise and EXIF data; in the mode asked for."""
    rng = np.random.default_rng(3)
    leaf = Image.fromarray(leaves(1, seed=5)[0][0]).resize(size, Image.BICUBIC)
    pixels = np.asarray(leaf, np.int16) + rng.integers(-noise - 1, noise + 1, (size[1], size[0], 1))
    photo = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    if mode in ("RGBA", "LA"):
        photo.putalpha(Image.linear_gradient("L").resize(size))
    photo = photo.convert(mode)
    exif = Image.Exif()
    exif[0x010E] = "Mutheu, KTI-0121"
    photo.info["exif"] = exif.tobytes()
    return photo


def jpeg_bytes(photo, quality):
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality, exif=b"")
    return buffer.tell()


# %%
def proper(found, photo, most, case, verify):
    """What must hold for any photo; returns the picture."""
    verify(isinstance(found, bytes), f"{case} you returned {type(found).__name__}, not bytes.")
    verify(len(found) <= most, f"{case} you returned {len(found):,}.")
    picture = Image.open(io.BytesIO(found))
    verify(picture.format == "JPEG", f"{case} that is no JPEG.")
    verify(b"Mutheu" not in found, f"{case} the EXIF data went along: name and place of whoever took it.")
    off = abs(picture.width / photo.width - picture.height / photo.height) * max(photo.size)
    verify(off <= 2, f"{case} its proportions changed: {picture.width} by {picture.height}.")
    return picture


def good(found, picture, photo, most, case, verify):
    """What must hold for an opaque one: nothing was given away."""
    plain = photo.convert("RGB")
    small = picture.size != photo.size and jpeg_bytes(plain, 20) <= most
    verify(not small, f"{case} it fits at its full size, and you made it smaller.")
    most_useful = 0.9 * jpeg_bytes(plain, 88) if jpeg_bytes(plain, 90) <= most else 0.8 * most
    verify(len(found) >= most_useful, f"{case} only {len(found):,} bytes: there was room for a better one.")


# %% check="photo" points=3
CASES = [("RGB", (640, 480), 9), ("RGB", (300, 700), 40), ("L", (500, 500), 20), ("RGB", (64, 64), 0)]
CASES += [("RGBA", (640, 480), 9), ("LA", (200, 300), 9), ("P", (320, 240), 5)]
with check(
    "12-sync-pipelines/photo", points=3, revisit="03-images-under-100-kb.ipynb#Spending-the-budget"
) as verify:
    for (mode, size, noise), most in itertools.product(CASES, (3_000, 20_000, 60_000)):
        photo = lab_photo(mode, size, noise)
        case = f"A photo of mode {mode}, {size[0]} by {size[1]}, at most {most:,} bytes:"
        found = within(photo.copy(), most)
        picture = proper(found, photo, most, case, verify)
        if mode in ("RGB", "L", "P"):
            good(found, picture, photo, most, case, verify)
        elif most == 60_000:
            edge = np.asarray(picture.convert("RGB"), float)[:3, :3].mean()
            verify(edge > 235, f"{case} the transparent edge should be white; it has a mean of {edge:.0f}.")

# %% [markdown]
# ## Exercise 6, open: what first? (3 points, 20 minutes and a discussion)
#
# Wanza's bundle allows 40 KB a day. Waiting are alarms (a pest seen), cases (a judgement), photos that the office asked for, and logs
# of the app. What each is worth to the office fades with time, at its own pace; the table is the office's own guess:
#
# | kind | bytes | worth when fresh | is worth half after |
# |---|---|---|---|
# | alarm | 300 | 100 | 6 hours |
# | case | 60 | 3 | 72 hours |
# | photo | 8,000 to 30,000 | 40 | 240 hours |
# | log | 4,000 | 2 | 48 hours |
#
# Once a day there is a link. Your rule says what to send, in which order. The check plays twenty seasons.


# %% answer="first"
def choose(waiting, budget_bytes):
    """Choose what to send today.

    Args:
        waiting: A list of dicts: id, kind, bytes, age_h (hours since it was made).
        budget_bytes: How much may be sent.

    Returns:
        The ids to send, in order; together within the budget.
    """
    ### BEGIN SOLUTION
    worth = {"alarm": (100, 6), "case": (3, 72), "photo": (40, 240), "log": (2, 48)}

    def place(item):
        fresh, half_h = worth[item["kind"]]
        worth_now = fresh * 0.5 ** (item["age_h"] / half_h)
        return item["kind"] != "alarm", -worth_now / item["bytes"]

    chosen, left = [], budget_bytes
    for item in sorted(waiting, key=place):
        if item["bytes"] <= left:
            chosen.append(item["id"])
            left -= item["bytes"]
    return chosen
    ### END SOLUTION


# %%
import random

WORTH = {"alarm": (100, 6), "case": (3, 72), "photo": (40, 240), "log": (2, 48)}
BUDGET = 40_000


def new_items(rng, day, numbers):
    """What the twelve hours before today's link brought."""
    sizes = {"alarm": [300] * rng.choice([0, 0, 1, 2]), "case": [60] * rng.randint(5, 40), "log": [4_000] * 3}
    sizes["photo"] = [rng.randrange(8_000, 30_000) for _ in range(rng.choice([0, 1, 2, 3]))]
    return [
        {"id": next(numbers), "kind": kind, "bytes": size, "made_h": 24 * day - rng.uniform(0, 12)}
        for kind, many in sizes.items()
        for size in many
    ]


# %% tags=["long"]
def season(choose, seed, days=30):
    """Play a season; returns a score card."""
    rng, waiting, numbers = random.Random(seed), [], itertools.count()
    card = {"worth": 0.0, "over": 0, "strange": 0, "alarm waited": 0.0, "cases left": 0}
    for day in range(days):
        waiting += new_items(rng, day, numbers)
        shown = [{**item, "age_h": 24 * day - item["made_h"]} for item in rng.sample(waiting, len(waiting))]
        chosen = list(choose([dict(item) for item in shown], BUDGET))
        known = {item["id"]: item for item in shown}
        card["strange"] += len(chosen) != len(set(chosen)) or not set(chosen) <= known.keys()
        sent = [known[one] for one in dict.fromkeys(chosen) if one in known]
        card["over"] += sum(item["bytes"] for item in sent) > BUDGET
        for item in sent:
            fresh, half_h = WORTH[item["kind"]]
            card["worth"] += fresh * 0.5 ** (item["age_h"] / half_h)
        waiting = [item for item in waiting if item["id"] not in set(chosen)]
        alarms = [item["age_h"] for item in shown if item["kind"] == "alarm"]
        card["alarm waited"] = max([card["alarm waited"], *alarms])
    card["cases left"] = sum(item["kind"] == "case" for item in waiting)
    return card


def oldest_first(waiting, budget_bytes):
    items = sorted(waiting, key=lambda item: -item["age_h"])
    sizes = itertools.accumulate(item["bytes"] for item in items)
    return [item["id"] for item, size in zip(items, sizes, strict=True) if size <= budget_bytes]


# %% check="first" points=3
with check(
    "12-sync-pipelines/first", points=3, revisit="02-batches-and-backoff.ipynb#The-situation"
) as verify:
    cards = [season(choose, seed) for seed in range(20)]
    base = [season(oldest_first, seed) for seed in range(20)]
    total = {name: sum(card[name] for card in cards) for name in cards[0]}
    ratio = total["worth"] / sum(card["worth"] for card in base)
    waited, over, left = max(card["alarm waited"] for card in cards), total["over"], total["cases left"]
    print(f"20 seasons: worth {ratio:.2f} times oldest first; longest wait of an alarm {waited:.0f} h")
    verify(total["strange"] == 0, "You sent something twice, or something that was not waiting.")
    verify(over == 0, f"On {over} days you went over the budget: the rest was cut off, and paid for.")
    verify(waited <= 24, f"An alarm waited {waited:.0f} hours, and there was a link every day.")
    verify(left < 20 * 100, f"{left} cases were still waiting at the end: some never get their turn.")
    verify(
        ratio >= 1.5,
        f"What arrived was worth {ratio:.2f} times what oldest first brings; 1.5 is within reach.",
    )

# %% [markdown]
# Now argue. Whose guess is the table, and who loses by it? What does your rule never send? What does Wanza see of it: a list, a
# number, nothing? And what if she has a photo that she knows to be important?

# %% [markdown]
# ## Your score

# %%
from offlinefirst.course.checks import Score

Score("12-sync-pipelines", keys=3, wait=3, claim=4, settle=2, poison=3, photo=3, first=3)
