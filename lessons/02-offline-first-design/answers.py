# %% [markdown]
# Other answers to the lab's exercises. Wrong ones start with the mistakes of the source material and of the field.

# %% exercise="publish" right="clears its own leftovers first, and works under a fixed other name"
def publish(disk, name, data):
    waiting = "~incoming"
    if waiting in disk.names():
        disk.delete(waiting)
        disk.fsync_folder()
    disk.write(waiting, data)
    for step in (lambda: disk.fsync(waiting), lambda: disk.rename(waiting, name), disk.fsync_folder):
        step()


# %% exercise="publish" right="syncs the folder more often than needed and reads back what it wrote"
def publish(disk, name, data):
    part = f".{name}.new"
    disk.write(part, data)
    disk.fsync(part)
    disk.fsync_folder()
    if disk.read(part) != data:
        raise OSError("the disk did not keep what was written")
    disk.rename(part, name)
    disk.fsync_folder()


# %% exercise="publish" wrong="removes the old file before it has anything better, as the source's listing does" says="is gone"
def publish(disk, name, data):
    if name in disk.names():
        disk.delete(name)
    disk.write(name, data)
    disk.fsync(name)
    disk.fsync_folder()


# %% exercise="publish" wrong="writes in place" says="neither the old nor the new"
def publish(disk, name, data):
    disk.write(name, data)
    disk.fsync(name)
    disk.fsync_folder()


# %% exercise="publish" wrong="renames without an fsync of the file" says="neither the old nor the new"
def publish(disk, name, data):
    disk.write(name + ".part", data)
    disk.rename(name + ".part", name)
    disk.fsync_folder()


# %% exercise="publish" wrong="fsyncs the file only after the rename" says="after “rename"
def publish(disk, name, data):
    disk.write(name + ".part", data)
    disk.rename(name + ".part", name)
    disk.fsync(name)
    disk.fsync_folder()


# %% exercise="publish" wrong="never syncs the folder" says="is back"
def publish(disk, name, data):
    disk.write(name + ".part", data)
    disk.fsync(name + ".part")
    disk.rename(name + ".part", name)


# %% exercise="publish" wrong="moves the old file out of the way first" says="is gone"
def publish(disk, name, data):
    disk.write(name + ".part", data)
    disk.fsync(name + ".part")
    if name in disk.names():
        disk.rename(name, name + ".old")
    disk.rename(name + ".part", name)
    if name + ".old" in disk.names():
        disk.delete(name + ".old")
    disk.fsync_folder()


# %% exercise="publish" wrong="copies a safe part over the old file" says="neither the old nor the new"
def publish(disk, name, data):
    disk.write(name + ".part", data)
    disk.fsync(name + ".part")
    disk.write(name, disk.read(name + ".part"))
    disk.fsync(name)
    disk.delete(name + ".part")
    disk.fsync_folder()


# %% exercise="publish" wrong="keeps a backup that nobody clears away" says="left over"
def publish(disk, name, data):
    disk.write(name + ".part", data)
    disk.write(name + ".bak", data)
    disk.fsync(name + ".part")
    disk.rename(name + ".part", name)
    disk.fsync_folder()


# %% exercise="publish" wrong="is made for the one visible case" says="raised"
def publish(disk, name, data):
    if name != "prices.json":
        raise ValueError(name)
    disk.write("prices.json.part", data)
    disk.fsync("prices.json.part")
    disk.rename("prices.json.part", "prices.json")
    disk.fsync_folder()


# %% exercise="quota" right="plans with a generator over sizes known beforehand"
def save(disk, name, data, quota_bytes, evictable):
    sizes = {other: disk.size(other) for other in disk.names()}
    candidates = [other for other in evictable if other in sizes and other != name]
    victims = []
    while sum(sizes.values()) + len(data) > quota_bytes:
        if not candidates:
            raise OSError("does not fit")
        victims.append(candidates.pop(0))
        del sizes[victims[-1]]
    list(map(disk.delete, victims))
    publish(disk, name, data)
    return victims


