"""Register, list and text over pycrdt: what merges, what is refused, and that a refusal changes nothing."""

import random
import subprocess
import sys
from contextlib import nullcontext
from datetime import date, datetime

import pycrdt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offlinefirst.sync import documents
from offlinefirst.sync._updates import UpdateFormatError, read_state_vector, read_update
from offlinefirst.sync.documents import (
    CorruptUpdateError,
    CropRegister,
    Document,
    DocumentError,
    FieldError,
    ForgedUpdateError,
    FullDocumentError,
    FutureUpdateError,
    Limits,
    MissingHistoryError,
    OversizedUpdateError,
    Plot,
    RefusedUpdateError,
    SharedText,
    TodoList,
    WrongFarmError,
    WrongSchemaError,
)

TODAY = date(2026, 4, 1)


def register(client=1, officer="Mutheu", farm="kitui-03", **options):
    return CropRegister(farm=farm, officer=officer, client_id=client, today=lambda: TODAY, **options)


def text(client=1, officer="Mutheu", **options):
    return SharedText(farm="kitui-03", officer=officer, client_id=client, today=lambda: TODAY, **options)


def exchange(one, other):
    for_other, for_one = one.update_since(other.state_vector()), other.update_since(one.state_vector())
    other.apply(for_other)
    one.apply(for_one)


def filled(client=1):
    made = register(client)
    with made.batch():
        made.set("north", "crop", "maize")
        made.set("north", "planted", date(2026, 3, 14))
        made.set("north", "area_ha", 0.5)
        made.set("north", "note", "Kĩvũa karibu na mto 😀")
        made.add_bags("north", 4)
    return made


# The register


def test_a_plot_comes_out_as_it_went_in():
    made = filled()
    made.set("north", "condition", "stressed")
    made.set("north", "photo", "north-1.jpg")
    assert made.plot("north") == Plot(
        "north", "maize", date(2026, 3, 14), 0.5, "stressed", 4, "Kĩvũa karibu na mto 😀", "north-1.jpg"
    )
    assert isinstance(made.plot("north").bags, int)


def test_a_moment_is_kept_as_its_day():
    made = register()
    made.set("north", "planted", datetime(2026, 3, 14, 9, 30))
    assert made.plot("north").planted == date(2026, 3, 14)


def test_a_phone_whose_clock_was_set_back_still_opens_its_own_register():
    history = filled().update_since()
    opened = CropRegister.load(history, farm="kitui-03", officer="Mutheu", today=lambda: date(2020, 1, 1))
    assert opened.plot("north").planted == date(2026, 3, 14)
    with pytest.raises(FutureUpdateError, match="today is 2020-01-01"):
        CropRegister(farm="kitui-03", officer="Kioko", today=lambda: date(2020, 1, 1)).apply(history)
    with pytest.raises(WrongFarmError):
        CropRegister.load(history, farm="kitui-04", officer="Mutheu")
    with pytest.raises(CorruptUpdateError):
        CropRegister.load(history[:-1], farm="kitui-03", officer="Mutheu")


def test_two_officers_register_the_same_plot_offline_and_nothing_is_lost():
    mutheu, kioko = register(1), register(2, "Kioko")
    mutheu.set("north", "crop", "maize")
    kioko.set("north", "area_ha", 0.5)
    kioko.set("north", "condition", "healthy")
    exchange(mutheu, kioko)
    assert mutheu.plots() == kioko.plots() == {"north": Plot("north", "maize", None, 0.5, "healthy")}


def test_bags_counted_apart_add_up():
    mutheu, kioko = register(1), register(2, "Kioko")
    mutheu.add_bags("north", 4)
    mutheu.add_bags("north", 1)
    kioko.add_bags("north", 3)
    kioko.add_bags("north", -1)
    exchange(mutheu, kioko)
    exchange(mutheu, kioko)
    assert mutheu.plot("north").bags == kioko.plot("north").bags == 7


