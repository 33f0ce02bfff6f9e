"""What a delivery note says, from what was read, and every reason to doubt it. No network, disk or clock in here.

Print is read wrong now and then, and a reader is often sure of it. But a note says things twice: bags times price is
the amount, the lines add up to the total, a farm's last digit follows from the others, a month has so many days.
Nothing is mended by these rules: what does not agree goes to a person.
"""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from statistics import median
from typing import Any

from offlinefirst.datasets.receipts import check_digit
from offlinefirst.sync.reading import Piece

LEAST_CONFIDENCE = 0.8
OLDEST_DAYS = 400
_NUMBER = re.compile(r"\d{1,3}(?:[.,]\d{3})+|\d+")  # a blurred comma is a point to the reader
_DAY = re.compile(r"(\d{2})[/.-](\d{2})[/.-](\d{4})")
_FARM = re.compile(r"K[T7][-.\s]?(\d{5})(?!\d)")
_TITLE = re.compile(r"(\d{5})\W*$")


@dataclass(frozen=True)
class ReadLine:
    """One kind of goods as read."""

    goods: str
    bags: int
    price: int
    amount: int


@dataclass(frozen=True)
class ReadNote:
    """A note as read; None is what was not found.

    Args:
        number: The note's own, five digits.
        day: As an ISO date.
        farm: Like KT-07310.
        lines: The goods.
        bags: The total that is printed.
        amount: The total that is printed, in shillings.
        text: All that was read, a row of print for each line.
        doubts: Why a person should look; empty when everything agrees.
    """

    number: int | None
    day: str | None
    farm: str | None
    lines: tuple[ReadLine, ...]
    bags: int | None
    amount: int | None
    text: str
    doubts: tuple[str, ...]

    def fields(self) -> dict[str, Any]:
        """What is sent: everything but the text and the doubts."""
        found = asdict(self)
        return {name: value for name, value in found.items() if name not in ("text", "doubts")}