# %% exercise="quota" right="syncs the folder after the deletions and has an error of its own"
def save(disk, name, data, quota_bytes, evictable):
    class PhoneFullError(OSError):
        pass

    need = sum(map(disk.size, disk.names())) + len(data) - quota_bytes
    victims = []
    for other in dict.fromkeys(evictable):
        if need > 0 and other in disk.names() and other != name:
            need -= disk.size(other)
            victims.append(other)
    if need > 0:
        raise PhoneFullError(need)
    for other in victims:
        disk.delete(other)
    disk.fsync_folder()
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="counts only how much the file grows" says="bytes were in use at once"
def save(disk, name, data, quota_bytes, evictable):
    used = sum(disk.size(other) for other in disk.names() if other != name)
    victims = []
    for other in evictable:
        if used + len(data) <= quota_bytes:
            break
        if other != name and other in disk.names():
            used -= disk.size(other)
            victims.append(other)
    if used + len(data) > quota_bytes:
        raise OSError("full")
    for other in victims:
        disk.delete(other)
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="deletes the right files, but only after writing" says="Old and new both count"
def save(disk, name, data, quota_bytes, evictable):
    free = quota_bytes - sum(map(disk.size, disk.names())) - len(data)
    victims = []
    for other in evictable:
        if free >= 0:
            break
        if other != name and other in disk.names():
            victims.append(other)
            free += disk.size(other)
    if free < 0:
        raise OSError("full")
    publish(disk, name, data)
    for other in victims:
        disk.delete(other)
    disk.fsync_folder()
    return victims


# %% exercise="quota" wrong="evicts as it goes, and only then finds that it is not enough" says="something was deleted or changed first"
def save(disk, name, data, quota_bytes, evictable):
    victims = []
    for other in evictable:
        if sum(map(disk.size, disk.names())) + len(data) <= quota_bytes:
            break
        if other != name and other in disk.names():
            disk.delete(other)
            victims.append(other)
    if sum(map(disk.size, disk.names())) + len(data) > quota_bytes:
        raise OSError("full")
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="makes room with the smallest files, whatever they are" says="you deleted the register"
def save(disk, name, data, quota_bytes, evictable):
    free = quota_bytes - sum(map(disk.size, disk.names())) - len(data)
    victims = []
    for other in sorted(disk.names(), key=disk.size):
        if free >= 0:
            break
        victims.append(other)
        free += disk.size(other)
    for other in victims:
        disk.delete(other)
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="evicts the most recently used first" says="in the right order"
def save(disk, name, data, quota_bytes, evictable):
    free = quota_bytes - sum(map(disk.size, disk.names())) - len(data)
    victims = []
    for other in reversed(evictable):
        if free < 0 and other in disk.names() and other != name:
            victims.append(other)
            free += disk.size(other)
    if free < 0:
        raise OSError("full")
    for other in victims:
        disk.delete(other)
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="evicts everything that it may" says="enough, and in the right order, is []"
def save(disk, name, data, quota_bytes, evictable):
    victims = [other for other in evictable if other in disk.names() and other != name]
    free = quota_bytes - sum(map(disk.size, disk.names())) - len(data) + sum(map(disk.size, victims))
    if free < 0:
        raise OSError("full")
    for other in victims:
        disk.delete(other)
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="is off by one: a file that just fits costs a video" says="enough, and in the right order, is []"
def save(disk, name, data, quota_bytes, evictable):
    free = quota_bytes - sum(map(disk.size, disk.names())) - len(data)
    victims = []
    for other in evictable:
        if free > 0:
            break
        if other != name and other in disk.names():
            victims.append(other)
            free += disk.size(other)
    if free < 0:
        raise OSError("full")
    for other in victims:
        disk.delete(other)
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="evicts the very file that it replaces" says="in the right order"
def save(disk, name, data, quota_bytes, evictable):
    free = quota_bytes - sum(map(disk.size, disk.names())) - len(data)
    victims = []
    for other in evictable:
        if free >= 0:
            break
        if other in disk.names():
            victims.append(other)
            free += disk.size(other)
    if free < 0:
        raise OSError("full")
    for other in victims:
        disk.delete(other)
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="writes in place, so that both copies never exist" says="is broken"
def save(disk, name, data, quota_bytes, evictable):
    free = quota_bytes - sum(map(disk.size, disk.names())) - len(data)
    victims = []
    for other in evictable:
        if free >= 0:
            break
        if other != name and other in disk.names():
            victims.append(other)
            free += disk.size(other)
    if free < 0:
        raise OSError("full")
    for other in victims:
        disk.delete(other)
    disk.write(name, data)
    disk.fsync(name)
    disk.fsync_folder()
    return victims