def test_what_is_written_while_somebody_deletes_the_plot_survives():
    mutheu, kioko = register(1), register(2, "Kioko")
    mutheu.set("north", "crop", "maize")
    mutheu.set("north", "area_ha", 0.5)
    exchange(mutheu, kioko)
    mutheu.delete("north")
    kioko.set("north", "condition", "diseased")
    exchange(mutheu, kioko)
    assert mutheu.plots() == kioko.plots() == {"north": Plot("north", condition="diseased")}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("colour", "red", "no field 'colour'"),
        ("area_ha", -1, "hectares are a number"),
        ("area_ha", True, "hectares are a number"),
        ("area_ha", float("nan"), "hectares are a number"),
        ("condition", "fine", "one of healthy"),
        ("planted", "14/3/2026", "such as 2026-03-14"),
        ("planted", date(2026, 4, 3), "today is 2026-04-01"),
        ("crop", "", "up to 60"),
        ("note", "x" * 3_000, "up to 2,048"),
        ("note", "\ud800", "must be a text"),
        ("photo", "../secret", "plain file name"),
    ],
)
def test_a_value_that_cannot_be_is_refused_at_once(field, value, words):
    made = filled()
    before = made.update_since()
    with pytest.raises(DocumentError, match=words):
        made.set("north", field, value)
    assert made.update_since() == before


@pytest.mark.parametrize("name", ["", "a/b", "é", "x" * 41, 7, "\n"])
def test_names_are_plain(name):
    made = register()
    with pytest.raises(FieldError, match="cannot be the name"):
        made.set(name, "crop", "maize")
    assert made.clocks() == {}
    with pytest.raises(FieldError, match="cannot be the name"):
        register(farm=name)


def test_there_is_no_such_plot():
    made = filled()
    with pytest.raises(DocumentError, match="no plot 'south'; it has north"):
        made.plot("south")
    with pytest.raises(DocumentError, match="no plot 'south'"):
        made.delete("south")
    with pytest.raises(FieldError, match="whole number"):
        made.add_bags("north", 1.5)


# State vectors, updates, history


def test_an_update_holds_only_what_the_other_lacks():
    mutheu, kioko = filled(), register(2, "Kioko")
    exchange(mutheu, kioko)
    whole = len(mutheu.update_since())
    mutheu.set("south", "crop", "beans")
    lacking = mutheu.update_since(kioko.state_vector())
    assert len(lacking) < whole / 3
    kioko.apply(lacking)
    assert kioko.plots() == mutheu.plots()
    assert mutheu.clocks() == kioko.clocks() == {1: 7}


def test_updates_may_come_twice():
    mutheu, kioko = filled(), register(2, "Kioko")
    update = mutheu.update_since()
    kioko.apply(update)
    before = kioko.update_since()
    kioko.apply(update)
    kioko.apply(mutheu.update_since(mutheu.state_vector()))
    assert kioko.update_since() == before


def test_a_text_typed_in_again_is_there_twice_and_a_loaded_one_once():
    office = text(1)
    office.insert(0, "Water the nursery.")
    retyped = text(2)
    retyped.insert(0, office.text())
    exchange(office, retyped)
    assert office.text() == "Water the nursery." * 2
    office = text(1)
    office.insert(0, "Water the nursery.")
    loaded = SharedText.load(office.update_since(), farm="kitui-03", officer="Kioko")
    loaded.insert(0, "Monday: ")
    exchange(office, loaded)
    assert office.text() == loaded.text() == "Monday: Water the nursery."


def test_every_opening_gets_an_id_of_its_own():
    history = filled().update_since()
    opened = {
        CropRegister.load(history, farm="kitui-03", officer="Mutheu", today=lambda: TODAY).client_id for _ in "ab"
    }
    assert len(opened) == 2


def test_a_document_that_was_only_read_has_no_history():
    made = register()
    assert made.plots() == {}
    assert made.clocks() == {}
    assert made.update_since() == b"\0\0"
    made.apply(made.update_since())


def test_who_wrote_what():
    mutheu, kioko = filled(), register(2, "Kioko")
    exchange(mutheu, kioko)
    kioko.set("north", "crop", "beans")
    kioko.add_bags("north", 2)
    exchange(mutheu, kioko)
    for made in (mutheu, kioko):
        assert made.authors() == {1: "Mutheu", 2: "Kioko"}
        assert made.who("north", "crop") == "Kioko"
        assert made.who("north", "area_ha") == "Mutheu"
        assert made.who("north", "bags") == "Kioko, Mutheu"
        assert made.who("north", "photo") is None
        crops = [entry for entry in made.history() if entry.key == "north/crop"]
        assert [(entry.officer, entry.value, entry.stands) for entry in crops] == [
            ("Mutheu", None, False),
            ("Kioko", "beans", True),
        ]


