"""A text that several people edit: what is typed stays together and where it was typed, and all end with one text."""

import json
import random
import subprocess
import sys

import pycrdt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from offlinefirst.sync import _runs, sequence
from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.sequence import ClashError, Cut, Delta, EpochError, MalformedDeltaError, Run, Sequence
from offlinefirst.sync.sequence import seen_by_all as seen

NAMES = ("Kioko", "Mutheu", "Wanza")
TEXTS = st.text("aeéñ🌽 ", min_size=1, max_size=4)
#: who, where (a share of the text), what to type (or None: delete), whom to hear from
STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.floats(0, 1), TEXTS | st.none(), st.integers(0, 2) | st.none()), max_size=25
)


def order_of(replica):
    """The names of all characters, deleted ones too, in the order of the text."""
    return [char.id for char in replica._tree.order[1:]]


def edit(replica, share, text):
    if text is not None:
        return replica.insert(round(share * len(replica)), text)
    at = round(share * len(replica))
    return replica.delete(at, min(2, len(replica) - at))


def play(steps):
    """Three replicas edit and now and then hear from each other; also every delta that they made."""
    replicas, deltas = [Sequence(name) for name in NAMES], []
    for who, share, text, heard in steps:
        deltas.append(edit(replicas[who], share, text))
        if heard is not None:
            replicas[who].merge(replicas[heard])
    return replicas, deltas


def merged(name, *parts):
    replica = Sequence(name)
    for part in parts:
        replica.merge(part)
    return replica


# Laws


@given(STEPS, st.randoms(use_true_random=False))
def test_deltas_in_any_order_and_twice_give_the_text_that_the_states_give(steps, rng):
    replicas, deltas = play(steps)
    of_states = merged("reader", *replicas)
    shuffled = deltas + deltas
    rng.shuffle(shuffled)
    of_deltas = merged("reader", *shuffled)
    assert of_deltas.waiting == 0
    assert of_deltas.text() == of_states.text()
    assert of_deltas.state() == of_states.state()
    assert order_of(of_deltas) == order_of(of_states)


@given(STEPS)
def test_merging_is_commutative_associative_idempotent_and_loses_nothing(steps):
    (a, b, c), _ = play(steps)
    one, other = merged("reader", a, b), merged("reader", b, a)
    assert one.state() == other.state()
    assert merged("reader", one, c).state() == merged("reader", a, merged("reader", b, c)).state()
    assert merged("reader", one, one, a).state() == one.state()
    for part in (a, b):
        assert set(order_of(part)) <= set(order_of(one))
        assert all(one.version[name][0] >= counts[0] for name, counts in part.version.items())


@given(STEPS)
def test_no_two_characters_ever_change_places(steps):
    replicas, seen_orders = [Sequence(name) for name in NAMES], []
    for who, share, text, heard in steps:
        edit(replicas[who], share, text)
        if heard is not None:
            replicas[who].merge(replicas[heard])
        seen_orders.append(order_of(replicas[who]))
    final = {id: place for place, id in enumerate(order_of(merged("reader", *replicas)))}
    for order in seen_orders:
        places = [final[id] for id in order]
        assert places == sorted(places)


@given(STEPS, st.integers(0, 2), st.floats(0, 1), TEXTS)
def test_what_is_typed_stands_where_it_was_typed(steps, who, share, text):
    replicas, _ = play(steps)
    before = replicas[who].text()
    at = round(share * len(before))
    replicas[who].insert(at, text)
    assert replicas[who].text() == before[:at] + text + before[at:]
    replicas[who].delete(at, len(text))
    assert replicas[who].text() == before


@given(STEPS, st.tuples(*[st.tuples(st.floats(0, 1), st.sampled_from(["forwards", "backwards", "at once"]))] * 3))
def test_runs_typed_at_the_same_time_stay_in_one_piece(steps, how):
    replicas, _ = play(steps)
    everything = merged("reader", *replicas)
    for replica, (share, way), run in zip(replicas, how, ("KKKK", "MMMM", "WWWW"), strict=True):
        replica.merge(everything)
        at = round(share * len(replica))
        if way == "at once":
            replica.insert(at, run)
        else:
            for number, letter in enumerate(run):
                replica.insert(at + (number if way == "forwards" else 0), letter)
    text = merged("reader", *replicas).text()
    assert "KKKK" in text
    assert "MMMM" in text
    assert "WWWW" in text


