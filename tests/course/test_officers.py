"""The model under the live register, and the Python half of its widget; the browser is in tests/e2e."""

import json
import random
from datetime import date

import pytest

from offlinefirst.course.officers import FIELD, FIELDS, MARKET, OFFICERS, Moved, Officers, Sent, describe
from offlinefirst.sync.documents import CONDITIONS, DocumentError


@pytest.fixture
def officers():
    return Officers(today=lambda: date(2026, 6, 1))


@pytest.fixture
def apart(officers):
    for name in OFFICERS:
        officers.go(name, FIELD)
    return officers


def values(officers, field):
    return [officers.value(name, field) for name in OFFICERS]


def test_they_begin_at_the_market_and_agree(officers):
    assert set(officers.places.values()) == {MARKET}
    assert officers.agree()
    assert values(officers, "crop") == ["maize"] * 3
    assert officers.events == []
    assert officers.bytes_sent() == 0


def test_at_the_market_everybody_knows_at_once(officers):
    officers.edit("Kioko", "crop", "beans")
    assert values(officers, "crop") == ["beans"] * 3
    assert {officers.who(name, "crop") for name in OFFICERS} == {"Kioko"}
    assert officers.bytes_sent() > 0


def test_in_the_field_nobody_else_knows(apart):
    apart.edit("Kioko", "crop", "beans")
    assert values(apart, "crop") == ["maize", "beans", "maize"]
    assert [apart.lacks(name) for name in OFFICERS] == [2, 0, 2]  # the edit, and that this client is Kioko
    assert apart.bytes_sent() == 0
    assert not apart.agree()


def test_an_edit_in_the_field_stays_there_while_others_are_at_the_market(officers):
    officers.go("Kioko", FIELD)
    officers.edit("Kioko", "crop", "beans")
    assert values(officers, "crop") == ["maize", "beans", "maize"]
    officers.edit("Wanza", "crop", "sorghum")
    assert values(officers, "crop") == ["sorghum", "beans", "sorghum"]


def test_bags_counted_apart_add_up_and_never_conflict(apart):
    for name, bags in zip(OFFICERS, (2, 3, 4), strict=True):
        apart.edit(name, "bags", bags)
    for name in OFFICERS:
        apart.go(name, MARKET)
    assert values(apart, "bags") == [9] * 3
    assert [apart.hidden(name, "bags") for name in OFFICERS] == [[]] * 3


def conflict(apart):
    apart.edit("Mutheu", "condition", "stressed")
    apart.edit("Kioko", "condition", "diseased")
    apart.go("Mutheu", MARKET)
    apart.go("Kioko", MARKET)


def test_two_values_written_apart_are_a_conflict_that_the_register_does_not_show(apart):
    conflict(apart)
    shown = {apart.value(name, "condition") for name in ("Mutheu", "Kioko")}
    assert len(shown) == 1
    for name in ("Mutheu", "Kioko"):
        (hidden,) = apart.hidden(name, "condition")
        assert {hidden.value, *shown} == {"stressed", "diseased"}
        assert hidden.officer != apart.who(name, "condition")
    assert apart.hidden("Wanza", "condition") == []  # she has heard of neither


def test_a_decision_is_an_edit_that_knew_both(apart):
    conflict(apart)
    apart.edit("Mutheu", "condition", "lost")
    assert apart.hidden("Kioko", "condition") == []
    apart.go("Wanza", MARKET)
    assert apart.hidden("Wanza", "condition") == []
    assert values(apart, "condition") == ["lost"] * 3


def test_an_edit_that_knew_only_one_of_two_decides_nothing(apart):
    conflict(apart)
    apart.edit("Wanza", "condition", "lost")  # in the field, having heard of neither
    apart.go("Wanza", MARKET)
    written = {"stressed", "diseased", "lost"}
    for name in OFFICERS:
        hidden = {one.value for one in apart.hidden(name, "condition")}
        assert hidden == written - {apart.value(name, "condition")}


def test_the_same_value_twice_is_no_conflict(apart):
    apart.edit("Mutheu", "condition", "stressed")
    apart.edit("Kioko", "condition", "stressed")
    apart.go("Mutheu", MARKET)
    apart.go("Kioko", MARKET)
    assert apart.hidden("Kioko", "condition") == []


def test_random_stories_end_in_agreement_and_only_concurrent_writes_conflict():
    for seed in range(15):
        rng, officers = random.Random(seed), Officers(today=lambda: date(2026, 6, 1))
        for _ in range(25):
            name = rng.choice(OFFICERS)
            if rng.random() < 0.4:
                officers.go(name, rng.choice((FIELD, MARKET)))
            elif rng.random() < 0.3:
                officers.edit(name, "bags", rng.randint(1, 5))
            else:
                officers.edit(name, "condition", rng.choice(CONDITIONS))
            json.dumps(officers.snapshot())
        for name in OFFICERS:
            officers.go(name, MARKET)
        assert officers.agree()
        assert [officers.lacks(name) for name in OFFICERS] == [0, 0, 0]
        views = {str(sorted(str(one) for one in officers.hidden(name, "condition"))) for name in OFFICERS}
        assert len(views) == 1
        officers.edit("Wanza", "condition", "healthy")
        assert officers.hidden("Kioko", "condition") == []


