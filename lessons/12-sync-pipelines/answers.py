# %% [markdown]
# Other answers to the lab's exercises. Wrong ones start with the mistakes of the source material and of the field.
# ruff: noqa: F821 - an answer stands in its cell of the lab, after the lab's imports

# %% exercise="keys" right="a counter after a random name of the phone, both stored"
import uuid


class Reporter:
    def __init__(self, saved):
        self.saved = saved
        if "phone" not in saved:
            saved.update(phone=uuid.uuid4().hex, made="0", waiting="[]")

    def record(self, judgement):
        number = int(self.saved["made"]) + 1
        self.saved["made"] = str(number)
        waiting = [*json.loads(self.saved["waiting"]), [f"{self.saved['phone']}-{number}", judgement]]
        self.saved["waiting"] = json.dumps(waiting)

    def pending(self):
        return [(key, judgement) for key, judgement in json.loads(self.saved["waiting"])]

    def acknowledge(self, keys):
        waiting = [pair for pair in json.loads(self.saved["waiting"]) if pair[0] not in keys]
        self.saved["waiting"] = json.dumps(waiting)


# %% exercise="keys" wrong="names the contents, as image_hash does" says="Two events have one key"
import hashlib


class Reporter:
    def __init__(self, saved):
        self.saved = saved

    def record(self, judgement):
        text = json.dumps(judgement)
        key = hashlib.sha256(text.encode()).hexdigest()
        self.saved[f"{len(self.saved):06d}"] = json.dumps([key, judgement])

    def pending(self):
        return [tuple(json.loads(self.saved[place])) for place in sorted(self.saved)]

    def acknowledge(self, keys):
        for place in [p for p in self.saved if json.loads(self.saved[p])[0] in keys]:
            del self.saved[place]


# %% exercise="keys" wrong="stores under the contents, so that twins are one" says="of 3 events are pending"
import hashlib


class Reporter:
    def __init__(self, saved):
        self.saved = saved

    def record(self, judgement):
        text = json.dumps(judgement)
        self.saved[hashlib.sha256(text.encode()).hexdigest()] = text

    def pending(self):
        return [(key, json.loads(text)) for key, text in self.saved.items()]

    def acknowledge(self, keys):
        for key in keys:
            self.saved.pop(key, None)


# %% exercise="keys" wrong="makes the key when it sends" says="the keys are others"
class Reporter:
    def __init__(self, saved):
        self.saved = saved

    def record(self, judgement):
        self.saved[f"{len(self.saved):06d}"] = json.dumps(judgement)

    def pending(self):
        return [(secrets.token_hex(8), json.loads(self.saved[place])) for place in sorted(self.saved)]

    def acknowledge(self, keys):
        self.saved.clear()


# %% exercise="keys" wrong="counts, and every phone begins at one" says="Two phones gave the same key"
class Reporter:
    def __init__(self, saved):
        self.saved = saved

    def record(self, judgement):
        made = int(self.saved.get("made", "0")) + 1
        self.saved["made"] = str(made)
        self.saved[f"event-{made:06d}"] = json.dumps(judgement)

    def pending(self):
        return [(name, json.loads(self.saved[name])) for name in sorted(self.saved) if name != "made"]

    def acknowledge(self, keys):
        for key in keys:
            self.saved.pop(key, None)


# %% exercise="keys" wrong="goes by the clock" says="Two events have one key"
class Reporter:
    def __init__(self, saved):
        self.saved = saved

    def record(self, judgement):
        key = f"{time.time_ns():020d}"
        waiting = json.loads(self.saved.get("all", "[]"))
        self.saved["all"] = json.dumps([*waiting, [key, judgement]])

    def pending(self):
        return [tuple(pair) for pair in json.loads(self.saved.get("all", "[]"))]

    def acknowledge(self, keys):
        self.saved["all"] = json.dumps([pair for pair in self.pending() if pair[0] not in keys])


