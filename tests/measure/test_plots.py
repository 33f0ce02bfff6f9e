"""The front is the right one, and every picture says what it shows in words."""

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import report
from matplotlib import pyplot

from offlinefirst.measure.errors import MeasurementError
from offlinefirst.measure.matrix import Matrix
from offlinefirst.measure.plots import Point, front, heat, latencies, pareto

SMALL = st.integers(0, 4)


@pytest.fixture(autouse=True)
def _no_window():
    mpl.use("Agg")
    yield
    assert pyplot.get_fignums() == [], "a notebook would show an open figure twice"


def words(figure):
    """Every text that the picture shows."""
    figure.canvas.draw()
    (axis,) = figure.axes
    labels = [*axis.get_xticklabels(), *axis.get_yticklabels(), axis.xaxis.label, axis.yaxis.label, axis.title]
    return [text.get_text() for text in [*axis.texts, *labels] if text.get_text()]


@pytest.mark.parametrize(
    ("points", "names"),
    [
        ({"a": (1, 1)}, "a"),
        ({"a": (1, 0.7), "b": (2, 0.6), "c": (3, 0.9)}, "ac"),
        ({"c": (3, 3), "a": (1, 1), "b": (2, 2)}, "abc"),
        ({"a": (1, 1), "b": (1, 2)}, "b"),
        ({"a": (1, 1), "b": (2, 1)}, "a"),
        ({"a": (1, 1), "b": (1, 1)}, "ab"),
        ({"a": (-1, 1), "b": (0, 0.5)}, "a"),
    ],
)
def test_the_front(points, names):
    assert "".join(point.name for point in front(Point(name, *pair) for name, pair in points.items())) == names


@given(st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=12))
def test_nothing_beats_the_front_and_something_on_it_beats_the_rest(pairs):
    points = [Point(str(number), *pair) for number, pair in enumerate(pairs)]
    best = front(points)

    def beats(one, other):
        return one[1:] != other[1:] and one.cost <= other.cost and one.quality >= other.quality

    assert best == sorted(best, key=lambda point: point.cost)
    assert not any(beats(one, other) for one in points for other in best)
    assert all(any(beats(one, other) for one in best) for other in points if other not in best)


def test_pareto_names_points_axes_and_what_is_filled():
    figure = pareto({"tiny": (1, 70), "dear": (2, 60)}, cost="p95, ms", quality="accuracy, %", title="Tiny wins")
    said = words(figure)
    for text in ("tiny", "dear", "p95, ms", "accuracy, %", "Tiny wins", "filled: no other is as good for less"):
        assert text in said
    hollow = [points.get_facecolor()[0].tolist() == [1, 1, 1, 1] for points in figure.axes[0].collections]
    assert hollow == [False, True]
    with pytest.raises(MeasurementError, match="no points"):
        pareto([], cost="c", quality="q", title="t")


@pytest.mark.parametrize("kind", ["ecdf", "strip"])
def test_latencies_name_each_report_and_its_p50_and_p95(kind):
    figure = latencies({"quick": report(0.1), "slow": report(2.0)}, kind=kind, title="Slow is slow (made up)")
    said = " | ".join(words(figure))
    for text in ("quick", "slow", "time of a call, ms", "Slow is slow (made up)", "p50 ○ 5.05 ms", "p95 ◇ 190 ms"):
        assert text in said


def test_reports_without_names_are_told_apart_by_what_differs():
    said = " | ".join(words(latencies([report(), report(2.0, profile="laptop-4gb")])))
    assert "leaf.onnx, phone-2gb" in said
    assert "leaf.onnx, laptop-4gb" in said
    assert "2: leaf.onnx" in " | ".join(words(latencies([report(), report()])))


@pytest.mark.parametrize(("reports", "kind"), [([], "ecdf"), ([report()], "pie")])
def test_latencies_of_nothing_or_of_an_unknown_kind_are_an_error(reports, kind):
    with pytest.raises(MeasurementError, match="latencies needs"):
        latencies(reports, kind=kind)


def cells(**reports):
    devices = ("phone-2gb", "laptop-4gb")
    found = {(name, each): cell for name, pair in reports.items() for each, cell in zip(devices, pair, strict=True)}
    return Matrix(models=tuple(reports), profiles=devices, cells=found, quality={"small": 0.7})


def test_heat_writes_each_number_and_says_what_did_not_run():
    found = cells(small=(report(), report(0.5)), large=("too large", report(3.0)))
    said = words(heat(found, "p95"))
    for text in ("small", "large", "phone-2gb", "laptop-4gb", "95", "47.5", "285", "did not run", "p95 (ms)", "device"):
        assert text in said
    said = words(heat(found, "quality", title="Only one has a quality"))
    assert said.count("0.7") == 2
    assert "not given" in said
    assert "Only one has a quality" in said


def test_heat_of_nothing_that_ran_is_still_a_picture():
    assert words(heat(cells(large=("too large", "too large")), "p50")).count("did not run") == 2
    assert words(heat(cells(small=(report(), report())), "p50")).count("50.5") == 2