@given(STEPS)
def test_a_delta_since_a_version_brings_exactly_what_was_lacking(steps):
    replicas, _ = play(steps)
    everything = merged("reader", *replicas)
    for replica in replicas:
        lacking = everything.since(replica.version)
        known = {id for name in replica.version for id in [(name, n) for n in range(replica.version[name][0])]}
        assert not known & {(run.replica, n) for run in lacking.runs for n in range(run.first, run.first + run.length)}
        replica.merge(lacking)
        assert replica.state() == everything.state()
        assert everything.since(replica.version) == Delta()


@given(STEPS)
def test_a_delta_survives_the_wire(steps):
    replicas, deltas = play(steps)
    for delta in [*deltas, *(replica.state() for replica in replicas)]:
        assert Delta.from_json(delta.to_json()) == delta
        assert Delta.from_json(delta.to_json().encode()) == delta


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), max_size=9))
def test_spans_name_the_characters_in_their_order(ids):
    spans = _runs.spans_of(ids)
    assert Cut("x", 0, spans).ids() == ids
    assert len(spans) <= len(ids)


def test_what_was_typed_or_erased_in_one_go_is_one_run_and_one_span():
    replica = Sequence("Mutheu")
    for number, letter in enumerate("armyworm"):
        replica.insert(number, letter)
    for number in range(8, 4, -1):
        replica.delete(number - 1, 1)
    state = replica.state()
    assert state.runs == (Run("Mutheu", 0, ("", -1), True, "armyworm"),)
    assert state.cuts == (Cut("Mutheu", 0, (("Mutheu", 7, -4),)),)


def test_two_who_type_backwards_before_the_same_character_in_either_order():
    base = Sequence("Wanza").insert(0, "ab")
    kioko, mutheu = merged("Kioko", base), merged("Mutheu", base)
    kioko.insert(1, "k")
    mutheu.insert(1, "n")
    mutheu.insert(1, "m")
    assert merged("reader", kioko, mutheu).text() == merged("reader", mutheu, kioko).text() == "akmnb"


def test_a_short_part_of_a_deletion_does_not_wait_for_the_rest_of_it():
    author, other = Sequence("Mutheu"), Sequence("Kioko")
    first, second = author.insert(0, "a"), other.insert(0, "k")
    one = author.delete(0, 1)
    author.merge(second)
    author.delete(0, 1)
    reader = merged("reader", first, Delta(cuts=author.state().cuts), one)
    assert (reader.text(), reader.version["Mutheu"], reader.waiting) == ("", (1, 1), 1)
    reader.merge(second)
    assert (reader.text(), reader.version["Mutheu"], reader.waiting) == ("", (1, 2), 0)


# The same history with pycrdt


def play_both(steps):
    """Ours and pycrdt's, told to type a new character after a certain one, or to delete a certain one."""
    ours, theirs = [Sequence(name) for name in NAMES], [pycrdt.Doc(client_id=number + 1) for number in range(3)]
    texts = [doc.get("text", type=pycrdt.Text) for doc in theirs]
    for number, (who, share, typed, heard) in enumerate(steps):
        mine = ours[who].text()
        chosen = mine[min(int(share * len(mine)), len(mine) - 1)] if mine else ""
        for text, change in ((mine, ours[who]), (str(texts[who]), texts[who])):
            at = text.index(chosen)
            byte = len(text[:at].encode()) if change is not ours[who] else at
            width = len(chosen.encode()) if change is not ours[who] else 1
            if typed is not None:
                change.insert(byte + (width if chosen else 0), chr(0x4E00 + number))
            elif chosen and change is ours[who]:
                change.delete(byte, 1)
            elif chosen:
                del change[byte : byte + width]
        if heard is not None:
            ours[who].merge(ours[heard])
            theirs[who].apply_update(theirs[heard].get_update(theirs[who].get_state()))
        assert sorted(ours[who].text()) == sorted(str(texts[who]))
    return ours, theirs, texts