# %% exercise="keys" wrong="keeps its list in memory, as the source's queue" says="of 3 events are pending"
class Reporter:
    def __init__(self, saved):
        self.waiting = []

    def record(self, judgement):
        self.waiting.append((secrets.token_urlsafe(16), judgement))

    def pending(self):
        return list(self.waiting)

    def acknowledge(self, keys):
        self.waiting = [pair for pair in self.waiting if pair[0] not in keys]


# %% exercise="keys" wrong="forgets everything at any acknowledgement" says="exactly the others should be pending"
class Reporter:
    def __init__(self, saved):
        self.saved = saved

    def record(self, judgement):
        self.saved[f"{len(self.saved):06d}"] = json.dumps([secrets.token_urlsafe(16), judgement])

    def pending(self):
        return [tuple(json.loads(self.saved[place])) for place in sorted(self.saved)]

    def acknowledge(self, keys):
        self.saved.clear()


# %% exercise="keys" wrong="numbers its places by how many there are" says="pushed another out"
class Reporter:
    def __init__(self, saved):
        self.saved = saved

    def record(self, judgement):
        self.saved[f"{len(self.saved):06d}"] = json.dumps([secrets.token_urlsafe(16), judgement])

    def pending(self):
        return [tuple(json.loads(self.saved[place])) for place in sorted(self.saved)]

    def acknowledge(self, keys):
        for place in [p for p in self.saved if json.loads(self.saved[p])[0] in keys]:
            del self.saved[place]


# %% exercise="keys" wrong="numbers the waiting events anew, so that a new one gets an old key" says="key of one that the office has"
class Reporter:
    def __init__(self, saved):
        self.saved = saved
        saved.setdefault("phone", secrets.token_hex(8))
        saved.setdefault("waiting", "[]")

    def record(self, judgement):
        waiting = json.loads(self.saved["waiting"])
        used = {int(key.rpartition("-")[2]) for key, _ in waiting}
        number = next(n for n in itertools.count() if n not in used)
        self.saved["waiting"] = json.dumps([*waiting, [f"{self.saved['phone']}-{number}", judgement]])

    def pending(self):
        return [tuple(pair) for pair in json.loads(self.saved["waiting"])]

    def acknowledge(self, keys):
        self.saved["waiting"] = json.dumps([pair for pair in self.pending() if pair[0] not in keys])


# %% exercise="wait" right="doubles in a loop and reads the header in a function of its own"
import re


def asked_for(header, now):
    if not header:
        return 0.0
    if re.fullmatch(r"\s*\d+\s*", header):
        return float(header)
    try:
        return (parsedate_to_datetime(header) - now).total_seconds()
    except Exception:
        return 0.0


def wait_s(failures, draw, retry_after, now):
    ceiling = 2.0
    for _ in range(failures - 1):
        ceiling = min(600.0, 2 * ceiling)
    return max(0.0, min(86_400.0, asked_for(retry_after, now))) + draw * ceiling


# %% exercise="wait" wrong="waits exactly, like the source, so that a herd stays together" says="of our own were expected"
def wait_s(failures, draw, retry_after, now):
    try:
        seconds = (retry_after or "0").strip()
        asked = (
            float(seconds) if seconds.isdecimal() else (parsedate_to_datetime(seconds) - now).total_seconds()
        )
    except (ValueError, TypeError):
        asked = 0.0
    return min(max(asked, 0.0), 86_400) + min(600, 2 ** min(failures, 30))


# %% exercise="wait" wrong="takes the larger of the two" says="Everybody comes back in that second"
def wait_s(failures, draw, retry_after, now):
    try:
        seconds = (retry_after or "0").strip()
        asked = (
            float(seconds) if seconds.isdecimal() else (parsedate_to_datetime(seconds) - now).total_seconds()
        )
    except (ValueError, TypeError):
        asked = 0.0
    return max(min(max(asked, 0.0), 86_400), draw * min(600, 2 ** min(failures, 30)))


