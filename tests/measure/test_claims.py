"""The ledger, its rules and its verdicts: each outcome, and each wrong use, in tables."""

import json
import math

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.measure import claims
from offlinefirst.measure.claims import at_least, at_most, each, holds_if, not_testable, within
from offlinefirst.measure.errors import LedgerError, MeasurementError, RuleError, UnknownClaimError

GOOD = """
[one]
claim = "One is one."
source = "000_x.txt"
chapter = 1
tested = "Count."
figures = [{ what = "count", low = 1, high = 2, unit = "parts" }]
"""


def twice(value):
    """Twice the figure."""
    return value >= 2


def never_the_same(value, seen=[]):  # noqa: B006 - the state is the point
    seen.append(value)
    return len(seen) % 2 == 0


WHERE = holds_if("if the CPU has VNNI", at_least(2), where="vnni", elsewhere="old")
OUTCOMES = [
    (2, within(2, 4), "reproduced", ""),
    (4, within(2, 4), "reproduced", ""),
    (4.001, within(2, 4), "not reproduced", ""),
    (1.999, within(2, 4), "not reproduced", ""),
    (7, at_most(7), "reproduced", ""),
    (7.1, at_most(7), "not reproduced", ""),
    (7, at_least(7), "reproduced", ""),
    (6.9, at_least(7), "not reproduced", ""),
    (np.float32(3), within(2, 4), "reproduced", ""),
    (np.int64(5), within(2, 4), "not reproduced", ""),
    ({"a": 1, "b": 9}, each({"a": at_most(1), "b": at_least(9)}), "reproduced", ""),
    ({"a": 1, "b": 8}, each({"a": at_most(1), "b": at_least(9)}), "not reproduced", ""),
    ({"vnni": 3, "old": 2}, WHERE, "reproduced", ""),
    ({"vnni": 3, "old": 1}, WHERE, "holds with a condition", "if the CPU has VNNI"),
    ({"vnni": 1, "old": 1}, WHERE, "not reproduced", ""),
    ({"vnni": 1, "old": 3}, WHERE, "not reproduced", ""),
    (2, twice, "reproduced", ""),
    (1, twice, "not reproduced", ""),
    (1, lambda value: "holds with a condition" if value else "not reproduced", "holds with a condition", "<lambda>"),
    ({"a": 1, "b": 2}, lambda numbers: numbers["a"] < numbers["b"], "reproduced", ""),
    (None, not_testable("needs a phone's NPU"), "not testable here", "needs a phone's NPU"),
]


