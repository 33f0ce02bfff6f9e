"""The picture: what is drawn, what is named, and that nothing is imported before it is needed."""

import subprocess
import sys

import pytest

from offlinefirst.link import Interval
from offlinefirst.link.records import Exchange
from offlinefirst.link.timeline import Box, down_stretches, draw, offset_of, place


def exchange(number, **about):
    about = {"asked_s": 10.0 * number, "first_byte_s": 10.0 * number + 1, "ended_s": 10.0 * number + 9} | about
    about = {"from_file": True, "status": 206, "start": 0, "body_bytes": 1000, "ended": "complete"} | about
    return Exchange(number=number, method="GET", name=about.pop("name", "m"), **about)


HAPPENED = [
    exchange(1, ended="cut", fault="cut after 1,000 bytes (RST)"),
    exchange(2, start=1000, from_file=False, status=429, fault="429 busy", headers={"range": "bytes=1000-"}),
    exchange(3, start=1000, ended="outage"),
    exchange(4, start=2000, body_bytes=3000),
    exchange(5, status=None, first_byte_s=None, ended_s=None, ended="sending", body_bytes=0),
]


def texts(figure):
    axes = figure.axes[0]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    return {text.get_text() for text in axes.texts}, legend, axes


def test_requests_outages_and_faults_are_in_the_picture():
    figure = draw(HAPPENED, outages=[Interval(0, 0.01)], refused_s=[38.0])
    labels, legend, axes = texts(figure)
    assert labels == {"1: cut after 1,000 bytes (RST)", "2: 429 busy"}
    assert legend == [
        "link down",
        "connection refused",
        "cut",
        "no file bytes: error, redirect or page",
        "cut by an outage",
        "complete",
        "under way",
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        "time on the practice clock (seconds)",
        "offset in the file (KiB)",
    )
    assert "Practice network" in figure.get_supxlabel()
    # Those who print tell the outcomes apart by their marks.
    marks = [line.get_marker() for line in axes.lines if line.get_marker() not in ("None", "x")]
    assert len(set(marks)) == len(marks) == 5


def test_bars_run_from_where_and_when_the_bytes_began():
    figure = draw(HAPPENED)
    bars = [line.get_xydata().tolist() for line in figure.axes[0].lines if line.get_linewidth() == 4]
    assert bars[3] == [[41.0, 2000 / 1024], [49.0, 5000 / 1024]]
    assert bars[1][0][1] == bars[1][1][1] == 1000 / 1024  # an error moves nothing


@pytest.mark.parametrize(("end_s", "unit"), [(60, "seconds"), (600, "minutes"), (9000, "hours"), (9e5, "days")])
def test_time_has_a_unit_that_can_be_read(end_s, unit):
    figure = draw([exchange(1, asked_s=0, first_byte_s=1, ended_s=end_s)])
    assert unit in figure.axes[0].get_xlabel()


def test_many_faults_are_not_all_labelled_and_the_caption_says_so():
    figure = draw([exchange(n, ended="cut", fault="cut") for n in range(30)])
    assert len(texts(figure)[0]) == 12
    assert "first 12 of 30 faults" in figure.get_supxlabel()


def test_nothing_happened_is_a_picture_too(tmp_path):
    draw([]).savefig(tmp_path / "empty.png")
    draw(HAPPENED, name="another").savefig(tmp_path / "none.png")


def test_labels_do_not_cover_each_other():
    boxes: list[Box] = []
    for at in (0.1, 0.12, 0.5, 0.9, 0.95, 0.97):
        boxes.append(place(at, at, 20, boxes))
    assert not any(one.overlaps(other) for one in boxes for other in boxes if one is not other)
    assert all(box.left >= 0 and 0 <= box.bottom <= 1 for box in boxes)


def test_an_error_stands_where_the_client_wanted_bytes():
    assert [offset_of(one) for one in HAPPENED[:3]] == [0, 1000, 1000]
    assert offset_of(exchange(1, from_file=False, headers={"range": "bytes=-5"})) == 0


@pytest.mark.parametrize(
    ("up", "down"),
    [(None, []), ([], [(0, 7200)]), ([Interval(0, 9)], []), ([Interval(0.5, 1)], [(0, 1800), (3600, 7200)])],
)
def test_the_link_is_down_when_it_is_not_up(up, down):
    assert down_stretches(up, 7200) == down


def test_matplotlib_is_imported_when_something_is_drawn():
    code = "import sys, offlinefirst.link, offlinefirst.link.timeline; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