@pytest.mark.parametrize("keep_deleted", [False, True])
def test_deletion_leaves_this_copy_but_no_history_that_was_sent_before(keep_deleted):
    made = register(keep_deleted=keep_deleted)
    made.set("north", "note", "the farmer is ill")
    sent = made.update_since()
    made.set("north", "note", "-")
    assert (b"the farmer is ill" in made.update_since()) is keep_deleted
    assert b"the farmer is ill" in sent
    notes = [entry.value for entry in made.history() if entry.key == "north/note"]
    assert notes == ["the farmer is ill" if keep_deleted else None, "-"]


def test_views_beside_each_other_share_one_history():
    made = filled()
    todo, words = TodoList.beside(made), SharedText.beside(made)
    todo.add("buy twine")
    words.insert(0, "Dry week.")
    other = Document.load(made.update_since(), farm="kitui-03", officer="Kioko", today=lambda: TODAY)
    assert CropRegister.beside(other).plots() == made.plots()
    assert TodoList.beside(other).items() == todo.items()
    assert SharedText.beside(other).text() == "Dry week."


def test_an_answer_to_an_own_edit_is_taken_in_though_others_came_before():
    mutheu, kioko = register(1), register(2, "Kioko")
    kioko.set("south", "crop", "beans")
    exchange(mutheu, kioko)
    for crop in ("maize", "sorghum"):
        mutheu.set("north", "crop", crop)  # the copy on which updates are tried has not heard of it
        kioko.apply(mutheu.update_since(kioko.state_vector()))
        kioko.set("north", "crop", f"sweet {crop}")
        mutheu.apply(kioko.update_since(mutheu.state_vector()))
        assert mutheu.plot("north").crop == f"sweet {crop}"


# Batches


def test_a_batch_makes_a_transaction_of_every_hundred_edits():
    made, updates = register(), []
    made.set("north", "crop", "maize")
    stop = made.subscribe(updates.append)
    with made.batch():
        with made.batch():
            for count in range(250):
                made.add_bags("north", 1 if count % 2 else -1)
        assert len(updates) == 2
    assert len(updates) == 3
    for _ in range(3):
        made.add_bags("north", 1)
    assert len(updates) == 6
    stop()
    made.add_bags("north", 1)
    assert len(updates) == 6


def test_who_is_told_of_an_update_can_read_and_edit_the_document():
    made, told = register(), []

    def note(update):
        told.append((made.clocks()[1], len(made.plots())))
        if len(told) == 1:
            made.set("south", "crop", "beans")

    made.subscribe(note)
    made.set("north", "crop", "maize")
    made.apply(filled(2).update_since())
    assert told == [(2, 1), (3, 2), (3, 2)]
    with made.batch():
        made.add_bags("north", 1)
    assert len(told) == 4


def test_an_exception_ends_the_batch_and_keeps_what_was_edited():
    made = register()

    def fails():
        with made.batch():
            made.set("north", "crop", "maize")
            made.set("north", "condition", "fine")

    with pytest.raises(FieldError):
        fails()
    assert made.plot("north").crop == "maize"
    made.apply(filled(2).update_since())  # the batch is over
    with made.batch(), pytest.raises(DocumentError, match="while a batch is open"):
        made.apply(filled(3).update_since())


def test_batched_updates_are_a_small_part_of_unbatched_ones():
    def typed(batched):
        made, sizes = text(), []
        made.subscribe(lambda update: sizes.append(len(update)))
        if batched:
            with made.batch():
                for at in range(1_000):
                    made.insert(at, "x")
        else:
            for at in range(1_000):
                made.insert(at, "x")
        return sum(sizes)

    assert typed(batched=True) < 0.1 * typed(batched=False)


# The list


