"""Device x model x metric: every model measured on every device, in rounds, and what could not run says why.

The order is interleaved: one round goes through everything once before anything is measured again, and every other
round goes backwards. A machine that grows warm or busy then troubles all alike, and not the last model alone.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from offlinefirst.device.errors import DeviceError
from offlinefirst.device.units import MiB
from offlinefirst.measure.bench import bench
from offlinefirst.measure.errors import MeasureError, MeasurementError, ReportError
from offlinefirst.measure.report import Report
from offlinefirst.measure.stored import REMEDY, SCHEMA, parse, without_schema

Progress = Callable[[str, str, int, int], None]


@dataclass(frozen=True)
class Metric:
    """One thing a report tells: its words, unit, and how to read it in that unit."""

    title: str
    unit: str
    read: Callable[[Report], float]
    more_is_better: bool = False


#: Quality is the caller's number and stands beside these under the name "quality".
METRICS: dict[str, Metric] = {
    "load": Metric("load", "ms", lambda report: report.load_s * 1000),
    "first": Metric("first call", "ms", lambda report: report.first_s * 1000),
    "p50": Metric("p50", "ms", lambda report: report.p50_s * 1000),
    "p95": Metric("p95", "ms", lambda report: report.p95_s * 1000),
    "peak_rss": Metric("peak memory", "MiB", lambda report: report.peak_rss_bytes / MiB),
    "raw": Metric("raw size", "MiB", lambda report: report.sizes.raw_bytes / MiB),
    "compressed": Metric("compressed size", "MiB", lambda report: report.sizes.compressed_bytes / MiB),
}
QUALITY = "quality"


@dataclass(frozen=True)
class Table:
    """One metric: a row for each model, a column for each device; None where it could not be measured."""

    metric: str
    title: str
    unit: str
    models: tuple[str, ...]
    profiles: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]

    def __str__(self) -> str:
        heading = f"{self.title}{f', {self.unit}' if self.unit else ''}"
        rows = [[heading, *self.profiles]]
        rows += [
            [model, *("-" if value is None else _short(value) for value in row)]
            for model, row in zip(self.models, self.values, strict=True)
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if column else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )

    __repr__ = __str__


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """What was measured.

    Args:
        models: Their names, in the caller's order.
        profiles: The devices.
        cells: For each model and device a report, or the reason why there is none.
        quality: The caller's number for each model that has one; what it means is the caller's to say.
    """

    models: tuple[str, ...]
    profiles: tuple[str, ...]
    cells: Mapping[tuple[str, str], Report | str]
    quality: Mapping[str, float]

    def report(self, model: str, profile: str) -> Report:
        """One cell's report.

        Raises:
            MeasurementError: There is no such cell, or it could not run; says why.
        """
        cell = self.cells.get((model, profile))
        if isinstance(cell, Report):
            return cell
        raise MeasurementError(f"{model} on {profile}: {cell or 'not in this matrix'}")

    @property
    def failures(self) -> dict[tuple[str, str], str]:
        """Why cells could not run, by model and device."""
        return {key: cell for key, cell in self.cells.items() if isinstance(cell, str)}

    def value(self, metric: str, model: str, profile: str) -> float | None:
        """One number in the metric's unit; None where there is none. Raises MeasurementError for an unknown metric."""
        cell = self.cells.get((model, profile))
        if metric == QUALITY:
            return self.quality.get(model) if isinstance(cell, Report) else None
        return _metric(metric).read(cell) if isinstance(cell, Report) else None

    def table(self, metric: str) -> Table:
        """One metric over all cells.

        Args:
            metric: One of `METRICS`, or "quality".

        Raises:
            MeasurementError: There is no such metric; lists those there are.
        """
        known = Metric(QUALITY, "", lambda report: 0.0) if metric == QUALITY else _metric(metric)
        values = tuple(tuple(self.value(metric, model, each) for each in self.profiles) for model in self.models)
        return Table(metric, known.title, known.unit, self.models, self.profiles, values)

    def text(self) -> str:
        """Every metric, one table under the other, and at the end why cells are empty."""
        tables = [str(self.table(metric)) for metric in (*METRICS, *([QUALITY] if self.quality else []))]
        reasons = [f"{model} on {profile}: {why}" for (model, profile), why in self.failures.items()]
        return "\n\n".join([*tables, *(["\n".join(["not measured:", *reasons])] if reasons else [])])

    __str__ = text
    __repr__ = text

    def to_json(self) -> str:
        """The matrix as JSON; `from_json` takes it back."""
        cells = [
            {"model": model, "profile": profile}
            | ({"why_not": cell} if isinstance(cell, str) else {"report": {"schema": SCHEMA, **asdict(cell)}})
            for (model, profile), cell in self.cells.items()
        ]
        table = {"models": self.models, "profiles": self.profiles, "quality": dict(self.quality), "cells": cells}
        return json.dumps({"schema": SCHEMA, **table})

    @classmethod
    def from_json(cls, text: str, *, name: str = "the matrix") -> "Matrix":
        """Take back what `to_json` gave.

        Args:
            text: JSON.
            name: What to call it in errors; a file's name, if it has one.

        Raises:
            ReportError: It is no JSON, not of this schema, or damaged.
        """
        table = without_schema(parse(text, name), name)
        try:
            cells = {(cell["model"], cell["profile"]): _cell(cell, name) for cell in table["cells"]}
            models, profiles = tuple(table["models"]), tuple(table["profiles"])
            quality = {str(model): float(number) for model, number in table["quality"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, ReportError):
                raise
            raise ReportError(f"{name} is damaged: {type(error).__name__}: {error}. {REMEDY}") from error
        if set(cells) != {(model, profile) for model in models for profile in profiles}:
            raise ReportError(f"{name} is damaged: its cells are not those of its models and devices. {REMEDY}")
        return cls(models=models, profiles=profiles, cells=cells, quality=quality)


def matrix(
    models: Mapping[str, Path],
    profiles: Sequence[str],
    *,
    quality: Mapping[str, float] | None = None,
    rounds: int = 2,
    progress: Progress | None = None,
    own: Mapping[str, Mapping[str, Any]] | None = None,
    **options: Any,
) -> Matrix:
    """Measure every model on every device.

    A row may be a model under a runtime as well: name the same model once for each, and give each its runner in `own`.

    Args:
        models: Files by the name that tables show.
        profiles: Devices, as `bench` takes them.
        quality: A number for each model, measured by the caller: accuracy, F1, chrF.
        rounds: In how many fresh processes each cell is measured, one in each round.
        progress: Called before each measurement with the model, the device, how many are done and of how many.
        own: Options of single models by name, in the place of those for all: another runner, inputs in another layout.
        options: Passed on to `bench`: runner, inputs, threads, min_seconds and so on, but not profile and processes.

    Returns:
        The matrix. A cell that failed once holds the reason and is not tried again.

    Raises:
        MeasurementError: There is nothing to measure; quality or options are given for a model that is not there; or
            options hold the device or the processes, which the matrix itself chooses.
    """
    names = list(dict.fromkeys(profiles))
    if not models or not names or rounds < 1:
        raise MeasurementError("a matrix needs at least one model, one device and one round")
    if unknown := set(quality or {}) - set(models):
        raise MeasurementError(f"quality is given for {', '.join(sorted(unknown))}, which is no model of this matrix")
    if unknown := set(own or {}) - set(models):
        raise MeasurementError(f"options are given for {', '.join(sorted(unknown))}, which is no model of this matrix")
    chosen = {model: {**options, **(own or {}).get(model, {})} for model in models}
    for model, given in chosen.items():
        if wrong := {"profile", "processes"} & set(given):
            raise MeasurementError(f"{model}: {', '.join(sorted(wrong))} is the matrix's own: profiles= and rounds=")
    keys = [(model, profile) for model in models for profile in names]
    cells: dict[tuple[str, str], Report | str] = {}
    for number in range(rounds):
        for place, (model, profile) in enumerate(keys if number % 2 == 0 else keys[::-1]):
            if progress is not None:
                progress(model, profile, number * len(keys) + place, rounds * len(keys))
            before = cells.get((model, profile))
            if isinstance(before, str):
                continue
            try:
                report = bench(models[model], profile=profile, **chosen[model])
                cells[model, profile] = report if before is None else before.with_runs_of(report)
            except (MeasureError, DeviceError, OSError) as error:
                cells[model, profile] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    ordered = {key: cells[key] for key in keys}
    return Matrix(models=tuple(models), profiles=tuple(names), cells=ordered, quality=dict(quality or {}))


def _metric(name: str) -> Metric:
    if name not in METRICS:
        raise MeasurementError(f"no metric is called {name!r}; choose one of {', '.join([*METRICS, QUALITY])}")
    return METRICS[name]


def _cell(cell: Mapping[str, Any], name: str) -> Report | str:
    if "why_not" in cell:
        return str(cell["why_not"])
    return Report.from_dict(cell["report"], name=f"{name}: {cell['model']} on {cell['profile']}")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
