"""A log is replayed, the edit that broke something is found, and so are words that should be gone."""

import zlib
from datetime import date

import pytest

from offlinefirst.sync.documents import CropRegister, RefusedUpdateError
from offlinefirst.sync.exchange import SenderKey, pack
from offlinefirst.sync.history import HistoryError, UpdateLog, fields_of, first_bad, remains, replay

NUMBER = "0712 34567"


def register(officer="reader", client_id=None, **options):
    return CropRegister(
        farm="kitui-03", officer=officer, client_id=client_id, today=lambda: date(2026, 6, 1), **options
    )


class Minutes:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 60
        return self.now


@pytest.fixture
def story():
    """Mutheu's phone: her edits, Kioko's by stick, hers again."""
    mutheu, kioko, log = register("Mutheu", 1), register("Kioko", 2), UpdateLog(Minutes())
    log.keep(mutheu)
    mutheu.set("north", "note", NUMBER)
    kioko.set("north", "area_ha", 40)
    log.apply(mutheu, kioko.update_since(None), "Kioko's stick")
    mutheu.add_bags("north", 3)
    mutheu.set("north", "note", "")
    return mutheu, log


def test_the_log_says_when_and_from_where(story):
    _, log = story
    told = [(one.number, one.at_s, one.source) for one in log.entries]
    assert told == [(1, 60, "Mutheu"), (2, 120, "Kioko's stick"), (3, 180, "Mutheu"), (4, 240, "Mutheu")]


def test_a_replay_ends_where_the_document_is(story):
    mutheu, log = story
    steps = list(replay(log, register))
    table = {}
    for step in steps:
        table |= {place: after for place, (_, after) in step.changed.items()}
    assert table == fields_of(mutheu)
    assert steps[1].changed == {"north/area_ha": (None, 40.0)}
    assert str(steps[2]) == "3. from Mutheu: north/bags: 0 to 3"


def test_an_update_that_changes_nothing_says_so(story):
    _, log = story
    log._add("an old stick", log.entries[0].update)
    assert str(list(replay(log, register))[-1]) == "5. from an old stick: nothing that shows"


def test_what_was_there_before_the_log_is_its_first_entry():
    mutheu, log = register("Mutheu", 1), UpdateLog(Minutes())
    mutheu.set("north", "crop", "maize")
    stop = log.keep(mutheu)
    mutheu.set("north", "crop", "beans")
    stop()
    mutheu.set("north", "crop", "sorghum")
    assert [step.changed["north/crop"] for step in replay(log, register)] == [(None, "maize"), ("maize", "beans")]


def test_a_refused_update_is_not_logged(story):
    mutheu, log = story
    with pytest.raises(RefusedUpdateError):
        log.apply(mutheu, b"junk", "a stick")
    mutheu.add_bags("north", 1)
    assert [one.source for one in log.entries][4:] == ["Mutheu"]


def test_a_log_keeps_one_document_and_says_so():
    mutheu, kioko, log = register("Mutheu", 1), register("Kioko", 2), UpdateLog(Minutes())
    stop = log.keep(mutheu)
    with pytest.raises(HistoryError, match="a log for each"):
        log.keep(kioko)
    mutheu.set("north", "crop", "maize")
    with pytest.raises(HistoryError, match="nothing was applied"):
        log.apply(kioko, mutheu.update_since(None), "Mutheu's stick")
    assert (kioko.plots(), len(log.entries)) == ({}, 1)
    stop()
    log.keep(kioko)


def too_large(document):
    return any(plot.area_ha and plot.area_ha > 20 for plot in CropRegister.beside(document).plots().values())


def test_the_update_that_broke_it_is_found(story):
    _, log = story
    assert first_bad(log, register, too_large).source == "Kioko's stick"


@pytest.mark.parametrize("broken_at", [1, 2, 77, 199, 200])
def test_it_is_found_by_halving(broken_at):
    mutheu, log, opened = register("Mutheu", 1), UpdateLog(Minutes()), []
    log.keep(mutheu)
    for number in range(1, 201):
        mutheu.set("north", "area_ha", 40 if number == broken_at else 0.4)
        if number == broken_at:
            mutheu.set("south", "area_ha", 50)

    def open_document():
        opened.append(register())
        return opened[-1]

    found = first_bad(log, open_document, too_large)
    assert broken_at <= found.number <= broken_at + 1
    assert len(opened) <= 10


def test_a_question_that_cannot_be_answered_is_refused(story):
    _, log = story
    with pytest.raises(HistoryError, match="is the question the right one"):
        first_bad(log, register, lambda document: False)
    with pytest.raises(HistoryError, match="true of an empty document"):
        first_bad(log, register, lambda document: True)


def test_deleted_words_are_found_where_they_still_are(story):
    mutheu, log = story
    key = SenderKey.from_seed("Mutheu", bytes(32))
    before = register("Mutheu", 9)
    before.set("north", "note", NUMBER)
    stores = {
        "register": mutheu.update_since(None),
        "log": b"".join(one.update for one in log.entries),
        "bundle": pack(before, farm="kitui-03", sender_key=key, clock=lambda: 0.0),
        "backup": zlib.compress(log.entries[0].update),
        "nothing": b"x" * 1000 + bytes(range(256)),
    }
    assert NUMBER.encode() not in stores["bundle"]  # it is packed, and a plain search does not see it
    assert remains(NUMBER, stores) == {
        "register": False,
        "log": True,
        "bundle": True,
        "backup": True,
        "nothing": False,
    }


def test_a_document_that_keeps_what_is_deleted_still_has_it(story):
    _, log = story
    keeper = register(keep_deleted=True)
    for logged in log.entries:
        keeper.apply(logged.update)
    assert keeper.plot("north").note == ""
    assert remains(NUMBER, {"keeper": keeper.update_since(None)}) == {"keeper": True}