def test_two_officers_add_tick_and_remove():
    mutheu = TodoList(farm="kitui-03", officer="Mutheu", client_id=1)
    kioko = TodoList(farm="kitui-03", officer="Kioko", client_id=2)
    twine, seed = mutheu.add("twine"), mutheu.add("seed")
    also_twine = kioko.add("twine")
    exchange(mutheu, kioko)
    assert [(item.text, item.by) for item in kioko.items()] == [
        ("twine", "Mutheu"),
        ("twine", "Kioko"),
        ("seed", "Mutheu"),
    ]
    mutheu.remove(twine)  # removes the one she saw, not Kioko's
    kioko.tick(seed)
    kioko.tick(twine)  # while it is being removed
    exchange(mutheu, kioko)
    assert mutheu.items() == kioko.items()
    assert [(item.id, item.done) for item in mutheu.items()] == [(also_twine, False), (seed, True)]
    for call in (mutheu.remove, mutheu.tick, lambda item: mutheu.edit(item, "rope")):
        with pytest.raises(DocumentError, match="no item"):
            call(twine)


def test_an_edit_of_the_words_beats_a_removal():
    mutheu = TodoList(farm="kitui-03", officer="Mutheu", client_id=1)
    kioko = TodoList(farm="kitui-03", officer="Kioko", client_id=2)
    item = mutheu.add("twine")
    exchange(mutheu, kioko)
    mutheu.remove(item)
    kioko.edit(item, "twine, 20 m")
    exchange(mutheu, kioko)
    assert [item.text for item in mutheu.items()] == [item.text for item in kioko.items()] == ["twine, 20 m"]


# The text


def test_places_are_characters_whatever_their_bytes():
    made, plain = text(), ""
    rng = random.Random(5)
    for batched in (False, True, True):
        with made.batch() if batched else nullcontext():
            for _ in range(150):
                at = rng.randrange(len(plain) + 1)
                if rng.random() < 0.3 and at < len(plain):
                    count = rng.randint(1, min(3, len(plain) - at))
                    made.delete(at, count)
                    plain = plain[:at] + plain[at + count :]
                else:
                    more = rng.choice(["a", "ũ", "😀", "bc", "é"]) if batched else rng.choice("abc")
                    made.insert(at, more)
                    plain = plain[:at] + more + plain[at:]
                assert len(made) == len(plain)
        assert made.text() == str(made) == plain


def test_after_somebody_elses_edit_the_places_are_right():
    mutheu, kioko = text(1), text(2, "Kioko")
    with mutheu.batch():
        for letter in "maize":
            mutheu.insert(len(mutheu), letter)
    exchange(mutheu, kioko)
    kioko.insert(0, "ĩ😀 ")
    exchange(mutheu, kioko)
    with mutheu.batch():
        mutheu.insert(len(mutheu), "!")
        mutheu.insert(len(mutheu), "!")
    kioko.delete(0, 3)
    exchange(mutheu, kioko)
    assert mutheu.text() == kioko.text() == "maize!!"


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("call", [lambda t: t.insert(4, "x"), lambda t: t.insert(-1, "x"), lambda t: t.delete(2, 2)])
def test_there_is_no_such_place(batched, call):
    made = text()
    made.insert(0, "abc")
    if batched:
        with made.batch(), pytest.raises(FieldError, match="the text has 3"):
            call(made)
    else:
        with pytest.raises(FieldError, match="the text has 3"):
            call(made)
    with pytest.raises(FieldError, match="half a character"):
        made.insert(0, "\ud800")
    assert made.text() == "abc"


# What is refused


def raw(client=66, farm="kitui-03"):
    doc = pycrdt.Doc(client_id=client)
    return doc, {part: doc.get(f"{farm}/{part}", type=pycrdt.Map) for part in ("authors", "plots", "todo")}


def from_map(part, key, value, client=66):
    doc, maps = raw(client)
    maps[part][key] = value
    return doc.get_update()


def as_text(root):
    doc = pycrdt.Doc(client_id=66)
    doc.get(root, type=pycrdt.Text).insert(0, "hello")
    return doc.get_update()


def formatted():
    doc = pycrdt.Doc(client_id=66)
    words = doc.get("kitui-03/text", type=pycrdt.Text)
    words.insert(0, "hello")
    words.format(0, 2, {"bold": True})
    return doc.get_update()


def as_list():
    doc = pycrdt.Doc(client_id=66)
    doc.get("kitui-03/plots", type=pycrdt.Array).append("x")
    return doc.get_update()


