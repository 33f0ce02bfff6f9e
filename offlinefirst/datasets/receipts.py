"""Draws delivery notes for seed and fertiliser, in English or Swahili, and photos of them: synthetic, with the truth.

A note has what a clerk writes and a machine can check: a date, a farm number with a check digit, lines whose bags
times price give their amount, and totals. Its photo lies at an angle, in uneven light, a little out of focus. The
shop, farms and sums are invented; the font is matplotlib's DejaVu, so a reader meets print, never handwriting.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Language = Literal["en", "sw"]
Condition = Literal["on the desk", "tilted", "shadow", "dusk", "out of focus", "far away", "crumpled"]
CONDITIONS: tuple[Condition, ...] = (
    "on the desk",
    "tilted",
    "shadow",
    "dusk",
    "out of focus",
    "far away",
    "crumpled",
)

_WORDS = {
    "en": {
        "title": "DELIVERY NOTE",
        "number": "No.",
        "date": "Date",
        "farm": "Farm",
        "item": "Item",
        "bags": "Bags",
        "price": "Price",
        "amount": "Amount",
        "total": "Total",
        "by": "Received by",
        "goods": ("Maize seed", "Beans", "Fertiliser", "Cowpeas", "Sorghum seed", "Lime"),
    },
    "sw": {
        "title": "HATI YA MAPOKEZI",
        "number": "Na.",
        "date": "Tarehe",
        "farm": "Shamba",
        "item": "Bidhaa",
        "bags": "Magunia",
        "price": "Bei",
        "amount": "Kiasi",
        "total": "Jumla",
        "by": "Imepokelewa na",
        "goods": ("Mbegu za mahindi", "Maharagwe", "Mbolea", "Kunde", "Mbegu za mtama", "Chokaa"),
    },
}
#: All that the shop sells, in both languages.
GOODS: tuple[str, ...] = (*_WORDS["en"]["goods"], *_WORDS["sw"]["goods"])
_PEOPLE = ("Mutheu", "Kioko", "Wanza")
_SHOP = "KITUI SEED STORE"
_PAGE = 760, 900
_INK = (25, 25, 35)


@dataclass(frozen=True)
class Line:
    """One kind of goods: its name, how many bags, the price of one and the amount, in shillings."""

    goods: str
    bags: int
    price: int

    @property
    def amount(self) -> int:
        """Bags times price."""
        return self.bags * self.price


@dataclass(frozen=True)
class Note:
    """What a delivery note says.

    Args:
        number: The note's own.
        day: Of the delivery.
        farm: Like KT-07310: five digits, of which the last checks the others.
        lines: The goods.
        receiver: Who took them.
        language: Of the print.
    """

    number: int
    day: date
    farm: str
    lines: tuple[Line, ...]
    receiver: str
    language: Language

    @property
    def bags(self) -> int:
        """All of them."""
        return sum(line.bags for line in self.lines)

    @property
    def amount(self) -> int:
        """In shillings."""
        return sum(line.amount for line in self.lines)

    def rows(self) -> list[tuple[str, ...]]:
        """The print, row by row, each with what stands in its columns."""
        words = _WORDS[self.language]
        goods = [(line.goods, str(line.bags), f"{line.price:,}", f"{line.amount:,}") for line in self.lines]
        return [
            (_SHOP,),
            (f"{words['title']} {words['number']} {self.number:05}",),
            (f"{words['date']}: {self.day:%d/%m/%Y}",),
            (f"{words['farm']}: {self.farm}",),
            (str(words["item"]), str(words["bags"]), str(words["price"]), str(words["amount"])),
            *goods,
            (str(words["total"]), str(self.bags), "", f"{self.amount:,}"),
            (f"{words['by']}: {self.receiver}",),
        ]


def check_digit(digits: str) -> str:
    """The digit that makes a farm number right: it notices any one wrong digit, and most two that changed places.

    Source:
        H. P. Luhn, US patent 2,950,048 (1960).

    >>> check_digit("0731")
    '0'
    """
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return str(-sum(value // 10 + value % 10 for value in doubled) % 10)


def note(seed: int) -> Note:
    """Make up a delivery note.

    Args:
        seed: Decides everything.

    >>> note(1).amount == sum(line.bags * line.price for line in note(1).lines)
    True
    """
    rng = np.random.default_rng([12, seed])
    language: Language = "sw" if rng.random() < 0.5 else "en"
    goods = rng.permutation(_WORDS[language]["goods"])[: rng.integers(2, 5)]
    lines = tuple(Line(str(name), int(rng.integers(1, 25)), int(rng.integers(8, 80)) * 50) for name in goods)
    farm = f"{rng.integers(10_000):04}"
    return Note(
        number=int(rng.integers(1, 99_999)),
        day=date(2026, 1, 1) + timedelta(days=int(rng.integers(300))),
        farm=f"KT-{farm}{check_digit(farm)}",
        lines=lines,
        receiver=str(rng.choice(_PEOPLE)),
        language=language,
    )


def printed(what: Note) -> Image.Image:
    """The note as a page, flat and clean, 760 by 900 pixels."""
    page = Image.new("RGB", _PAGE, (250, 249, 244))
    draw = ImageDraw.Draw(page)
    edges, top = (50, 400, 545, 710), 40
    for number, row in enumerate(what.rows()):
        heading = number < 2
        font = _font("DejaVuSans-Bold.ttf" if heading else "DejaVuSans.ttf", 34 if heading else 30)
        for place, text in enumerate(row):
            draw.text((edges[place], top), text, fill=_INK, font=font, anchor="ra" if place else "la")
        if number in (3, 4, len(what.rows()) - 3, len(what.rows()) - 2):
            draw.line((40, top + 50, 720, top + 50), fill=_INK, width=2)
        top += 72 if number < 4 else 62
    return page


def photographed(page: Image.Image, condition: Condition, *, seed: int) -> Image.Image:
    """The page on a table, as a phone takes it.

    Args:
        page: What was printed.
        condition: What makes this photo hard.
        seed: Decides the rest.

    Returns:
        RGB, 1,200 by 1,600 pixels.
    """
    rng = np.random.default_rng([13, seed, CONDITIONS.index(condition)])
    width, height = 1200, 1600
    tilt = {"tilted": 0.11, "crumpled": 0.05}.get(condition, 0.02)
    share = {"far away": 0.26}.get(condition, 0.80)
    corners = _corners(width, height, share, tilt, rng)
    table = _table(width, height, rng)
    laid = page.transform((width, height), Image.Transform.PERSPECTIVE, _perspective(corners), Image.Resampling.BICUBIC)
    mask = Image.new("L", _PAGE, 255).transform(
        (width, height), Image.Transform.PERSPECTIVE, _perspective(corners), Image.Resampling.BILINEAR
    )
    table.paste(laid, mask=mask)
    if condition == "crumpled":
        table = _crumpled(table, rng)
    blur_px = {"out of focus": 4.2, "dusk": 1.8}.get(condition, 0.8)
    pixels = np.asarray(table.filter(ImageFilter.GaussianBlur(blur_px)), np.float32)
    pixels = pixels * _lit(width, height, condition, rng)[..., None]
    pixels += rng.standard_normal(pixels.shape, np.float32) * (20 if condition == "dusk" else 4)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


def _corners(width: int, height: int, share: float, tilt: float, rng: np.random.Generator) -> np.ndarray:
    """Where the page's corners lie in the photo: top left, top right, bottom right, bottom left."""
    across = width * share
    half = np.array((across, across * _PAGE[1] / _PAGE[0])) / 2
    corners = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * half
    turn = rng.uniform(0.6, 1.0) * rng.choice((-1, 1)) * tilt
    corners = corners @ np.array(((np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))))
    lean = rng.uniform(-1, 1, (4, 2)) * across * tilt * 0.35
    found: np.ndarray = corners + lean + np.array((width, height)) / 2
    return found