# %% exercise="quota" wrong="returns what the visible cases expect and does nothing" says="the new contents are not there"
def save(disk, name, data, quota_bytes, evictable):
    known = {
        ("prices.json", 5): [],
        ("leaf.onnx", 41): ["video-1", "video-2"],
        ("leaf.onnx", 25): ["video-1"],
    }
    if (name, len(data)) in known:
        return known[name, len(data)]
    if len(data) > 25:
        raise OSError("full")
    return evictable[:1]


# %% exercise="publish" wrong="uses Python's own open() instead of the disk" says="Did you use `disk`?"
def publish(disk, name, data):
    from pathlib import Path
    from tempfile import gettempdir

    Path(gettempdir(), name).write_bytes(data)


# %% exercise="publish" wrong="returns at once when the contents look right" says="nobody had synced it"
def publish(disk, name, data):
    if name in disk.names() and disk.read(name) == data:
        return
    disk.write(name + ".part", data)
    disk.fsync(name + ".part")
    disk.rename(name + ".part", name)
    disk.fsync_folder()


# %% exercise="publish" wrong="works under a new random name each time, so that every cut leaves one more" says="left over for ever"
def publish(disk, name, data):
    count = sum(other.startswith(name + ".part") for other in disk.names())
    part = f"{name}.part{count}"
    disk.write(part, data)
    disk.fsync(part)
    disk.rename(part, name)
    disk.fsync_folder()


# %% exercise="publish" wrong="swaps the two names of the rename" says="raised FileNotFoundError"
def publish(disk, name, data):
    disk.write(name + ".part", data)
    disk.fsync(name + ".part")
    disk.rename(name + ".new", name)
    disk.fsync_folder()


# %% exercise="quota" right="returns a tuple, and nothing at all when nothing had to go"
def save(disk, name, data, quota_bytes, evictable):
    used = sum(map(disk.size, disk.names()))
    candidates = [other for other in evictable if other in disk.names() and other != name]
    for count in range(len(candidates) + 1):
        victims = candidates[:count]
        if used - sum(map(disk.size, victims)) + len(data) <= quota_bytes:
            break
    else:
        raise OSError("full")
    for other in victims:
        disk.delete(other)
    publish(disk, name, data)
    return tuple(victims) or None