def later_part():
    doc, maps = raw()
    maps["plots"]["south/crop"] = "maize"
    before = doc.get_state()
    maps["plots"]["south/area_ha"] = 1
    return doc.get_update(before)


def overwrite_of_unknown():
    doc, maps = raw(7)
    maps["plots"]["south/crop"] = "maize"
    other, others = raw(8)
    other.apply_update(doc.get_update())
    before = other.get_state()
    others["plots"]["south/crop"] = "beans"
    return other.get_update(before)


def renamed_author():
    doc, maps = raw()
    doc.apply_update(filled().update_since())
    before = doc.get_state()
    maps["authors"]["1"] = "Kioko"
    return doc.get_update(before)


REFUSED = {
    "empty": (b"", CorruptUpdateError, "breaks off"),
    "noise": (random.Random(1).randbytes(200), CorruptUpdateError, "."),
    "truncated": (filled(2).update_since()[:-3], CorruptUpdateError, "breaks off or is garbled at byte"),
    "junk behind": (filled(2).update_since() + b"xx", CorruptUpdateError, "2 bytes follow"),
    "oversized": (bytes(9_000_000), OversizedUpdateError, "8.6 MiB; this document takes 8.0 MiB"),
    "from the future": (from_map("plots", "south/planted", "2062-01-01"), FutureUpdateError, "today is 2026-04-01"),
    "another farm": (filled(2).update_since().replace(b"kitui-03", b"kitui-04"), WrongFarmError, "'kitui-04'"),
    "unknown part": (as_text("kitui-03/secrets"), WrongSchemaError, "no such part"),
    "no part": (as_text("text"), WrongFarmError, "belongs to the farm ''"),
    "a text where a map is": (as_text("kitui-03/plots"), WrongSchemaError, "as a list"),
    "a list where a map is": (as_list(), WrongSchemaError, "as a list"),
    "a map where the text is": (from_map("plots", "x", 1).replace(b"03/plots", b"03/text").replace(
        b"\x0ekitui-03/text", b"\x0dkitui-03/text"), WrongSchemaError, "as a map"),
    "formats": (formatted(), WrongSchemaError, "format bold"),
    "nested": (from_map("plots", "south", pycrdt.Map({"crop": "maize"})), WrongSchemaError, "nested type"),
    "unknown field": (from_map("plots", "south/colour", "red"), WrongSchemaError, "no field 'colour'"),
    "wrong value": (from_map("plots", "south/area_ha", "large"), WrongSchemaError, "hectares"),
    "wrong date": (from_map("plots", "south/planted", "soon"), WrongSchemaError, "such as"),
    "wrong count": (from_map("plots", "south/bags/66", 1e300), WrongSchemaError, "whole number"),
    "not a number": (from_map("plots", "south/bags/66", float("nan")), WrongSchemaError, "whole number"),
    "wrong counter": (from_map("plots", "south/bags/me", 1), WrongSchemaError, "each client"),
    "wrong plot": (from_map("plots", "/crop", "maize"), WrongSchemaError, "name of a plot"),
    "wrong todo": (from_map("todo", "1-66/colour", "x"), WrongSchemaError, "NUMBER-CLIENT"),
    "wrong tick": (from_map("todo", "1-66/done", "yes"), WrongSchemaError, "true or false"),
    "long note": (from_map("plots", "south/note", "x" * 5_000), WrongSchemaError, "2,048"),
    "author of another": (from_map("authors", "1", "Wanza"), ForgedUpdateError, "each names its own"),
    "author twice": (renamed_author(), ForgedUpdateError, "written once"),
    "author without a name": (from_map("authors", "66", ""), WrongSchemaError, "officer"),
    "in our own name": (from_map("plots", "a/crop", "x", client=1).replace(b"\x01\x01\x00", b"\x01\x01\x06", 1),
                        ForgedUpdateError, "never made here"),
    "later than we know": (later_part(), MissingHistoryError, "changes 0 to 0 of client 66 are missing"),
    "next to what we do not know": (overwrite_of_unknown(), MissingHistoryError, "of client 7"),
    "deletes what we do not know": (b"\x00\x01\x42\x01\x00\x02", MissingHistoryError, "deletes change 1 of client 66"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_update_is_refused_with_a_reason_and_changes_nothing(case):
    update, error, words = REFUSED[case]
    made = filled()
    made.apply(filled(3).update_since())
    before, plots, vector, seen = made.update_since(), made.plots(), made.state_vector(), []
    made.subscribe(seen.append)
    for _ in "twice":
        with pytest.raises(error, match=words) as raised:
            made.apply(update)
        assert isinstance(raised.value, RefusedUpdateError)
        assert (made.update_since(), made.plots(), made.state_vector()) == (before, plots, vector)
    assert seen == []
    good = filled(2)
    made.apply(good.update_since())  # nothing of the bad one stayed in the copy on which it was tried
    made.set("south", "crop", "beans")
    good.apply(made.update_since(good.state_vector()))
    assert good.plots() == made.plots()


def test_every_truncation_is_refused_and_no_flipped_bit_does_harm():
    update = filled(2).update_since()
    made = filled()
    before = made.update_since()
    for end in range(len(update)):
        with pytest.raises(RefusedUpdateError):
            made.apply(update[:end])
        assert made.update_since() == before
    rng, refused = random.Random(3), 0
    for _ in range(500):
        damaged = bytearray(update)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        try:
            made.apply(bytes(damaged))
        except RefusedUpdateError:
            refused += 1
            assert made.update_since() == before
        else:  # a flipped letter is a valid update; what came out of it must be too
            assert made.plots()
            made, before = filled(), filled().update_since()
    assert refused > 230


def test_a_document_does_not_grow_past_its_limit_neither_by_others_nor_by_us():
    small = Limits(document_bytes=20_000)
    made, other = text(limits=small), text(2, "Kioko")
    other.insert(0, "x" * 15_000)
    made.apply(other.update_since())
    other.insert(0, "x" * 15_000)
    with pytest.raises(OversizedUpdateError, match=r"allowed"):
        made.apply(other.update_since(made.state_vector()))
    assert len(made) == 15_000

    def types_on():
        for _ in range(100):
            made.insert(0, "y" * 1_000)

    with pytest.raises(FullDocumentError, match="begin a new one"):
        types_on()
    assert 15_000 < len(made) < 22_000
    Document(farm="kitui-03", officer="Wanza", limits=Limits(document_bytes=22_000)).apply(made.update_since())


def test_a_state_vector_that_is_none():
    with pytest.raises(DocumentError, match="no state vector"):
        register().update_since(b"\xff")
    with pytest.raises(UpdateFormatError, match="follow after"):
        read_state_vector(b"\0\0")


def test_reading_an_update_agrees_with_the_library_on_its_clocks():
    made = filled()
    made.set("north", "crop", "beans")
    SharedText.beside(made).insert(0, "ũ😀")
    found = read_update(made.update_since())
    assert found.ends() == made.clocks() == {1: 10}
    assert found.deletes == ((1, 1, 1),)


# Any order, any repetition


STEPS = ["edit", "bags", "note", "drop", "give"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), *[st.integers(0, 2)] * 2), max_size=40))
def test_copies_that_have_seen_the_same_are_the_same(steps):
    copies = [register(number + 1, name) for number, name in enumerate(["Mutheu", "Kioko", "Wanza"])]
    texts = [SharedText.beside(copy) for copy in copies]
    counted = 0
    for at, (step, one, other) in enumerate(steps):
        if step == "edit":
            copies[one].set(f"plot-{other}", "crop", f"crop {at}")
        elif step == "bags":
            copies[one].add_bags("plot-0", other)
            counted += other
        elif step == "note":
            texts[one].insert(len(texts[one]) // 2, f"ũ{at}")
        elif step == "drop" and len(texts[one]):
            texts[one].delete(0, 1)
        elif step == "give":
            copies[other].apply(copies[one].update_since(copies[other].state_vector()))
    for _ in "ab":
        for one in copies:
            for other in copies:
                other.apply(one.update_since(other.state_vector()))
    assert copies[0].plots() == copies[1].plots() == copies[2].plots()
    assert texts[0].text() == texts[1].text() == texts[2].text()
    assert sum(plot.bags for plot in copies[0].plots().values()) == counted
    assert all(len(words) == len(words.text()) for words in texts)


def test_importing_it_brings_no_framework():
    code = "import sys, offlinefirst.sync.documents; print({'torch', 'numpy', 'onnxruntime'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert documents.__doc__
