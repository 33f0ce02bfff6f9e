"""A bench measures what it says, in a process that is held to the device, and names the file when it cannot."""

import gc
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
import tiny_onnx

from offlinefirst.device import current as current_device
from offlinefirst.device import profiles
from offlinefirst.device.current import Device
from offlinefirst.device.errors import UnknownProfileError
from offlinefirst.device.units import MiB
from offlinefirst.measure import bench as bench_module
from offlinefirst.measure import runners
from offlinefirst.measure.bench import bench
from offlinefirst.measure.child import Child
from offlinefirst.measure.errors import (
    ChildError,
    ChildMemoryError,
    ChildTimeoutError,
    InputsError,
    MeasurementError,
    ModelFileError,
    ProfileTooLargeError,
    UnknownRunnerError,
)
from offlinefirst.measure.resident import Watch
from offlinefirst.measure.worker import MOST_CALLS, steady

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux refuses private memory")
QUICK = {"min_seconds": 0.0, "min_calls": 3, "warm_up": 1}


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "leaf.onnx"
    path.write_bytes(tiny_onnx.relu())
    return path


@pytest.fixture
def python(tmp_path, model):
    """Bench a few lines of Python as if they were a model: `make(path)` is in them."""

    def run(code, **options):
        (tmp_path / "own.py").write_text(code)
        return bench(model, runner=f"{tmp_path / 'own.py'}:make", **{**QUICK, **options})

    return run


# What a report holds


def test_a_model_is_measured_in_separate_parts_and_every_sample_is_kept(model):
    report = bench(model, min_calls=20, min_seconds=0.05, warm_up=4)
    (run,) = report.runs
    assert (report.model, report.profile, report.runner) == ("leaf.onnx", "phone-2gb", "onnxruntime")
    assert report.inputs == {"x": "float32[1, 4]"}, "what the model leaves open is 1"
    assert report.inputs_from == "made with seed 0"
    assert len(run.warm_up_ns) == 4
    assert len(run.steady_ns) >= 20
    assert sum(run.steady_ns) >= 0.02e9
    assert min(run.import_ns, run.load_ns, run.first_ns, *run.steady_ns) > 0
    assert report.threads == 1
    assert report.cores == 1
    assert report.app_memory_bytes == 1024 * MiB
    assert report.memory_enforced == (sys.platform == "linux")
    assert {"python", "onnxruntime", "numpy"} <= set(report.versions)
    assert report.host["cpu"]
    assert report.sizes.raw_bytes == len(tiny_onnx.relu())
    assert 0 < run.rss_before_load_bytes <= run.peak_rss_bytes
    assert run.sampled_peak_bytes <= run.peak_rss_bytes
    assert (report.energy_j_per_call is None) == bool(report.energy_absent)
    assert str(model.parent) not in report.to_json(), "a report can be given to others"


def test_each_process_is_a_fresh_one(python, tmp_path):
    report = python(
        f"import os\ndef make(path):\n    open({str(tmp_path / 'pids')!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        "    return lambda: None",
        processes=3,
    )
    pids = (tmp_path / "pids").read_text().split()
    assert len(set(pids)) == len(report.runs) == 3
    assert str(os.getpid()) not in pids


def test_it_calls_as_often_as_it_says_and_what_the_model_prints_is_in_nobodys_way(python, tmp_path):
    code = f"""
import os
def make(path):
    print("loading", path)
    def call():
        os.write(1, b"from C\\n")
        with open({str(tmp_path / "calls")!r}, "a") as file:
            file.write("x")
    return call
"""
    report = python(code, warm_up=5, min_calls=7)
    (run,) = report.runs
    assert len((tmp_path / "calls").read_text()) == 1 + len(run.warm_up_ns) + len(run.steady_ns) == 13


def test_the_process_is_held_to_the_device(python, tmp_path):
    code = f"""
import json, os, socket
from offlinefirst.device import cores
def make(path):
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9))
        refused = False
    except OSError as error:
        refused = type(error).__name__ == "NoNetworkError"
    found = [len(cores.available()), os.environ["OMP_NUM_THREADS"], os.environ["LOKY_MAX_CPU_COUNT"], refused]
    if {sys.platform == "linux"}:
        import resource
        found.append(resource.getrlimit(resource.RLIMIT_DATA)[0])
    open({str(tmp_path / "found")!r}, "w").write(json.dumps(found))
    return lambda: None
"""
    python(code, threads=3)
    found = json.loads((tmp_path / "found").read_text())
    assert found[1:4] == ["3", "1", True]
    if hasattr(os, "sched_setaffinity"):
        assert found[0] == 1
    if sys.platform == "linux":
        assert found[4] == profiles.load("phone-2gb").app_memory_bytes


