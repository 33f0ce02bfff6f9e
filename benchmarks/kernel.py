"""What a device's limits cost at start-up: our kernel beside a plain one, up to the first execute_reply."""

import os
import re
import statistics
import subprocess
import sys
import time

import _report
from jupyter_client.manager import KernelManager

OURS, PLAIN = "phone-2gb", "python3"

# Everybody's second start finds compiled modules; some containers forbid writing them, and would measure the compiler.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def start_s(name: str) -> float:
    """Start a kernel, run one cell, stop it.

    Args:
        name: the kernelspec.

    Returns:
        Seconds from the start of the process to the first execute_reply.
    """
    manager = KernelManager(kernel_name=name)
    began_s = time.perf_counter()
    manager.start_kernel(env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    client = manager.blocking_client()
    client.start_channels()
    try:
        # Not wait_for_ready: it polls, and its rhythm would be measured as well.
        message_id = client.execute("1")
        while client.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != message_id:
            pass
        return time.perf_counter() - began_s
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def import_ms() -> float:
    """Measure what our modules add to a process that has ipykernel already.

    Returns:
        Milliseconds for everything that the kernel imports of ours, in a fresh process.
    """
    ours = "cells, current, kernel, limits, network, profiles, quiet, storage, usage, watchdog"
    code = "import time, ipykernel.kernelapp, IPython; began = time.perf_counter()\n"
    code += f"from offlinefirst.device import {ours}\nprint((time.perf_counter() - began) * 1000)"
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT).stdout)


def main() -> None:
    parser = _report.options(re.sub(r":.*", "", __doc__ or ""))
    parser.add_argument("--pairs", type=int, default=30, help="how many pairs to start (30)")
    arguments = parser.parse_args()
    samples: dict[str, list[float]] = {OURS: [], PLAIN: []}
    for warm_up in (PLAIN, OURS):
        start_s(warm_up)
    for pair in range(arguments.pairs):
        # Each goes first every other time, so that neither always finds the warmer machine.
        for name in (OURS, PLAIN) if pair % 2 else (PLAIN, OURS):
            samples[name].append(start_s(name))
    ratios = [ours / plain for ours, plain in zip(samples[OURS], samples[PLAIN], strict=True)]
    imports = [import_ms() for _ in range(11)]
    metrics = {
        "start_ratio": statistics.median(ratios),
        "start_s": statistics.median(samples[OURS]),
        "plain_start_s": statistics.median(samples[PLAIN]),
        "import_ms": statistics.median(imports),
    }
    rows = [
        {
            "kernel": name,
            "median_s": statistics.median(values),
            "fastest_s": min(values),
            "slowest_s": max(values),
            "starts": len(values),
            "samples_s": [round(value, 4) for value in values],
        }
        for name, values in samples.items()
    ]
    _report.show([{key: value for key, value in row.items() if key != "samples_s"} for row in rows])
    print(f"\nstart_ratio  {metrics['start_ratio']:.3f}  median of {len(ratios)} paired ratios; target at most 1.1")
    print(f"import_ms    {metrics['import_ms']:.1f}   our own modules on top of ipykernel; cap 15")
    facts = _report.host("ipykernel", "ipython", "jupyter_client", "pyzmq")
    _report.write(arguments.json, benchmark="kernel", host_facts=facts, metrics=metrics, rows=rows)


if __name__ == "__main__":
    main()
