"""What every benchmark shares: facts about the host, a table for people, a JSON file for the rest."""

import argparse
import json
from pathlib import Path
from typing import Any

from offlinefirst.measure.host import host

__all__ = ["host", "options", "show", "write"]


def options(description: str) -> argparse.ArgumentParser:
    """Make a parser with the options that every benchmark has.

    Args:
        description: the benchmark in one sentence.

    Returns:
        A parser with --json; add the benchmark's own options to it.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here as well")
    return parser


def show(rows: list[dict[str, Any]]) -> None:
    """Print rows as a table; the first row's keys are the columns.

    Args:
        rows: values by column; floats are rounded for reading, the JSON keeps them whole.
    """
    columns = list(rows[0])
    lines = [columns, *([_text(row.get(column, "")) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for number, line in enumerate(lines):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def write(
    path: Path | None,
    *,
    benchmark: str,
    host_facts: dict[str, Any],
    metrics: dict[str, float],
    rows: list[dict[str, Any]],
) -> None:
    """Write the results for machines; with no path, do nothing.

    Args:
        path: the file.
        benchmark: its name.
        host_facts: what `host` returned.
        metrics: numbers by name, ratios first.
        rows: what the table showed, with the raw samples.
    """
    if path is None:
        return
    result = {"benchmark": benchmark, "host": host_facts, "metrics": metrics, "rows": rows}
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
