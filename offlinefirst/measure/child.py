"""One measuring process: started, watched, talked to, and ended whatever happens."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, NoReturn

from offlinefirst.device.profiles import Profile
from offlinefirst.device.units import format_bytes
from offlinefirst.measure.errors import (
    ChildError,
    ChildMemoryError,
    ChildTimeoutError,
    InputsError,
    ModelFileError,
    UnknownRunnerError,
)
from offlinefirst.measure.report import Run
from offlinefirst.measure.resident import Watch

# Every reading takes a little of a core that may be the model's only one: on one core the p90 of a call of 0.2 ms was a
# tenth higher at 2 ms and no higher at 20 ms. Linux keeps the peak itself; elsewhere only short pauses find it.
_WATCH_EVERY_S = 0.01 if sys.platform == "linux" else 0.002
_NO_MEMORY = ("bad_alloc", "cannot allocate memory", "out of memory", "MemoryError")
_SMALLER = "Try a smaller or a quantised model, a smaller input, or a device with more memory."
_THEIR_FAULT = {"model": ModelFileError, "runner": UnknownRunnerError, "inputs": InputsError}
_WHERE = {
    "starting": "while it started and imported the runner",
    "before load": "while it loaded the model",
    "loaded": "in its first calls",
    "warm": "in its steady calls",
}


@dataclass(frozen=True)
class Answer:
    """What the process said, and what was measured of it."""

    table: dict[str, Any]
    run: Run


class Child:
    """One measuring process, from its start to its end."""

    def __init__(
        self, spec: dict[str, Any], model: str, device: Profile, limit_bytes: int | None, timeout_s: float
    ) -> None:
        """Prepare; `run` starts it.

        Args:
            spec: What the worker is told.
            model: What to call the model in errors.
            device: The device it is held to.
            limit_bytes: How much may be resident; more ends the process. None for no limit.
            timeout_s: How long it may take for everything.
        """
        self._spec = spec
        self._model = model
        self._device = device
        self._limit_bytes = limit_bytes
        self._timeout_s = timeout_s
        self._stage = "starting"
        self._expired = False
        self._resident: dict[str, int] = {}

    def run(self) -> Answer:
        """Start the process, measure, and end it.

        Raises:
            MeasureError: As `bench` lists them.
            OSError: No process can be started.
        """
        command = [sys.executable, "-m", "offlinefirst.measure.worker"]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                encoding="utf-8",
                env=environment,
            )
            timer = threading.Timer(self._timeout_s, self._expire, [process])
            timer.start()
            try:
                with Watch(
                    process.pid, interval_s=_WATCH_EVERY_S, limit_bytes=self._limit_bytes, on_excess=process.kill
                ) as watch:
                    return self._talk(process, watch, said)
            finally:
                timer.cancel()
                process.kill()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        with suppress(OSError):
                            pipe.close()
                process.wait()

    def _expire(self, process: "subprocess.Popen[str]") -> None:
        self._expired = True
        process.kill()

    def _talk(self, process: "subprocess.Popen[str]", watch: Watch, said: IO[bytes]) -> Answer:
        assert process.stdin is not None, "it was asked for"
        assert process.stdout is not None, "it was asked for"
        try:
            process.stdin.write(json.dumps(self._spec) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                if not line.endswith("\n"):
                    self._fail(process, watch, said)  # it ended while it wrote
                table = json.loads(line)
                self._resident[table.get("stage", "end")] = watch.now()
                if "stage" not in table:
                    break
                self._stage = table["stage"]
                process.stdin.write("\n")
                process.stdin.flush()
            else:
                self._fail(process, watch, said)
        except BrokenPipeError:
            self._fail(process, watch, said)
        # The process waits for the end of its input, so its own mark can still be read.
        high_water = watch.high_water()
        if "error" in table:
            self._raise(table["error"], said)
        result = table["result"]
        run = Run(
            import_ns=result["import_ns"],
            load_ns=result["load_ns"],
            first_ns=result["first_ns"],
            warm_up_ns=tuple(result["warm_up_ns"]),
            steady_ns=tuple(result["steady_ns"]),
            steady_cpu_ns=result["steady_cpu_ns"],
            rss_before_load_bytes=self._resident["before load"],
            rss_loaded_bytes=self._resident["loaded"],
            peak_rss_bytes=max(high_water or 0, watch.peak_bytes),
            sampled_peak_bytes=watch.peak_bytes,
            energy_j=result["energy_j"],
            collections=result["collections"],
        )
        return Answer(table, run)

    def _fail(self, process: "subprocess.Popen[str]", watch: Watch, said: IO[bytes]) -> NoReturn:
        """The process ended without an answer: say what is known."""
        code = process.wait()
        where = _WHERE.get(self._stage, self._stage)
        if self._expired:
            raise ChildTimeoutError(
                f"{self._model} on {self._device.title}: not done after {self._timeout_s:g} s ({where}), so the "
                f"process was ended. Give it more time with timeout_s, or look for what hangs.{_tail(said)}"
            )
        if watch.exceeded:
            raise ChildMemoryError(self._too_large(where, self._excess(watch)))
        tail = _tail(said)
        if any(word.lower() in tail.lower() for word in _NO_MEMORY):
            raise ChildMemoryError(self._too_large(where, "the process could not go on") + tail)
        ended = f"exit code {code}" if code >= 0 else f"signal {-code}, {_signal(-code)}"
        advice = "Something from outside ended it: often the system or this kernel's watchdog, short of memory. "
        raise ChildError(
            f"{self._model} on {self._device.title}: the measuring process ended {where} ({ended}). "
            f"{advice if code in (-signal.SIGTERM, -9) else ''}Run it once by hand to see more.{tail}"
        )

    def _raise(self, error: Mapping[str, str], said: IO[bytes]) -> NoReturn:
        if error["kind"] in _THEIR_FAULT:
            raise _THEIR_FAULT[error["kind"]](error["text"])
        where = _WHERE.get(self._stage, self._stage)
        if error["kind"] == "memory":
            raise ChildMemoryError(self._too_large(where, error["text"]))
        raise ChildError(
            f"{self._model} on {self._device.title}: {error['type']} {where}: {error['text'][:300]}. "
            f"Mend the model or its runner.\n{error['traceback']}{_tail(said)}"
        )

    def _excess(self, watch: Watch) -> str:
        resident = f"{format_bytes(watch.peak_bytes)} were resident"
        if self._limit_bytes is None or self._limit_bytes >= self._device.app_memory_bytes:
            return resident
        return f"{resident}, and this notebook had left {format_bytes(self._limit_bytes)} of the memory it shares"

    def _too_large(self, where: str, why: str) -> str:
        limit = self._device.app_memory_bytes
        return (
            f"{self._model} does not fit on {self._device.title}: out of memory {where}, of {format_bytes(limit)} for "
            f"the app ({why}). {_SMALLER}"
        )


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def _tail(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines()[-12:]
    return "\nIt wrote:\n" + "\n".join(lines) if lines else ""
