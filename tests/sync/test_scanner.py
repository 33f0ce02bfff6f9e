"""A scanned photo counts once, survives a kill between database and outbox, and goes to a person only in doubt."""

import base64
import io
import json
import sqlite3
from datetime import date

import pytest
from PIL import Image

from offlinefirst.datasets.receipts import GOODS, note, photographed, printed
from offlinefirst.sync.images import BrokenPhotoError
from offlinefirst.sync.outbox import IntakeClosedError, Limits, Outbox
from offlinefirst.sync.reading import ReadingError, SavedReader
from offlinefirst.sync.scanner import LOOKS_PX, PHOTO_BYTES, Scanner, ScannerError

TODAY = date(2026, 12, 1)
READER = SavedReader()


def looks(seed, condition):
    READER.show(seed, condition)
    found = [size for size in LOOKS_PX if size == LOOKS_PX[0] or _has(size)]
    return len(found)


def _has(size):
    try:
        READER.read(seen_px=size)
    except ReadingError:
        return False
    return True


SURE = next(name for name in READER.photos if looks(*name) == 1)


def doubted():
    from offlinefirst.sync._note_rules import read_note

    for seed, condition in READER.photos:
        if looks(seed, condition) == 2:
            READER.show(seed, condition)
            if all(read_note(READER.read(seen_px=size), today=TODAY, goods=GOODS).doubts for size in LOOKS_PX):
                return seed, condition
    raise AssertionError("every saved note is sure")


DOUBTED = doubted()


def photo_of(seed, condition):
    READER.show(seed, condition)
    buffer = io.BytesIO()
    photographed(printed(note(seed)), condition, seed=seed).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@pytest.fixture
def opened(tmp_path):
    def make(**limits):
        outbox = Outbox(tmp_path / "outbox.db", limits=Limits(**limits) if limits else None)
        scanner = Scanner(tmp_path / "notes.db", reader=READER, outbox=outbox, today=lambda: TODAY, goods=GOODS)
        made.append((outbox, scanner))
        return outbox, scanner

    made = []
    yield make
    for outbox, scanner in made:
        scanner.close()
        outbox.close()


def test_a_note_that_agrees_leaves_as_text(opened):
    outbox, scanner = opened()
    scanned = scanner.scan(photo_of(*SURE))
    assert scanned.new
    assert (scanned.photo_bytes, scanned.looks, scanned.note.doubts) == (0, 1, ())
    (event,) = outbox.claim(flush=True).events
    payload = json.loads(event.text)
    assert event.kind == "note"
    assert (payload["farm"], payload["amount"], payload["photo"]) == (
        note(SURE[0]).farm,
        note(SURE[0]).amount,
        scanned.photo,
    )
    assert "jpeg" not in payload


def test_a_note_in_doubt_takes_its_photo_along(opened):
    outbox, scanner = opened()
    scanned = scanner.scan(photo_of(*DOUBTED))
    assert scanned.looks == 2
    assert 0 < scanned.photo_bytes <= PHOTO_BYTES
    (event,) = outbox.claim(flush=True).events
    payload = json.loads(event.text)
    assert event.kind == "note in doubt"
    assert payload["doubts"] == list(scanned.note.doubts)
    picture = Image.open(io.BytesIO(base64.b64decode(payload["jpeg"])))
    assert picture.format == "JPEG"


def test_a_photo_counts_once(opened):
    outbox, scanner = opened()
    data = photo_of(*SURE)
    first, second = scanner.scan(data), scanner.scan(data)
    assert (first.new, second.new) == (True, False)
    assert second.note == first.note
    assert outbox.status().events == 1
    assert scanner.notes() == [first.note] == scanner.notes(farm=first.note.farm)
    assert scanner.notes(farm="KT-00000") == []


def test_killed_before_the_outbox_it_hands_over_later(opened, tmp_path):
    outbox, scanner = opened(queue_events=1)
    outbox.put("other", {})
    with pytest.raises(IntakeClosedError):
        scanner.scan(photo_of(*SURE))
    assert len(scanner.notes()) == 1  # kept, though nothing could be handed over
    scanner.close()
    outbox.acknowledge(outbox.claim(flush=True))
    _, again = opened()
    assert again.settle() == 1
    assert again.settle() == 0
    assert len(again.notes()) == 1


def test_killed_after_the_outbox_and_before_the_mark_it_is_put_once(opened, tmp_path):
    outbox, scanner = opened()
    scanned = scanner.scan(photo_of(*SURE))
    (event,) = outbox.claim(flush=True).events
    with sqlite3.connect(tmp_path / "notes.db") as db:  # as if the mark had not been made
        db.execute("UPDATE notes SET handed_over = 0, event = ?", (event.text,))
    db.close()
    assert scanner.settle() == 1
    assert outbox.status().events == 1
    assert event.key == f"note-{scanned.photo[:40]}"


def test_what_cannot_be_opened_is_not_kept(opened):
    outbox, scanner = opened()
    with pytest.raises(BrokenPhotoError):
        scanner.scan(b"no photo")
    assert scanner.notes() == []
    assert outbox.status().events == 0


def test_a_file_that_is_no_database_is_said(tmp_path):
    (tmp_path / "notes.db").write_bytes(b"no database at all, and long enough to be looked at" * 20)
    with Outbox(tmp_path / "outbox.db") as outbox, pytest.raises(ScannerError, match=r"notes\.db"):
        Scanner(tmp_path / "notes.db", reader=READER, outbox=outbox)
