# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: "Lab: nothing half done"
#     chapter: 2
#     device: phone-2gb
#     teach_minutes: 5
#     exercise_minutes: 120
#     objectives:
#       - Resume a download without mixing two versions, and never delete good bytes
#       - Write a file so that no power cut can break it or bring the old one back
#       - Keep an app inside its share of the storage, and its transfers inside their hours and their quota
#       - Design a first rule for two people who edit the same record offline
#     after: [02-offline-first-design/01-principles, 02-offline-first-design/02-resumable-downloads]
# ---

# %% [markdown]
# # Lab: nothing half done
#
# Mutheu's phone dies a few times a week, always at a bad moment; its storage is nearly full and its link comes and goes.
# You write the functions that everything she fetches and records will go through. The exercises stand on their own: do
# them in any order, over two or three sittings.
#
# **How this works.** Each exercise has an answer cell and a check cell. Fill in the answer, run it, run the check. A
# check attacks your function with what the field does to it and says in words what went wrong. Read the checks, they
# are short. Run all cells as often as you like: a check that is not done yet does not stop the others, and your points
# are kept in a file on this computer.

# %% [markdown] tags=["instructor"]
# **Timing.** Exercise 1 30 minutes, 2 15, 3 20, 4 25, 5 15, 6 15 and a discussion of 20. Two sittings.
#
# **Common mistakes.** 1: Range without If-Range; appending an error page. 2: the source's own, removing what is not
# finished. 3: fsync of the file after the rename (ask: what reached the disk in between?), no fsync of the folder. 4:
# counting only the difference in size, and deleting before knowing whether it is enough. 5: a window that begins before
# midnight. 6: trusting clocks.
#
# **Early birds.** Is "least recently used first" the right order when one video is ten times the size of the others? Let
# them argue for another, with Mutheu's data price in hand.
#
# **Rubric for exercise 6** (10 points, beside its check): says for each field of a plot's record who may be wrong and what
# it costs (3); a rule that does not trust clocks, or says why it may (2); what a person is asked, how often, and by whom
# (3); what happens to an edit that loses (2).

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# ## Exercise 1: resume from where you stopped (4 points, 30 minutes)
#
# One attempt of a download. The link may be cut, the server may be busy, or wrong, and between two attempts the office
# may have put another version of the file there.

# %%
import re

import httpx


# %% answer="resume"
def fetch(url, folder):
    """Try once to bring a file nearer to being whole; called again until it is.

    Keeps what has arrived in `folder / "part"`, and what else it must remember in other files of `folder`: nothing else
    survives from one call to the next. When this returns, or fails with an error of httpx, `part` holds the beginning
    of one version of the file, all of it, or does not exist. Hint: `httpx.stream("GET", url, headers=...)`, then
    `response.status_code`, `response.headers`, `response.iter_raw(16_384)`. Without an ETag, or with a weak one, there is
    no telling whether the bytes have changed.
    """
    ### BEGIN SOLUTION
    part, note = folder / "part", folder / "etag"
    etag = note.read_text() if note.exists() else ""
    have = part.stat().st_size if part.exists() and etag.startswith('"') else 0
    headers = {"Range": f"bytes={have}-", "If-Range": etag} if have else {}
    with httpx.stream("GET", url, headers=headers) as response:
        place = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
        if response.status_code == 200:
            part.write_bytes(b"")  # first empty, then note whose bytes will be in it
            note.write_text(response.headers.get("etag", ""))
        elif response.status_code != 206 or not place or int(place[1]) != have:
            return
        with part.open("ab") as file:
            for chunk in response.iter_raw(16_384):
                file.write(chunk)
    ### END SOLUTION


# %% [markdown]
# The attack: a practice server that behaves badly in a different way each time. In between it looks at the part.

# %%
import contextlib
import random
from itertools import product

from offlinefirst.link import PracticeServer, faults

