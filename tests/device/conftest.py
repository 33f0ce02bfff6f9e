"""Real kernels for the tests, started the way Jupyter starts them."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Result:
    """What one cell gave: printed text, the value's plain text, and the traceback as shown."""

    status: str
    out: str = ""
    err: str = ""
    value: str = ""
    html: str = ""
    kind: str = ""
    shown: str = ""


class Kernel:
    """A running kernel and its client."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str]) -> None:
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel(cwd=str(folder), env=environment)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str, timeout_s: float = 60) -> Result:
        """Run a cell and collect what a notebook would show."""
        result = Result("")

        def collect(message: dict[str, Any]) -> None:
            content = message["content"]
            match message["header"]["msg_type"]:
                case "stream" if content["name"] == "stdout":
                    result.out += content["text"]
                case "stream":
                    result.err += content["text"]
                case "execute_result" | "display_data":
                    result.value = content["data"].get("text/plain", "")
                    result.html = content["data"].get("text/html", "")
                case "error":
                    result.kind = content["ename"]
                    result.shown += ANSI.sub("", "\n".join(content["traceback"]))

        reply = self.client.execute_interactive(code, timeout=timeout_s, output_hook=collect, allow_stdin=False)
        result.status = reply["content"]["status"]
        return result

    def value(self, code: str) -> str:
        """Run a cell that must succeed and return its value's plain text."""
        result = self.run(code)
        assert result.status == "ok", result.shown
        return result.value

    def is_alive(self) -> bool:
        return bool(self.manager.is_alive())

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture(scope="module")
def start_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Kernel]]:
    """Start kernels with a runtime folder of their own; they are stopped after the module."""
    started: list[Kernel] = []
    runtime = tmp_path_factory.mktemp("runtime")

    def start(name: str = "phone-2gb", **variables: str) -> Kernel:
        environment = {**os.environ, "OFFLINEFIRST_RUNTIME_DIR": str(runtime), **variables}
        # With it ipykernel leaves the descriptors of stdout and stderr alone, which no learner's kernel does.
        environment.pop("PYTEST_CURRENT_TEST", None)
        started.append(Kernel(name, tmp_path_factory.mktemp("work"), environment))
        return started[-1]

    yield start
    for kernel in started:
        kernel.close()


@pytest.fixture(scope="module")
def phone(start_kernel: Callable[..., Kernel]) -> Kernel:
    """One phone for all tests of a module: that it serves the next test is part of what is tested."""
    return start_kernel("phone-2gb")
