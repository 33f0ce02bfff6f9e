"""The season simulator: the same season for all, faults that really happen, and figures that mean what they say."""

import json
from collections import Counter
from functools import cache

import pytest

from offlinefirst.sync.season import (
    CRITERIA,
    OFFICE,
    SEED,
    WEIGHTS,
    Card,
    FirstWrite,
    NaiveLastWrite,
    ReviewAll,
    SeasonError,
    Strategy,
    dominates,
    draw,
    mean,
    play,
    score_card,
    timeline,
    total,
)

SEEDS = range(3)
BASELINES = (NaiveLastWrite, FirstWrite, ReviewAll)


class History(Strategy):
    """Keeps every edit with what its phone had seen, and decides when it is asked: loses nothing, asks often."""

    def __init__(self, phone, stock, share):
        super().__init__(phone, stock, share)
        self.state = {"edits": {}, "revoked": {}}

    def write(self, edit):
        seen = sorted(other["id"] for other in self.state["edits"].values() if other["place"] == edit["place"])
        self.state["edits"][edit["id"]] = {**edit, "seen": seen}

    def have(self):
        highest = {}
        for edit in self.state["edits"].values():
            highest[edit["phone"]] = max(edit["number"], highest.get(edit["phone"], 0))
        return highest

    def since(self, have):
        new = {k: e for k, e in self.state["edits"].items() if e["number"] > (have or {}).get(e["phone"], 0)}
        return {"edits": new, "revoked": self.state["revoked"]}

    def merge(self, received):
        self.state["edits"] |= received["edits"]
        self.state["revoked"] |= received["revoked"]

    def revoke(self, phone, last):
        self.state["revoked"][phone] = last

    def at(self, place):
        last = self.state["revoked"]
        here = [edit for edit in self.state["edits"].values() if edit["place"] == place]
        return [edit for edit in here if edit["number"] <= last.get(edit["phone"], edit["number"])]

    def standing(self, place):
        edits = self.at(place)
        seen = {key for edit in edits for key in edit["seen"]}
        return sorted((edit for edit in edits if edit["id"] not in seen), key=lambda edit: edit["id"])

    def visible(self, place):
        edits = self.at(place)
        if place == SEED:
            return self.stock - sum(edit["value"] for edit in edits)
        if place.endswith("/harvest"):
            return sum(edit["value"] for edit in edits)
        if place.endswith("/photos"):
            gone = {edit["value"] for edit in edits if edit["kind"] == "detach"}
            return [edit["value"] for edit in edits if edit["kind"] == "attach" and edit["value"] not in gone]
        values = [edit["value"] for edit in self.standing(place)]
        return " / ".join(values) if place.endswith("/note") else values[0] if values else None

    def may_give(self, bags):
        own = sum(edit["value"] for edit in self.at(SEED) if edit["phone"] == self.phone)
        return own + bags <= self.share

    def reviews(self):
        places = {edit["place"] for edit in self.state["edits"].values()}
        register = [place for place in places if place.split("/")[-1] not in ("note", "harvest", "photos", SEED)]
        return [place for place in register if len({edit["value"] for edit in self.standing(place)}) > 1]


def changed(**methods):
    """A history with some of its methods replaced."""
    return type("Changed", (History,), methods)


@cache
def played(strategy, seed=0):
    return play(draw(seed), strategy)


def card(strategy, seed=0):
    return played(strategy, seed).card


def test_a_seed_decides_the_season_and_another_seed_another():
    one, same, other = draw(5), draw(5), draw(6)
    assert one.events == same.events
    assert one.edits == same.edits
    assert one.story == same.story
    assert one.edits != other.edits


@pytest.mark.parametrize("seed", SEEDS)
def test_what_goes_wrong_in_a_season(seed):
    season = draw(seed)
    assert [event.minute for event in season.events] == sorted(event.minute for event in season.events)
    kinds = Counter(event.kind for event in season.events)
    assert kinds["lost"] == 1
    assert kinds["revoke"] == 1
    assert kinds["join"] == 7  # the office, four phones, and two that replace others
    assert any(event.kind == "meet" and event.key == "one" for event in season.events)
    assert "'s phone falls into the river" in " ".join(season.story)
    clocks = [edit["clock"] for edit in season.edits]
    assert min(clocks) < -10 * 365 * 1440  # somebody's clock said 2015
    assert max(clocks) > 3 * 365 * 1440  # and the thief's is years ahead


def test_some_stick_is_read_twice_and_some_late():
    packed, reads, waits = {}, Counter(), []
    for seed in SEEDS:
        for event in draw(seed).events:
            if event.kind == "pack":
                packed[seed, event.key] = event.minute
            elif event.kind == "unpack":
                reads[seed, event.key] += 1
                waits.append(event.minute - packed[seed, event.key])
    assert max(reads.values()) == 2
    assert max(waits) > 10 * 1440