V1, V2 = random.Random(1).randbytes(300_000), random.Random(2).randbytes(300_000)
CUT = faults.CutAfter(40_960, reset=False)
WEAK = faults.WeakETag()
NAMELESS = faults.NoETag() & faults.NoLastModified()
ATTACKS = {
    "the link is cut twice": [CUT, CUT],
    "the file changes after a cut": [CUT, faults.ChangeFile(V2)],
    "the range is ignored": [CUT, faults.IgnoreRange()],
    "the answer begins one byte off": [CUT, faults.WrongContentRange(start_by=1)],
    "busy": [CUT, faults.Busy(503, retry_after_s=1)],
    "416 with an error page": [CUT, faults.Unsatisfiable()],
    "only a weak ETag": [WEAK & CUT, WEAK, WEAK],
    "no name for the version, and it changes": [NAMELESS & CUT, NAMELESS & faults.ChangeFile(V2), NAMELESS],
}


# %% tags=["long"]
def download_under(script, verify, why):
    folder = device.current().scratch / f"resume-{random.getrandbits(64):x}"
    folder.mkdir()
    part = folder / "part"
    with PracticeServer({"leaf.onnx": V1}, faults=script) as server:
        for _ in range(8):
            before, asked = part.stat().st_size if part.exists() else 0, len(server.requests)
            with contextlib.suppress(httpx.HTTPError):
                fetch(server.url("leaf.onnx"), folder)
            verify(
                len(server.requests) <= asked + 2,
                f"{why}: one call is one try, and you asked again and again.",
            )
            have = part.read_bytes() if part.exists() else b""
            whole = V1.startswith(have) or V2.startswith(have)
            verify(
                whole, f"{why}: after {before:,} bytes, what stands in `part` is of no version of the file."
            )
            if have == server.contents("leaf.onnx"):
                return server.requests
    return verify(False, f"{why}: after eight attempts the file is still not whole ({len(have):,} bytes).")


# %% check="resume" points=4
from offlinefirst.course.checks import check

with check(
    "02-offline-first-design/resume",
    points=4,
    revisit="02-resumable-downloads.ipynb#The-fix,-one-header-at-a-time",
) as verify:
    requests = {why: download_under(script, verify, why) for why, script in ATTACKS.items()}
    for one in requests["the link is cut twice"][1:]:
        verify(one.start > 0, "After the cut at byte 40,960 you asked the server for byte 0 again.")
        verify(one.start >= 40_960 * (one.number - 1) - 16_384, f"You asked for byte {one.start:,} again.")
    wary = len(requests["the answer begins one byte off"]) > 2
    verify(wary, "An answer said that it begins elsewhere than where you are. You appended it all the same.")
    asked_for = requests["busy"][-1].start
    verify(asked_for > 0, "The server was busy for a moment, and you threw away what was there.")
    for one in requests["only a weak ETag"][1:]:
        weak = "range" in one.headers and one.headers.get("if-range", "W/").startswith("W/")
        verify(
            not weak, "A weak ETag (W/...) promises the same meaning, not the same bytes. You resumed on it."
        )

# %% [markdown]
# ## Exercise 2: never delete good bytes (3 points, 15 minutes)
#
# The attempts are over, for now: the link is down again, or everything came. What is in the folder, and what to do?

# %% answer="settle"
import hashlib


def settle(folder, name, sha256, size_bytes):
    """Decide what to do with `folder / "part"`, and do it.

    Returns:
        "published": the part was the right file, and now stands under `name` (or the right file stood there already
            and there is no part). The part is gone.
        "resume": the part is still too short. Nothing was touched.
        "put aside": it is as long as it should be, or longer, and is not the right file. It is now `name + ".bad"`.

    Whatever stood under `name` before stays there until the right file takes its place.
    """
    ### BEGIN SOLUTION
    part, target = folder / "part", folder / name
    if not part.exists():
        here = target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == sha256
        return "published" if here else "resume"
    if part.stat().st_size < size_bytes:
        return "resume"
    if hashlib.sha256(part.read_bytes()).hexdigest() == sha256:
        part.replace(target)
        return "published"
    part.replace(folder / f"{name}.bad")
    return "put aside"
    ### END SOLUTION


# %% [markdown]
# Each case: how the part differs from the right file, what stands under the name, and what should be returned. Name,
# length and contents are drawn anew each time.

# %%
OLD = b"the model of last month"
SETTLE = [
    ("right", OLD, "published"),
    ("right", None, "published"),
    ("short", OLD, "resume"),
    ("empty", None, "resume"),
    ("none", "right", "published"),
    ("none", OLD, "resume"),
    ("none", None, "resume"),
    ("none", "wrong bytes", "resume"),
    ("short", "right", "resume"),
    ("right", "right", "published"),
    ("one bit", OLD, "put aside"),
    ("one bit", "right", "put aside"),
    ("longer", OLD, "put aside"),
]


