"""The stick: officers come by in any order, files are what they are, the plug is pulled, and all end up alike."""

import itertools
import random
from datetime import date

import pytest
from exchange_documents import FARM, KIOKO, MUTHEU, NOW_S, STRANGER, TRUST, WANZA, Plain

from offlinefirst.device.practice_disk import PracticeDisk, power_cuts
from offlinefirst.sync.documents import CropRegister
from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.exchange import Exchange, Limits, StickError, Trust, open_bundle, pack
from offlinefirst.sync.state_vectors import decode, encode

KEYS = {key.name: key for key in (MUTHEU, KIOKO, WANZA)}


def at(place, name, **options):
    return Exchange(
        place,
        farm=FARM,
        sender_key=KEYS[name],
        **{"trusted": TRUST, "clock": lambda: NOW_S} | options,
    )


def on(disk, name):
    return open_bundle(disk.read(f"{FARM}.{name}.bundle"), farm=FARM, trusted=TRUST, clock=lambda: NOW_S)


def three():
    documents = {name: Plain(number) for number, name in enumerate(KEYS, 1)}
    for name, document in documents.items():
        document[name] = f"{name} was here"
    return documents


def test_after_two_rounds_all_have_everything(tmp_path):
    documents = three()
    for name in [*KEYS, *KEYS]:
        visit = at(tmp_path, name).visit(documents[name])
        assert visit.refused == ()
    assert len({str(sorted(document.values().items())) for document in documents.values()}) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{FARM}.{name}.bundle" for name in KEYS)


def test_visits_in_any_order_with_edits_between_end_up_alike():
    rng = random.Random(5)
    for _ in range(40):
        documents, disk = three(), PracticeDisk()
        for step in range(12):
            name = rng.choice(list(KEYS))
            documents[name][rng.choice("abc")] = step
            assert at(disk, name).visit(documents[name]).refused == ()
        for name in [*KEYS, *KEYS]:
            at(disk, name).visit(documents[name])
        assert len({str(sorted(document.values().items())) for document in documents.values()}) == 1


def test_only_what_the_others_lack_is_left():
    documents, disk = three(), PracticeDisk()
    documents["Mutheu"]["note"] = "x" * 5000
    for name in [*KEYS, *KEYS]:
        at(disk, name).visit(documents[name])
    documents["Mutheu"]["crop"] = "sorghum"
    visit = at(disk, "Mutheu").visit(documents["Mutheu"])
    assert visit.wrote_bytes < 600
    assert b"sorghum" in on(disk, "Mutheu").update
    assert b"xxxx" not in on(disk, "Mutheu").update


def test_who_left_nothing_here_yet_finds_everything():
    documents, disk = three(), PracticeDisk()
    documents["Mutheu"]["note"] = "old"
    for name in ["Mutheu", "Kioko", "Mutheu", "Kioko"]:
        at(disk, name).visit(documents[name])
    assert decode(on(disk, "Mutheu").since) == {}
    at(disk, "Wanza").visit(documents["Wanza"])
    assert set(documents["Wanza"].values()) >= {"Mutheu", "Kioko", "Wanza", "note"}


def test_the_visit_counts_what_came():
    documents, disk = three(), PracticeDisk()
    at(disk, "Mutheu").visit(documents["Mutheu"])
    first = at(disk, "Kioko").visit(documents["Kioko"])
    (taken,) = first.taken
    assert (taken.sender, taken.sequence, taken.items) == ("Mutheu", 1, 1)
    assert taken.bundle_bytes == disk.size(f"{FARM}.Mutheu.bundle")
    assert first.wrote_bytes == disk.size(f"{FARM}.Kioko.bundle")
    at(disk, "Mutheu").visit(documents["Mutheu"])
    assert on(disk, "Mutheu").sequence == 2


