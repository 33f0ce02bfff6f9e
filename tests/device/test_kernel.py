"""Real kernels: memory runs out in every way there is, and the next cell runs."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Kernel, Result

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="enforced limits; elsewhere the watchdog stands alone")

MESSAGE = re.compile(
    r"Phone, 2 GB: out of memory\.\n  asked    (?P<asked>.+)\n  free     (?P<free>.+) of the 1\.0 GiB for this app\n"
    r"(?:  biggest  (?P<biggest>.+)\n)?(?:  children (?P<children>.+)\n)?  try      (?P<advice>.+)\n"
    r"The kernel is alive and runs your next cell\.\s*$"
)

EAT_SHARED = """
from multiprocessing import shared_memory
block = shared_memory.SharedMemory(create=True, size=3 << 29)
def fill():
    for start in range(0, 3 << 29, 1 << 23):
        block.buf[start : start + (1 << 23)] = b"x" * (1 << 23)
"""


# The limit strikes, or the watchdog, whichever comes first.
EITHER = ("MemoryError", "DeviceMemoryError")


def ran_out(kernel: Kernel, code: str, *kinds: str) -> "re.Match[str]":
    """Run a cell that must run out of memory; the message has its shape, and the kernel still works."""
    result = kernel.run(code)
    assert result.status == "error"
    assert result.kind in (kinds or EITHER), result.shown
    message = MESSAGE.search(result.shown)
    assert message, result.shown
    assert kernel.is_alive()
    assert kernel.value("6 * 7") == "42"
    return message


def test_one_large_allocation(phone: Kernel) -> None:
    message = ran_out(phone, "big = bytearray(2 << 30)")
    assert re.fullmatch(r"one piece of more than the \d+\.\d MiB that were free", message["asked"])
    assert re.fullmatch(r"\d+\.\d MiB", message["free"])


def test_one_large_array(phone: Kernel) -> None:
    assert ran_out(phone, "import numpy as np; np.zeros(1 << 28)")["asked"] == "2.0 GiB in one piece"


def test_many_small_allocations(phone: Kernel) -> None:
    message = ran_out(phone, "rows = []\nwhile True: rows.append(object())")
    assert re.fullmatch(r"a little at a time; this cell grew by [89]\d\d\.\d MiB", message["asked"])
    assert (message["biggest"] or "").startswith("rows (list, about ")
    assert message["advice"].endswith("del rows")
    # The list is still there, and there is room to delete it; what it held is free again.
    assert (
        phone.value("del rows\nfrom offlinefirst.device import current\ncurrent().memory_free_bytes() > 800 << 20")
        == "True"
    )


def test_failures_in_a_row_leave_the_kernel_as_it_was(phone: Kernel) -> None:
    free = "from offlinefirst.device import current\ncurrent().memory_free_bytes() >> 20"
    before = int(phone.value(free))
    for _ in range(10):
        ran_out(phone, "def eat():\n    rows = []\n    while True: rows.append(bytearray(1 << 20))\neat()")
    # The variables of the function that failed are gone with it.
    assert int(phone.value(free)) > before - 100


def test_failures_in_a_row_on_one_growing_list(phone: Kernel) -> None:
    phone.value("rows = []")
    for _ in range(10):
        ran_out(phone, "while True: rows.append(bytes(100_000))")
    assert phone.run("del rows").status == "ok"


def test_freed_memory_below_something_that_stays_is_free(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel()
    kernel.run("rows = [bytes(100_000) for _ in range(8_000)]\nstays = bytes(100_000)")
    kernel.run("del rows")
    # Threads, shared pools and Python's own small objects come from the system and not from the heap.
    assert kernel.value("import mmap\nlen(mmap.mmap(-1, 600 << 20))") == str(600 << 20)
    assert kernel.value("from offlinefirst.device import current\ncurrent().memory_free_bytes() > 700 << 20") == "True"
    ran_out(kernel, "bytearray(1 << 30)")


def test_threads(phone: Kernel) -> None:
    start = "import threading\nstop = threading.Event()\n"
    start += "for _ in range(1000): threading.Thread(target=stop.wait).start()"
    message = ran_out(phone, start, "RuntimeError")
    assert message["asked"].startswith("one more thread")
    assert "fewer threads" in message["advice"]
    phone.value("stop.set()")


def test_awaiting_cells(phone: Kernel) -> None:
    ran_out(phone, "import asyncio\nawait asyncio.sleep(0.01)\nrows = []\nwhile True: rows.append(object())")
    phone.value("del rows")


def test_a_caught_memory_error_is_the_learners(phone: Kernel) -> None:
    result = phone.run("try:\n    bytearray(2 << 30)\nexcept MemoryError:\n    print('caught')")
    assert (result.status, result.out) == ("ok", "caught\n")


def test_other_errors_look_as_ever(phone: Kernel) -> None:
    shown = {code: phone.run(code) for code in ("1 / 0", "if 1", "raise KeyboardInterrupt")}
    assert [each.kind for each in shown.values()] == ["ZeroDivisionError", "SyntaxError", "KeyboardInterrupt"]
    for result in shown.values():
        assert "out of memory" not in result.shown
    assert phone.run("import sys; sys.last_traceback.tb_frame.f_code.co_name").status == "ok"


def test_a_full_kernel_still_formats_a_long_traceback(phone: Kernel) -> None:
    code = "rows = []\ndef deep(n):\n    if n: return deep(n - 1)\n    while True: rows.append(object())\ndeep(100)"
    ran_out(phone, code)
    phone.value("del rows")


def test_the_limit_is_tight_only_while_a_cell_runs(start_kernel: Callable[..., Kernel]) -> None:
    phone = start_kernel()
    code = "import resource, threading, time\nseen = []\n"
    code += "look = lambda: seen.append(resource.getrlimit(resource.RLIMIT_DATA)[0] >> 20)\nlook()\n"
    code += "timer = threading.Timer(0.5, look)\ntimer.start()"
    phone.run(code)
    time.sleep(0.8)
    assert phone.value("look(); seen") == "[1024, 1120, 1024]"


@pytest.mark.parametrize("failing", [False, True])
def test_widget_callbacks_are_held_to_the_limit_too(start_kernel: Callable[..., Kernel], failing: bool) -> None:
    phone = start_kernel()
    code = "import comm, resource\nseen = []\ndef opened(channel, message):\n    channel.on_msg(called)\n"
    code += "def called(message):\n    seen.append(resource.getrlimit(resource.RLIMIT_DATA)[0] >> 20)\n"
    code += f"    if {failing}: bytearray(2 << 30)\ncomm.get_comm_manager().register_target('probe', opened)"
    assert phone.run(code).status == "ok"
    session, client = phone.client.session, phone.client
    for kind, content in (("comm_open", {"target_name": "probe"}), ("comm_msg", {})):
        client.shell_channel.send(session.msg(kind, {"comm_id": f"probe-{failing}", "data": {}, **content}))
    deadline = time.monotonic() + 10
    while phone.value("seen") == "[]" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert phone.value("seen") == "[1024]"
    # Whatever the callback did, the reserve is open again between messages.
    phone.run(
        "import threading; threading.Timer(0.3, lambda: called.__globals__['seen'].append(\n"
        "    resource.getrlimit(resource.RLIMIT_DATA)[0] >> 20)).start()"
    )
    time.sleep(0.6)
    assert phone.value("seen") == "[1024, 1120]"


def test_shared_memory_is_watched(phone: Kernel) -> None:
    message = ran_out(phone, EAT_SHARED + "fill()", "DeviceMemoryError")
    assert message["free"] == "0 bytes"
    assert phone.run("block.close(); block.unlink()").status == "ok"


def test_mapped_files_are_watched(phone: Kernel) -> None:
    code = "import numpy as np\nmapped = np.memmap('map', dtype='u1', mode='w+', shape=3 << 29)\n"
    message = ran_out(
        phone,
        code + "for start in range(0, 3 << 29, 1 << 23): mapped[start : start + (1 << 23)] = 1",
        "DeviceMemoryError",
    )
    assert "mapped (memmap, about 1.5 GiB)" in (message["biggest"] or "")
    assert phone.run("import os; del mapped; os.unlink('map')").status == "ok"


def test_a_cell_that_awaits_is_interrupted_as_well(phone: Kernel) -> None:
    code = "import asyncio, threading\nworker = threading.Thread(target=fill)\nworker.start()\nawait asyncio.sleep(60)"
    started = time.monotonic()
    ran_out(phone, EAT_SHARED + code, "CancelledError")
    assert time.monotonic() - started < 30
    phone.run("worker.join()")
    assert phone.run("block.close(); block.unlink()").status == "ok"


def test_a_cell_that_swallows_the_first_interrupt_gets_another(phone: Kernel) -> None:
    code = "import time\ntry:\n    fill()\nexcept Exception:\n    pass\nwhile True: time.sleep(0.01)"
    ran_out(phone, EAT_SHARED + code, "DeviceMemoryError")
    assert phone.run("block.close(); block.unlink()").status == "ok"


EATER = "import subprocess, sys\nbody = 'x = bytearray(b\"x\") * (996 << 20); import time; time.sleep(60)'\n"


def test_a_child_process_that_eats_memory(phone: Kernel) -> None:
    message = ran_out(phone, EATER + "subprocess.run([sys.executable, '-c', body])", "DeviceMemoryError")
    assert re.search(r"python\S* \(pid \d+, \d+\.\d MiB\)", message["children"] or "")
    assert "child processes" in message["advice"]


def test_a_child_in_the_background_is_ended_and_named(phone: Kernel) -> None:
    phone.run(EATER + "child = subprocess.Popen([sys.executable, '-c', body])")
    deadline = time.monotonic() + 20
    while phone.value("child.poll()") == "" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert phone.value("child.wait(5)") in (str(-signal.SIGTERM), str(-signal.SIGKILL))


def test_no_interrupt_between_cells_or_after_the_memory_is_gone(phone: Kernel) -> None:
    """Signals that come late do nothing: what ends a cell is decided by the main thread."""
    code = "import os, signal\nfor _ in range(100): os.kill(os.getpid(), signal.SIGURG)\n'whole'"
    assert phone.value(code) == "'whole'"
    for _ in range(50):
        os.kill(phone.pid, signal.SIGURG)
    assert phone.value("'still here'") == "'still here'"


def test_the_network_is_refused_with_what_to_do(phone: Kernel) -> None:
    result = phone.run("import urllib.request\nurllib.request.urlopen('http://example.com')")
    assert result.kind == "URLError"
    assert "Phone, 2 GB: no internet here, so this notebook cannot reach example.com" in result.shown
    result = phone.run("import socket\nsocket.create_connection(('192.0.2.1', 80))")
    assert (result.kind, "course.py data fetch" in result.shown) == ("NoNetworkError", True)
    # The traceback ends at the call, not inside the code that refuses.
    assert "offlinefirst/device" not in result.shown


def test_loopback_works(phone: Kernel) -> None:
    code = """
