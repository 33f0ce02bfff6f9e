"""`python -m offlinefirst`: verbs, exit codes, and errors in one line that says what to do."""

import subprocess
import sys

import pytest

from offlinefirst import cli
from offlinefirst.course import doctor
from offlinefirst.course.doctor import examine


def run(*arguments):
    command = [sys.executable, "-m", "offlinefirst", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_data_lists_sizes_licences_and_state():
    done = run("data", "list")
    assert done.returncode == 0
    for words in ("constraints", "bytes", "here", "licence"):
        assert words in done.stdout


def test_data_fetch_says_what_is_there():
    assert run("data", "fetch", "constraints").stdout == "constraints: here and whole\n"


def test_an_unknown_data_set_is_an_error_that_lists_the_others():
    done = run("data", "fetch", "maize")
    assert done.returncode == 1
    assert done.stderr.startswith("DatasetError: No data set is called maize. There are: constraints, ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["fly"], ["data"], ["data", "eat"]])
def test_a_wrong_command_line_shows_how_to_use_it(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage: course.py" in done.stderr


def test_lab_hands_everything_over(monkeypatch):
    seen = []
    monkeypatch.setattr("offlinefirst.course.lab.open_lab", lambda arguments: seen.append(arguments) or 0)
    assert cli.main(["lab", "--port", "9000", "--help"]) == 0
    assert seen == [["--port", "9000", "--help"]]


def test_build_check_fails_when_a_notebook_is_out_of_date(monkeypatch, capsys):
    from pathlib import Path

    from offlinefirst.course import build

    found = [build.Difference(Path("chapters/x.ipynb"), "is missing")]
    monkeypatch.setattr(build, "differences", lambda root: found)
    assert cli.main(["build", "--check"]) == 1
    assert "chapters/x.ipynb: is missing" in capsys.readouterr().out
    monkeypatch.setattr(build, "differences", lambda root: [])
    assert cli.main(["build", "--check"]) == 0


def test_doctor_looks_at_everything_and_finds_this_machine_fit():
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    for words in (
        "Python",
        "torch",
        "device kernels",
        "memory",
        "not a security boundary",
        "RLIMIT_DATA" if sys.platform == "linux" else "watched",
    ):
        assert words in done.stdout, words


def test_doctor_fails_when_something_is_missing(monkeypatch):
    monkeypatch.setattr("jupyter_client.kernelspec.KernelSpecManager.find_kernel_specs", lambda self: {})
    (kernels,) = [finding for finding in examine() if finding.what == "device kernels"]
    assert kernels.state == "bad"
    assert "setup" in kernels.remedy
    assert cli.main(["doctor"]) == 1


def test_doctor_finds_a_cuda_build_of_torch(monkeypatch):
    monkeypatch.setattr(doctor, "_cuda_of_torch", lambda: "13.0")
    (build,) = [finding for finding in examine() if finding.what == "torch build"]
    assert (build.state, build.found) == ("bad", "CUDA 13.0")


def test_importing_the_package_imports_no_framework():
    code = """
import sys
import offlinefirst, offlinefirst.cli, offlinefirst.device, offlinefirst.delivery.publish, offlinefirst.link.outages
print(sorted({"torch", "tensorflow", "transformers", "onnxruntime", "numpy", "matplotlib"} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_interrupting_a_verb_is_not_an_error_report(monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setitem(cli._VERBS, "doctor", interrupted)
    assert cli.main(["doctor"]) == 130