@pytest.mark.parametrize("seed", SEEDS)
def test_edits_of_a_phone_are_numbered_and_nobody_sees_the_future(seed):
    plan = draw(seed)._calendar.plan
    latest = {}
    for key, entry in plan.entries.items():
        edit = entry.edit
        assert edit["id"] == key == f"{edit['phone']}:{edit['number']}"
        assert edit["number"] == latest.get(edit["phone"], 0) + 1
        latest[edit["phone"]] = edit["number"]
        for other in entry.saw:
            assert plan.entries[other].edit["place"] == edit["place"]
            assert plan.entries[other].minute <= entry.minute


@pytest.mark.parametrize("seed", SEEDS)
def test_the_thief_writes_on_a_phone_that_had_honest_edits_before(seed):
    calendar = draw(seed)._calendar
    stolen = [entry for entry in calendar.plan.entries.values() if entry.edit["phone"] == calendar.stolen]
    assert {entry.edit["number"] <= calendar.last for entry in stolen if entry.honest} == {True}
    assert {entry.edit["number"] > calendar.last for entry in stolen if not entry.honest} == {True}
    revoked = next(event.minute for event in draw(seed).events if event.kind == "revoke")
    assert any(entry.minute < revoked for entry in stolen if not entry.honest)
    assert any(entry.minute > revoked for entry in stolen if not entry.honest)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_loses_nothing_and_keeps_every_promise(seed):
    outcome = played(History, seed)
    found = outcome.card
    assert (found.disagree, found.bags_off, found.thief, found.overdrawn) == (0, 0, 0, 0)
    assert found.lost == 0
    assert all("a slip that nobody put right" in trouble.words for trouble in outcome.troubles), outcome.troubles
    assert 0 < found.reviews < 40


@pytest.mark.parametrize("strategy", BASELINES)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_baselines_agree_among_themselves_and_cost_more(strategy, seed):
    theirs, ours = card(strategy, seed), card(History, seed)
    assert theirs.disagree == 0
    assert theirs.overdrawn > 0
    assert total(theirs, WEIGHTS) > 2 * total(ours, WEIGHTS)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_each_baseline_is_bad_at(seed):
    naive, first, review = (card(strategy, seed) for strategy in BASELINES)
    assert naive.lost > 20
    assert naive.thief > 0
    assert first.lost > 5
    assert first.reviews == naive.reviews == 0
    assert review.reviews > 5 * card(History, seed).reviews


def test_a_season_played_twice_gives_the_same_card_and_troubles():
    season = draw(2)
    once, again = play(season, NaiveLastWrite), play(season, NaiveLastWrite)
    assert once.card == again.card
    assert once.troubles == again.troubles
    assert {trouble.criterion for trouble in once.troubles} <= set(CRITERIA)


def test_dropping_all_edits_of_the_stolen_phone_loses_its_officers_work():
    found = card(changed(at=drop_phone))
    assert found.lost + found.wrong + found.bags_off > card(History).wrong
    assert found.lost > 0


def drop_phone(self, place):
    return [e for e in self.state["edits"].values() if e["place"] == place and e["phone"] not in self.state["revoked"]]


def test_a_strategy_that_ignores_the_revocation_keeps_the_thiefs_words():
    assert card(changed(revoke=lambda self, phone, last: None)).thief > 0


def test_a_strategy_that_never_gives_refuses_the_whole_stock():
    found = card(changed(may_give=lambda self, bags: False))
    assert (found.refused, found.overdrawn) == (60, 0)


def test_a_strategy_that_always_gives_promises_what_is_not_there():
    found = card(changed(may_give=lambda self, bags: True))
    assert found.refused == 0
    assert found.overdrawn > 20


def test_a_phone_that_takes_nothing_in_disagrees():
    def deaf(self, received):
        if self.phone.startswith("mutheu") and self.state["edits"]:
            return
        History.merge(self, received)

    outcome = play(draw(1), changed(merge=deaf))
    assert outcome.card.disagree > 5
    said = next(str(trouble) for trouble in outcome.troubles if trouble.criterion == "disagree")
    assert "mutheu" in said


def test_a_phone_that_restarts_is_made_anew_and_gets_nothing_but_its_state():
    made = []

    class Forgetful(NaiveLastWrite):
        def __init__(self, phone, stock, share):
            super().__init__(phone, stock, share)
            self.beside = "nothing"
            made.append(self)

        def write(self, edit):
            super().write(edit)
            self.beside = "kept beside the state"

    season = draw(0)
    outcome = play(season, Forgetful)
    kinds = Counter(event.kind for event in season.events)
    assert kinds["restart"] > 0
    assert len(made) == kinds["join"] + kinds["restart"]
    assert outcome.card == card(NaiveLastWrite)
    last = [event for event in season.events if event.kind == "restart"][-1]
    began = [strategy for strategy in made if strategy.phone == last.phone][-1]
    wrote = any(e.kind == "write" and e.phone == last.phone and e.minute > last.minute for e in season.events)
    assert began.beside == ("kept beside the state" if wrote else "nothing")
    assert began.state