def test_an_old_bundle_put_back_changes_nothing():
    documents, disk = three(), PracticeDisk()
    at(disk, "Mutheu").visit(documents["Mutheu"])
    old = disk.read(f"{FARM}.Mutheu.bundle")
    documents["Mutheu"]["crop"] = "beans"
    for name in [*KEYS, *KEYS]:
        at(disk, name).visit(documents[name])
    before = documents["Kioko"].values(), documents["Kioko"].state_vector()
    disk.write(f"{FARM}.Mutheu.bundle", old)
    visit = at(disk, "Kioko").visit(documents["Kioko"])
    assert [(one.sender, one.items) for one in visit.taken if one.sender == "Mutheu"] == [("Mutheu", 0)]
    assert (documents["Kioko"].values(), documents["Kioko"].state_vector()) == before


def test_foreign_files_are_left_alone():
    foreign = {
        "holiday.jpg": b"\xff\xd8",
        "kitui-east.Mutheu.bundle": b"another farm's",
        f"{FARM}.Mutheu.bundle.part": b"half",
        f"{FARM}.Mu.theu.bundle": b"",
        f"{FARM}. .bundle": b"",
        "notes.bundle": b"",
        "autorun.inf": b"open=virus.exe",
    }
    documents, disk = three(), PracticeDisk(foreign)
    visit = at(disk, "Kioko").visit(documents["Kioko"])
    assert sorted(visit.ignored) == sorted(foreign)
    assert visit.refused == ()
    assert {name: disk.read(name) for name in foreign} == foreign


def with_refusals(disk):
    """A stick with one good bundle and six that are not."""
    good = Plain(1)
    good["crop"] = "maize"

    def made(key=WANZA, farm=FARM, made_at_s=NOW_S, known=None):
        return pack(good, farm=farm, sender_key=key, clock=lambda: made_at_s, known=known)

    bad = {
        "unknown": made(STRANGER),
        "signature": made()[:-1],
        "truncated": made()[:50],
        "farm": made(farm="kitui-east"),
        "future": made(made_at_s=NOW_S + 90_000),
        "foreign": b"GIF89a",
        "enormous": bytes(Limits().bundle_bytes + 1),
        "gap": pack(good, farm=FARM, sender_key=WANZA, clock=lambda: NOW_S, known=encode({99: 4})),
    }
    disk.write(f"{FARM}.Mutheu.bundle", made(MUTHEU))
    for reason, data in bad.items():
        disk.write(f"{FARM}.{reason}.bundle", data)
    return set(bad)


def test_what_is_refused_is_told_and_the_rest_goes_on():
    disk, kioko = PracticeDisk(), Plain(2)
    reasons = with_refusals(disk)
    visit = at(disk, "Kioko").visit(kioko)
    assert {f"{FARM}.{one.reason}.bundle" for one in visit.refused} == {one.name for one in visit.refused}
    assert {one.reason for one in visit.refused} == reasons
    assert all(len(one.words) > 10 for one in visit.refused)
    assert kioko.values() == {"crop": "maize"}


def test_an_enormous_file_is_never_read():
    class Disk(PracticeDisk):
        def size(self, name):
            return len(super().read(name))

        def read(self, name):
            raise AssertionError(f"{name} was read")

    disk = Disk({f"{FARM}.Wanza.bundle": bytes(Limits().bundle_bytes + 1)})
    (refused,) = at(disk, "Kioko").collect(Plain(2)).refused
    assert refused.reason == "enormous"


def test_an_update_that_the_document_refuses_changes_nothing_and_stops_nobody():
    class Strict(Plain):
        def apply(self, update):
            if b"poison" in update:
                raise SyncError("no such field: poison")
            super().apply(update)

    documents, disk = three(), PracticeDisk()
    documents["Mutheu"]["poison"] = 1
    at(disk, "Mutheu").visit(documents["Mutheu"])
    at(disk, "Wanza").leave(documents["Wanza"])
    kioko = Strict(9)
    visit = at(disk, "Kioko").visit(kioko)
    assert [(one.reason, "no such field" in one.words) for one in visit.refused] == [("document", True)]
    assert kioko.values() == {"Wanza": "Wanza was here"}