# %% exercise="wait" wrong="overflows after a month in a drawer" says="raised"
def wait_s(failures, draw, retry_after, now):
    try:
        seconds = (retry_after or "0").strip()
        asked = (
            float(seconds) if seconds.isdecimal() else (parsedate_to_datetime(seconds) - now).total_seconds()
        )
    except (ValueError, TypeError):
        asked = 0.0
    return min(max(asked, 0.0), 86_400) + draw * min(600, 2.0**failures)


# %% exercise="wait" wrong="knows no dates" says="the server asked for 90 s"
def wait_s(failures, draw, retry_after, now):
    known = retry_after is not None and retry_after.strip().isdecimal()
    asked = min(float(retry_after), 86_400) if known else 0.0
    return asked + draw * min(600, 2 ** min(failures, 30))


# %% exercise="wait" wrong="trusts that the header is a number" says="longer than the server asked for"
def wait_s(failures, draw, retry_after, now):
    return float(retry_after or 0) + draw * min(600, 2 ** min(failures, 30))


# %% exercise="wait" wrong="believes whatever a server asks for" says="longer than the server asked for"
def wait_s(failures, draw, retry_after, now):
    try:
        seconds = (retry_after or "0").strip()
        asked = (
            float(seconds) if seconds.isdecimal() else (parsedate_to_datetime(seconds) - now).total_seconds()
        )
    except (ValueError, TypeError):
        asked = 0.0
    return max(asked, 0.0) + draw * min(600, 2 ** min(failures, 30))


# %% exercise="wait" wrong="ignores what the server asks for" says="the server asked for 45 s"
def wait_s(failures, draw, retry_after, now):
    return draw * min(600, 2 ** min(failures, 30))


# %% exercise="wait" wrong="has no cap" says="of our own were expected"
def wait_s(failures, draw, retry_after, now):
    try:
        seconds = (retry_after or "0").strip()
        asked = (
            float(seconds) if seconds.isdecimal() else (parsedate_to_datetime(seconds) - now).total_seconds()
        )
    except (ValueError, TypeError):
        asked = 0.0
    return min(max(asked, 0.0), 86_400) + draw * 2 ** min(failures, 40)


# %% exercise="claim" right="uses the connection as a context and one list of numbers"
def claim(db, now_s, most):
    db.execute("BEGIN EXCLUSIVE")
    with db:
        over = db.execute(
            "SELECT key FROM batches WHERE ? - claimed_s >= 120 ORDER BY rowid", (now_s,)
        ).fetchall()
        if over:
            batch = over[0][0]
        else:
            free = db.execute("SELECT number FROM events WHERE batch IS NULL ORDER BY number").fetchmany(most)
            if not free:
                return None
            batch = secrets.token_hex(16)
            for (number,) in free:
                db.execute("UPDATE events SET batch = ? WHERE number = ?", (batch, number))
            db.execute("INSERT INTO batches VALUES (?, 0)", (batch,))
        db.execute("UPDATE batches SET claimed_s = ? WHERE key = ?", (now_s, batch))
        return batch, list(
            db.execute("SELECT key, text FROM events WHERE batch = ? ORDER BY number", (batch,))
        )


# %% exercise="claim" wrong="has no transaction" says="later the queue gave"
def claim(db, now_s, most):
    row = db.execute("SELECT key FROM batches WHERE claimed_s <= ?", (now_s - LEASE_S,)).fetchone()
    if row is not None:
        batch = row[0]
        db.execute("UPDATE batches SET claimed_s = ? WHERE key = ?", (now_s, batch))
    else:
        batch = secrets.token_urlsafe(16)
        oldest = "SELECT number FROM events WHERE batch IS NULL ORDER BY number LIMIT ?"
        if not db.execute(f"UPDATE events SET batch = ? WHERE number IN ({oldest})", (batch, most)).rowcount:
            return None
        db.execute("INSERT INTO batches VALUES (?, ?)", (batch, now_s))
    return batch, db.execute(
        "SELECT key, text FROM events WHERE batch = ? ORDER BY number", (batch,)
    ).fetchall()


