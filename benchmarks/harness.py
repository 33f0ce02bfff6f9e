"""What our measuring costs and how true it is: the timing loop beside a bare one, peak memory beside GNU time's.

Peak memory: every program runs alternately under `/usr/bin/time -v` and under our watch, which samples it from outside.
The last row is a whole bench: the same worker with the same specification, under GNU time and under `bench`, whose
reports take the platform's own mark of the peak where it keeps one.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _report

from offlinefirst.measure.bench import SEED, bench
from offlinefirst.measure.resident import Watch
from offlinefirst.measure.worker import HOST, steady

TIME = "/usr/bin/time"
CALLS = 20_000

PROGRAMS = {
    "nothing, 20 ms": "pass",
    "small, 0.3 s": "import time; kept = bytearray(b'x') * (8 << 20); time.sleep(0.3)",
    "large, 0.5 s": "import time; kept = bytearray(b'x') * (400 << 20); time.sleep(0.5)",
    "growing by 1 MiB": "kept = [bytes([1]) * (1 << 20) for _ in range(300)]",
    "a peak of 50 ms": (
        "import mmap, time; time.sleep(0.2); peak = mmap.mmap(-1, 200 << 20); peak.write(b'x' * (200 << 20)); "
        "time.sleep(0.05); peak.close(); time.sleep(0.3)"
    ),
}


def timer_overhead_us(call: Callable[[], object]) -> float:
    """Tell what our loop adds to every call of a function.

    Args:
        call: what is called.

    Returns:
        Microseconds a call: our loop less a bare one, both with as many calls.
    """
    began = time.perf_counter_ns()
    for _ in range(CALLS):
        call()
    bare_ns = time.perf_counter_ns() - began
    began = time.perf_counter_ns()
    steady(call, min_calls=CALLS, min_ns=0)
    return (time.perf_counter_ns() - began - bare_ns) / CALLS / 1000


def gnu_peak_bytes(command: list[str], said: str = "") -> int:
    """Run a command under GNU time.

    Args:
        command: what to run.
        said: what it gets on its standard input.

    Returns:
        Its maximum resident set size, in bytes.
    """
    with tempfile.NamedTemporaryFile("r") as file:
        whole = [TIME, "-v", "-o", file.name, *command]
        subprocess.run(whole, input=said, text=True, check=True, stdout=subprocess.DEVNULL)
        found = re.search(r"Maximum resident set size \(kbytes\): (\d+)", Path(file.name).read_text("utf-8"))
    assert found is not None, "GNU time writes it"
    return int(found[1]) * 1024


def our_peak_bytes(command: list[str]) -> int:
    """Run a command under our watch.

    Args:
        command: what to run.

    Returns:
        The most that was resident in any sample, in bytes.
    """
    with subprocess.Popen(command) as process, Watch(process.pid) as watch:
        process.wait()
    return watch.peak_bytes


def bench_row(pairs: int, model: Path) -> dict[str, Any]:
    """Compare the peak that a report gives with GNU time's for the same worker.

    Args:
        pairs: how often.
        model: what is measured.

    Returns:
        The row.
    """
    spec = {
        "model": str(model),
        "profile": HOST,
        "runner": "onnxruntime",
        "inputs": None,
        "threads": 1,
        "seed": SEED,
        "warm_up": 3,
        "min_calls": 10,
        "min_seconds": 0.2,
        "collector": "off",
        "sys_path": [],
        "environment": {},
    }
    # An empty line for every stage that the worker waits at.
    said = json.dumps(spec) + "\n" * 4
    command = [sys.executable, "-m", "offlinefirst.measure.worker"]
    theirs, ours = [], []
    for _ in range(pairs):
        theirs.append(gnu_peak_bytes(command, said))
        report = bench(model, profile=HOST, threads=1, min_seconds=0.2)
        ours.append(report.peak_rss_bytes)
    return row("bench of an ONNX model", ours, theirs)


def row(program: str, ours: list[int], theirs: list[int]) -> dict[str, Any]:
    """Put both sides of one program together.

    Args:
        program: what ran.
        ours: peaks that we sampled, in bytes.
        theirs: peaks that GNU time told, in bytes.

    Returns:
        Medians in MiB, the relative error of the medians and of the worst pair, and the raw peaks.
    """
    errors = [abs(our - their) / their for our, their in zip(ours, theirs, strict=True)]
    our, their = statistics.median(ours), statistics.median(theirs)
    return {
        "program": program,
        "ours_mib": our / 2**20,
        "gnu_time_mib": their / 2**20,
        "error": abs(our - their) / their,
        "worst_pair": max(errors),
        "pairs": len(ours),
        "ours_bytes": ours,
        "gnu_time_bytes": theirs,
    }


def main() -> None:
    parser = _report.options(re.sub(r"\n.*", "", __doc__ or ""))
    parser.add_argument("--pairs", type=int, default=9, help="how many pairs of each program to run (9)")
    arguments = parser.parse_args()
    if shutil.which(TIME) is None:
        parser.error(f"{TIME} is missing: install Debian's package time (apt-get install time)")
    overheads = [timer_overhead_us(lambda: None) for _ in range(2 * arguments.pairs + 1)]
    rows = []
    for program, code in PROGRAMS.items():
        command = [sys.executable, "-c", code]
        theirs, ours = [], []
        for _ in range(arguments.pairs):
            theirs.append(gnu_peak_bytes(command))
            ours.append(our_peak_bytes(command))
        rows.append(row(program, ours, theirs))
    import onnxruntime

    rows.append(bench_row(arguments.pairs, Path(onnxruntime.__file__).parent / "datasets" / "sigmoid.onnx"))
    metrics = {
        "timer_overhead_us": statistics.median(overheads),
        "timer_overhead_worst_us": max(overheads),
        "rss_error": max(each["error"] for each in rows),
        "rss_error_worst_pair": max(each["worst_pair"] for each in rows),
    }
    _report.show([{key: value for key, value in each.items() if not key.endswith("_bytes")} for each in rows])
    print(f"\ntimer_overhead_us  {metrics['timer_overhead_us']:.3f}  median of {len(overheads)}; cap 5")
    print(f"rss_error          {metrics['rss_error']:.4f}  the worst program's medians; cap 0.05")
    facts = _report.host("offlinefirst", "onnxruntime", "numpy", "psutil")
    _report.write(arguments.json, benchmark="harness", host_facts=facts, metrics=metrics, rows=rows)


if __name__ == "__main__":
    main()
