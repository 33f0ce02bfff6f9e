"""Reads synthetic delivery notes with the scanner's networks and keeps what they said, for devices without them.

    .venv/bin/python tools/make_scanner_sample.py

The photos are not kept: they are drawn again from their seeds. The networks come from the catalogue's set `ocr`
(`python3 course.py data fetch ocr`). Takes about four minutes on one core.
"""

import io
import json
from datetime import date
from typing import Any

from PIL import Image

from offlinefirst.course.lessons import course_root
from offlinefirst.datasets.receipts import CONDITIONS, GOODS, note, photographed, printed
from offlinefirst.sync._note_rules import read_note
from offlinefirst.sync.reading import PageReader, Piece
from offlinefirst.sync.scanner import LOOKS_PX

SEEDS = range(100, 120)
TODAY = date(2026, 12, 1)
QUALITY = 90


def main() -> None:
    reader = PageReader()
    photos = []
    for seed in SEEDS:
        for condition in CONDITIONS:
            buffer = io.BytesIO()
            photographed(printed(note(seed)), condition, seed=seed).save(buffer, "JPEG", quality=QUALITY)
            photo = Image.open(buffer)
            looks = {}
            for seen_px in LOOKS_PX:
                pieces = reader.read(photo, seen_px=seen_px)
                looks[seen_px] = [saved(piece) for piece in pieces]
                if not read_note(pieces, today=TODAY, goods=GOODS).doubts:
                    break
            photos.append({"seed": seed, "condition": condition, "looks": looks})
    path = course_root() / "datasets/scanner/readings.json"
    path.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(photo, ensure_ascii=False, separators=(",", ":")) for photo in photos)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def saved(piece: Piece) -> list[Any]:
    corners = [round(value) for corner in piece.corners for value in corner]
    return [piece.text, round(piece.confidence, 3), round(piece.weakest, 3), corners]


if __name__ == "__main__":
    main()