# %% exercise="claim" wrong="reads before it locks" says="Another sender came in"
def claim(db, now_s, most):
    row = db.execute("SELECT key FROM batches WHERE claimed_s <= ?", (now_s - LEASE_S,)).fetchone()
    free = db.execute(
        "SELECT number FROM events WHERE batch IS NULL ORDER BY number LIMIT ?", (most,)
    ).fetchall()
    if row is None and not free:
        return None
    db.execute("BEGIN IMMEDIATE")
    batch = row[0] if row else secrets.token_urlsafe(16)
    if row is None:
        db.executemany(
            "UPDATE events SET batch = ? WHERE number = ?", [(batch, number) for (number,) in free]
        )
        db.execute("INSERT INTO batches VALUES (?, NULL)", (batch,))
    db.execute("UPDATE batches SET claimed_s = ? WHERE key = ?", (now_s, batch))
    db.execute("COMMIT")
    if row:
        return batch, db.execute(
            "SELECT key, text FROM events WHERE batch = ? ORDER BY number", (batch,)
        ).fetchall()
    numbers = ",".join(str(number) for (number,) in free)
    return batch, db.execute(
        f"SELECT key, text FROM events WHERE number IN ({numbers}) ORDER BY number"
    ).fetchall()


# %% exercise="claim" wrong="begins a transaction that locks only when it writes" says="Another sender came in"
def claim(db, now_s, most):
    db.execute("BEGIN")
    row = db.execute("SELECT key FROM batches WHERE claimed_s <= ?", (now_s - LEASE_S,)).fetchone()
    batch = row[0] if row else secrets.token_urlsafe(16)
    if row is None:
        oldest = "SELECT number FROM events WHERE batch IS NULL ORDER BY number LIMIT ?"
        if not db.execute(f"UPDATE events SET batch = ? WHERE number IN ({oldest})", (batch, most)).rowcount:
            db.execute("ROLLBACK")
            return None
        db.execute("INSERT INTO batches VALUES (?, NULL)", (batch,))
    db.execute("UPDATE batches SET claimed_s = ? WHERE key = ?", (now_s, batch))
    events = db.execute("SELECT key, text FROM events WHERE batch = ? ORDER BY number", (batch,)).fetchall()
    db.execute("COMMIT")
    return batch, events


# %% exercise="claim" wrong="takes the events out when it claims them, as the source's queue does" says="same key, same events"
def claim(db, now_s, most):
    db.execute("BEGIN IMMEDIATE")
    events = db.execute("SELECT key, text FROM events ORDER BY number LIMIT ?", (most,)).fetchall()
    db.executemany("DELETE FROM events WHERE key = ?", [(key,) for key, _ in events])
    db.execute("COMMIT")
    return (secrets.token_urlsafe(16), events) if events else None


# %% exercise="claim" wrong="gives the batch a new key each time" says="same key, same events"
def claim(db, now_s, most):
    db.execute("BEGIN IMMEDIATE")
    over = db.execute("SELECT key FROM batches WHERE claimed_s <= ?", (now_s - LEASE_S,)).fetchone()
    batch = secrets.token_urlsafe(16)
    if over is not None:
        db.execute("UPDATE events SET batch = ? WHERE batch = ?", (batch, over[0]))
        db.execute("DELETE FROM batches WHERE key = ?", over)
    else:
        oldest = "SELECT number FROM events WHERE batch IS NULL ORDER BY number LIMIT ?"
        if not db.execute(f"UPDATE events SET batch = ? WHERE number IN ({oldest})", (batch, most)).rowcount:
            db.execute("ROLLBACK")
            return None
    db.execute("INSERT INTO batches VALUES (?, ?)", (batch, now_s))
    events = db.execute("SELECT key, text FROM events WHERE batch = ? ORDER BY number", (batch,)).fetchall()
    db.execute("COMMIT")
    return batch, events