import http.server, threading, urllib.request
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
status = urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/").status
server.shutdown(); server.server_close()
status
"""
    assert phone.value(code) == "200"


def test_the_device_says_what_it_is(phone: Kernel) -> None:
    phone.run("from offlinefirst.device import current\nimport os")
    badge = phone.run("current().badge()")
    assert badge.value == "Phone, 2 GB: 1,024 MiB for this app, 1 core, no internet (limits: enforced)"
    assert badge.html.startswith("<div")
    assert phone.value("current().limited, current().profile.name") == "(True, 'phone-2gb')"
    assert phone.value("os.environ['OMP_NUM_THREADS'], os.environ['MALLOC_ARENA_MAX']") == "('1', '2')"
    assert phone.value("len(os.sched_getaffinity(0)), current().cores == tuple(os.sched_getaffinity(0))") == "(1, True)"


def test_storage_is_held_to_the_quota(phone: Kernel) -> None:
    result = phone.run("from offlinefirst.device import current\ncurrent().storage.check(600 << 20)")
    assert result.kind == "StorageFullError"
    assert "600.0 MiB to write, 512.0 MiB free of the 512.0 MiB" in result.shown


def cores_of(kernel: Kernel) -> str:
    return kernel.value("import os; sorted(os.sched_getaffinity(0))")


def test_two_one_core_kernels_run_on_two_cores(start_kernel: Callable[..., Kernel], tmp_path: Path) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core here")
    first, second = (start_kernel(OFFLINEFIRST_RUNTIME_DIR=str(tmp_path)) for _ in range(2))
    assert cores_of(first) != cores_of(second)
    freed = cores_of(second)
    second.close()
    # Its core is free again, although it was killed.
    assert cores_of(start_kernel(OFFLINEFIRST_RUNTIME_DIR=str(tmp_path))) == freed


def test_scratch_of_a_killed_kernel_is_swept_by_the_next(start_kernel: Callable[..., Kernel]) -> None:
    scratch = "from offlinefirst.device import current\nprint(current().scratch)"
    killed = start_kernel("phone-2gb")
    left = Path(killed.run(scratch).out.strip())
    (left / "model.part").write_bytes(bytes(1000))
    killed.close()
    assert left.exists()
    following = start_kernel("phone-2gb")
    # At its start, and not only when a notebook asks for scratch space.
    assert not left.exists()
    mine = Path(following.run(scratch).out.strip())
    following.manager.shutdown_kernel(now=False)
    assert not mine.exists()


def test_the_other_devices_start_with_their_own_limits(start_kernel: Callable[..., Kernel]) -> None:
    laptop = start_kernel("laptop-4gb")
    code = "import resource; resource.getrlimit(resource.RLIMIT_DATA)[0] >> 20"
    assert laptop.value(code) == "3072"
    assert laptop.value("import os; os.environ['OMP_NUM_THREADS']") == "'2'"


def test_where_nothing_is_enforced_the_watchdog_stands_alone(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    """As on macOS: the kernel starts with no RLIMIT_DATA."""
    turn_off = "from offlinefirst.device import limits\nlimits.limit_memory = lambda profile: None\n"
    (tmp_path / "sitecustomize.py").write_text(turn_off)
    watched = start_kernel("phone-2gb", PYTHONPATH=str(tmp_path))
    assert watched.run("from offlinefirst.device import current; current().badge()").value.endswith("(limits: watched)")
    message = ran_out(watched, "rows = []\nwhile True: rows.append(bytearray(b'x') * (1 << 20))", "DeviceMemoryError")
    assert (message["biggest"] or "").startswith("rows (list, about ")
    assert watched.run("del rows").status == "ok"


def test_an_unknown_device_does_not_start() -> None:
    command = [sys.executable, "-m", "offlinefirst.device.kernel", "--profile", "pager"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "choose one of phone-2gb, phone-4gb, laptop-4gb" in done.stderr


def test_a_quiet_start(tmp_path: Path) -> None:
    connection = tmp_path / "connection.json"
    command = [sys.executable, "-m", "offlinefirst.device.kernel", "--profile", "phone-2gb", "-f", str(connection)]
    environment = {**os.environ, "OFFLINEFIRST_RUNTIME_DIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "scratch").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert connection.exists()


def test_tensorflow_is_imported_quietly(start_kernel: Callable[..., Kernel], tmp_path: Path) -> None:
    """A stand-in that always writes: what the real one writes depends on its version."""
    (tmp_path / "tensorflow.py").write_text("import os\nos.write(2, b'absl: nobody asked')\n")
    kernel = start_kernel()
    kernel.run(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})")
    assert kernel.run("import tensorflow, time\ntime.sleep(0.3)") == Result(status="ok")