def test_a_revoked_phone_is_not_listened_to_and_not_waited_for():
    documents, disk = three(), PracticeDisk()
    for name in [*KEYS, *KEYS]:
        at(disk, name).visit(documents[name])
    documents["Wanza"]["crop"] = "forged"
    at(disk, "Wanza").leave(documents["Wanza"])
    trusted = TRUST.without("Wanza", "stolen")
    visit = at(disk, "Kioko", trusted=trusted).visit(documents["Kioko"])
    assert [one.reason for one in visit.refused] == ["revoked"]
    assert "crop" not in documents["Kioko"].values()
    assert decode(on(disk, "Kioko").since) == decode(on(disk, "Mutheu").state)


def test_a_bundle_that_needs_another_one_waits_for_it():
    first, second = Plain(1), Plain(2)
    first["a"] = 1
    second.apply(first.update_since(None))
    second["b"] = 2
    late = pack(second, farm=FARM, sender_key=MUTHEU, clock=lambda: NOW_S, known=first.state_vector())
    early = pack(first, farm=FARM, sender_key=WANZA, clock=lambda: NOW_S)
    disk, kioko = PracticeDisk({f"{FARM}.Mutheu.bundle": late}), Plain(3)
    (refused,) = at(disk, "Kioko").collect(kioko).refused
    assert refused.reason == "gap"
    assert kioko.values() == {}
    disk.write(f"{FARM}.Wanza.bundle", early)
    visit = at(disk, "Kioko").collect(kioko)
    assert [one.sender for one in visit.taken] == ["Wanza", "Mutheu"]
    assert kioko.values() == {"a": 1, "b": 2}


def test_an_officer_who_fell_back_to_an_old_copy_is_healed():
    documents, disk = three(), PracticeDisk()
    for name in [*KEYS, *KEYS]:
        at(disk, name).visit(documents[name])
    whole = documents["Mutheu"].values()
    documents["Mutheu"] = Plain(11)  # a new phone with nothing on it
    assert {one.reason for one in at(disk, "Mutheu").visit(documents["Mutheu"]).refused} == {"gap"}
    for name in KEYS:
        at(disk, name).visit(documents[name])
    at(disk, "Mutheu").visit(documents["Mutheu"])
    assert documents["Mutheu"].values() == whole


def test_a_full_stick_is_told_and_nothing_is_lost():
    documents, disk = three(), PracticeDisk()
    for name in [*KEYS, *KEYS]:
        at(disk, name).visit(documents[name])
    before = disk.after_power_cut()[0]
    documents["Mutheu"]["note"] = "".join(random.Random(1).choices("abcdef", k=5000))
    disk.capacity_bytes = disk.used_bytes + 300
    values = documents["Mutheu"].values()
    with pytest.raises(StickError, match=r"the stick is full.*Delete something on it") as caught:
        at(disk, "Mutheu").leave(documents["Mutheu"])
    assert caught.value.errno == 28
    assert isinstance(caught.value, OSError)
    assert {name: disk.read(name) for name in disk.names()} == before
    assert documents["Mutheu"].values() == values
    disk.capacity_bytes = None
    at(disk, "Mutheu").leave(documents["Mutheu"])
    at(disk, "Kioko").collect(documents["Kioko"])
    assert documents["Kioko"].values() == values


def test_a_stick_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StickError, match="not there"):
        at(tmp_path / "none", "Mutheu")


def test_a_stick_that_goes_away_while_it_is_read_is_told():
    class Gone(PracticeDisk):
        def read(self, name):
            raise OSError(5, "input/output error")

    disk, document = Gone({f"{FARM}.Wanza.bundle": b"x"}), Plain(1)
    with pytest.raises(StickError, match="cannot be read"):
        at(disk, "Mutheu").collect(document)
    assert document.values() == {}


def test_nothing_is_left_when_saving_fails():
    documents, disk = three(), PracticeDisk()

    def full():
        raise OSError(28, "phone full")

    with pytest.raises(OSError, match="phone full"):
        at(disk, "Mutheu").visit(documents["Mutheu"], save=full)
    assert disk.names() == []