@given(STEPS)
def test_the_same_characters_as_pycrdt_at_every_step(steps):
    ours, theirs, texts = play_both(steps)
    everything = merged("reader", *ours)
    for doc in theirs[1:]:
        theirs[0].apply_update(doc.get_update())
    assert sorted(everything.text()) == sorted(str(texts[0]))


# Replicas in the field


class Replicas(RuleBasedStateMachine):
    """Edits, lost, late and doubled messages, phones that start again from disk, prunings: all end with one text."""

    @initialize()
    def begin(self):
        self.replicas = {name: Sequence(name) for name in NAMES}
        self.post = []  # (to whom, delta)

    @rule(who=st.sampled_from(NAMES), share=st.floats(0, 1), text=TEXTS | st.none())
    def edits(self, who, share, text):
        delta = edit(self.replicas[who], share, text)
        self.post += [(name, delta) for name in NAMES if name != who]

    @rule(data=st.data(), keep=st.booleans())
    def a_message_arrives(self, data, keep):
        if self.post:
            number = data.draw(st.integers(0, len(self.post) - 1))
            to, delta = self.post[number] if keep else self.post.pop(number)
            self.take(to, delta)

    @rule(data=st.data())
    def a_message_is_lost(self, data):
        if self.post:
            self.post.pop(data.draw(st.integers(0, len(self.post) - 1)))

    @rule(one=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
    def two_meet(self, one, other):
        self.take(one, self.replicas[other].since(self.replicas[one].version))

    @rule(who=st.sampled_from(NAMES))
    def starts_again_from_disk(self, who):
        old = self.replicas[who]
        new = Sequence(who, Delta.from_json(old.state().to_json()))
        assert (new.text(), new.version, new.epoch) == (old.text(), old.version, old.epoch)
        self.replicas[who] = new

    @rule()
    def all_prune(self):
        agreed = seen(replica.version for replica in self.replicas.values())
        for replica in self.replicas.values():
            replica.prune(agreed)

    def take(self, to, delta):
        replica = self.replicas[to]
        if delta.epoch == replica.epoch:
            replica.merge(delta)
            return
        before = replica.state()
        with pytest.raises(EpochError):
            replica.merge(delta)
        assert replica.state() == before

    @invariant()
    def the_text_has_what_its_characters_say(self):
        for replica in getattr(self, "replicas", {}).values():
            assert len(replica) == len(replica.text()) == len(order_of(replica)) - replica.tombstones

    def teardown(self):
        if not hasattr(self, "replicas"):
            return
        for one in self.replicas.values():
            for other in self.replicas.values():
                one.merge(other)
        for one in self.replicas.values():
            for other in self.replicas.values():
                one.merge(other)
                assert one.state() == other.state()
                assert one.text() == other.text()
            assert one.waiting == 0


Replicas.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestReplicas = Replicas.TestCase


# Pruning


@given(STEPS, STEPS)
def test_after_pruning_everybody_has_the_text_of_before_and_no_tombstones(steps, later):
    replicas, _ = play(steps)
    everything = merged("reader", *replicas)
    for replica in replicas:
        replica.merge(everything)
        replica.prune(everything.version)
        assert (replica.text(), replica.tombstones, replica.epoch) == (everything.text(), 0, 1)
        assert len(replica.state().runs) == (1 if everything.text() else 0)
    for who, share, text, _ in later:
        edit(replicas[who], share, text)
    a, b, c = (merged_on(replica, *replicas).state() for replica in replicas)
    assert a == b == c


def merged_on(replica, *others):
    for other in others:
        replica.merge(other)
    return replica


@given(STEPS, STEPS)
def test_what_was_not_agreed_yet_comes_along(steps, unsent):
    replicas, _ = play(steps)
    everything = merged("reader", *replicas)
    for replica in replicas:
        replica.merge(everything)
    for who, share, text, _ in unsent:
        edit(replicas[who], share, text)
    written = [replica.text() for replica in replicas]
    for replica, text in zip(replicas, written, strict=True):
        replica.prune(everything.version)
        assert replica.text() == text
    a, b, c = (merged_on(replica, *replicas).text() for replica in replicas)
    assert a == b == c
    without_pruning = [Sequence(name) for name in NAMES]
    for replica in without_pruning:
        replica.merge(everything)
    for who, share, text, _ in unsent:
        edit(without_pruning[who], share, text)
    assert sorted(a) == sorted(merged("reader", *without_pruning).text())


def test_a_phone_that_lacks_some_of_what_was_agreed_cannot_prune():
    mutheu, kioko = Sequence("Mutheu"), Sequence("Kioko")
    mutheu.insert(0, "rust on the lower leaves")
    kioko.insert(0, "mine")
    with pytest.raises(EpochError, match="Kioko has not seen all that Mutheu did"):
        kioko.prune(mutheu.version)
    assert (kioko.text(), kioko.epoch) == ("mine", 0)
    kioko.merge(mutheu)
    mutheu.delete(0, 5)  # a deletion alone is something to have seen, too
    with pytest.raises(EpochError, match="Kioko has not seen all that Mutheu did"):
        kioko.prune(mutheu.version)
    mutheu.prune(mutheu.version)
    with pytest.raises(EpochError, match="epoch 1, and Kioko is in epoch 0"):
        kioko.merge(mutheu)


def test_a_phone_that_begins_from_a_pruned_state_is_one_of_them():
    mutheu = Sequence("Mutheu")
    mutheu.insert(0, "dry, and rusty")
    mutheu.prune(mutheu.version)
    wanza = Sequence("Wanza 2", Delta.from_json(mutheu.state().to_json()))
    mutheu.merge(wanza.insert(0, "very "))
    assert (wanza.epoch, wanza.text(), mutheu.text()) == (1, "very dry, and rusty", "very dry, and rusty")
    with pytest.raises(MalformedDeltaError):
        Sequence("Wanza 3", Delta(epoch=-1))


def test_a_deletion_of_what_another_typed_since_is_lost_only_if_she_had_not_heard_of_it():
    for heard, text in ((True, "dry"), (False, "dry!")):
        mutheu, kioko = Sequence("Mutheu"), Sequence("Kioko")
        kioko.merge(mutheu.insert(0, "dry"))
        agreed = mutheu.version
        kioko.merge(mutheu.insert(3, "!"))
        deletion = kioko.delete(3, 1)
        if heard:
            mutheu.merge(deletion)
        for phone in (mutheu, kioko):
            phone.prune(agreed)
        kioko.merge(mutheu)
        mutheu.merge(kioko)
        assert mutheu.text() == kioko.text() == text


@pytest.mark.parametrize("counts", [(-1, 0), (0, -1), (0,), 3, None, ("1", 0), (1.0, 0), (True, 0)])
def test_what_is_no_version_is_refused(counts):
    phone = Sequence("Mutheu")
    phone.insert(0, "dry")
    for use in (phone.since, phone.prune, lambda version: seen([version])):
        with pytest.raises(SyncError, match="version"):
            use({"Mutheu": counts})
    assert (phone.text(), phone.epoch) == ("dry", 0)


def test_only_what_all_have_seen_is_agreed():
    assert seen([{"a": (5, 2), "b": (1, 1)}, {"a": (3, 4)}, {"a": (9, 9), "b": (2, 0)}]) == {"a": (3, 2)}


# What cannot be typed, and what cannot be taken in


def test_a_place_that_the_text_does_not_have():
    replica = Sequence("Mutheu")
    replica.insert(0, "maize")
    for index in (-1, 6):
        with pytest.raises(IndexError):
            replica.insert(index, "x")
    for index, count in ((-1, 1), (4, 2), (0, -1), (6, 1)):
        with pytest.raises(IndexError):
            replica.delete(index, count)
    assert replica.text() == "maize"
    assert replica.insert(3, "") == replica.delete(2, 0) == Delta()


def test_positions_count_characters_not_bytes():
    replica = Sequence("Mutheu")
    replica.insert(0, "nyanya 🍅 mbivu")
    replica.insert(8, "!")
    assert replica.text() == "nyanya 🍅! mbivu"


def test_half_a_character_is_not_typed():
    replica = Sequence("Mutheu")
    with pytest.raises(MalformedDeltaError):
        replica.insert(0, "ab\ud83c")
    assert replica.state() == Delta()


@pytest.mark.parametrize("name", ["", "x" * 65, "\udc00", None, 7])
def test_a_name_that_is_none(name):
    with pytest.raises(SyncError):
        Sequence(name)


def delta_json(**changes):
    good = {"epoch": 0, "runs": [["Kioko", 0, "", -1, 1, "dry"]], "cuts": [["Kioko", 0, [["Kioko", 0, 1]]]]}
    return json.dumps(good | changes)


BAD = {
    "no JSON": "{",
    "not UTF-8": b"\xff\xfe{}",
    "a list": "[]",
    "deep": "[" * 100_000,
    "nothing": "{}",
    "a key more": delta_json(more=1),
    "epoch below 0": delta_json(epoch=-1),
    "epoch no number": delta_json(epoch="0"),
    "epoch true": delta_json(epoch=True),
    "epoch enormous": delta_json(epoch=2**60),
    "NaN": delta_json(epoch=float("nan")),
    "runs no list": delta_json(runs={}),
    "cuts no list": delta_json(cuts=None),
    "run too short": delta_json(runs=[["Kioko", 0, "", -1, 1]]),
    "run no list": delta_json(runs=["Kioko0-111x"]),
    "no name": delta_json(runs=[["", -1, "", -1, 1, "dry"]]),
    "long name": delta_json(runs=[["k" * 65, 0, "", -1, 1, "dry"]]),
    "name a number": delta_json(runs=[[5, 0, "", -1, 1, "dry"]]),
    "number below 0": delta_json(runs=[["Kioko", -1, "", -1, 1, "dry"]]),
    "number a fraction": delta_json(runs=[["Kioko", 0.5, "", -1, 1, "dry"]]),
    "side 2": delta_json(runs=[["Kioko", 0, "", -1, 2, "dry"]]),
    "side true": delta_json(runs=[["Kioko", 0, "", -1, True, "dry"]]),
    "before the beginning": delta_json(runs=[["Kioko", 0, "", -1, 0, "dry"]]),
    "parent no name": delta_json(runs=[["Kioko", 0, None, 0, 1, "dry"]]),
    "parent below 0": delta_json(runs=[["Kioko", 0, "Mutheu", -1, 1, "dry"]]),
    "hangs on itself": delta_json(runs=[["Kioko", 3, "Kioko", 3, 1, "dry"]]),
    "hangs on its future": delta_json(runs=[["Kioko", 3, "Kioko", 9, 1, "dry"]]),
    "types nothing": delta_json(runs=[["Kioko", 0, "", -1, 1, ""]]),
    "text a number": delta_json(runs=[["Kioko", 0, "", -1, 1, 5]]),
    "half a character": '{"epoch":0,"cuts":[],"runs":[["Kioko",0,"",-1,1,"\\ud83c"]]}',
    "cut of the base": delta_json(cuts=[["", 0, [["Kioko", 0, 1]]]]),
    "cuts nothing": delta_json(cuts=[["Kioko", 0, []]]),
    "cut of 0": delta_json(cuts=[["Kioko", 0, [["Kioko", 0, 0]]]]),
    "cut before the first": delta_json(cuts=[["Kioko", 0, [["Kioko", 1, -3]]]]),
    "cut of the root": delta_json(cuts=[["Kioko", 0, [["", -1, 1]]]]),
    "span too long": delta_json(cuts=[["Kioko", 0, [["Kioko", 0, 1, 1]]]]),
    "count a text": delta_json(cuts=[["Kioko", 0, [["Kioko", 0, "1"]]]]),
    "count enormous": delta_json(cuts=[["Kioko", 0, [["Kioko", 0, 2**52]]]]),
    "cut number none": delta_json(cuts=[["Kioko", None, [["Kioko", 0, 1]]]]),
}


@pytest.mark.parametrize("wire", BAD.values(), ids=BAD.keys())
def test_what_is_no_delta_is_refused(wire):
    with pytest.raises(MalformedDeltaError) as error:
        Delta.from_json(wire)
    assert len(str(error.value)) < 400


def test_a_good_delta_is_taken():
    reader = merged("reader", Delta.from_json(delta_json()))
    assert reader.text() == "ry"


def test_a_delta_with_one_bad_run_changes_nothing():
    reader = merged("reader", Sequence("reader").insert(0, "before"))
    before = reader.state()
    good = Sequence("Kioko").insert(0, "good").runs[0]
    for bad in (Run("Kioko", 4, ("Kioko", 9), True, "x"), Run("Kioko", 4, ("Kioko", 3), True, "")):
        with pytest.raises(MalformedDeltaError):
            reader.merge(Delta(runs=(good, bad)))
        assert reader.state() == before


def test_too_much_at_once_is_refused(monkeypatch):
    monkeypatch.setattr(_runs, "MOST_CHARACTERS", 10)
    with pytest.raises(MalformedDeltaError, match="11 characters at once"):
        Sequence("Mutheu").insert(0, "x" * 11)


def test_a_phone_restored_from_an_old_backup_is_found_out():
    phone, office = Sequence("Mutheu"), Sequence("office")
    office.merge(phone.insert(0, "maize"))
    backup = phone.state()
    office.merge(phone.insert(5, ", dry"))
    restored = merged("Mutheu", backup)
    clashing = restored.insert(5, ", wet")
    before = office.state()
    with pytest.raises(ClashError, match="two devices write as Mutheu"):
        office.merge(clashing)
    assert office.state() == before
    rescued = merged("Mutheu", backup)  # who asks before typing gets back what was forgotten
    rescued.merge(office.since(rescued.version))
    assert rescued.text() == "maize, dry"


def test_the_same_letter_elsewhere_is_a_clash_too():
    office = merged("office", Sequence("Wanza").insert(0, "ab"))
    office.merge(Delta(runs=(Run("Kioko", 0, ("Wanza", 1), True, "x"),)))
    for parent, right in ((("Wanza", 1), False), (("Wanza", 0), True)):
        with pytest.raises(ClashError):
            office.merge(Delta(runs=(Run("Kioko", 0, parent, right, "x"),)))


def test_a_cut_of_a_clashing_phone_is_found_out():
    phone, office = Sequence("Mutheu"), Sequence("office")
    office.merge(phone.insert(0, "maize"))
    copy = merged("Mutheu", phone)
    office.merge(phone.delete(0, 1))
    with pytest.raises(ClashError):
        office.merge(copy.delete(3, 1))


def test_what_waits_is_bounded_and_what_was_dropped_comes_again(monkeypatch):
    monkeypatch.setattr(sequence, "MOST_WAITING", 5)
    author, reader = Sequence("Mutheu"), Sequence("reader")
    first = author.insert(0, "a")
    for number in range(20):
        reader.merge(author.insert(0 if number % 2 else len(author), "b"))
    assert reader.waiting == 5
    reader.merge(first)
    reader.merge(author.since(reader.version))
    assert (reader.text(), reader.waiting) == (author.text(), 0)


def test_runs_that_hang_on_each_other_wait_for_ever_and_harm_nobody():
    reader = Sequence("reader")
    reader.merge(Delta(runs=(Run("Kioko", 0, ("Mutheu", 0), True, "x"), Run("Mutheu", 0, ("Kioko", 0), True, "y"))))
    reader.insert(0, "fine")
    assert (reader.text(), reader.waiting) == ("fine", 2)


def test_a_long_history_of_two_who_take_turns_is_taken_in_soon():
    rng = random.Random(4)
    a, b = Sequence("Kioko"), Sequence("Mutheu")
    for number in range(600):
        who, other = (a, b) if number % 2 else (b, a)
        other.merge(who.insert(rng.randrange(len(who) + 1), "x"))
    assert merged("reader", a).text() == a.text() == b.text()


def test_it_needs_no_framework():
    code = "import sys, offlinefirst.sync.sequence; print([m for m in ('numpy', 'pycrdt') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
