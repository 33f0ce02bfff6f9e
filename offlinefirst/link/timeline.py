"""Draws what happened on the practice network: requests over time, outages, and what went wrong where."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offlinefirst.device.units import GiB, KiB, MiB
from offlinefirst.link.outages import Interval
from offlinefirst.link.records import Exchange
from offlinefirst.link.server import PracticeServer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers tell apart; the marks differ as well, for those who print.
_STYLES: dict[str, tuple[str, str, str]] = {
    "complete": ("#0072B2", "o", "complete"),
    "cut": ("#D55E00", "X", "cut"),
    "outage": ("#000000", "v", "cut by an outage"),
    "client left": ("#CC79A7", "s", "client left"),
    "stopped": ("#999999", "D", "server stopped"),
    "sending": ("#56B4E9", ">", "under way"),
}
_FAULTY = ("#E69F00", "d", "no file bytes: error, redirect or page")
_MOST_LABELS = 12
_LETTER_WIDTH, _LINE_HEIGHT = 0.0095, 0.06
_TIME_UNITS = ((2 * 86_400.0, 86_400.0, "days"), (7_200.0, 3_600.0, "hours"), (120.0, 60.0, "minutes"))
_SIZE_UNITS = ((GiB, "GiB"), (MiB, "MiB"), (KiB, "KiB"))


@dataclass(frozen=True)
class Box:
    """Where a label is, in shares of the axes."""

    left: float
    bottom: float
    right: float

    def overlaps(self, other: "Box") -> bool:
        beside = self.right <= other.left or other.right <= self.left
        return not beside and abs(self.bottom - other.bottom) < _LINE_HEIGHT * 0.99


def draw(
    happened: PracticeServer | Sequence[Exchange],
    *,
    outages: Sequence[Interval] | None = None,
    refused_s: Sequence[float] = (),
    name: str | None = None,
    title: str = "What was asked for, and what arrived",
) -> "Figure":
    """Draw requests as bars from where and when their bytes began to where and when they ended.

    Args:
        happened: A server, running or closed, or its `requests`.
        outages: The hours when the link was up; a server's own when None.
        refused_s: When connections were refused, in practice seconds; a server's own when it is given one.
        name: Draw only this file's requests; None draws those of all.
        title: The figure's title.

    Returns:
        A matplotlib Figure that no window owns.
    """
    from matplotlib import pyplot  # and not Figure alone: this teaches notebooks to show figures

    if isinstance(happened, PracticeServer):
        outages = happened.outages if outages is None else outages
        refused_s = refused_s or happened.refused_s
        happened = happened.requests
    exchanges = [one for one in happened if name is None or one.name == name]
    end_s = max([1e-3, *(one.ended_s or one.asked_s for one in exchanges), *refused_s])
    time_s, time_unit = next(((size, unit) for least, size, unit in _TIME_UNITS if end_s >= least), (1.0, "seconds"))
    top = max([1, *(offset_of(one) + file_bytes(one) for one in exchanges)])
    size_bytes, size_unit = next(((size, unit) for size, unit in _SIZE_UNITS if top >= size), (1, "bytes"))

    figure = pyplot.figure(figsize=(8, 4.2), layout="constrained")
    pyplot.close(figure)  # shown by whoever asked for it, and not once more at the end of the cell
    axes: Any = figure.add_subplot()
    down_s = down_stretches(outages, end_s)
    for number, (start_s, stop_s) in enumerate(down_s):
        label = "link down" if number == 0 else None
        axes.axvspan(start_s / time_s, stop_s / time_s, fc="#E4E4E4", ec="#AAAAAA", hatch="///", lw=0, label=label)
    if refused_s:
        axes.plot(
            [at / time_s for at in refused_s], [0] * len(refused_s), "kx", label="connection refused", clip_on=False
        )
    end_x, end_y = 1.02 * end_s / time_s, 1.08 * top / size_bytes
    ends = [
        ((end_s if one.ended_s is None else one.ended_s) / time_s, (offset_of(one) + file_bytes(one)) / size_bytes)
        for one in exchanges
    ]
    # Labels keep clear of each other and of every mark.
    taken = [Box(x / end_x - 0.01, y / end_y - 0.02, x / end_x + 0.01) for x, y in ends]
    labelled = 0
    seen = set[str]()
    for one, (ended, stop) in zip(exchanges, ends, strict=True):
        offset = offset_of(one) / size_bytes
        began = (one.asked_s if one.first_byte_s is None else one.first_byte_s) / time_s
        colour, mark, word = style(one)
        axes.plot([one.asked_s / time_s, began], [offset, offset], color=colour, lw=1, ls=":")
        axes.plot([began, ended], [offset, stop], color=colour, lw=4, alpha=0.7, solid_capstyle="butt")
        label = None if word in seen else word
        axes.plot([ended], [stop], mark, color=colour, mec="black", mew=0.6, ms=7, label=label, zorder=4)
        seen.add(word)
        if one.fault and labelled < _MOST_LABELS:
            text = f"{one.number}: {one.fault}"
            box = place(ended / end_x, stop / end_y, len(text), taken)
            taken.append(box)
            labelled += 1
            axes.annotate(
                text,
                (ended, stop),
                xytext=(box.left, box.bottom),
                textcoords="axes fraction",
                fontsize=8,
                bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8},
                arrowprops={
                    "arrowstyle": "-",
                    "lw": 0.5,
                    "color": "#444444",
                    "relpos": (0 if box.left > ended / end_x else 1, 0.5),
                },
            )
    axes.set_xlim(0, end_x)
    axes.set_ylim(0, end_y)
    axes.set_xlabel(f"time on the practice clock ({time_unit})")
    axes.set_ylabel(f"offset in the file ({size_unit})")
    axes.set_title(title, loc="left")
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper center", ncols=4, fontsize=8, frameon=False)
    figure.supxlabel(caption(exchanges, labelled), fontsize=8, color="#444444")
    return figure


def style(one: Exchange) -> tuple[str, str, str]:
    """Tell how an exchange's end is marked.

    Args:
        one: The exchange.

    Returns:
        A colour, a matplotlib marker, and the legend's words.
    """
    return _FAULTY if one.ended == "complete" and not one.from_file else _STYLES[one.ended]


def file_bytes(one: Exchange) -> int:
    """Tell how many bytes of the file arrived: none when the body was a message or a page."""
    return one.body_bytes if one.from_file else 0


def offset_of(one: Exchange) -> int:
    """Tell where in the file an exchange begins: where its bytes do, or where the client wanted them."""
    if one.from_file:
        return one.start
    wanted = re.match(r"bytes=([0-9]{1,18})-", one.headers.get("range", ""))
    return int(wanted[1]) if wanted else 0


def place(x: float, y: float, letters: int, taken: Sequence[Box]) -> Box:
    """Find room for a label near a point: beside it, or else the next free line above.

    Args:
        x: The point, as a share of the width.
        y: The point, as a share of the height.
        letters: How long the label is.
        taken: Where other labels are.

    Returns:
        Where to put it.
    """
    width = letters * _LETTER_WIDTH
    left = x + 0.02 if x + 0.02 + width <= 1 else max(0.0, x - 0.02 - width)
    lines = [min(0.93, max(0.02, y - 0.02)) + number * _LINE_HEIGHT for number in range(20)]
    lines = [line if line <= 0.95 else 2 * lines[0] - line for line in lines]  # below it when the top is reached
    boxes = [Box(left, line, left + width) for line in lines]
    return next((box for box in boxes if not any(box.overlaps(other) for other in taken)), boxes[0])


def caption(exchanges: Sequence[Exchange], labelled: int) -> str:
    """Say what the picture is of, and what it leaves out.

    Args:
        exchanges: What was drawn.
        labelled: How many faults have a label.

    Returns:
        A line.

    >>> caption([], 0)
    'Practice network, not a measured one: 0 requests, 0 bytes of bodies reached the client.'
    """
    total = sum(one.body_bytes for one in exchanges)
    faults = sum(bool(one.fault) for one in exchanges)
    more = f" Labels on the first {labelled} of {faults} faults." if faults > labelled else ""
    requests = f"{len(exchanges)} request{'' if len(exchanges) == 1 else 's'}"
    return f"Practice network, not a measured one: {requests}, {total:,} bytes of bodies reached the client.{more}"


def down_stretches(up: Sequence[Interval] | None, end_s: float) -> list[tuple[float, float]]:
    """Turn the hours when the link is up into the seconds when it is down.

    Args:
        up: Intervals in order; None is always up.
        end_s: Where the picture ends.

    Returns:
        Starts and ends, in seconds.

    >>> down_stretches([Interval(0, 1), Interval(1.5, 9)], 7200)
    [(3600, 5400.0)]
    """
    if up is None:
        return []
    starts = [0.0, *(interval.end_h * 3600 for interval in up)]
    stops = [*(interval.start_h * 3600 for interval in up), end_s]
    return [(a, min(b, end_s)) for a, b in zip(starts, stops, strict=True) if a < min(b, end_s)]
