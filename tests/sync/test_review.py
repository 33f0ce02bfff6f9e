"""Nothing that was written apart is lost or chosen by accident, and a decision is an edit like any other."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replicas import Kind, Op, broken_laws, history, machine_of, next_number, spread, standing

from offlinefirst.sync._states import BadStateError
from offlinefirst.sync.errors import SyncError
from offlinefirst.sync.registers import MVRegister
from offlinefirst.sync.review import Option, ReviewedRegister, StaleDecisionError

PLACES, VALUES = ("north/crop", "south/crop"), ("maize", "beans", "sorghum")


def _edit(state, replica, choice, known):
    """Write, or decide if there is something to decide."""
    queue = state.queue()
    if queue and choice % 3:
        wanted = queue[choice % len(queue)]
        place, value = wanted.place, wanted.options[choice % len(wanted.options)].value
        new, delta = state.decide(replica, wanted, value)
    else:
        place, value = PLACES[choice % 2], VALUES[choice // 7 % 3]
        new, delta = state.write(replica, place, value)
    seen = frozenset(op.id for op in known if op.what[0] == place)
    return new, delta, Op(replica, next_number(replica, known), (place, value), seen)


def _view(state):
    return {
        place: sorted({one.value for one in state._options(place)})
        for place in state.places
        if state.places[place].texts
    }


def _expected(known):
    found = {}
    for op in standing(known):
        found.setdefault(op.what[0], set()).add(op.what[1])
    return {place: sorted(values) for place, values in found.items()}


REVIEW = Kind(ReviewedRegister, _edit, _view, _expected)
TestReview = machine_of(REVIEW).TestCase
TestReview.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_laws(seed):
    assert broken_laws(spread(history(REVIEW, seed))) == set()


@pytest.fixture
def contradicting():
    base, _ = ReviewedRegister().write("mutheu", "north/crop", "maize")
    one, _ = base.write("mutheu", "north/crop", "beans")
    other, _ = base.write("kioko", "north/crop", "sorghum")
    third, _ = base.write("wanza", "north/crop", "beans")
    return one.merge(other).merge(third)


def test_both_values_and_their_authors_are_listed(contradicting):
    (found,) = contradicting.queue()
    assert found.place == "north/crop"
    assert found.options == (Option("beans", ("mutheu", "wanza")), Option("sorghum", ("kioko",)))
    assert str(found) == "north/crop: 'beans' (mutheu, wanza) or 'sorghum' (kioko)"
    with pytest.raises(SyncError, match="decide first"):
        contradicting.value("north/crop")


def test_the_queue_is_the_same_whatever_the_order():
    base, _ = ReviewedRegister().write("mutheu", "north/crop", "maize")
    states = [base.write(name, "north/crop", value)[0] for name, value in zip(("a", "b", "c"), VALUES, strict=True)]
    seen = set()
    for order in itertools.permutations(states):
        total = order[0].merge(order[1]).merge(order[2])
        seen.add((total.to_json(), str(total.queue()[0])))
    assert len(seen) == 1


def test_a_decision_settles_it_everywhere_and_says_why(contradicting):
    (found,) = contradicting.queue()
    decided, delta = contradicting.decide("wanza", found, "sorghum", why="asked the farmer")
    assert contradicting.merge(delta) == decided
    assert decided.queue() == []
    assert decided.value("north/crop") == "sorghum"
    (decision,) = ReviewedRegister.from_json(decided.to_json()).decisions()
    assert (decision.officer, decision.value, decision.why) == ("wanza", "sorghum", "asked the farmer")
    assert decision.over == found.options


def test_a_third_value_may_be_decided(contradicting):
    decided, _ = contradicting.decide("wanza", contradicting.queue()[0], "beans and sorghum")
    assert decided.value("north/crop") == "beans and sorghum"


def test_two_decisions_made_apart_are_a_contradiction_again(contradicting):
    (found,) = contradicting.queue()
    one, _ = contradicting.decide("wanza", found, "sorghum")
    other, _ = contradicting.decide("kioko", found, "beans")
    (again,) = one.merge(other).queue()
    assert [option.officers for option in again.options] == [("kioko",), ("wanza",)]
    same, _ = contradicting.decide("kioko", found, "sorghum")
    assert one.merge(same).queue() == []


def test_what_is_written_beside_a_decision_is_not_lost(contradicting):
    news, _ = contradicting.write("kioko", "north/crop", "maize")
    decided, _ = contradicting.decide("wanza", contradicting.queue()[0], "sorghum")
    (again,) = decided.merge(news).queue()
    assert {option.value for option in again.options} == {"sorghum", "maize"}


def test_who_saw_less_than_there_is_cannot_decide(contradicting):
    (found,) = contradicting.queue()
    newer, _ = contradicting.write("kioko", "north/crop", "maize")
    with pytest.raises(StaleDecisionError, match="holds 'maize' by now; look again"):
        newer.decide("wanza", found, "sorghum")
    with pytest.raises(StaleDecisionError, match="holds nothing by now"):
        ReviewedRegister().decide("wanza", found, "sorghum")


def test_what_could_not_be_sent_is_not_written(contradicting):
    for place in (5, None, "\ud800"):
        with pytest.raises(ValueError, match="is no text; nothing was changed"):
            contradicting.write("mutheu", place, "maize")
    with pytest.raises(ValueError, match="why: 5 is no text"):
        contradicting.decide("wanza", contradicting.queue()[0], "maize", why=5)


def test_a_place_nobody_wrote_to_is_empty():
    assert ReviewedRegister().value("north/crop") is None
    assert ReviewedRegister().queue() == []


def test_values_that_only_look_alike_are_different():
    total = ReviewedRegister()
    for name, value in (("mutheu", 1), ("kioko", True), ("wanza", "1")):
        total = total.merge(ReviewedRegister().write(name, "p", value)[0])
    assert len(total.queue()[0].options) == 3


def sent(write):
    register, _ = MVRegister().set("mutheu", write)
    return json.dumps({"p": json.loads(register.to_json())})


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"p": 3}',
        *map(
            sent,
            [
                1,
                {},
                {"value": 1, "more": 2},
                {"value": 1, "why": 2, "over": []},
                {"value": 1, "why": "", "over": {}},
                {"value": 1, "why": "", "over": [[1]]},
                {"value": 1, "why": "", "over": [[1, "mutheu"]]},
                {"value": 1, "why": "", "over": [[1, [2]]]},
            ],
        ),
    ],
)
def test_what_somebody_sent_is_checked(text):
    with pytest.raises(BadStateError, match="nothing was merged"):
        ReviewedRegister.from_json(text)
    assert ReviewedRegister.from_json(sent({"value": 1, "why": "", "over": [[1, ["kioko"]]]})).decisions()