# %%
def draw_settle(kind, standing):
    """A folder for one case: the right file, what is in the folder, and its name."""
    right, name = random.randbytes(random.randint(100, 5000)), f"model-{random.randint(1, 99)}.onnx"
    parts = {"right": right, "short": right[:-1], "empty": b"", "none": None, "longer": right + b"!"}
    parts["one bit"] = right[:-1] + bytes([right[-1] ^ 1])
    standing = {"right": right, "wrong bytes": bytes(len(right))}.get(standing, standing)
    files = {"part": parts[kind], name: standing}
    folder = device.current().scratch / f"settle-{random.getrandbits(64):x}"
    folder.mkdir()
    for file, data in files.items():
        if data is not None:
            (folder / file).write_bytes(data)
    return folder, name, right, files


# %% [markdown]
# Whoever deletes the old file a moment before the new one is renamed into its place leaves a moment with neither. So we note
# what is deleted.

# %%
import os
from pathlib import Path
from unittest.mock import patch


def deletions():
    """A context in which Python notes the names of the files that it deletes."""
    names, really = [], os.remove

    def remove(path, **options):
        really(path, **options)
        names.append(Path(path).name)

    return names, patch.multiple(os, remove=remove, unlink=remove)


# %% check="settle" points=3
with check(
    "02-offline-first-design/settle",
    points=3,
    revisit="02-resumable-downloads.ipynb#Right,-and-all-at-once",
) as verify:
    for kind, standing, expected in SETTLE:
        folder, name, right, files = draw_settle(kind, standing)
        part, watch = files["part"], folder.with_suffix(".watch")
        if files[name] is not None:
            watch.hardlink_to(folder / name)  # still shows the old file's own bytes after a rename over it
        deleted, noting = deletions()
        with noting:
            answer = settle(folder, name, hashlib.sha256(right).hexdigest(), len(right))
        now = {path.name: path.read_bytes() for path in folder.iterdir()}
        case = f"Part: {kind}; under the name: {'nothing' if files[name] is None else 'a file'}; expected {expected!r}:"
        verify(part is None or part in now.values(), f"{case} you deleted what had been downloaded.")
        verify(
            name not in deleted, f"{case} you deleted the model in use: a kill at that moment leaves none."
        )
        touched = expected != "published" and now.get(name) != files[name]
        verify(not touched, f"{case} you touched the model that was in use.")
        in_place = watch.exists() and watch.read_bytes() != files[name]
        verify(not in_place, f"{case} you wrote into the old file: a kill in the middle leaves neither.")
        verify(answer == expected, f"{case} you returned {answer!r}.")
        good = {"published": now.get(name) == right, "put aside": now.get(f"{name}.bad") == part}
        verify(good.get(answer, now.get("part") == part), f"{case} you said {answer!r}, but it is not so.")
        verify(answer == "resume" or "part" not in now, f"{case} the part is still there.")
        left = set(now) - {"part", name, f"{name}.bad"}
        verify(not left, f"{case} {sorted(left)} is left over, and takes up room.")

# %% [markdown]
# ## The disk you write to
#
# The next two exercises get a `disk`, the one from [01-principles](../../chapters/02-offline-first-design/01-principles.ipynb):
#
# | operation | what it does | survives a power cut? |
# |---|---|---|
# | `disk.write(name, data)` | makes or **empties** the file, then writes the bytes | not until its `fsync` |
# | `disk.fsync(name)` | waits until the file's *contents* are on the disk | yes, the contents |
# | `disk.rename(old, new)` | gives a file a new name, replacing what had it, in one step | not until `fsync_folder` |
# | `disk.delete(name)` | removes a file | not until `fsync_folder` |
# | `disk.fsync_folder()` | waits until all *names* are on the disk | yes, the names |
# | `disk.names()`, `disk.size(name)`, `disk.read(name)` | look | |

# %% [markdown]
# ## Exercise 3: publish, or change nothing (4 points, 20 minutes)
#
# Prices arrive each morning. Write `publish` so that at any moment a reader finds the old list or the new one, whole,
# and once `publish` has returned, the new one for good.


