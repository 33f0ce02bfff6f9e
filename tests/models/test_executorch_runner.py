"""ExecuTorch as a runner. Where its package is made for the platform, it must be installed when the tests run."""

import importlib
import platform
import sys

import numpy as np
import onnxruntime
import pytest

from offlinefirst.course.lessons import course_root
from offlinefirst.datasets.leaves import leaves
from offlinefirst.measure.bench import bench
from offlinefirst.models import executorch_runner
from offlinefirst.models.convert import parity, rounding_tolerance
from offlinefirst.models.errors import ModelError
from offlinefirst.models.executorch_runner import ExecutorchMissingError, ProgramError, ProgramInputsError, load

MODELS = course_root() / "datasets/models"
PROGRAM = MODELS / "runtimes/leaf-medium.pte"
EXPECTED = sys.platform == "linux" and platform.machine() == "x86_64"
needs_it = pytest.mark.skipif(
    not EXPECTED and not executorch_runner.available(), reason="executorch is installed for tests on Linux x86-64 alone"
)


def test_it_is_there_where_the_tests_expect_it():
    assert executorch_runner.available() or not EXPECTED


@needs_it
@pytest.mark.parametrize("name", ["leaf-medium", "leaf-small"])
def test_shipped_programs_compute_what_their_onnx_files_do(name):
    photos = leaves(64, seed=12)[0]
    pixels = np.ascontiguousarray(photos.transpose(0, 3, 1, 2), np.float32) / 255
    onnx = MODELS / f"{name}.onnx"
    session = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
    run = load(str(MODELS / f"runtimes/{name}.pte"))
    scores = np.concatenate([run({"image": photo[None]})[0] for photo in pixels])
    assert len(np.unique(scores[:, 0])) == 64
    assert parity(session.run(None, {"image": pixels})[0], scores, tolerance=rounding_tolerance(onnx)).ok


@needs_it
def test_without_arrays_it_takes_noughts():
    run = load(str(PROGRAM))
    assert np.array_equal(run()[0], run({"image": np.zeros((1, 3, 48, 48), np.float32)})[0])


@needs_it
def test_arrays_that_cannot_be_written_to_or_lie_otherwise_are_taken():
    run = load(str(PROGRAM))
    photo = np.random.default_rng(0).random((1, 48, 48, 3), dtype=np.float32).transpose(0, 3, 1, 2)
    fixed = np.ascontiguousarray(photo)
    fixed.flags.writeable = False
    assert np.array_equal(run({"image": photo})[0], run({"image": fixed})[0])


@needs_it
@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"image": np.zeros((1, 48, 48, 3), np.float32)},
        {"image": np.zeros((2, 3, 48, 48), np.float32)},
        {"a": np.zeros((1, 3, 48, 48), np.float32), "b": np.zeros(1, np.float32)},
        {"image": np.zeros((1, 3, 48, 48), np.uint8)},
    ],
)
def test_other_inputs_are_refused(arrays):
    fits = [array.shape for array in arrays.values()] == [(1, 3, 48, 48)]
    with pytest.raises(
        ProgramInputsError, match=r"right kind" if fits else r"takes inputs of the shapes \[\[1, 3, 48, 48\]\]"
    ):
        load(str(PROGRAM))(arrays)


@needs_it
@pytest.mark.parametrize("keep", [0, 7, 400, 20_000])
def test_a_file_that_was_cut_is_refused(tmp_path, keep):
    path = tmp_path / "cut.pte"
    path.write_bytes(PROGRAM.read_bytes()[:keep])
    with pytest.raises(ProgramError, match=r"cut\.pte"):
        load(str(path))


@needs_it
@pytest.mark.parametrize("path", [MODELS / "leaf-small.onnx", MODELS / "nowhere.pte", MODELS])
def test_what_is_no_program_is_refused(path):
    with pytest.raises(ProgramError, match=r"Check the path|right file"):
        load(str(path))


@needs_it
def test_the_bench_measures_it_in_a_process_of_its_own():
    photo = np.random.default_rng(0).random((1, 3, 48, 48), dtype=np.float32)
    report = bench(
        PROGRAM,
        profile="phone-2gb",
        runner="offlinefirst.models.executorch_runner:load",
        inputs={"image": photo},
        threads=1,
        min_calls=3,
        min_seconds=0,
    )
    assert report.p50_s > 0
    assert report.sizes.raw_bytes == PROGRAM.stat().st_size


def test_without_the_package_the_error_says_what_to_do(monkeypatch):
    real = importlib.import_module

    def refuse(name, *args):
        if name.startswith("executorch"):
            raise ModuleNotFoundError("No module named 'executorch'")
        return real(name, *args)

    monkeypatch.setattr(importlib, "import_module", refuse)
    assert not executorch_runner.available()
    with pytest.raises(ExecutorchMissingError, match=r"optional.*pip install --no-deps executorch") as caught:
        load(str(PROGRAM))
    assert isinstance(caught.value, ModelError)
