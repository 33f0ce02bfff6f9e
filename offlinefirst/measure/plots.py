"""Three pictures of measurements: quality against cost, how latencies are spread, and a matrix as a heat map.

Colours are told apart by people who see no red or green, and nothing is said by colour alone: points and lines carry
their names. Source of the colours: Okabe and Ito, Color Universal Design (2008).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from offlinefirst.measure import stats
from offlinefirst.measure.errors import MeasurementError
from offlinefirst.measure.matrix import METRICS, Matrix
from offlinefirst.measure.report import Report

BLUE, ORANGE, GREEN, PURPLE, SKY, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#666666"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, "#000000")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))


class Point(NamedTuple):
    """One candidate: what it is called, what it costs (less is better), what it gives (more is better)."""

    name: str
    cost: float
    quality: float


def front(points: Iterable[Point]) -> list[Point]:
    """The points that no other point beats: none is at least as good for less, nor better for as much.

    Args:
        points: The candidates.

    Returns:
        Those on the Pareto front, cheapest first; of equal points all.

    >>> [point.name for point in front([Point("a", 1, 0.7), Point("b", 2, 0.6), Point("c", 3, 0.9)])]
    ['a', 'c']
    """
    points = list(points)

    def beaten(one: Point) -> bool:
        return any(
            other.cost <= one.cost
            and other.quality >= one.quality
            and (other.cost < one.cost or other.quality > one.quality)
            for other in points
        )

    return sorted((point for point in points if not beaten(point)), key=lambda point: (point.cost, point.quality))


def pareto(points: Mapping[str, tuple[float, float]] | Iterable[Point], *, cost: str, quality: str, title: str) -> Any:
    """Draw quality against cost; the front is a line through full points, the beaten ones are hollow.

    Args:
        points: (cost, quality) by name, or points.
        cost: What the horizontal axis says, with its unit; less is better.
        quality: What the vertical axis says, with its unit; more is better.
        title: One message.

    Returns:
        A matplotlib figure.

    Raises:
        MeasurementError: There are no points.
    """
    found = [Point(name, *pair) for name, pair in points.items()] if isinstance(points, Mapping) else list(points)
    if not found:
        raise MeasurementError("there are no points to draw; measure at least one model first")
    best = front(found)
    figure, axis = _axes(title, cost, quality)
    axis.step([p.cost for p in best], [p.quality for p in best], where="post", color=BLUE, linewidth=1.2, zorder=1)
    for point in found:
        on_front = point in best
        axis.scatter(
            point.cost,
            point.quality,
            s=46,
            zorder=2,
            edgecolors=BLUE if on_front else GREY,
            facecolors=BLUE if on_front else "white",
        )
        _label(axis, point.name, point.cost, point.quality, colour=BLUE if on_front else GREY)
    axis.margins(0.18)
    axis.text(0.99, 0.02, "filled: no other is as good for less", transform=axis.transAxes, ha="right", color=GREY)
    return _done(figure)


def latencies(
    reports: Sequence[Report] | Mapping[str, Report],
    *,
    kind: Literal["ecdf", "strip"] = "ecdf",
    title: str = "How long the steady calls took",
) -> Any:
    """Draw every steady call, with p50 and p95 marked.

    Args:
        reports: Reports, or reports by the name that the picture shows.
        kind: "ecdf": for each time the share of calls that took at most as long; "strip": every call in its order.
        title: One message.

    Returns:
        A matplotlib figure.

    Raises:
        MeasurementError: There are no reports, or the kind is not known.
    """
    named = reports if isinstance(reports, Mapping) else _names(reports)
    if not named or kind not in ("ecdf", "strip"):
        raise MeasurementError(f"latencies needs at least one report, and kind={kind!r} is 'ecdf' or 'strip'")
    return (_ecdf if kind == "ecdf" else _strip)(named, title)


def heat(matrix: Matrix, metric: str, *, title: str | None = None) -> Any:
    """Draw one metric of a matrix: a row for each model, a column for each device, the number in each cell.

    Args:
        matrix: What was measured.
        metric: One of `METRICS`, or "quality".
        title: One message; the metric when None.

    Returns:
        A matplotlib figure; cells that could not run are hatched and say so.

    Raises:
        MeasurementError: There is no such metric.
    """
    import numpy as np
    from matplotlib.patches import Rectangle

    table = matrix.table(metric)
    values = np.array([[np.nan if value is None else value for value in row] for row in table.values], dtype=float)
    heading = f"{table.title}{f' ({table.unit})' if table.unit else ''}"
    width, height = 2.4 + 1.5 * len(table.profiles), 1.4 + 0.55 * len(table.models)
    figure, axis = _axes(title or heading, "device", "model", size=(width, height))
    # One hue from light to dark: the same in grey. Models differ by powers of ten, so equal steps are equal ratios.
    positive = values[np.isfinite(values) & (values > 0)]
    shades = np.log(np.where(values > 0, values, np.nan)) if positive.size and metric in METRICS else values
    low, high = (np.nanmin(shades), np.nanmax(shades)) if np.isfinite(shades).any() else (0.0, 1.0)
    image = axis.imshow(shades, cmap="Blues", vmin=low, vmax=high + (high - low) * 0.25 + 1e-12, aspect="auto")
    for row, model in enumerate(table.models):
        for column, profile in enumerate(table.profiles):
            value = table.values[row][column]
            if value is None:
                frame = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, hatch="///", edgecolor="#aaaaaa")
                axis.add_patch(frame)
                text, dark = ("did not run" if (model, profile) in matrix.failures else "not given"), False
            else:
                text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
                red, green, blue, _ = image.cmap(image.norm(shades[row][column]))
                dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
            axis.text(column, row, text, ha="center", va="center", color="white" if dark else "black")
    axis.set_xticks(range(len(table.profiles)), table.profiles)
    axis.set_yticks(range(len(table.models)), table.models)
    axis.tick_params(length=0)
    return _done(figure)


def _ecdf(named: Mapping[str, Report], title: str) -> Any:
    import numpy as np

    figure, axis = _axes(title, "time of a call, ms", "calls that took at most as long, %")
    for number, (name, report) in enumerate(named.items()):
        times = np.sort(np.asarray(report.samples_s)) * 1000
        share = 100 * np.arange(1, len(times) + 1) / len(times)
        colour, dashes = COLOURS[number % len(COLOURS)], _DASHES[number % len(_DASHES)]
        axis.step(times, share, where="post", color=colour, linestyle=dashes, label=name)
        _mark(axis, report, colour, 50, 95)
    _scale(axis, named.values())
    axis.set_ylim(0, 104)
    # From the fastest down to the slowest: each name then stands to the right of its line and above the next one's.
    fastest_first = sorted(enumerate(named.items()), key=lambda item: item[1][1].p50_s)
    step = 64 / max(1, len(named) - 1)
    for place, (number, (name, report)) in enumerate(fastest_first):
        height = 80 - step * place if len(named) > 1 else 40
        time_ms = stats.percentile(report.samples_s, height) * 1000
        _say(axis, f"{name}: {_figures(report)}", time_ms, height, COLOURS[number % len(COLOURS)])
    return _done(figure)


def _strip(named: Mapping[str, Report], title: str) -> Any:
    import numpy as np

    figure, axis = _axes(title, "time of a call, ms", "", size=(8, 1.2 + 0.8 * len(named)))
    random = np.random.default_rng(0)
    for number, report in enumerate(named.values()):
        times = np.asarray(report.samples_s) * 1000
        # A picture of a hundred thousand dots shows no more than one of five thousand, and weighs megabytes.
        shown = times if len(times) <= 5000 else random.choice(times, 5000, replace=False)
        heights = number + random.uniform(-0.22, 0.22, len(shown))
        colour = COLOURS[number % len(COLOURS)]
        axis.scatter(shown, heights, s=6, alpha=0.4, color=colour, linewidths=0, rasterized=True)
        _mark(axis, report, colour, number, number)
    axis.set_yticks(range(len(named)), list(named))
    axis.set_ylim(len(named) - 0.5, -0.7)
    _scale(axis, named.values())
    for number, report in enumerate(named.values()):
        _say(axis, _figures(report), report.p50_s * 1000, number - 0.4, COLOURS[number % len(COLOURS)])
    return _done(figure)


def _mark(axis: Any, report: Report, colour: str, p50_height: float, p95_height: float) -> None:
    look = {"facecolors": "white", "edgecolors": colour, "linewidths": 1.6, "zorder": 4, "s": 42}
    axis.scatter([report.p50_s * 1000], [p50_height], marker="o", **look)
    axis.scatter([report.p95_s * 1000], [p95_height], marker="D", **look)


def _figures(report: Report) -> str:
    return f"p50 \u25cb {report.p50_s * 1000:.3g} ms, p95 \u25c7 {report.p95_s * 1000:.3g} ms"


def _scale(axis: Any, reports: Iterable[Report]) -> None:
    """Equal steps for equal ratios, where times differ by more than a few times."""
    reports = list(reports)
    if max(report.summary.high for report in reports) > 5 * min(report.summary.low for report in reports):
        axis.set_xscale("log")
    axis.autoscale_view()


def _say(axis: Any, text: str, x: float, y: float, colour: str) -> None:
    """Write beside a place, on the side where there is room."""
    across = axis.transAxes.inverted().transform(axis.transData.transform((x, y)))[0]
    side, shift = ("left", 8) if across < 0.55 else ("right", -8)
    back = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    axis.annotate(
        text,
        (x, y),
        xytext=(shift, 0),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=8.5,
        color=colour,
        bbox=back,
        zorder=3,
    )


def _names(reports: Sequence[Report]) -> dict[str, Report]:
    """Name each report by what tells them apart: the model, with device and threads where the model does not."""
    for form in ("{0.model}", "{0.model}, {0.profile}", "{0.model}, {0.profile}, {0.threads} threads"):
        named = {form.format(report): report for report in reports}
        if len(named) == len(reports):
            return named
    return {f"{number}: {report.model}, {report.profile}": report for number, report in enumerate(reports, 1)}


def _axes(title: str, across: str, up: str, *, size: tuple[float, float] = (8, 3.6)) -> tuple[Any, Any]:
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=size, layout="constrained")
    axis.set(xlabel=across, ylabel=up)
    axis.set_title(title)
    axis.spines[["top", "right"]].set_visible(False)
    return figure, axis


def _label(axis: Any, text: str, x: float, y: float, *, colour: str) -> None:
    axis.annotate(text, (x, y), xytext=(7, -4), textcoords="offset points", fontsize=9, color=colour, va="top")


def _done(figure: Any) -> Any:
    from matplotlib import pyplot

    pyplot.close(figure)  # a notebook shows the figure that a cell returns, and would show an open one a second time
    return figure