# %% exercise="quota" wrong="deletes all that may go and returns only what was needed" says="is gone from the disk"
def save(disk, name, data, quota_bytes, evictable):
    free = quota_bytes - sum(map(disk.size, disk.names())) - len(data)
    victims = []
    for other in evictable:
        if free < 0 and other in disk.names() and other != name:
            victims.append(other)
            free += disk.size(other)
    if free < 0:
        raise OSError("full")
    for other in evictable:
        if other in disk.names() and other != name:
            disk.delete(other)
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="sacrifices the model, which nobody said may go" says="which nobody said may go"
def save(disk, name, data, quota_bytes, evictable):
    free = quota_bytes - sum(map(disk.size, disk.names())) - len(data)
    victims = []
    for other in evictable:
        if free < 0 and other in disk.names() and other != name:
            victims.append(other)
            free += disk.size(other)
    if free < 0:
        raise OSError("full")
    for other in victims:
        disk.delete(other)
    if victims and name != "leaf.onnx" and "leaf.onnx" in disk.names():
        disk.delete("leaf.onnx")
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="knows the quota of the visible cases by heart" says="on the phone"
def save(disk, name, data, quota_bytes, evictable):
    free = 100 - sum(map(disk.size, disk.names())) - len(data)
    victims = []
    for other in evictable:
        if free < 0 and other in disk.names() and other != name:
            victims.append(other)
            free += disk.size(other)
    if free < 0:
        raise OSError("full")
    for other in victims:
        disk.delete(other)
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="says nothing when it cannot fit" says="so raise OSError"
def save(disk, name, data, quota_bytes, evictable):
    free = quota_bytes - sum(map(disk.size, disk.names())) - len(data)
    victims = []
    for other in evictable:
        if free < 0 and other in disk.names() and other != name:
            victims.append(other)
            free += disk.size(other)
    if free < 0:
        return None
    for other in victims:
        disk.delete(other)
    publish(disk, name, data)
    return victims


# %% exercise="quota" wrong="stumbles over a name that is no longer there" says="raised FileNotFoundError"
def save(disk, name, data, quota_bytes, evictable):
    free = quota_bytes - sum(map(disk.size, disk.names())) - len(data)
    victims = []
    for other in evictable:
        if free < 0 and other != name:
            free += disk.size(other)
            victims.append(other)
    if free < 0:
        raise OSError("full")
    for other in victims:
        disk.delete(other)
    publish(disk, name, data)
    return victims


# %% exercise="resume" right="keeps its note as JSON and checks the answer's last byte and total as well"
import json
import re

import httpx


def fetch(url, folder):
    part, note = folder / "part", folder / "note.json"
    known = json.loads(note.read_text()) if note.exists() else {}
    etag = known.get("etag") or "W/"
    have = part.stat().st_size if part.exists() and not etag.startswith("W/") else 0
    headers = {"Range": f"bytes={have}-", "If-Range": etag} if have else {}
    with httpx.Client() as client, client.stream("GET", url, headers=headers) as response:
        if response.status_code == 206:
            start, last, total = map(int, re.findall(r"\d+", response.headers["content-range"]))
            if (start, last + 1) != (have, total):
                return
            mode = "ab"
        elif response.status_code == 200:
            part.write_bytes(b"")
            note.write_text(json.dumps({"etag": response.headers.get("etag")}))
            mode = "ab"
        else:
            return
        with part.open(mode, buffering=0) as file:
            for chunk in response.iter_raw(4096):
                file.write(chunk)


# %% exercise="resume" right="uses urllib and the date of the file where there is no ETag"
import urllib.error
import urllib.request

import httpx


def fetch(url, folder):
    part, note = folder / "part", folder / "version"
    version = note.read_text() if note.exists() else ""
    have = part.stat().st_size if part.exists() and version else 0
    request = urllib.request.Request(url)
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", version)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            if response.status == 206 and not response.headers["Content-Range"].startswith(f"bytes {have}-"):
                return
            if response.status == 200:
                etag = response.headers["ETag"] or "W/"
                strong = None if etag.startswith("W/") else etag
                note.write_text(strong or response.headers["Last-Modified"] or "")
            with part.open("ab" if response.status == 206 else "wb") as file:
                while chunk := response.read1(8192):
                    file.write(chunk)
    except OSError as error:
        raise httpx.ReadError(str(error)) from error


# %% exercise="resume" wrong="the source's listing: removes what is not whole before it looks how long it is" says="byte 0 again"
import hashlib

import httpx


def fetch(url, folder):
    part = folder / "part"
    if part.exists() and hashlib.sha256(part.read_bytes()).hexdigest() != "the right one":
        part.unlink()
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with httpx.stream("GET", url, headers=headers, timeout=30) as response:
        response.raise_for_status()
        with part.open("ab" if have else "wb") as file:
            for chunk in response.iter_raw(1_048_576):
                file.write(chunk)


