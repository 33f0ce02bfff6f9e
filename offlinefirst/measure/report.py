"""What a bench found: raw samples first, and everything that they belong to; it goes through JSON and back whole."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from offlinefirst.device.units import format_bytes
from offlinefirst.measure import stats
from offlinefirst.measure.errors import ReportError
from offlinefirst.measure.sizes import Sizes
from offlinefirst.measure.stored import REMEDY, SCHEMA, build, parse, read_text, without_schema

_NS = 1e-9


@dataclass(frozen=True, kw_only=True)
class Run:
    """One fresh process.

    Args:
        import_ns: Importing the runner's library; no part of loading the model.
        load_ns: Loading the model, its file lying in the system's cache.
        first_ns: The first call.
        warm_up_ns: The calls after it that do not count.
        steady_ns: The calls that do, in order.
        steady_cpu_ns: Processor time of the process during those, all threads together.
        rss_before_load_bytes: Resident memory with the runner imported, read from outside.
        rss_loaded_bytes: The same when the model was loaded.
        peak_rss_bytes: The most that was resident: the platform's own mark where there is one, else the next.
        sampled_peak_bytes: The most that was seen by sampling from outside.
        energy_j: What the whole processor took during the steady calls; None where it cannot be read.
        collections: How often the garbage collector ran during them.
    """

    import_ns: int
    load_ns: int
    first_ns: int
    warm_up_ns: tuple[int, ...]
    steady_ns: tuple[int, ...]
    steady_cpu_ns: int
    rss_before_load_bytes: int
    rss_loaded_bytes: int
    peak_rss_bytes: int
    sampled_peak_bytes: int
    energy_j: float | None
    collections: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """One model on one device under one runner.

    Args:
        model: The file's name, without folders.
        sha256: What the file hashes to.
        sizes: What it weighs.
        profile: The device's name; "host" is the computer as it is.
        app_memory_bytes: What the process was held to; None on "host".
        memory_enforced: Whether the platform refuses more; else it is only watched.
        cores: On how many cores the process ran.
        threads: How many threads the runner was told to use.
        runner: What ran it.
        versions: Of Python and of the runner's packages.
        inputs: Kind and shape of each input, by name.
        inputs_from: "made with seed 0", or the name of a file.
        warm_up: How many calls after the first did not count.
        min_calls: How many had to count at least.
        min_seconds: For how long at least.
        collector: "off" or "on": the garbage collector during the calls that count.
        measured_at: When, in UTC.
        host: The machine: system, processor, its instruction sets, cores.
        runs: One for each process.
        energy_absent: Why there is no energy; None when there is.
        notes: What else a reader must know before comparing.
    """

    model: str
    sha256: str
    sizes: Sizes
    profile: str
    app_memory_bytes: int | None
    memory_enforced: bool
    cores: int
    threads: int
    runner: str
    versions: Mapping[str, str]
    inputs: Mapping[str, str]
    inputs_from: str
    warm_up: int
    min_calls: int
    min_seconds: float
    collector: str
    measured_at: str
    host: Mapping[str, Any]
    runs: tuple[Run, ...]
    energy_absent: str | None
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def samples_s(self) -> tuple[float, ...]:
        """Every steady call of every process, in seconds, in order."""
        return tuple(ns * _NS for run in self.runs for ns in run.steady_ns)

    @cached_property
    def summary(self) -> stats.Summary:
        """The steady calls in nine numbers, in seconds."""
        return stats.summarise(self.samples_s)

    @property
    def p50_s(self) -> float:
        """Half of the steady calls took at most this long."""
        return self.summary.p50

    @property
    def p90_s(self) -> float:
        """Nine steady calls in ten took at most this long."""
        return self.summary.p90

    @property
    def p95_s(self) -> float:
        """Nineteen steady calls in twenty took at most this long."""
        return self.summary.p95

    @property
    def p99_s(self) -> float:
        """99 steady calls in a hundred took at most this long."""
        return self.summary.p99

    @property
    def load_s(self) -> float:
        """Loading the model: the median over the processes, in seconds."""
        return stats.percentile([run.load_ns * _NS for run in self.runs], 50)

    @property
    def first_s(self) -> float:
        """The first call: the median over the processes, in seconds."""
        return stats.percentile([run.first_ns * _NS for run in self.runs], 50)

    @property
    def import_s(self) -> float:
        """Importing the runner: the median over the processes, in seconds."""
        return stats.percentile([run.import_ns * _NS for run in self.runs], 50)

    @property
    def peak_rss_bytes(self) -> int:
        """The most memory that any of the processes held."""
        return max(run.peak_rss_bytes for run in self.runs)

    @property
    def cpu_share(self) -> float:
        """Processor time over time during the steady calls: about 1 for one busy thread, less when it had to wait."""
        took_s = sum(self.samples_s)
        return sum(run.steady_cpu_ns for run in self.runs) * _NS / took_s if took_s else 0.0

    @property
    def energy_j_per_call(self) -> float | None:
        """Energy of the whole processor for each steady call, in joules; None where it could not be read."""
        energy = [run.energy_j for run in self.runs if run.energy_j is not None]
        return sum(energy) / len(self.samples_s) if len(energy) == len(self.runs) else None

    def with_runs_of(self, other: "Report") -> "Report":
        """This report with the processes of another one added, which measured the same in the same way.

        Raises:
            ReportError: It measured something else; names what differs.
        """
        ignored = {"runs", "measured_at", "notes", "energy_absent"}
        differ = [
            each.name
            for each in fields(self)
            if each.name not in ignored and getattr(self, each.name) != getattr(other, each.name)
        ]
        if differ:
            raise ReportError(f"two reports on {self.model} cannot be joined: {', '.join(differ)} differ. Compare them")
        notes = tuple(dict.fromkeys((*self.notes, *other.notes)))
        return replace(self, runs=(*self.runs, *other.runs), notes=notes)

    def to_json(self) -> str:
        """The report as JSON; `from_json` takes it back."""
        return json.dumps({"schema": SCHEMA, **asdict(self)})

    @classmethod
    def from_json(cls, text: str, *, name: str = "the report") -> "Report":
        """Take back what `to_json` gave.

        Args:
            text: JSON.
            name: What to call it in errors; a file's name, if it has one.

        Raises:
            ReportError: It is no JSON, not of this schema, or a key is missing, unknown or of the wrong kind.
        """
        return cls.from_dict(parse(text, name), name=name)

    @classmethod
    def from_dict(cls, table: object, *, name: str = "the report") -> "Report":
        """Take back a report that is part of something larger; raises ReportError as `from_json` does."""
        report = build(cls, without_schema(table, name), name, "")
        if not report.runs or not all(run.steady_ns for run in report.runs):
            raise ReportError(f"{name} is damaged: it holds no steady calls. {REMEDY}")
        return report

    def write(self, path: Path) -> Path:
        """Write the report to a file and return its path. Raises OSError when it cannot be written."""
        path.write_text(self.to_json() + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> "Report":
        """Read a report from a file.

        Raises:
            ReportError: It cannot be read, or is no report of this schema; names the file.
        """
        return cls.from_json(read_text(path), name=path.name)

    def __str__(self) -> str:
        size = self.sizes
        memory = "not limited" if self.app_memory_bytes is None else f"of {format_bytes(self.app_memory_bytes)}"
        energy = self.energy_j_per_call
        rows = [
            ("load", f"{self.load_s * 1000:.2f} ms"),
            ("first call", f"{self.first_s * 1000:.2f} ms"),
            ("p50, p95", f"{self.p50_s * 1000:.3f} ms, {self.p95_s * 1000:.3f} ms"),
            ("calls", f"{len(self.samples_s):,} in {len(self.runs)} process{'' if len(self.runs) == 1 else 'es'}"),
            ("processor", f"{self.cpu_share:.2f} of a core during those calls"),
            ("peak memory", f"{format_bytes(self.peak_rss_bytes)} ({memory})"),
            ("size", f"{format_bytes(size.raw_bytes)}, compressed {format_bytes(size.compressed_bytes)}"),
            ("energy", f"not known: {self.energy_absent}" if energy is None else f"{energy * 1000:.2f} mJ a call"),
            ("host", f"{self.host.get('cpu', 'unknown')}, {self.threads} thread{'' if self.threads == 1 else 's'}"),
            *(("note", note) for note in self.notes),
        ]
        return "\n".join([f"{self.model} on {self.profile} ({self.runner})", *(f"  {a:<12}{b}" for a, b in rows)])

    __repr__ = __str__
