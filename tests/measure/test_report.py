"""A report goes through JSON and back whole, and a damaged one is believed in nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import REPORT, RUN, report

from offlinefirst.measure.errors import ReportError
from offlinefirst.measure.report import Report
from offlinefirst.measure.stored import SCHEMA


def test_it_tells_what_the_samples_say():
    times_s = np.arange(1, 101) / 1000
    assert REPORT.samples_s == pytest.approx(tuple(times_s))
    for q, told in ((50, REPORT.p50_s), (90, REPORT.p90_s), (95, REPORT.p95_s), (99, REPORT.p99_s)):
        assert told == pytest.approx(np.percentile(times_s, q))
    assert (REPORT.load_s, REPORT.first_s, REPORT.import_s) == pytest.approx((0.02, 0.005, 0.09))
    assert REPORT.peak_rss_bytes == 70_000_000
    assert REPORT.cpu_share == pytest.approx(0.5)


def test_several_processes_are_one_report():
    slow = replace(RUN, load_ns=40_000_000, steady_ns=(7_000_000,), peak_rss_bytes=80_000_000)
    both = replace(REPORT, runs=(RUN, slow))
    assert len(both.samples_s) == 101
    assert both.load_s == pytest.approx(0.03)
    assert both.peak_rss_bytes == 80_000_000
    assert REPORT.with_runs_of(replace(REPORT, runs=(slow,), notes=("another",))) == replace(
        both, notes=("a note", "another")
    )
    with pytest.raises(ReportError, match=r"leaf\.onnx cannot be joined: profile, threads differ"):
        REPORT.with_runs_of(replace(REPORT, profile="phone-4gb", threads=2))


def test_energy_is_a_number_only_where_every_process_has_one():
    known = replace(RUN, energy_j=2.0)
    assert REPORT.energy_j_per_call is None
    assert replace(REPORT, runs=(known, known)).energy_j_per_call == pytest.approx(0.02)
    assert replace(REPORT, runs=(known, RUN)).energy_j_per_call is None
    assert "20.00 mJ a call" in str(replace(REPORT, runs=(known,), energy_absent=None))
    assert "not known: this machine shows no energy counters" in str(REPORT)


def test_the_text_has_the_numbers_and_the_notes():
    for words in ("leaf.onnx on phone-2gb (onnxruntime)", "20.00 ms", "50.500 ms, 95.050 ms", "66.8 MiB", "a note"):
        assert words in repr(REPORT)


def test_it_goes_through_json_and_a_file_and_back(tmp_path):
    assert Report.from_json(REPORT.to_json()) == REPORT
    host = report(app_memory_bytes=None, energy_absent=None, runs=(replace(RUN, energy_j=0.5),))
    path = host.write(tmp_path / "leaf.json")
    assert Report.read(path) == host
    assert json.loads(path.read_text())["schema"] == SCHEMA


@pytest.mark.parametrize("changes", [{"host": {}}, {"runs": (replace(RUN, steady_ns=(0, 0)),)}])
def test_a_report_with_little_in_it_can_be_shown(changes):
    poor = Report.from_json(replace(REPORT, **changes).to_json())
    assert "leaf.onnx" in str(poor)
    assert poor.cpu_share >= 0


def change(**changes):
    return json.dumps({**json.loads(REPORT.to_json()), **changes})


def without(key):
    return json.dumps({name: value for name, value in json.loads(REPORT.to_json()).items() if name != key})


def in_run(**changes):
    return change(runs=[{**json.loads(REPORT.to_json())["runs"][0], **changes}])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is no JSON"),
        (REPORT.to_json()[:-20], "it is no JSON"),
        ("[]", "names no schema"),
        (without("schema"), "names no schema"),
        (change(schema=True), "names no schema"),
        (change(schema=0), "names no schema"),
        (without("threads"), "threads missing or unknown"),
        (change(colour="red"), "colour missing or unknown"),
        (change(threads="one"), "threads is 'one'"),
        (change(threads=1.5), r"threads is '1\.5'"),
        (change(threads=True), "threads is 'True'"),
        (change(memory_enforced=1), "memory_enforced is '1'"),
        (change(sizes=None), r"sizes\. is no table"),
        (change(runs=[]), "no steady calls"),
        (change(versions={"python": 3}), r"versions\.python is '3'"),
        (in_run(steady_ns=[]), "no steady calls"),
        (in_run(steady_ns=[1, None]), r"runs\[0\]\.steady_ns\[1\] is 'None'"),
        (in_run(steady_ns=[10**400]), r"steady_ns\[0\] is '1000"),
        (in_run(steady_ns=[-5]), r"steady_ns\[0\] is '-5'"),
        (in_run(energy_j=float("nan")), r"energy_j is 'nan'"),
        (in_run(peak_rss_bytes=1e999), "peak_rss_bytes is 'inf'"),
    ],
)
def test_a_damaged_report_is_named_with_a_remedy(tmp_path, text, says):
    path = tmp_path / "leaf.json"
    path.write_text(text)
    with pytest.raises(ReportError, match=rf"^leaf\.json is damaged: .*{says}.*Measure again"):
        Report.read(path)


def test_a_newer_schema_is_refused_and_says_to_update():
    with pytest.raises(ReportError, match=rf"the schema {SCHEMA + 1}, .* reads up to {SCHEMA}: .*Update"):
        Report.from_json(change(schema=SCHEMA + 1, new="key"))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ReportError, match=r"none\.json cannot be read"):
        Report.read(tmp_path / "none.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReportError, match=r"binary\.json is damaged: it is no text"):
        Report.read(tmp_path / "binary.json")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(json.loads(REPORT.to_json()))), VALUES)
def test_whatever_stands_under_a_key_is_taken_whole_or_refused(key, value):
    try:
        taken = Report.from_json(change(**{key: value}))
    except ReportError:
        return
    assert json.loads(taken.to_json())[key] == json.loads(json.dumps(value))
    str(taken)