def test_memory_is_read_from_outside_before_and_after_loading_and_at_its_peak(python):
    code = """
import time
def make(path):
    kept = bytearray(b"x") * (60 << 20)
    def call():
        more = bytearray(b"x") * (120 << 20)
        time.sleep(0.3)
        return kept
    return call
"""
    (run,) = python(code, min_calls=1, warm_up=0).runs
    assert 55 * MiB < run.rss_loaded_bytes - run.rss_before_load_bytes < 75 * MiB
    assert 110 * MiB < run.peak_rss_bytes - run.rss_loaded_bytes < 140 * MiB
    assert run.sampled_peak_bytes > run.rss_loaded_bytes + 100 * MiB


def test_a_runner_of_its_own_takes_the_inputs_or_none(python, tmp_path):
    inputs = {"photo": np.arange(6, dtype=np.uint8).reshape(2, 3)}
    code = "def make(path):\n    def call(arrays):\n        assert arrays['photo'].sum() == 15\n    return call"
    assert python(code, inputs=inputs).inputs == {"photo": "uint8[2, 3]"}
    np.savez(tmp_path / "photo.npz", **inputs)
    assert python(code, inputs=tmp_path / "photo.npz").inputs_from == "photo.npz"
    with pytest.raises(InputsError, match="takes an argument: give inputs="):
        python(code)
    with pytest.raises(InputsError, match="takes no argument"):
        python("def make(path):\n    return lambda: None", inputs=inputs)


def test_the_garbage_collector_is_off_or_on_as_asked_and_counted(python):
    code = """
def make(path):
    def call():
        for _ in range(5000):
            ring = []
            ring.append(ring)
    return call
"""
    assert python(code).runs[0].collections == 0
    on = python(code, collector="on")
    assert on.collector == "on"
    assert on.runs[0].collections > 0


def test_what_this_process_can_import_the_measuring_one_can_too(model, tmp_path, monkeypatch):
    (tmp_path / "beside.py").write_text("def make(path):\n    return lambda: None")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert bench(model, runner="beside:make", **QUICK).runner == "beside:make"


def test_the_host_itself_is_not_limited(model):
    report = bench(model, profile="host", **QUICK)
    assert report.app_memory_bytes is None
    assert report.cores == report.threads == len(current_device().cores)


# The loop


@pytest.mark.parametrize(
    ("step", "min_calls", "min_ns", "count"),
    [(10, 5, 0, 5), (10, 5, 1000, 50), (1000, 5, 1000, 5), (1, 10, 10**9, 40)],
)
def test_the_loop_makes_at_least_so_many_calls_and_for_at_least_so_long(step, min_calls, min_ns, count):
    now = itertools.count(0, step)
    samples = steady(lambda: None, min_calls=min_calls, min_ns=min_ns * 2, most_calls=40, clock=lambda: next(now))
    assert set(samples) == {step}
    # Two readings of the clock a call, so a time of 2 n passes in n calls.
    assert len(samples) == min(count, 40)


def test_no_measurement_keeps_more_calls_than_it_says(model):
    assert MOST_CALLS == 200_000
    assert len(steady(lambda: None, min_calls=1, min_ns=10**12)) == MOST_CALLS


# Bad input


def truncated(path):
    path.write_bytes(tiny_onnx.relu()[:-9])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.unlink(), r"leaf\.onnx does not exist\. .*fetch"),
        (lambda path: (path.unlink(), path.mkdir()), r"leaf\.onnx is a folder.*Name the file"),
        (lambda path: path.write_bytes(b""), r"leaf\.onnx is empty.*Fetch it again"),
        (truncated, r"leaf\.onnx cannot be loaded as an ONNX model: .*SHA-256.*fetch it again"),
        (lambda path: path.write_text("<html>Log in</html>"), r"leaf\.onnx cannot be loaded as an ONNX model"),
        (lambda path: path.write_bytes(bytes(1000)), r"leaf\.onnx cannot be loaded as an ONNX model"),
    ],
    ids=["missing", "folder", "empty", "truncated", "a login page", "noughts"],
)
def test_a_file_that_is_no_model_is_named_with_a_remedy(model, damage, says):
    damage(model)
    with pytest.raises(ModelFileError, match=says):
        bench(model, **QUICK)