def rows_of(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces that stand in one row of print, from left to right, rows from top to bottom.

    The page may lean: its slope is that of its longer pieces.
    """
    if not pieces:
        return []
    slopes = []
    for piece in pieces:
        (ax, ay), (bx, by) = piece.corners[0], piece.corners[1]
        if math.hypot(bx - ax, by - ay) > 2.5 * piece.height and bx != ax:
            slopes.append((by - ay) / (bx - ax))
    slope, height = median(slopes) if slopes else 0.0, median(piece.height for piece in pieces)

    def level(piece: Piece) -> float:
        x, y = piece.middle
        return y - slope * x

    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=level):
        if rows and level(piece) - level(rows[-1][-1]) < 0.6 * height:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [sorted(row, key=lambda piece: piece.middle[0]) for row in rows]


def read_note(
    pieces: Sequence[Piece], *, today: date, farms: Collection[str] = (), goods: Collection[str] = ()
) -> ReadNote:
    """Understand a note, and doubt it.

    Args:
        pieces: What was read.
        today: No note is from later, or from long before.
        farms: Those that are known; any with a right check digit when empty.
        goods: What the shop sells: a name that is nearly one of them is that one, any other is a doubt. When empty,
            names are taken as read.
    """
    rows = rows_of(pieces)
    text = "\n".join(" ".join(piece.text.strip() for piece in row) for row in rows)
    doubts: list[str] = []
    number, day, farm = _number(rows, doubts), _day(rows, today, doubts), _farm(rows, farms, doubts)
    lines, bags, amount = _table(rows, goods, doubts)
    doubts += _sums(lines, bags, amount)
    return ReadNote(number, day.isoformat() if day else None, farm, lines, bags, amount, text, tuple(doubts))


def _number(rows: Sequence[Sequence[Piece]], doubts: list[str]) -> int | None:
    for row in rows[:3]:
        for piece in row:
            if found := _TITLE.search(piece.text):
                if piece.confidence < LEAST_CONFIDENCE:  # nothing else tells whether it is right
                    doubts.append(f"number {found[1]} is hard to read")
                return int(found[1])
    doubts.append("no number")
    return None


def _day(rows: Sequence[Sequence[Piece]], today: date, doubts: list[str]) -> date | None:
    for piece in (piece for row in rows for piece in row):
        if found := _DAY.search(piece.text):
            try:
                day = date(int(found[3]), int(found[2]), int(found[1]))
            except ValueError:
                doubts.append(f"{found[0]} is no date")
                return None
            if day > today or (today - day).days > OLDEST_DAYS:
                doubts.append(f"{found[0]} is no likely date")
            elif piece.confidence < LEAST_CONFIDENCE:
                doubts.append(f"date {found[0]} is hard to read")
            return day
    doubts.append("no date")
    return None


def _farm(rows: Sequence[Sequence[Piece]], farms: Collection[str], doubts: list[str]) -> str | None:
    for piece in (piece for row in rows for piece in row):
        if found := _FARM.search(piece.text):
            farm = f"KT-{found[1]}"
            if check_digit(found[1][:-1]) != found[1][-1]:
                doubts.append(f"{farm} has a wrong check digit")
            elif farms and farm not in farms:
                doubts.append(f"{farm} is no farm of ours")
            return farm
    doubts.append("no farm")
    return None


def _table(
    rows: Sequence[Sequence[Piece]], goods: Collection[str], doubts: list[str]
) -> tuple[tuple[ReadLine, ...], int | None, int | None]:
    lines: list[ReadLine] = []
    totals: list[tuple[int, int]] = []
    for row in rows:
        name = " ".join(piece.text.strip() for piece in row if _value(piece) is None)
        values = [value for piece in row if (value := _value(piece)) is not None]
        if len(values) == 3:
            if totals:
                doubts.append(f"goods below the total: {name}")
            lines.append(ReadLine(_goods(name, goods, doubts), *values))
        elif len(values) == 2 and lines:
            totals.append((values[0], values[1]))
        elif values:
            doubts.append(f"a row with {len(values)} numbers")
    if not lines:
        doubts.append("no goods")
    if len(totals) != 1:
        doubts.append(f"{len(totals)} totals")
        return tuple(lines), None, None
    return tuple(lines), *totals[0]


def _goods(name: str, known: Collection[str], doubts: list[str]) -> str:
    if not known:
        if not name:
            doubts.append("goods without a name")
        return name

    def away(other: str) -> int:
        return edits(name.replace(" ", "").casefold(), other.replace(" ", "").casefold())

    nearest, *others = sorted(known, key=away)
    if away(nearest) > len(nearest) // 4 or (others and away(others[0]) == away(nearest)):
        doubts.append(f"{name or 'goods without a name'}: not sold here")
        return name
    return nearest


def edits(one: str, other: str) -> int:
    """The fewest characters to change, drop or insert that make one text the other.

    >>> edits("Mbolea", "Mbo1e")
    2
    """
    before = list(range(len(other) + 1))
    for place, character in enumerate(one, 1):
        row = [place]
        for there, another in enumerate(other, 1):
            row.append(min(before[there] + 1, row[-1] + 1, before[there - 1] + (character != another)))
        before = row
    return before[-1]


def _value(piece: Piece) -> int | None:
    text = piece.text.strip()
    return int(re.sub(r"[.,]", "", text)) if _NUMBER.fullmatch(text) else None


def _sums(lines: Sequence[ReadLine], bags: int | None, amount: int | None) -> list[str]:
    doubts = [
        f"{line.bags} times {line.price:,} is {line.bags * line.price:,}, not {line.amount:,}"
        for line in lines
        if line.bags * line.price != line.amount
    ]
    if bags is not None and bags != sum(line.bags for line in lines):
        doubts.append(f"the bags add up to {sum(line.bags for line in lines)}, not {bags}")
    if amount is not None and amount != sum(line.amount for line in lines):
        doubts.append(f"the amounts add up to {sum(line.amount for line in lines):,}, not {amount:,}")
    return doubts