# %% exercise="claim" wrong="never lets a claim run out" says="same key, same events"
def claim(db, now_s, most):
    db.execute("BEGIN IMMEDIATE")
    batch = secrets.token_urlsafe(16)
    oldest = "SELECT number FROM events WHERE batch IS NULL ORDER BY number LIMIT ?"
    if not db.execute(f"UPDATE events SET batch = ? WHERE number IN ({oldest})", (batch, most)).rowcount:
        db.execute("ROLLBACK")
        return None
    db.execute("INSERT INTO batches VALUES (?, ?)", (batch, now_s))
    events = db.execute("SELECT key, text FROM events WHERE batch = ? ORDER BY number", (batch,)).fetchall()
    db.execute("COMMIT")
    return batch, events


# %% exercise="claim" wrong="forgets to renew the lease when a batch is taken over" says="The new event was free"
def claim(db, now_s, most):
    db.execute("BEGIN IMMEDIATE")
    row = db.execute("SELECT key FROM batches WHERE claimed_s <= ?", (now_s - LEASE_S,)).fetchone()
    batch = row[0] if row else secrets.token_urlsafe(16)
    if row is None:
        oldest = "SELECT number FROM events WHERE batch IS NULL ORDER BY number LIMIT ?"
        if not db.execute(f"UPDATE events SET batch = ? WHERE number IN ({oldest})", (batch, most)).rowcount:
            db.execute("ROLLBACK")
            return None
        db.execute("INSERT INTO batches VALUES (?, ?)", (batch, now_s))
    events = db.execute("SELECT key, text FROM events WHERE batch = ? ORDER BY number", (batch,)).fetchall()
    db.execute("COMMIT")
    return batch, events


# %% exercise="claim" wrong="looks at no lease at all" says="before a lease was over"
def claim(db, now_s, most):
    db.execute("BEGIN IMMEDIATE")
    batch = secrets.token_urlsafe(16)
    oldest = "SELECT number FROM events WHERE batch IS NULL ORDER BY number LIMIT ?"
    if not db.execute(f"UPDATE events SET batch = ? WHERE number IN ({oldest})", (batch, most)).rowcount:
        batch = db.execute("SELECT key FROM batches ORDER BY claimed_s").fetchone()[0]
    else:
        db.execute("INSERT INTO batches VALUES (?, ?)", (batch, now_s))
    events = db.execute("SELECT key, text FROM events WHERE batch = ? ORDER BY number", (batch,)).fetchall()
    db.execute("COMMIT")
    return batch, events


# %% exercise="claim" wrong="is made for the first visible case" says="The second claim should be"
def claim(db, now_s, most):
    return "a-batch", db.execute("SELECT key, text FROM events ORDER BY number LIMIT 3").fetchall()


# %% exercise="settle" right="one transaction through the connection's own context, the batch first"
def settle(db, batch, stored):
    db.execute("BEGIN")
    with db:
        db.execute("DELETE FROM batches WHERE key = ?", (batch,))
        for key in stored:
            db.execute("DELETE FROM events WHERE key = ? AND batch = ?", (key, batch))
        db.execute("UPDATE events SET batch = NULL WHERE batch = ?", (batch,))


# %% exercise="settle" wrong="deletes the whole batch, whatever was stored" says="then events and batches were"
def settle(db, batch, stored):
    db.execute("BEGIN IMMEDIATE")
    db.execute("DELETE FROM events WHERE batch = ?", (batch,))
    db.execute("DELETE FROM batches WHERE key = ?", (batch,))
    db.execute("COMMIT")


# %% exercise="settle" wrong="leaves the rest with a batch that is no more" says="then events and batches were"
def settle(db, batch, stored):
    db.execute("BEGIN IMMEDIATE")
    db.executemany("DELETE FROM events WHERE key = ?", [(key,) for key in stored])
    db.execute("DELETE FROM batches WHERE key = ?", (batch,))
    db.execute("COMMIT")