# %% answer="publish"
def publish(disk, name, data):
    """Replace a file, or make it, so that no power cut can break it.

    Args:
        disk: Has the operations of the table above.
        name: The file's name, such as "prices.json".
        data: The new contents, bytes.

    Hint: never touch the old file while the new one is not safe. A name of your own, such as name + ".part", is a
    good place to work in; nothing of it should be left when you are done.
    """
    ### BEGIN SOLUTION
    part = name + ".part"
    disk.write(part, data)
    disk.fsync(part)
    disk.rename(part, name)
    disk.fsync_folder()
    ### END SOLUTION


# %% [markdown]
# The attack below first looks whether the file arrives at all. Then it cuts the power after every step of your function
# and looks, in each state that may be found, at the file, at its neighbour, and whether publishing still works. Last, it
# publishes what somebody else has written but not synced.

# %% tags=["long"]
from offlinefirst.device.practice_disk import PracticeDisk, power_cuts


def attack(name, old, new, verify):
    before = {"register.json": b"8 visits"} | ({name: old} if old else {})
    disk = PracticeDisk(before)
    publish(disk, name, new)
    arrived = name in disk.names() and disk.read(name) == new
    verify(arrived, f"With no power cut at all, {name} does not hold the new contents. Did you use `disk`?")
    verify(disk.names() == sorted({*before, name}), f"Something is left over: {disk.names()}")
    for cut in power_cuts(lambda disk: publish(disk, name, new), before):
        when, sees = f"Power cut {cut.when}:", cut.read(name)
        verify(sees is not None or old is None, f"{when} {name} is gone, the old one too.")
        verify(sees in (old, new), f"{when} a reader finds {sees!r}, neither the old nor the new.")
        verify(not cut.returned or sees == new, f"publish had returned, then a power cut: {sees!r} is back.")
        verify(cut.read("register.json") == b"8 visits", f"{when} another file was damaged.")
        again = cut.disk()
        publish(again, name, new + b"!")
        works = name in again.names() and again.read(name) == new + b"!"
        verify(works, f"{when} publishing again does not work.")
        left = set(again.names()) - {*before, name}
        verify(not left, f"{when} after publishing again, {sorted(left)} is left over for ever.")

    def on_top_of_unsynced(disk):
        disk.write(name, new)
        publish(disk, name, new)

    for cut in power_cuts(on_top_of_unsynced, before):
        said = "publish returned because the file looked right, but nobody had synced it:"
        verify(not cut.returned or cut.read(name) == new, f"{said} after a power cut {cut.read(name)!r}.")


# %% check="publish" points=4
with check(
    "02-offline-first-design/publish",
    points=4,
    revisit="01-principles.ipynb#Failure-1:-half-written-state",
) as verify:
    attack("prices.json", b"maize 40", b"maize 45", verify)
    attack("leaf.onnx", b"version 1" * 9, b"version 2", verify)
    attack("first.json", None, b"there was nothing before", verify)
    real = device.current().disk
    publish(real, "prices.json", b"maize 47")
    verify(real.read("prices.json") == b"maize 47", "In a real folder the new contents are not there.")

# %% [markdown]
# ## Exercise 4: stay inside the quota (4 points, 25 minutes)
#
# The app may use `quota_bytes`, at *every* moment: while a file is being replaced, its old and its new copy both count.
# Some files could be fetched again; `evictable` names them, the least recently used first. Everything else, above all
# visits that wait to be sent, is never yours to delete.


# %% answer="quota"
def save(disk, name, data, quota_bytes, evictable):
    """Publish a file inside the quota, making room with evictable files if need be.

    Args: the disk; the file's name; its new contents; what all files together may use at any moment; the names that
    may be deleted, in this order. Some may be gone already, and one may be `name` itself, whose old copy must stay
    until the new one is in place.

    Returns the names deleted to make room, no more than needed. Raises OSError when it cannot fit: then nothing has
    been deleted or changed. Hint: decide first, then delete, write last, with your own `publish`.
    """
    ### BEGIN SOLUTION
    free = quota_bytes - sum(disk.size(other) for other in disk.names()) - len(data)
    victims = []
    for other in evictable:
        if free >= 0:
            break
        if other != name and other in disk.names():
            victims.append(other)
            free += disk.size(other)
    if free < 0:
        raise OSError(f"{name} does not fit: {-free} bytes too many")
    for other in victims:
        disk.delete(other)
    publish(disk, name, data)
    return victims
    ### END SOLUTION


