"""Reports made of numbers, for tests that measure nothing."""

from dataclasses import replace

from offlinefirst.measure.report import Report, Run
from offlinefirst.measure.sizes import Sizes

RUN = Run(
    import_ns=90_000_000,
    load_ns=20_000_000,
    first_ns=5_000_000,
    warm_up_ns=(3_000_000,),
    steady_ns=tuple(range(1_000_000, 101_000_000, 1_000_000)),
    steady_cpu_ns=2_525_000_000,
    rss_before_load_bytes=50_000_000,
    rss_loaded_bytes=60_000_000,
    peak_rss_bytes=70_000_000,
    sampled_peak_bytes=69_000_000,
    energy_j=None,
    collections=0,
)

REPORT = Report(
    model="leaf.onnx",
    sha256="0" * 64,
    sizes=Sizes(raw_bytes=2_097_152, compressed_bytes=1_048_576, wire_bytes=1_080_000),
    profile="phone-2gb",
    app_memory_bytes=2**30,
    memory_enforced=True,
    cores=1,
    threads=1,
    runner="onnxruntime",
    versions={"python": "3.11.7", "onnxruntime": "1.0"},
    inputs={"x": "float32[1, 4]"},
    inputs_from="made with seed 0",
    warm_up=1,
    min_calls=10,
    min_seconds=1.0,
    collector="off",
    measured_at="2026-01-02T03:04:05+00:00",
    host={"system": "Linux", "cpu": "a processor", "cpu_flags": ["avx2"], "cores": 2},
    runs=(RUN,),
    energy_absent="this machine shows no energy counters",
    notes=("a note",),
)


def report(scale=1.0, **changes):
    """The report with every time multiplied, and other fields changed."""
    run = replace(
        RUN,
        load_ns=round(RUN.load_ns * scale),
        first_ns=round(RUN.first_ns * scale),
        steady_ns=tuple(round(ns * scale) for ns in RUN.steady_ns),
    )
    return replace(REPORT, **{"runs": (run,), **changes})