def test_the_plug_pulled_at_any_step_leaves_the_old_bundle_or_the_new():
    documents, disk = three(), PracticeDisk()
    for name in [*KEYS, *KEYS]:
        at(disk, name).visit(documents[name])
    before = {name: disk.read(name) for name in disk.names()}
    documents["Mutheu"]["crop"] = "cowpeas"
    own = f"{FARM}.Mutheu.bundle"
    outcomes = list(power_cuts(lambda one: at(one, "Mutheu").leave(documents["Mutheu"]), before))
    new = next(found for found in outcomes if found.returned).files[own]
    seen = set()
    for found in outcomes:
        assert found.read(own) in ((new,) if found.returned else (before[own], new)), found.when
        seen.add(found.read(own))
        after, kioko = found.disk(), Plain(5)
        kioko.apply(documents["Kioko"].update_since(None))
        assert at(after, "Kioko").visit(kioko).refused == ()
        for name in ("Mutheu", "Kioko"):
            at(after, name).visit({"Mutheu": documents["Mutheu"], "Kioko": kioko}[name])
        assert kioko.values() == documents["Mutheu"].values()
    assert seen == {before[own], new}


def test_two_visits_that_cross_do_no_harm():
    for first, second in itertools.permutations(KEYS, 2):
        documents, disk = three(), PracticeDisk()
        one, other = at(disk, first), at(disk, second)
        one.collect(documents[first])
        other.collect(documents[second])
        other.leave(documents[second])
        one.leave(documents[first])
        for name in [*KEYS, *KEYS]:
            assert at(disk, name).visit(documents[name]).refused == ()
        assert documents[first].values() == documents[second].values()


def test_an_unknown_officer_may_read_but_is_not_heard():
    documents, disk = three(), PracticeDisk()
    at(disk, "Mutheu").visit(documents["Mutheu"])
    juma = Exchange(disk, farm=FARM, sender_key=STRANGER, trusted=Trust.of(MUTHEU), clock=lambda: NOW_S)
    juma.visit(Plain(8))
    visit = at(disk, "Kioko").visit(documents["Kioko"])
    assert [one.reason for one in visit.refused] == ["unknown"]


def registers():
    return {
        name: CropRegister(farm=FARM, officer=name, client_id=number, today=lambda: date(2026, 6, 6))
        for number, name in enumerate(KEYS, 1)
    }


def test_crop_registers_meet_on_a_stick(tmp_path):
    phones = registers()
    phones["Mutheu"].set("north", "condition", "stressed")
    phones["Kioko"].add_bags("north", 3)
    phones["Wanza"].add_bags("north", 4)
    for name in [*KEYS, *KEYS]:
        assert at(tmp_path, name).visit(phones[name]).refused == ()
    assert {(phone.plot("north").bags, phone.plot("north").condition) for phone in phones.values()} == {(7, "stressed")}


def test_what_a_register_refuses_is_told_with_its_reason():
    phones, disk = registers(), PracticeDisk()
    phones["Wanza"] = CropRegister(farm=FARM, officer="Wanza", client_id=3, today=lambda: date(2031, 1, 1))
    phones["Wanza"].set("north", "planted", date(2030, 12, 31))  # her phone's calendar is years ahead
    at(disk, "Wanza").leave(phones["Wanza"])
    (refused,) = at(disk, "Kioko").collect(phones["Kioko"]).refused
    assert refused.reason == "document"
    assert "a date in the future. Check both phones' clocks" in refused.words
    assert phones["Kioko"].plots() == {}


def test_a_register_of_another_farm_under_this_farms_name_is_refused():
    phones, disk = registers(), PracticeDisk()
    other = CropRegister(farm="kitui-east", officer="Wanza", client_id=3)
    other.set("north", "crop", "beans")
    at(disk, "Wanza").leave(other)  # a mistake in a program: signed for one farm, written in another
    (refused,) = at(disk, "Kioko").collect(phones["Kioko"]).refused
    assert "kitui-east" in refused.words
    assert phones["Kioko"].plots() == {}