def test_no_part_of_a_model_passes_for_the_whole(tmp_path):
    load, whole = runners.prepare("onnxruntime"), tiny_onnx.matmul()
    path = tmp_path / "leaf.onnx"
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError, match=r"leaf\.onnx"):
            load(path, None, 1, 0)


def test_an_unknown_device_is_an_error_that_lists_those_there_are(model):
    with pytest.raises(UnknownProfileError, match=r"nokia.*phone-2gb, phone-4gb, laptop-4gb"):
        bench(model, profile="nokia")


@pytest.mark.parametrize(
    ("runner", "says"),
    [
        ("tensorrt", "no runner is called 'tensorrt'; use 'onnxruntime', 'litert', or"),
        ("json:", "no runner is called 'json:'"),
        ("no_such_module:make", "'no_such_module:make' cannot be imported.*Check its spelling"),
        ("json:make", "json has no function called make"),
        ("nowhere/own.py:make", "cannot be imported: .*own.py is no file"),
        ("builtins:len", "returned .*; a factory returns a function"),
    ],
)
def test_an_unknown_runner_is_an_error_that_says_what_to_do(model, runner, says):
    with pytest.raises(UnknownRunnerError, match=says):
        bench(model, runner=runner, **QUICK)


def test_litert_that_is_not_installed_says_what_to_install(monkeypatch):
    monkeypatch.setattr(runners.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(UnknownRunnerError, match=r"needs ai-edge-litert or tensorflow.*Run: "):
        runners.prepare("litert")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"inputs": "none.npz"}, "none.npz does not exist"),
        ({"inputs": {"z": np.zeros(3)}}, "leaf.onnx takes the inputs x, and was given z"),
    ],
)
def test_inputs_that_do_not_fit_are_an_error(model, wrong, says):
    with pytest.raises(InputsError, match=says):
        bench(model, **QUICK, **wrong)