# %% exercise="settle" wrong="has no transaction" says="All of it, or none"
def settle(db, batch, stored):
    db.executemany("DELETE FROM events WHERE key = ?", [(key,) for key in stored])
    db.execute("UPDATE events SET batch = NULL WHERE batch = ?", (batch,))
    db.execute("DELETE FROM batches WHERE key = ?", (batch,))


# %% exercise="settle" wrong="never commits" says="then events and batches were"
def settle(db, batch, stored):
    db.execute("BEGIN IMMEDIATE")
    db.executemany("DELETE FROM events WHERE key = ?", [(key,) for key in stored])
    db.execute("UPDATE events SET batch = NULL WHERE batch = ?", (batch,))
    db.execute("DELETE FROM batches WHERE key = ?", (batch,))


# %% exercise="settle" wrong="frees the events of every batch" says="then events and batches were"
def settle(db, batch, stored):
    db.execute("BEGIN IMMEDIATE")
    db.executemany("DELETE FROM events WHERE key = ?", [(key,) for key in stored])
    db.execute("UPDATE events SET batch = NULL")
    db.execute("DELETE FROM batches WHERE key = ?", (batch,))
    db.execute("COMMIT")


# %% exercise="poison" right="recursion with a shared note of trouble"
def deliver(events, post):
    delivered, refused, later = [], [], []
    busy = []

    def go(part):
        if not part:
            return
        status = None if busy else post(list(part))
        if status == 200:
            delivered.extend(part)
        elif status is None or status not in (400, 422):
            busy.append(True)
            later.extend(part)
        elif len(part) == 1:
            refused.extend(part)
        else:
            half = (len(part) + 1) // 2
            go(part[:half])
            go(part[half:])

    go(events)
    return delivered, refused, later


# %% exercise="poison" wrong="tries the whole batch for ever" says="RecursionError"
def deliver(events, post):
    status = post(events) if events else 200
    if status == 200:
        return list(events), [], []
    if status in (400, 422):
        return deliver(events, post)
    return [], [], list(events)


# %% exercise="poison" wrong="puts the whole batch aside" says="the office has"
def deliver(events, post):
    status = post(events) if events else 200
    if status == 200:
        return list(events), [], []
    if status in (400, 422):
        return [], list(events), []
    return [], [], list(events)


# %% exercise="poison" wrong="sends one by one" says="took"
def deliver(events, post):
    delivered, refused = [], []
    for place, event in enumerate(events):
        status = post([event])
        if status == 200:
            delivered.append(event)
        elif status in (400, 422):
            refused.append(event)
        else:
            return delivered, refused, events[place:]
    return delivered, refused, []


# %% exercise="poison" wrong="one by one after the first refusal" says="took"
def deliver(events, post):
    status = post(list(events)) if events else 200
    if status == 200:
        return list(events), [], []
    if status not in (400, 422):
        return [], [], list(events)
    delivered, refused = [], []
    if len(events) == 1:
        return [], list(events), []
    for place, event in enumerate(events):
        status = post([event])
        if status not in (200, 400, 422):
            return delivered, refused, list(events[place:])
        (delivered if status == 200 else refused).append(event)
    return delivered, refused, []