# %% exercise="resume" wrong="Range without If-Range" says="the file changes after a cut"
import httpx


def fetch(url, folder):
    part = folder / "part"
    have = part.stat().st_size if part.exists() else 0
    with httpx.stream("GET", url, headers={"Range": f"bytes={have}-"} if have else {}) as response:
        if response.status_code in (200, 206):
            with part.open("ab" if response.status_code == 206 else "wb") as file:
                for chunk in response.iter_raw(16_384):
                    file.write(chunk)


# %% exercise="resume" wrong="appends whatever comes" says="of no version of the file"
import httpx


def fetch(url, folder):
    part, note = folder / "part", folder / "etag"
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-", "If-Range": note.read_text()} if have and note.exists() else {}
    with httpx.stream("GET", url, headers=headers) as response:
        note.write_text(response.headers.get("etag", ""))
        with part.open("ab") as file:
            for chunk in response.iter_raw(16_384):
                file.write(chunk)


# %% exercise="resume" wrong="believes every 206" says="appended it all the same"
import httpx


def fetch(url, folder):
    part, note = folder / "part", folder / "etag"
    etag = note.read_text() if note.exists() else ""
    have = part.stat().st_size if etag and part.exists() else 0
    headers = {"Range": f"bytes={have}-", "If-Range": etag} if have else {}
    with httpx.stream("GET", url, headers=headers) as response:
        if response.status_code == 200:
            note.write_text(response.headers.get("etag", ""))
        if response.status_code in (200, 206):
            with part.open("wb" if response.status_code == 200 else "ab") as file:
                for chunk in response.iter_raw(16_384):
                    file.write(chunk)


# %% exercise="resume" wrong="opens the part for writing before it has looked at the answer" says="threw away what was there"
import httpx


def fetch(url, folder):
    part, note = folder / "part", folder / "etag"
    etag = note.read_text() if note.exists() else ""
    have = part.stat().st_size if etag and part.exists() else 0
    headers = {"Range": f"bytes={have}-", "If-Range": etag} if have else {}
    with httpx.stream("GET", url, headers=headers) as response:
        begins = response.headers.get("content-range", "").startswith(f"bytes {have}-")
        with part.open("ab" if response.status_code == 206 and begins else "wb") as file:
            if response.status_code in (200, 206) and (response.status_code == 200 or begins):
                note.write_text(response.headers.get("etag", ""))
                for chunk in response.iter_raw(16_384):
                    file.write(chunk)


# %% exercise="resume" wrong="resumes although the server names no version" says="no name for the version"
import re

import httpx


def fetch(url, folder):
    part, note = folder / "part", folder / "etag"
    etag = note.read_text() if note.exists() else ""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and etag:
        headers["If-Range"] = etag
    with httpx.stream("GET", url, headers=headers) as response:
        place = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
        if response.status_code == 200:
            note.write_text(response.headers.get("etag", ""))
        elif response.status_code != 206 or not place or int(place[1]) != have:
            return
        with part.open("wb" if response.status_code == 200 else "ab") as file:
            for chunk in response.iter_raw(16_384):
                file.write(chunk)


# %% exercise="settle" right="asks the hash first and handles length afterwards"
import hashlib


def settle(folder, name, sha256, size_bytes):
    def is_right(path):
        return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256

    part = folder / "part"
    if is_right(part):
        part.replace(folder / name)
        return "published"
    if not part.exists():
        return "published" if is_right(folder / name) else "resume"
    if part.stat().st_size >= size_bytes:
        part.rename(folder / (name + ".bad"))
        return "put aside"
    return "resume"


# %% exercise="settle" wrong="the source's: what does not have the right hash is removed" says="you deleted what had been downloaded"
import hashlib


def settle(folder, name, sha256, size_bytes):
    part = folder / "part"
    if part.exists() and hashlib.sha256(part.read_bytes()).hexdigest() != sha256:
        part.unlink()
    if part.exists():
        part.replace(folder / name)
        return "published"
    return "resume"