def test_inputs_that_are_no_npz_file_are_an_error(model, tmp_path):
    (tmp_path / "inputs.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputsError, match=r"inputs\.npz cannot be read as an \.npz file.*Save it again"):
        bench(model, inputs=tmp_path / "inputs.npz", **QUICK)


@pytest.mark.parametrize(
    "wrong",
    [{"min_calls": 0}, {"warm_up": -1}, {"processes": 0}, {"threads": 0}, {"threads": 1.5}, {"min_seconds": -1},
     {"min_seconds": 5, "timeout_s": 4}, {"collector": "maybe"}],
    ids=str,
)  # fmt: skip
def test_numbers_that_make_no_sense_are_refused_before_anything_starts(model, wrong, monkeypatch):
    monkeypatch.setattr(bench_module, "Child", None)
    with pytest.raises(MeasurementError, match=next(iter(wrong))):
        bench(model, **{**QUICK, **wrong})


# A process that does not answer


@pytest.mark.parametrize(
    ("does", "error", "says"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", ChildError, r"ended in its first calls \(signal 9, SIGKILL\).*memory"),
        ("os._exit(7)", ChildError, r"ended in its first calls \(exit code 7\)"),
        ("os.write(2, b'assertion in C'); os.abort()", ChildError, r"(?s)SIGABRT.*It wrote:\nassertion in C"),
        ("os.write(2, b'std::bad_alloc'); os.abort()", ChildMemoryError, r"leaf\.onnx does not fit on Phone, 2 GB"),
        ("raise KeyError('petal')", ChildError, r"(?s)KeyError in its first calls: 'petal'.*Mend.*own\.py"),
        ("raise MemoryError", ChildMemoryError, r"does not fit on Phone, 2 GB: out of memory in its first calls"),
        ("raise SystemExit(0)", ChildError, "SystemExit in its first calls"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_process_that_dies_is_an_error_that_says_where_and_how(python, does, error, says):
    code = f"import os, signal\ndef make(path):\n    def call():\n        {does}\n    return call"
    with pytest.raises(error, match=says) as raised:
        python(code)
    assert "leaf.onnx" in str(raised.value)
    assert type(raised.value) is error
    assert psutil.Process().children() == []


def test_a_process_that_hangs_is_ended(python):
    code = "import time\ndef make(path):\n    time.sleep(600)"
    with pytest.raises(ChildTimeoutError, match=r"leaf\.onnx .* 3 s \(while it loaded the model\).*timeout_s"):
        python(code, timeout_s=3)
    assert psutil.Process().children() == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupted_bench_leaves_no_process_behind(python):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it runs behind `&`
    timer = threading.Timer(1, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            python("import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ndef make(path): time.sleep(600)")
    finally:
        signal.signal(signal.SIGINT, before)
    assert psutil.Process().children() == []


@LINUX
@pytest.mark.parametrize("place", ["load", "call"])
def test_private_memory_over_the_devices_is_refused(python, place):
    grab = "kept = bytearray(1100 << 20)"
    code = (
        f"def make(path):\n    {grab if place == 'load' else 'pass'}\n    def call():\n        {grab}\n    return call"
    )
    where = "while it loaded the model" if place == "load" else "in its first calls"
    with pytest.raises(ChildMemoryError, match=f"out of memory {where}, of 1.0 GiB for the app"):
        python(code)
    if place == "call":
        assert python(code, profile="phone-4gb", min_calls=1, warm_up=0).profile == "phone-4gb"


@LINUX
def test_a_model_that_needs_more_than_the_device_has_is_told_apart_from_no_model(tmp_path):
    path = tmp_path / "huge.onnx"
    path.write_bytes(tiny_onnx.matmul(40_000, 40_000, 1))
    with pytest.raises(ChildMemoryError, match=r"huge\.onnx does not fit on Phone, 2 GB: .*asked for 6\.0 GiB at once"):
        bench(path, **QUICK)


def test_memory_that_no_limit_counts_is_watched_from_outside(model):
    phone = profiles.load("phone-2gb")
    spec = {"profile": "host", "environment": {}, "sys_path": [], "runner": "onnxruntime", "inputs": None}
    with pytest.raises(ChildMemoryError, match=r"were resident, and this notebook had left 12\.0 MiB"):
        Child(spec, "leaf.onnx", phone, 12 * MiB, 30).run()


@pytest.mark.parametrize("wanted", ["phone-4gb", "laptop-4gb", "host"])
def test_a_larger_device_cannot_be_measured_from_a_smaller_kernel(model, monkeypatch, wanted):
    small = profiles.load("phone-2gb")
    monkeypatch.setattr(bench_module, "current", lambda: Device(small, "enforced", (0,)))
    with pytest.raises(ProfileTooLargeError, match=r"this kernel is Phone, 2 GB .* never get more"):
        bench(model, profile=wanted)
    report = bench(model, profile="phone-2gb", **QUICK)
    assert any("notebook that measured holds a part" in note for note in report.notes)


def test_a_kernel_without_room_says_so(model, monkeypatch):
    small = profiles.load("phone-2gb")
    monkeypatch.setattr(bench_module, "current", lambda: Device(small, "enforced", (0,)))
    monkeypatch.setattr(bench_module, "_LEAST_BYTES", 1024 * MiB)
    with pytest.raises(ChildMemoryError, match=r"this notebook has left .* restart the kernel"):
        bench(model, **QUICK)


# The watch


def test_the_watch_sees_a_peak_and_the_end():
    code = "x = bytearray(b'x') * (40 << 20); import time; time.sleep(0.4); del x; time.sleep(0.1)"
    with subprocess.Popen([sys.executable, "-c", code]) as process, Watch(process.pid) as watch:
        process.wait()
        assert watch.now() == 0
    assert 40 * MiB < watch.peak_bytes < 80 * MiB


def test_the_watch_tells_of_an_excess_once():
    told = []
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        with Watch(process.pid, limit_bytes=1, on_excess=lambda: told.append(1)) as watch:
            while watch.readings < 20:
                pass
        process.communicate(b"\n")
    assert told == [1]
    assert watch.exceeded


@pytest.mark.slow
def test_litert_runs_a_model_where_it_is_installed(tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    model = tensorflow.keras.Sequential([tensorflow.keras.layers.Input((4,)), tensorflow.keras.layers.Dense(2)])
    path = tmp_path / "leaf.tflite"
    path.write_bytes(tensorflow.lite.TFLiteConverter.from_keras_model(model).convert())
    report = bench(path, runner="litert", **QUICK)
    assert list(report.inputs.values()) == ["float32[1, 4]"]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelFileError, match=r"leaf\.tflite cannot be loaded as a LiteRT model"):
        bench(path, runner="litert", **QUICK)


def test_measuring_leaves_this_process_as_it_was(model):
    enabled, mask = gc.isenabled(), signal.getsignal(signal.SIGINT)
    bench(Path(model), **QUICK)
    assert (gc.isenabled(), signal.getsignal(signal.SIGINT)) == (enabled, mask)
    assert not current_device().limited