# %% [markdown]
# The check tries your function on this phone, which has 95 bytes in use. Each case says what arrives, the quota, what
# may go, and what should go (`None`: it cannot fit).

# %%
PHONE = {"register.json": b"r" * 10, "leaf.onnx": b"o" * 40, "video-1": b"v" * 20, "video-2": b"w" * 25}
CASES = [
    (PHONE, "prices.json", 5, 100, ["video-1", "video-2"], []),
    (PHONE, "prices.json", 6, 100, ["video-1", "video-2"], ["video-1"]),
    (PHONE, "prices.json", 6, 100, ["video-2", "video-1"], ["video-2"]),
    (PHONE, "leaf.onnx", 41, 100, ["video-1", "video-2"], ["video-1", "video-2"]),
    (PHONE, "leaf.onnx", 25, 100, ["video-9", "leaf.onnx", "video-1"], ["video-1"]),
    (PHONE, "leaf.onnx", 51, 100, ["video-1", "video-2"], None),
    (PHONE, "video-3", 30, 100, [], None),
]

# %% [markdown]
# Thirty more phones are drawn anew each time, so that knowing the table is not enough. What should go is found without
# cleverness: try deleting none, the first, the first two, ..., until it fits.


# %%
def draw_case():
    phone = {"register.json": b"r" * random.randint(5, 30), "leaf.onnx": b"o" * random.randint(5, 60)}
    phone |= {f"video-{number}": b"v" * random.randint(5, 30) for number in (1, 2, 3)}
    name, size = random.choice(["leaf.onnx", "prices.json"]), random.randint(1, 60)
    in_use = sum(map(len, phone.values()))
    quota = in_use + random.randint(0, 30)
    order = random.sample(["video-1", "video-2", "video-3", "leaf.onnx"], 4)
    may_go = [other for other in order if other != name]
    for count in range(len(may_go) + 1):
        if in_use - sum(len(phone[other]) for other in may_go[:count]) + size <= quota:
            return phone, name, size, quota, order, may_go[:count]
    return phone, name, size, quota, order, None


CASES += [draw_case() for _ in range(30)]

# %% [markdown]
# And this is what it looks at: refusals that leave everything as it was; the right files deleted and no others; never
# above the quota; and every power cut.

# %%
REFUSED = "refused"


def attempt(disk, name, size, quota, evictable):
    """What `save` returned, or REFUSED."""
    try:
        return save(disk, name, b"n" * size, quota, list(evictable))
    except FileNotFoundError:
        raise
    except OSError:
        return REFUSED


# %% tags=["long"]
def inspect(phone, name, size, quota, evictable, expected, verify):
    sizes = {other: len(data) for other, data in phone.items()}
    case = f"{name} ({size} bytes), quota {quota}, on the phone {sizes}, evictable {evictable}:\n"
    disk = PracticeDisk(phone)
    answer = attempt(disk, name, size, quota, evictable)
    now = {other: disk.read(other) for other in disk.names()}
    if expected is None:
        verify(answer == REFUSED, f"{case}it cannot fit, so raise OSError.")
        return verify(now == phone, f"{case}refused, but something was deleted or changed first.")
    verify(answer != REFUSED, f"{case}refused, but it fits once {expected or 'nothing'} is deleted.")
    verify("register.json" in now, f"{case}you deleted the register. Nobody can fetch that again.")
    stored = now.get(name) == b"n" * size
    verify(stored, f"{case}the new contents are not there.")
    peak = disk.peak_bytes
    verify(peak <= quota, f"{case}{peak} bytes were in use at once. Old and new both count.")
    gone = [other for other in evictable if other in phone and other not in now]
    lost = sorted(set(phone) - set(now) - set(evictable))
    verify(not lost, f"{case}you deleted {lost}, which nobody said may go.")
    verify(
        gone == expected,
        f"{case}{gone} is gone from the disk; enough, and in the right order, is {expected}.",
    )
    told = list(answer or [])
    verify(told == expected, f"{case}you returned {answer!r}; what was deleted is {expected}.")
    rest = {other: data for other, data in now.items() if other != name}
    kept = {other: data for other, data in phone.items() if other not in [*expected, name]}
    return verify(rest == kept, f"{case}other files were changed or left over: {sorted(rest)}.")