# %% exercise="poison" wrong="takes every 4xx for a refusal" says="you asked again"
def deliver(events, post):
    delivered, refused, groups = [], [], [list(events)] if events else []
    while groups:
        group = groups.pop(0)
        status = post(group)
        if status == 200:
            delivered += group
        elif not 400 <= status < 500 or status == 429:
            groups.insert(0, group)
            break
        elif len(group) == 1:
            refused += group
        else:
            groups[:0] = [group[: len(group) // 2], group[len(group) // 2 :]]
    return delivered, refused, [event for group in groups for event in group]


# %% exercise="poison" wrong="takes whatever is not 200 for a refusal" says="you asked again"
def deliver(events, post):
    if not events:
        return [], [], []
    if post(list(events)) == 200:
        return list(events), [], []
    if len(events) == 1:
        return [], list(events), []
    half = len(events) // 2
    first, second = deliver(events[:half], post), deliver(events[half:], post)
    return tuple(a + b for a, b in zip(first, second, strict=True))


# %% exercise="poison" wrong="loses what stands behind a busy answer" says="delivered"
def deliver(events, post):
    delivered, refused, groups = [], [], [list(events)] if events else []
    while groups:
        group = groups.pop(0)
        status = post(group)
        if status == 200:
            delivered += group
        elif status not in (400, 422):
            return delivered, refused, group
        elif len(group) == 1:
            refused += group
        else:
            groups[:0] = [group[: len(group) // 2], group[len(group) // 2 :]]
    return delivered, refused, []


# %% exercise="poison" wrong="asks although there is nothing to send" says="There was nothing to send"
def deliver(events, post):
    delivered, refused, groups = [], [], [list(events)]
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
            groups[:0] = [group[: len(group) // 2], group[len(group) // 2 :]]
    return delivered, refused, [event for group in groups for event in group]


# %% exercise="photo" right="tries every quality from the best down, and shrinks a tenth at a time"
def within(photo, most_bytes):
    rgba = photo.convert("RGBA")
    ground = Image.new("RGB", photo.size, (255, 255, 255))
    ground.paste(rgba, mask=rgba.getchannel("A"))
    side = 1.0
    while True:
        width, height = (max(1, round(length * side)) for length in ground.size)
        small = ground if side == 1 else ground.resize((width, height), Image.BICUBIC)
        for quality in range(90, 19, -1):
            buffer = io.BytesIO()
            small.save(buffer, format="JPEG", quality=quality)
            if buffer.tell() <= most_bytes:
                return buffer.getvalue()
        side *= 0.9


# %% exercise="photo" wrong="the source's function: steps of ten, then a quality of 60, and None at the end" says="there was room for a better one"
def within(photo, most_bytes):
    quality = 85
    while quality > 10:
        buffer = io.BytesIO()
        photo.save(buffer, format="JPEG", quality=quality)
        if buffer.tell() <= most_bytes:
            return buffer.getvalue()
        quality -= 10
    for scale in (0.5, 0.4, 0.3, 0.2):
        buffer = io.BytesIO()
        photo.resize([int(side * scale) for side in photo.size], Image.LANCZOS).save(
            buffer, "JPEG", quality=60
        )
        if buffer.tell() <= most_bytes:
            return buffer.getvalue()
    return None


# %% exercise="photo" wrong="the source's steps, on RGB" says="there was room for a better one"
def within(photo, most_bytes):
    photo = photo.convert("RGB")
    for scale in (1, 0.5, 0.4, 0.3, 0.2, 0.1):
        small = photo.resize([max(1, int(side * scale)) for side in photo.size]) if scale < 1 else photo
        for quality in range(85, 15, -10) if scale == 1 else [60]:
            buffer = io.BytesIO()
            small.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= most_bytes:
                return buffer.getvalue()


# %% exercise="photo" wrong="forgets that a JPEG has no transparency" says="raised"
def within(photo, most_bytes):
    while True:
        for quality in range(90, 19, -1):
            buffer = io.BytesIO()
            photo.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= most_bytes:
                return buffer.getvalue()
        photo = photo.resize([max(1, round(side * 0.9)) for side in photo.size])


# %% exercise="photo" wrong="one quality for all" says="you returned"
def within(photo, most_bytes):
    buffer = io.BytesIO()
    photo.convert("RGB").save(buffer, "JPEG", quality=50)
    return buffer.getvalue()


# %% exercise="photo" wrong="always shrinks" says="you made it smaller"
def within(photo, most_bytes):
    photo = photo.convert("RGB")
    while True:
        photo = photo.resize([max(1, round(side * 0.9)) for side in photo.size])
        buffer = io.BytesIO()
        photo.save(buffer, "JPEG", quality=85)
        if buffer.tell() <= most_bytes:
            return buffer.getvalue()


# %% exercise="photo" wrong="carries the EXIF data along" says="the EXIF data went along"
def within(photo, most_bytes):
    exif = photo.info.get("exif", b"")
    photo = photo.convert("RGB")
    while True:
        for quality in range(90, 19, -1):
            buffer = io.BytesIO()
            photo.save(buffer, "JPEG", quality=quality, exif=exif)
            if buffer.tell() <= most_bytes:
                return buffer.getvalue()
        photo = photo.resize([max(1, round(side * 0.9)) for side in photo.size])


# %% exercise="photo" wrong="paints transparency black" says="should be white"
def within(photo, most_bytes):
    if "A" in photo.getbands():
        ground = Image.new("RGB", photo.size)
        ground.paste(photo.convert("RGB"), mask=photo.getchannel("A"))
        photo = ground
    photo = photo.convert("RGB")
    while True:
        for quality in range(90, 19, -1):
            buffer = io.BytesIO()
            photo.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= most_bytes:
                return buffer.getvalue()
        photo = photo.resize([max(1, round(side * 0.9)) for side in photo.size])


# %% exercise="first" right="alarms, then cases, then photos by what they are worth for a byte"
def choose(waiting, budget_bytes):
    rank = {"alarm": 0, "case": 1, "photo": 2, "log": 3}

    def place(item):
        return rank[item["kind"]], item["bytes"] * 2 ** (item["age_h"] / 240)

    chosen = []
    for item in sorted(waiting, key=place):
        if item["bytes"] <= budget_bytes:
            budget_bytes -= item["bytes"]
            chosen.append(item["id"])
    return chosen


# %% exercise="first" wrong="oldest first" says="An alarm waited"
def choose(waiting, budget_bytes):
    chosen = []
    for item in sorted(waiting, key=lambda item: -item["age_h"]):
        if item["bytes"] <= budget_bytes:
            budget_bytes -= item["bytes"]
            chosen.append(item["id"])
    return chosen


# %% exercise="first" wrong="newest first, and what does not fit closes the day" says="An alarm waited"
def choose(waiting, budget_bytes):
    chosen = []
    for item in sorted(waiting, key=lambda item: item["age_h"]):
        if item["bytes"] > budget_bytes:
            break
        budget_bytes -= item["bytes"]
        chosen.append(item["id"])
    return chosen


# %% exercise="first" wrong="the most valuable first, whatever it weighs" says="cases were still waiting"
def choose(waiting, budget_bytes):
    rank = {"alarm": 0, "photo": 1, "case": 2, "log": 3}
    chosen = []
    for item in sorted(waiting, key=lambda item: rank[item["kind"]]):
        if item["bytes"] > budget_bytes:
            break
        budget_bytes -= item["bytes"]
        chosen.append(item["id"])
    return chosen


# %% exercise="first" wrong="small and sure: alarms and cases only" says="1.5 is within reach"
def choose(waiting, budget_bytes):
    return [item["id"] for item in waiting if item["kind"] in ("alarm", "case")][:100]


# %% exercise="first" wrong="sends everything" says="over the budget"
def choose(waiting, budget_bytes):
    rank = {"alarm": 0, "case": 1, "photo": 2, "log": 3}
    return [item["id"] for item in sorted(waiting, key=lambda item: rank[item["kind"]])]


# %% exercise="first" wrong="repeats the alarms, to be sure" says="sent something twice"
def choose(waiting, budget_bytes):
    alarms = [item["id"] for item in waiting if item["kind"] == "alarm"]
    return alarms + alarms


# %% exercise="first" wrong="sends nothing" says="An alarm waited"
def choose(waiting, budget_bytes):
    return []