def _perspective(corners: np.ndarray) -> list[float]:
    """The eight numbers with which Pillow goes from a photo's pixel back to the page's."""
    page = np.array(((0, 0), (_PAGE[0], 0), _PAGE, (0, _PAGE[1])), float)
    rows, right = [], []
    for (x, y), (u, v) in zip(corners, page, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(right))]


def _table(width: int, height: int, rng: np.random.Generator) -> Image.Image:
    grain = rng.uniform(0.75, 1.1, (height // 12, 7)).astype(np.float32)
    wood = Image.fromarray(grain).resize((width, height), Image.Resampling.BICUBIC)
    return Image.fromarray(
        (np.asarray(wood)[..., None] * np.array((122, 88, 58), np.float32)).clip(0, 255).astype(np.uint8)
    )


def _crumpled(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Moves pixels by smooth waves, a few pixels at most."""
    width, height = picture.size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    for _ in range(3):
        across, down = rng.uniform(0.004, 0.012, 2)
        wave = np.sin(across * x + down * y + rng.uniform(0, 6)).astype(np.float32)
        x, y = x + 4 * wave, y + 4 * wave
    pixels = np.asarray(picture)
    bent: np.ndarray = pixels[
        np.clip(y.round().astype(int), 0, height - 1), np.clip(x.round().astype(int), 0, width - 1)
    ]
    return Image.fromarray(bent)


def _lit(width: int, height: int, condition: Condition, rng: np.random.Generator) -> np.ndarray:
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    slope = rng.uniform(-0.12, 0.12, 2)
    light = 0.95 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5)
    if condition == "shadow":  # of a hand: its edge lies across the page
        edge = rng.uniform(0.35, 0.65) + rng.uniform(-0.5, 0.5) * (y - 0.5)
        light = light * (0.38 + 0.62 / (1 + np.exp(np.clip((x - edge) * 40, -30, 30))))
    if condition == "dusk":
        light = light * 0.30
    return light.astype(np.float32)