# %% check="quota" points=4
with check(
    "02-offline-first-design/quota",
    points=4,
    revisit="01-principles.ipynb#Failure-2:-the-phone-is-full",
) as verify:
    for phone, name, size, quota, evictable, expected in CASES:
        inspect(phone, name, size, quota, evictable, expected, verify)
        again = (name, size, quota, evictable)
        for cut in power_cuts(lambda disk, again=again: attempt(disk, *again), phone):
            whole = cut.read(name) in (phone.get(name), b"n" * size)
            verify(whole, f"Power cut {cut.when} while {name} was saved: it is broken.")
            safe = not cut.returned or expected is None or cut.read(name) == b"n" * size
            verify(safe, f"save had returned, then a power cut: {name} is the old one again.")
            kept = cut.read("register.json") == phone["register.json"]
            verify(kept, f"Power cut {cut.when} while {name} was saved: the register is lost.")

# %% [markdown]
# ## Exercise 5: the right hour (3 points, 15 minutes)
#
# At night data is cheap and nobody needs the battery. Write the decision as a pure function, with its reason.


# %% answer="window"
def may_fetch(size_bytes, hour, metered, charging, battery, spent_today_bytes, quota_bytes):
    """Whether a file may be fetched now, and why (not).

    Rules: what is fetched in a day stays within `quota_bytes`. Without the charger, the battery (0 to 1) must be at
    least 0.3. On a metered link only off-peak: from 22:00 up to, but not including, 5:00; `hour` is 0 up to 24.

    Returns:
        (True or False, a reason that an operator can read). A refusal's reason holds the word "quota", "battery" or
        "off-peak"; when several apply, any of them, and none that does not apply.
    """
    ### BEGIN SOLUTION
    if spent_today_bytes + size_bytes > quota_bytes:
        return False, f"quota: {quota_bytes - spent_today_bytes} bytes are left today"
    if not charging and battery < 0.3:
        return False, f"battery: at {battery:.0%}, and not charging"
    if metered and 5 <= hour < 22:
        return False, "metered: waits for the off-peak hours, from 22:00"
    return True, "within the quota, the battery and the hours"
    ### END SOLUTION


# %% check="window" points=3
with check(
    "02-offline-first-design/window",
    points=3,
    revisit="01-principles.ipynb#Failure-3:-sync-wastes-the-battery",
) as verify:
    links = [(m, c, b) for m in (0, 1) for c in (0, 1) for b in (0.1, 0.29, 0.3, 0.9)]
    budgets = [(10, 90, 100), (11, 90, 100), (1, 100, 100), (60, 0, 100)]
    for hour in [0, 2.5, 4.99, 5, 5.01, 12, 21.99, 22, 23.5, *(random.uniform(0, 24) for _ in range(20))]:
        for (metered, charging, battery), (size, spent, quota) in product(links, budgets):
            broken = {"quota"} if spent + size > quota else set()
            broken |= {"battery"} if not charging and battery < 0.3 else set()
            broken |= {"off-peak"} if metered and 5 <= hour < 22 else set()
            allowed, reason = may_fetch(size, hour, bool(metered), bool(charging), battery, spent, quota)
            case = f"{size} bytes at {hour:.2f} h, {spent} of {quota} spent, metered {bool(metered)}, "
            case += f"charging {bool(charging)}, battery {battery:.0%}:"
            verify(
                bool(allowed) == (not broken), f"{case} you said {allowed}; broken rules: {sorted(broken)}."
            )
            said = {word for word in ("quota", "battery", "off-peak") if word in str(reason).lower()}
            verify(bool(reason) and reason is not True, f"{case} you gave no reason.")
            true = bool(said) and said <= broken
            verify(
                not broken or true,
                f"{case} the reason {reason!r} should name what is broken: {sorted(broken)}.",
            )