def test_bytes_are_those_of_the_messages(apart):
    apart.edit("Wanza", "note", "x" * 400)
    apart.go("Mutheu", MARKET)
    apart.go("Wanza", MARKET)
    (sent,) = [one for one in apart.events if isinstance(one, Sent) and one.changes]
    assert (sent.sender, sent.receiver, sent.changes) == ("Wanza", "Mutheu", 2)
    assert 400 < sent.update_bytes < 500
    assert sent.state_vector_bytes == 3


def test_what_cannot_be_is_refused_and_nothing_happens(officers):
    before = officers.snapshot()
    for bad in (("Mutheu", "condition", "blue"), ("Mutheu", "bags", None), ("Mutheu", "colour", "red")):
        with pytest.raises(DocumentError):
            officers.edit(*bad)
    for bad in (("Juma", MARKET), ("Mutheu", "moon")):
        with pytest.raises(ValueError, match="cannot go"):
            officers.go(*bad)
    with pytest.raises(ValueError, match="no officer"):
        officers.edit("Juma", "crop", "beans")
    assert officers.snapshot() == before


def test_going_where_one_is_is_no_event(officers):
    officers.go("Mutheu", MARKET)
    assert officers.events == []


def test_the_story_is_told_in_words(apart):
    conflict(apart)
    told = [describe(event) for event in apart.events]
    assert told[0] == "1. Mutheu goes to the field"
    assert "4. Mutheu writes condition: stressed" in told
    assert any(line.startswith("7. Kioko to Mutheu: ") and line.endswith("changes new") for line in told)
    assert apart.events[0] == Moved(1, "Mutheu", FIELD)
    apart.edit("Kioko", "bags", -2)
    assert any(describe(event).endswith("Kioko takes back 2 bags") for event in apart.events)


def test_the_story_is_drawn_however_long_it_is(officers):
    for step in range(60):
        officers.edit(OFFICERS[step % 3], "bags", 1)
    texts = [text.get_text() for axis in officers.draw().axes for text in axis.texts]
    assert any("bags: 60" in text for text in texts)
    assert sum("+1 bags" in text for text in texts) <= 23
    assert not any("CONFLICT" in text for text in texts)


def test_a_conflict_is_in_the_picture(apart):
    conflict(apart)
    texts = [text.get_text() for axis in apart.draw("A title").axes for text in axis.texts]
    assert sum("CONFLICT, not shown" in text for text in texts) == 2
    assert apart.draw("A title").axes[0].get_title(loc="left") == "A title"
    apart.edit("Mutheu", "crop", "beans")
    apart.edit("Wanza", "crop", "sorghum")
    apart.edit("Wanza", "note", "x" * 60)
    apart.go("Wanza", MARKET)
    texts = [text.get_text() for axis in apart.draw().axes for text in axis.texts]
    assert sum("crop: sorghum (Wanza)\n   CONFLICT, not shown: beans (Mutheu)" in text for text in texts) == 3
    assert not any("x" * 20 in text for text in texts)


def test_the_widget_does_what_the_page_says_and_checks_it(officers):
    from offlinefirst.course.officers_widget import OfficersWidget

    widget = OfficersWidget(officers)
    assert widget.do({"do": "go", "officer": "Kioko", "place": "field"}) == ""
    assert officers.places["Kioko"] == FIELD
    assert widget.do({"do": "edit", "officer": "Kioko", "field": "crop", "value": "beans"}) == ""
    assert officers.value("Kioko", "crop") == "beans"
    for odd in (
        None,
        "go",
        {},
        {"do": "go", "officer": "Juma", "place": "field"},
        {"do": "go", "officer": "Kioko"},
        {"do": "edit", "officer": "Kioko", "field": "__class__", "value": 1},
        {"do": "edit", "officer": "Kioko", "field": "note", "value": {"a": 1}},
        {"do": "edit", "officer": "Kioko", "field": "note"},
        {"do": "edit", "officer": "Kioko", "field": "bags", "value": float("nan")},
    ):
        before = officers.snapshot()
        assert widget.do(odd) != ""
        assert officers.snapshot() == before


def test_the_page_is_told_what_became_of_it(officers):
    from offlinefirst.course.officers_widget import OfficersWidget

    widget = OfficersWidget(officers)
    widget._told(widget, {"do": "edit", "officer": "Kioko", "field": "condition", "value": "blue"}, [])
    assert "must be one of healthy" in widget.state["refused"]
    widget._told(widget, {"do": "edit", "officer": "Kioko", "field": "condition", "value": "lost"}, [])
    assert widget.state["refused"] == ""
    assert widget.state["officers"][1]["fields"]["condition"]["by"] == "Kioko"
    assert set(widget.state["officers"][0]["fields"]) == set(FIELDS)


def test_the_script_is_local_and_loads_nothing(officers):
    from offlinefirst.course.officers_widget import OfficersWidget

    script, style = str(OfficersWidget._esm), str(OfficersWidget._css)
    assert "export default" in script
    for text in (script, style):
        assert "http" not in text
        assert "import" not in text
        assert "url(" not in text
