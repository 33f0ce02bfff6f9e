"""Finds lines of text in a map of probabilities: which pixels belong together, and the smallest box around them.

What a computer vision library would do, for this one use, in numpy. Pixels are joined by their runs along a row: a page
has a million pixels and a few thousand runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

THRESHOLD = 0.3
LEAST_SCORE = 0.5
LEAST_SIDE_PX = 3.0
#: How much wider than the map's core a line is, as a share of its area over its edge.
WIDEN = 1.6


@dataclass(frozen=True)
class Box:
    """A line of text.

    Args:
        corners: Four points (x, y) in pixels of the map: top left, top right, bottom right, bottom left, as one reads.
        score: The mean probability inside, 0 to 1.
    """

    corners: Points
    score: float


def find_boxes(chances: Plane) -> list[Box]:
    """The lines of text in a map.

    Args:
        chances: How likely each pixel is text, 0 to 1.

    Returns:
        From top to bottom.

    Source:
        Liao and others, "Real-time scene text detection with differentiable binarization", AAAI 2020; the thresholds
        are those of PaddleOCR and RapidOCR.
    """
    found = []
    for pieces in _components(chances > THRESHOLD):
        values = [chances[row, start:stop] for row, start, stop in pieces]
        score = float(sum(part.sum(dtype=np.float64) for part in values) / sum(part.size for part in values))
        ends = [(x, row) for row, start, stop in pieces for x in (start, stop - 1)]
        middle, along, across, angle = _smallest_rectangle(np.array(ends, np.float64))
        if score < LEAST_SCORE or min(along, across) < LEAST_SIDE_PX:
            continue
        away = along * across * WIDEN / (2 * (along + across))
        found.append(Box(_corners(middle, along + 2 * away, across + 2 * away, angle), score))
    return sorted(found, key=lambda box: float(box.corners[:, 1].mean()))


def _components(mask: npt.NDArray[np.bool_]) -> Iterator[list[tuple[int, int, int]]]:
    """Runs (row, first column, column after the last) that touch, corners included, gathered."""
    height = len(mask)
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    stops = np.nonzero(edges == -1)[1]
    first = np.searchsorted(rows, np.arange(height + 1))
    parent = list(range(len(rows)))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for row in range(1, height):
        above, here = int(first[row - 1]), int(first[row])
        while above < first[row] and here < first[row + 1]:
            if starts[above] <= stops[here] and starts[here] <= stops[above]:
                parent[root(here)] = root(above)
            if stops[above] < stops[here]:
                above += 1
            else:
                here += 1
    gathered: dict[int, list[tuple[int, int, int]]] = {}
    for one in range(len(rows)):
        gathered.setdefault(root(one), []).append((int(rows[one]), int(starts[one]), int(stops[one])))
    yield from gathered.values()


def _smallest_rectangle(points: Points) -> tuple[Points, float, float, float]:
    """Its middle, its longer and its shorter side, and the longer's angle, above -90 and up to 90 degrees."""
    hull = _hull(points)
    edges = np.roll(hull, -1, axis=0) - hull
    best: tuple[float, Points, float, float, float] | None = None
    for angle in {round(float(np.arctan2(dy, dx)) % (np.pi / 2), 6) for dx, dy in edges}:
        turn = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
        turned = hull @ turn.T
        low, high = turned.min(0), turned.max(0)
        wide, tall = (float(side) + 1 for side in high - low)  # pixels have a width
        if best is None or wide * tall < best[0]:
            best = wide * tall, (low + high) / 2 @ turn, wide, tall, angle
    assert best is not None  # a hull has an edge, if only from a point to itself
    _, middle, wide, tall, angle = best
    if wide < tall:
        wide, tall, angle = tall, wide, angle + np.pi / 2
    return middle, wide, tall, angle - np.pi if angle > np.pi / 2 + 1e-9 else angle


def _hull(points: Points) -> Points:
    """The corners of the convex hull, by Andrew's chain."""
    ordered = sorted({(float(x), float(y)) for x, y in points})
    if len(ordered) < 3:
        return np.array(ordered)

    def half(run: list[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for x, y in run:
            while len(chain) > 1:
                (ax, ay), (bx, by) = chain[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                chain.pop()
            chain.append((x, y))
        return chain[:-1]

    return np.array(half(ordered) + half(ordered[::-1]))


def _corners(middle: Points, along: float, across: float, angle: float) -> Points:
    """As one reads: a line that leans less than half a right angle is read from left to right, else downwards."""
    if angle > np.pi / 4 + 1e-9 and along < 1.5 * across:
        along, across, angle = across, along, angle - np.pi / 2
    elif angle < -np.pi / 4 and along < 1.5 * across:
        along, across, angle = across, along, angle + np.pi / 2
    elif angle < -np.pi / 4:
        angle += np.pi
    right = np.array((np.cos(angle), np.sin(angle))) * along / 2
    down = np.array((-np.sin(angle), np.cos(angle))) * across / 2
    found: Points = np.array(
        (middle - right - down, middle + right - down, middle + right + down, middle - right + down)
    )
    return found