def test_photos_that_come_back_and_photos_that_vanish_are_counted():
    def back(self, place):
        if place.endswith("/photos"):
            return [edit["value"] for edit in self.at(place) if edit["kind"] == "attach"]
        return History.visible(self, place)

    outcome = play(draw(0), changed(visible=back))
    assert any("the photo is back" in trouble.words for trouble in outcome.troubles)
    none = changed(visible=lambda self, place: [] if place.endswith("/photos") else History.visible(self, place))
    assert any("the photo is gone" in trouble.words for trouble in play(draw(0), none).troubles)


def test_harvest_that_is_added_up_on_every_merge_is_miscounted():
    class Adding(NaiveLastWrite):
        def merge(self, received):
            before = {place: entry[-1] for place, entry in self.state.items() if place.endswith("/harvest")}
            super().merge(received)
            for place, entry in received.items():
                if place.endswith("/harvest"):
                    self.state[place] = [*self.state[place][:3], before.get(place, 0) + entry[-1]]

    assert card(Adding).bags_off > 100


def test_messages_are_counted_in_bytes_of_json():
    silent = changed(have=lambda self: None, since=lambda self, have: {"edits": {}, "revoked": {}})
    season = draw(0)
    outcome = play(season, silent)
    messages = sum({"meet": 2 if event.key == "both" else 1, "unpack": 1}.get(event.kind, 0) for event in season.events)
    assert outcome.card.kilobytes == pytest.approx(messages * len('{"edits":{},"revoked":{}}') / 1000)


def test_a_delta_costs_fewer_bytes_and_changes_nothing_else():
    whole, spared = card(changed(have=lambda self: None)), card(History)
    assert spared.kilobytes < whole.kilobytes / 2
    names = CRITERIA[:-1]
    assert [getattr(spared, name) for name in names] == [getattr(whole, name) for name in names]


@pytest.mark.parametrize(
    ("state", "words"),
    [({"x": (1, 2)}, "a tuple becomes a list"), ({"x": {1, 2}}, "cannot be sent"), ({1: 2}, "texts")],
)
def test_what_json_cannot_hold_is_refused_with_the_phones_name(state, words):
    with pytest.raises(SeasonError, match=words):
        play(draw(0), changed(since=lambda self, have: state))


def test_a_review_of_no_place_is_refused():
    with pytest.raises(SeasonError, match="'area', which is no place"):
        play(draw(0), changed(reviews=lambda self: ["area"]))


def test_an_answer_of_the_office_reaches_the_strategy_as_a_set_with_the_truth():
    answers = []

    def write(self, edit):
        if self.phone == OFFICE and edit["clock"] > 0:
            answers.append(edit)
        History.write(self, edit)

    season = draw(0)
    found = play(season, changed(write=write)).card
    assert len(answers) == found.reviews > 0
    assert {edit["kind"] for edit in answers} == {"set"}
    numbers = [edit["number"] for edit in answers]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_moments_are_states_of_phones_under_way():
    moments = played(History).moments
    assert len(moments) > 4
    assert all(json.loads(json.dumps(state)) == state for _, state in moments)
    sizes = {len(state["edits"]) for _, state in moments}
    assert len(sizes) > 3


@pytest.mark.parametrize("arguments", [{"days": 30}, {"plots": 2}])
def test_a_season_that_is_too_small_is_refused(arguments):
    with pytest.raises(ValueError, match="at least 75 days and 4 plots"):
        draw(0, **arguments)


def made(**values):
    return Card(**({name: 1.0 for name in CRITERIA} | values))


def test_totals_means_and_dominance():
    assert total(made(), dict.fromkeys(CRITERIA, 2)) == 2 * len(CRITERIA)
    assert mean([made(lost=1), made(lost=4)]).lost == 2.5
    assert dominates(made(lost=0), made())
    assert not dominates(made(), made())
    assert not dominates(made(lost=0, reviews=2), made())
    assert set(WEIGHTS) == set(CRITERIA)


def test_the_score_card_says_that_it_is_simulated_and_who_is_beaten_in_everything():
    figure = score_card({"good": made(lost=0), "bad": made()}, WEIGHTS, title="Two")
    assert "simulated" in figure.get_suptitle()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["good", "bad\n(never better than good)"]


def test_the_timeline_shows_every_phone_and_what_befell_it():
    season = draw(3)
    figure = timeline(season.events, days=90, title="A season")
    axis = figure.axes[0]
    assert "simulated" in axis.get_title()
    assert {label.get_text() for label in axis.get_yticklabels()} == {
        e.phone for e in season.events if e.kind == "join"
    }
    assert {"lost", "stolen", "revoked"} <= {text.get_text() for text in axis.texts}