# %% [markdown]
# ## Exercise 6, open: two officers, one plot (3 points, 15 minutes and a discussion)
#
# Mutheu and two colleagues visit the same plots, offline, and write into the same fields: the area, the variety, the
# disease. When two phones meet, each takes over what the other knows. An edit notes which earlier edits its author *saw*
# and meant to replace:
#
# `{"id": "mutheu-7", "value": "fall armyworm", "clock": 1718, "replaces": ["kioko-2"]}`
#
# Which edits of a field stand? One: everybody knows the value. Several: a person is asked, and that costs a phone call.
# None, or a lost one: somebody's work is gone. Clocks are off by hours, as clocks are. The
# simulation of a season tells what your rule does. The check asks only that nothing is lost and nothing comes back from the
# dead; what is worth a phone call beyond that is for the discussion.


# %% answer="merge"
def standing(edits):
    """Choose which edits of one field stand, of all that a phone knows.

    Args:
        edits: Dicts as above, in no particular order; at least one.

    Returns:
        The edits that stand, in any order.
    """
    ### BEGIN SOLUTION
    replaced = {old for edit in edits for old in edit["replaces"]}
    return [edit for edit in edits if edit["id"] not in replaced]
    ### END SOLUTION


# %% tags=["long"]
def season(seed, plots=6, days=40):
    """Three officers, their edits and chance meetings; returns all edits that were made, by plot."""
    rng = random.Random(seed)
    officers = ["mutheu", "kioko", "wanza"]
    skew = {officer: rng.randint(-600, 600) for officer in officers}  # minutes that each clock is wrong
    known = {officer: {plot: [] for plot in range(plots)} for officer in officers}
    made = {plot: [] for plot in range(plots)}
    for day in range(days):
        for officer in rng.sample(officers, 3):
            plot = rng.randrange(plots)
            seen = [edit["id"] for edit in standing(known[officer][plot])] if known[officer][plot] else []
            edit = {"id": f"{officer}-{day}", "value": rng.randrange(5), "clock": 1440 * day + skew[officer]}
            edit["replaces"] = seen
            known[officer][plot].append(edit)
            made[plot].append(edit)
        one, other = rng.sample(officers, 2)
        if rng.random() < 0.3:
            for plot in range(plots):
                both = {edit["id"]: edit for edit in known[one][plot] + known[other][plot]}
                known[one][plot], known[other][plot] = (
                    rng.sample(list(both.values()), len(both)) for _ in "12"
                )
    return rng, made


# %%
def score(seed):
    """What `standing` makes of a season."""
    rng, made = season(seed)
    card = {"edits": sum(map(len, made.values())), "disagree": 0, "lost": 0, "revived": 0, "calls": 0}
    for edits in made.values():
        views = [standing(rng.sample(edits, len(edits))) for _ in range(5)]
        values = [{edit["value"] for edit in view} for view in views]
        replaced = {old for edit in edits for old in edit["replaces"]}
        meant = {edit["value"] for edit in edits if edit["id"] not in replaced}
        card["disagree"] += any(value != values[0] for value in values)
        card["lost"] += len(meant - values[0])
        card["revived"] += sum(edit["id"] in replaced for edit in views[0])
        card["calls"] += max(0, len(values[0]) - 1)
    return card


# %% check="merge" points=3
with check(
    "02-offline-first-design/merge",
    points=3,
    revisit="01-principles.ipynb#What-this-does-not-show",
) as verify:
    cards = [score(seed) for seed in range(20)]
    total = {key: sum(card[key] for card in cards) for key in cards[0]}
    print(f"20 seasons: {total}")
    verify(
        total["disagree"] == 0,
        f"On {total['disagree']} plots, phones that know the same show different values.",
    )
    verify(
        total["lost"] == 0, f"{total['lost']} values that nobody meant to replace are gone without a word."
    )
    verify(total["revived"] == 0, f"{total['revived']} edits that somebody had replaced stand again.")
    verify(
        total["calls"] < total["edits"] / 4,
        f"{total['calls']} phone calls for {total['edits']} edits: too many.",
    )

# %% [markdown]
# Now argue. For each field of a plot's record: who may be wrong, what does it cost, and would you rather have a rule or a
# phone call? What happens to the edit that loses? Chapter 11 plays a whole season with you.

# %% [markdown]
# ## Your score

# %%
from offlinefirst.course.checks import Score

Score("02-offline-first-design", resume=4, settle=3, publish=4, quota=4, window=3, merge=3)