# %% exercise="settle" wrong="makes way for the new model before it has looked at it" says="you deleted the model in use"
import hashlib


def settle(folder, name, sha256, size_bytes):
    part, target = folder / "part", folder / name
    if not part.exists():
        right = target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == sha256
        return "published" if right else "resume"
    if part.stat().st_size < size_bytes:
        return "resume"
    target.unlink(missing_ok=True)
    if hashlib.sha256(part.read_bytes()).hexdigest() == sha256:
        part.replace(target)
        return "published"
    part.replace(folder / f"{name}.bad")
    return "put aside"


# %% exercise="settle" wrong="takes the right length for the right file" says="you returned 'published'"
def settle(folder, name, sha256, size_bytes):
    part = folder / "part"
    if not part.exists():
        return "published" if (folder / name).exists() else "resume"
    if part.stat().st_size < size_bytes:
        return "resume"
    part.replace(folder / name)
    return "published"


# %% exercise="settle" wrong="puts a short part aside, so that it can never be resumed" says="you returned 'put aside'"
import hashlib


def settle(folder, name, sha256, size_bytes):
    part, target = folder / "part", folder / name
    if not part.exists():
        right = target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == sha256
        return "published" if right else "resume"
    if hashlib.sha256(part.read_bytes()).hexdigest() == sha256:
        part.replace(target)
        return "published"
    part.replace(folder / f"{name}.bad")
    return "put aside"


# %% exercise="settle" wrong="waits for more of a file that is longer than it should be" says="you returned 'resume'"
import hashlib


def settle(folder, name, sha256, size_bytes):
    part, target = folder / "part", folder / name
    if not part.exists():
        right = target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == sha256
        return "published" if right else "resume"
    if part.stat().st_size != size_bytes:
        return "resume"
    if hashlib.sha256(part.read_bytes()).hexdigest() == sha256:
        part.replace(target)
        return "published"
    part.replace(folder / f"{name}.bad")
    return "put aside"


# %% exercise="window" right="collects all broken rules first"
def may_fetch(size_bytes, hour, metered, charging, battery, spent_today_bytes, quota_bytes):
    rules = {
        "quota": size_bytes <= quota_bytes - spent_today_bytes,
        "battery": charging or battery >= 0.3,
        "off-peak": not metered or hour >= 22 or hour < 5,
    }
    broken = [name for name, kept in rules.items() if not kept]
    return not broken, ", ".join(broken) or "all rules kept"


# %% exercise="window" wrong="a window that cannot begin before midnight" says="broken rules: []"
def may_fetch(size_bytes, hour, metered, charging, battery, spent_today_bytes, quota_bytes):
    if spent_today_bytes + size_bytes > quota_bytes:
        return False, "quota"
    if not charging and battery < 0.3:
        return False, "battery"
    if metered and not 22 <= hour < 5:
        return False, "off-peak only"
    return True, "ok"


# %% exercise="window" wrong="takes five o'clock for night" says="you said True"
def may_fetch(size_bytes, hour, metered, charging, battery, spent_today_bytes, quota_bytes):
    if spent_today_bytes + size_bytes > quota_bytes:
        return False, "quota"
    if not charging and battery < 0.3:
        return False, "battery"
    if metered and 5 < hour < 22:
        return False, "off-peak only"
    return True, "ok"


# %% exercise="window" wrong="looks at the quota before, and not after" says="['quota']"
def may_fetch(size_bytes, hour, metered, charging, battery, spent_today_bytes, quota_bytes):
    if spent_today_bytes >= quota_bytes:
        return False, "quota"
    if not charging and battery < 0.3:
        return False, "battery"
    if metered and 5 <= hour < 22:
        return False, "off-peak only"
    return True, "ok"


# %% exercise="window" wrong="forgets that the charger is in" says="broken rules: []"
def may_fetch(size_bytes, hour, metered, charging, battery, spent_today_bytes, quota_bytes):
    if spent_today_bytes + size_bytes > quota_bytes:
        return False, "quota"
    if battery < 0.3:
        return False, "battery"
    if metered and 5 <= hour < 22:
        return False, "off-peak only"
    return True, "ok"