@pytest.mark.parametrize(("measured", "rule", "outcome", "condition"), OUTCOMES)
def test_the_outcome_follows_from_the_number(measured, rule, outcome, condition):
    found = claims.verdict("resume-code", measured=measured, rule=rule)
    assert (found.outcome, found.condition) == (outcome, condition)
    assert claims.Verdict.from_dict(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize(
    ("measured", "says"),
    [
        (math.nan, "measured is nan, not a finite number"),
        (math.inf, "not a finite number"),
        (np.float64("nan"), "not a finite number"),
        (True, "measured is True"),
        (np.bool_(True), "not a finite number"),
        ("fast", "measured is 'fast'"),
        ([1, 2], "not a finite number"),
        ({"a": None}, "a is None"),
        ({1: 2}, "not a finite number"),
        ({}, "empty"),
        ({"a": 1, "b": 2}, "looks at one number; measured: a, b"),
        (None, "nothing was measured"),
        (-1, "outside 0 to inf"),
    ],
)
def test_what_is_no_measurement_is_refused(measured, says):
    with pytest.raises(MeasurementError, match=says):
        claims.verdict("resume-code", measured=measured, rule=within(2, 4), unit="bytes")


@pytest.mark.parametrize(
    ("measured", "rule", "says"),
    [
        (1, not_testable("no phone"), "it is testable here"),
        ({"a": 1}, each({"a": at_most(1), "b": at_most(1)}), "the rule looks at a, b; measured: a"),
        ({"a": 1}, WHERE, "the rule looks at vnni, old"),
        (1, each({"a": at_most(1)}), "the rule looks at a; measured: measured"),
    ],
)
def test_a_measurement_that_the_rule_does_not_look_at_is_refused(measured, rule, says):
    with pytest.raises(MeasurementError, match=says):
        claims.verdict("resume-code", measured=measured, rule=rule)


@pytest.mark.parametrize(
    "make",
    [
        lambda: within(-math.inf, math.inf),
        lambda: within(4, 2),
        lambda: within(math.nan, 2),
        lambda: at_least(-math.inf),
        lambda: at_most(math.inf),
        lambda: at_most(math.nan),
        lambda: each({}),
        lambda: holds_if(" ", at_least(2), where="a", elsewhere="b"),
        lambda: holds_if("if", at_least(2), where="a", elsewhere="a"),
        lambda: not_testable(""),
    ],
)
def test_a_rule_that_says_nothing_cannot_be_made(make):
    with pytest.raises(RuleError):
        make()


@pytest.mark.parametrize(
    ("measured", "rule", "options", "says"),
    [
        (5, at_least(0), {"unit": "bytes"}, "cannot fail from 0 to inf bytes"),
        (5, within(-1, math.inf), {"unit": "hours of wage"}, "cannot fail"),
        (50, within(0, 100), {"unit": "percent", "possible": (0, 100)}, "cannot fail from 0 to 100 percent"),
        ({"a": 5, "b": 1}, each({"a": at_least(0), "b": at_least(1)}), {"unit": "s"}, "cannot fail"),
        (5, lambda value: True, {}, "cannot fail"),
        (5, lambda value: value * 0 == 0, {}, "cannot fail"),
        (5, lambda value: value >= 0, {"unit": "MB"}, "cannot fail"),
        (5, lambda value: "looks fine to me", {}, "this one gave 'looks fine to me'"),
        (5, lambda value: "not testable here", {}, "gives True, False or one of"),
        (5, lambda value: None, {}, "gave None"),
        (5, "reproduced", {}, "a rule is a function of the measurement"),
        (5, never_the_same, {}, "for the same measurement"),
    ],
)
def test_a_rule_that_cannot_decide_is_refused(measured, rule, options, says):
    with pytest.raises(RuleError, match=says):
        claims.verdict("resume-code", measured=measured, rule=rule, **options)


def test_an_unknown_claim_lists_those_there_are():
    with pytest.raises(UnknownClaimError, match=r"'resume'; the ledger holds resume-code, .*data-cost"):
        claims.verdict("resume", measured=1, rule=within(0, 2))


def test_the_ledger_holds_the_first_claims_and_the_whole_constraint_table():
    ledger = claims.load()
    figures = {(figure.low, figure.high, figure.unit) for one in ledger.values() for figure in one.figures}
    table = {(0.5, 8, "Mbps"), (0.5, 3, "USD per GB"), (0.15, 0.15, "USD per hour"), (60, 85, "percent")}
    table |= {(12, 20, "hours per day"), (2, 4, "GB"), (16, 64, "GB")}
    assert table <= figures
    assert {(1_048_576, 1_048_576, "bytes"), (30, 30, "s")} <= figures
    assert {"resume-code", "data-cost"} <= set(ledger)
    documents = {"000_e6f6e117f6d19288.txt", "001_a409f0a2aa6dbe76.txt", "002_4296e9f1c300415a.txt"}
    assert {one.source for one in ledger.values()} == documents


@pytest.mark.parametrize(
    ("part", "instead", "says"),
    [
        ("chapter = 1", "chapter = 19", r"\[one\] chapter is a whole number"),
        ("chapter = 1", "chapter = true", "chapter is a whole number"),
        ("chapter = 1", "", r"\[one\] lacks or does not know chapter"),
        ("chapter = 1", "chapter = 1\ncolour = 2", "colour"),
        ('"One is one."', '" "', "texts that say something"),
        ('"One is one."', "1", "texts that say something"),
        ("low = 1", "low = 3", "count: low and high"),
        ("low = 1", "low = nan", "count: low and high"),
        (', unit = "parts"', "", "a figure has the keys"),
        ("[one]", "one = 1\n[two]", r"\[one\] lacks"),
        ("[one]", "[one", "cannot be read"),
    ],
)
def test_a_broken_ledger_names_the_claim(tmp_path, part, instead, says):
    assert part in GOOD
    path = tmp_path / "claims.toml"
    path.write_text(GOOD, "utf-8")
    assert list(claims.load(path)) == ["one"]
    path.write_text(GOOD.replace(part, instead), "utf-8")
    with pytest.raises(LedgerError, match=says):
        claims.load(path)


def test_a_missing_ledger_says_so(tmp_path):
    with pytest.raises(LedgerError, match="cannot be read"):
        claims.load(tmp_path / "none.toml")


def test_claim_and_measurement_stand_side_by_side_with_units():
    found = claims.verdict("data-cost", measured=20.0, unit="hours of wage per GB", rule=at_most(20))
    for text in (str(found), found._repr_html_()):
        for words in ("0.15 USD per hour", "20 hours of wage per GB", "at most 20", "reproduced", "A gigabyte costs"):
            assert words in text
    assert str(found) == str(claims.verdict("data-cost", measured=20.0, unit="hours of wage per GB", rule=at_most(20)))


def test_what_comes_from_outside_is_escaped_in_html():
    found = claims.verdict("data-cost", measured={"<b>": 1.0}, unit="<i>", rule=each({"<b>": at_most(2)}))
    assert "<b>" not in found._repr_html_()
    assert "<i>" not in found._repr_html_()


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_within_agrees_with_comparison(low, high, value):
    low, high = min(low, high), max(low, high)
    outcome = claims.verdict("resume-code", measured=value, rule=within(low, high)).outcome
    assert outcome == ("reproduced" if low <= value <= high else "not reproduced")


def notebook_of(path, *bundles):
    cells = [nbformat.v4.new_markdown_cell("# T")]
    for bundle in bundles:
        output = nbformat.v4.new_output("display_data", data=bundle)
        cells.append(nbformat.v4.new_code_cell("show", outputs=[output]))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_verdicts_come_back_out_of_a_stored_notebook_in_order(tmp_path):
    first = claims.verdict("resume-code", measured=7.0, rule=at_most(3), unit="bytes")
    second = claims.verdict("data-cost", measured={"vnni": 3.0, "old": 1.0}, rule=WHERE)
    bundles = [first._repr_mimebundle_(), {"text/plain": "x"}, second._repr_mimebundle_()]
    assert claims.gather(notebook_of(tmp_path / "a.ipynb", *bundles)) == [first, second]


def test_ipython_shows_the_bundle():
    from IPython.core.interactiveshell import InteractiveShell

    found = claims.verdict("resume-code", measured=7, rule=at_most(3), unit="bytes")
    data, _ = InteractiveShell().display_formatter.format(found)
    assert data[claims.MIME] == found.as_dict()
    assert data["text/plain"] == str(found)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"outcome": "splendid"}, "outcome 'splendid'"),
        ({"measured": {"measured": "much"}}, "no number"),
        ({"measured": {"measured": math.nan}}, "no number"),
        ({"measured": 7}, "measured is 7"),
        ({"chapter": "two"}, "chapter is 'two'"),
        ({"extra": 1}, "unknown keys: extra"),
        ({"rule": None}, "rule is None"),
    ],
)
def test_a_damaged_stored_verdict_is_named(tmp_path, change, says):
    good = claims.verdict("resume-code", measured=7, rule=at_most(3)).as_dict()
    path = notebook_of(tmp_path / "a.ipynb", {claims.MIME: {**good, **change}})
    with pytest.raises(LedgerError, match=rf"a\.ipynb.*{says}"):
        claims.gather(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": [1]}', '{"cells": [{"outputs": [1]}]}'])
def test_what_is_no_notebook_is_named(tmp_path, text):
    path = tmp_path / "a.ipynb"
    path.write_text(text, "utf-8")
    with pytest.raises(LedgerError, match=r"a\.ipynb cannot be read"):
        claims.gather(path)