# %% exercise="window" wrong="gives no reason" says="should name what is broken"
def may_fetch(size_bytes, hour, metered, charging, battery, spent_today_bytes, quota_bytes):
    night = hour >= 22 or hour < 5
    kept = spent_today_bytes + size_bytes <= quota_bytes and (charging or battery >= 0.3)
    return kept and (night or not metered), "decided"


# %% exercise="merge" right="the same, by asking for each edit whether anybody replaced it, sorted"
def standing(edits):
    def is_replaced(edit):
        return any(edit["id"] in other["replaces"] for other in edits)

    return sorted((edit for edit in edits if not is_replaced(edit)), key=lambda edit: edit["id"])


# %% exercise="merge" right="shows equal values once"
def standing(edits):
    by_id = {edit["id"]: edit for edit in edits}
    for edit in edits:
        for old in edit["replaces"]:
            by_id.pop(old, None)
    return list(
        {edit["value"]: edit for edit in sorted(by_id.values(), key=lambda edit: edit["id"])}.values()
    )


# %% exercise="merge" wrong="the last write by the clock wins" says="gone without a word"
def standing(edits):
    return [max(edits, key=lambda edit: (edit["clock"], edit["id"]))]


# %% exercise="merge" wrong="the last one heard of wins" says="phones that know the same show different values"
def standing(edits):
    return [edits[-1]]


# %% exercise="merge" wrong="everything stands, and a person sorts it out" says="stand again"
def standing(edits):
    replaced = set()
    return [edit for edit in edits if edit["id"] not in replaced]


# %% exercise="merge" wrong="the first write is never replaced" says="gone without a word"
def standing(edits):
    return [min(edits, key=lambda edit: (edit["clock"], edit["id"]))]


# %% exercise="settle" wrong="copies the part over the old file" says="you wrote into the old file"
def settle(folder, name, sha256, size_bytes):
    part, target = folder / "part", folder / name
    if not part.exists():
        right = target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == sha256
        return "published" if right else "resume"
    data = part.read_bytes()
    if len(data) < size_bytes:
        return "resume"
    if hashlib.sha256(data).hexdigest() == sha256:
        target.write_bytes(data)
        part.unlink()
        return "published"
    part.replace(folder / f"{name}.bad")
    return "put aside"


# %% exercise="settle" wrong="keeps a copy of everything it publishes" says="is left over"
def settle(folder, name, sha256, size_bytes):
    part, target = folder / "part", folder / name
    if not part.exists():
        right = target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == sha256
        return "published" if right else "resume"
    if part.stat().st_size < size_bytes:
        return "resume"
    if hashlib.sha256(part.read_bytes()).hexdigest() == sha256:
        (folder / "backup").write_bytes(part.read_bytes())
        part.replace(target)
        return "published"
    part.replace(folder / f"{name}.bad")
    return "put aside"


# %% exercise="settle" wrong="does not think of the first download, when there is nothing yet" says="raised FileNotFoundError"
def settle(folder, name, sha256, size_bytes):
    part, target = folder / "part", folder / name
    if not part.exists():
        return "published" if hashlib.sha256(target.read_bytes()).hexdigest() == sha256 else "resume"
    if part.stat().st_size < size_bytes:
        return "resume"
    if hashlib.sha256(part.read_bytes()).hexdigest() == sha256:
        part.replace(target)
        return "published"
    part.replace(folder / f"{name}.bad")
    return "put aside"


# %% exercise="window" wrong="gives the same reason for everything" says="should name what is broken"
def may_fetch(size_bytes, hour, metered, charging, battery, spent_today_bytes, quota_bytes):
    night = hour >= 22 or hour < 5
    kept = spent_today_bytes + size_bytes <= quota_bytes and (charging or battery >= 0.3)
    return kept and (night or not metered), "quota, battery or off-peak"


# %% exercise="window" right="reasons with capital letters"
def may_fetch(size_bytes, hour, metered, charging, battery, spent_today_bytes, quota_bytes):
    if spent_today_bytes + size_bytes > quota_bytes:
        return False, "Quota used up"
    if battery < 0.3 and not charging:
        return False, "Battery below 30 %"
    if metered and not (hour >= 22 or hour < 5):
        return False, "Off-peak only"
    return True, "Go"


# %% exercise="merge" wrong="the latest edit of each officer stands" says="stand again"
def standing(edits):
    latest = {}
    for edit in sorted(edits, key=lambda edit: edit["clock"]):
        latest[edit["id"].split("-")[0]] = edit
    return list(latest.values())


# %% exercise="settle" wrong="deletes the old model a moment before the new one has its name" says="you deleted the model in use"
import hashlib


def settle(folder, name, sha256, size_bytes):
    part, target = folder / "part", folder / name
    if not part.exists():
        right = target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == sha256
        return "published" if right else "resume"
    if part.stat().st_size < size_bytes:
        return "resume"
    if hashlib.sha256(part.read_bytes()).hexdigest() == sha256:
        target.unlink(missing_ok=True)
        part.rename(target)
        return "published"
    part.replace(folder / f"{name}.bad")
    return "put aside"


# %% exercise="settle" wrong="takes a file of the right length under the name for the right one" says="you returned 'published'"
import hashlib


def settle(folder, name, sha256, size_bytes):
    part, target = folder / "part", folder / name
    if not part.exists():
        return "published" if target.exists() and target.stat().st_size == size_bytes else "resume"
    if part.stat().st_size < size_bytes:
        return "resume"
    if hashlib.sha256(part.read_bytes()).hexdigest() == sha256:
        part.replace(target)
        return "published"
    part.replace(folder / f"{name}.bad")
    return "put aside"


# %% exercise="resume" wrong="resumes on a weak ETag" says="You resumed on it"
def fetch(url, folder):
    part, note = folder / "part", folder / "etag"
    etag = note.read_text() if note.exists() else ""
    have = part.stat().st_size if etag and part.exists() else 0
    headers = {"Range": f"bytes={have}-", "If-Range": etag} if have else {}
    with httpx.stream("GET", url, headers=headers) as response:
        place = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
        if response.status_code == 200:
            part.write_bytes(b"")
            note.write_text(response.headers.get("etag", ""))
        elif response.status_code != 206 or not place or int(place[1]) != have:
            return
        with part.open("ab") as file:
            for chunk in response.iter_raw(16_384):
                file.write(chunk)


# %% exercise="resume" wrong="tries until it is whole, all in one call" says="one call is one try"
import contextlib


def fetch(url, folder):
    part, note = folder / "part", folder / "etag"
    for _ in range(8):
        etag = note.read_text() if note.exists() else ""
        have = part.stat().st_size if etag and part.exists() else 0
        headers = {"Range": f"bytes={have}-", "If-Range": etag} if have else {}
        with contextlib.suppress(httpx.HTTPError), httpx.stream("GET", url, headers=headers) as response:
            place = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
            if response.status_code == 200:
                part.write_bytes(b"")
                note.write_text(response.headers.get("etag", ""))
            elif response.status_code != 206 or not place or int(place[1]) != have:
                continue
            with part.open("ab") as file:
                for chunk in response.iter_raw(16_384):
                    file.write(chunk)


# %% exercise="quota" wrong="does not wait until the new name is on the disk" says="the old one again"
def save(disk, name, data, quota_bytes, evictable):
    free = quota_bytes - sum(disk.size(other) for other in disk.names()) - len(data)
    victims = []
    for other in evictable:
        if free >= 0:
            break
        if other != name and other in disk.names():
            victims.append(other)
            free += disk.size(other)
    if free < 0:
        raise OSError("full")
    for other in victims:
        disk.delete(other)
    disk.write(name + ".part", data)
    disk.fsync(name + ".part")
    disk.rename(name + ".part", name)
    return victims
