"""course.py, as a learner runs it: decisions as tables, then whole set-ups in small projects without a network."""

import ast
import fcntl
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import COURSE, Project

specification = importlib.util.spec_from_file_location("course_launcher", COURSE)
assert specification is not None
assert specification.loader is not None
course = importlib.util.module_from_spec(specification)
specification.loader.exec_module(course)
State = course.State

# Decisions


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ("help", [], None, None)),
        (["--help"], ("help", [], None, None)),
        (["lab", "--port", "9999", "--tier"], ("lab", ["--port", "9999", "--tier"], None, None)),
        (["setup"], ("setup", [], None, None)),
        (["setup", "--tier", "core"], ("setup", [], "core", None)),
        (["setup", "--tier=full", "--from", "a=b"], ("setup", [], "full", "a=b")),
    ],
)
def test_command_lines_are_understood(arguments: list[str], expected: tuple) -> None:
    assert course.understand(arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["start"], "There is no `start`"),
        (["setup", "--tier", "huge"], "the tiers are core and full"),
        (["setup", "--tier"], "does not understand `--tier`"),
        (["setup", "--fast"], "does not understand `--fast`"),
    ],
)
def test_command_lines_that_are_wrong_are_explained(arguments: list[str], said: str) -> None:
    with pytest.raises(course.SetupError, match=said):
        course.understand(arguments)


@pytest.mark.parametrize(
    ("command", "state", "tier", "dev"),
    [
        ("lab", None, "full", False),
        ("setup --tier core", None, "core", False),
        ("lab", State("core", False, "done"), "core", False),
        ("lab", State("core", False), "core", False),
        ("test", State("core", False, "done"), "core", True),
        ("build --check", None, "full", True),
        ("lab", State("full", True, "done"), "full", True),
        ("setup --tier full", State("core", False, "done"), "full", False),
        ("setup --tier core", State("full", False, "done"), "full", False),  # full holds core
        ("setup --tier core", State("full", False), "core", False),  # full was never finished
    ],
)
def test_the_tier_is_the_one_asked_for_or_the_one_that_is_there(command: str, state, tier: str, dev: bool) -> None:
    chosen = course.choose(course.understand(command.split()), state)
    assert (chosen.tier, chosen.dev) == (tier, dev)


@pytest.mark.parametrize(
    ("version", "bits", "variant", "found", "said"),
    [
        ((3, 11, 0), 64, "", [], ""),
        ((3, 13, 9), 64, "", [], ""),
        ((3, 6, 15), 64, "", [], "too old"),
        ((3, 10, 13), 64, "", ["python3.12"], "Run: python3.12 course.py setup"),
        ((3, 14, 0), 64, "", [], "too new"),
        ((3, 11, 4), 32, "", [], "32-bit"),
        ((3, 11, 4), 64, "PyPy", [], "PyPy"),
    ],
)
def test_which_pythons_will_do(version, bits: int, variant: str, found: list[str], said: str) -> None:
    problem = course.python_problem(version, bits, variant, found)
    assert said in problem
    assert bool(said) == bool(problem)


@pytest.mark.parametrize(
    ("system", "machine", "details", "said"),
    [
        ("Linux", "x86_64", {"glibc": "glibc 2.36"}, ""),
        ("Linux", "aarch64", {"glibc": "glibc 2.28"}, ""),
        ("Linux", "x86_64", {"glibc": "glibc 2.17"}, "glibc 2.28 or newer"),
        ("Linux", "x86_64", {"glibc": ""}, "no glibc"),
        ("Linux", "armv7l", {"glibc": "glibc 2.36"}, "do not come for Linux on armv7l"),
        ("Darwin", "arm64", {"macos": "14.2"}, ""),
        ("Darwin", "arm64", {"macos": "13.6"}, "macOS 14"),
        ("Darwin", "x86_64", {"macos": "14.0"}, "Intel Macs"),
        ("Darwin", "x86_64", {"macos": "14.0", "kernel": "Darwin 23 RELEASE_ARM64_T6000"}, "universal2"),
        ("Windows", "AMD64", {}, ""),
        ("Windows", "ARM64", {}, "Intel (AMD64) Python"),
        ("FreeBSD", "amd64", {}, "FreeBSD"),
    ],
)
def test_which_platforms_have_wheels(system: str, machine: str, details: dict, said: str) -> None:
    problem = course.platform_problem(system, machine, **details)
    assert said in problem
    assert bool(said) == bool(problem)


def test_needs_on_one_disk_add_up() -> None:
    packages, cache = ("the packages", 1, 600, 1000), ("pip's cache", 1, 500, 1000)
    assert course.disk_problem([packages]) == ""
    assert "the packages and pip's cache" in course.disk_problem([packages, cache])
    assert course.disk_problem([packages, ("pip's cache", 2, 500, 1000)]) == ""


@pytest.mark.parametrize(
    ("output", "options", "said"),
    [
        ("WARNING: Retrying (Retry(total=4)) ... NewConnectionError\nERROR: No matching distribution found for a", {},
         "The network does not answer"),
        ("ERROR: No matching distribution found for a==1", {}, "no wheel of a==1"),
        ("ERROR: No matching distribution found for a==1", {"folder": "/usb"}, "/usb holds no wheel of a==1"),
        ("ERROR: No matching distribution found for torch==2+cpu", {"torch": True}, "--tier core"),
        ("OSError: [Errno 28] No space left on device", {}, "disk is full"),
        ("OSError: [Errno 13] Permission denied: 'x'", {}, "may not be written"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]')) Max retries", {}, "date and time"),
        ("ERROR: Wheel 'a' located at b is invalid.", {}, "damaged"),
        ("HINT: Windows Long Path support", {}, "C:\\course"),
        ("who knows", {}, "Run this again"),
    ],
)  # fmt: skip
def test_what_pip_says_is_turned_into_the_true_cause(output: str, options: dict, said: str) -> None:
    assert said in course.explain(output, 1, **options)


def test_a_killed_pip_is_named() -> None:
    assert "signal 9" in course.explain("", -9)


def test_it_can_be_read_by_python_3_6() -> None:
    ast.parse(COURSE.read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("minor", [6, 10, 14])
def test_other_pythons_are_told_what_to_do(project: Project, minor: int) -> None:
    """This Python, made to give another version: the whole way from the command line to the message."""
    shutil.rmtree(project.root / ".venv")
    pretend = f"import runpy, sys; sys.version_info = (3, {minor}, 0, 'final', 0); sys.argv = ['course.py', 'setup']; "
    code = pretend + "runpy.run_path('course.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"This is Python 3.{minor}" in done.stderr
    assert not (project.root / ".venv").exists()


# Whole set-ups


def test_a_bare_folder_becomes_a_course(new_project: Callable[[], Project]) -> None:
    project = new_project()
    status, output = project.run("lab", "--port", "1234", "a b", EXIT_WITH="7")
    handed = json.loads(output.splitlines()[-1])
    assert status == 7
    assert handed["argv"] == ["lab", "--port", "1234", "a b"]
    assert Path(handed["pip"]).parent == project.root / ".venv" / "bin"
    assert Path(handed["prefix"]) == project.root / ".venv"
    assert project.installed() == {"alpha-1.0", "beta-1.0", "gamma-1.0", "torch-2.13.0+cpu", "offlinefirst-0.1"}
    assert project.missing_files() == []


def test_nothing_is_installed_when_nothing_changed(project: Project) -> None:
    assert project.run("setup")[0] == 0
    status, output = project.run("setup", AT_CHANGE="kill:1")
    assert status == 0
    assert output.splitlines() == ["Everything is in place (full tier). Open the course: python3 course.py lab"]


def test_the_cost_is_said_before_it_is_paid(project: Project) -> None:
    package = {"download": 7_000_000, "disk": 1_200_000_000}
    packages = {"alpha": package, "beta": package, "gamma": package, "elsewhere": package}
    sizes = {"platforms": {"linux-x86_64": {"measured": True, "packages": packages}}}
    (project.root / "requirements" / "sizes.json").write_text(json.dumps(sizes))
    output = project.run("setup", "--tier", "core")[1]
    assert "2 packages, " in output, output
    assert "14 MB to download" in output
    assert "2.4 GB on disk" in output
    assert output.index("14 MB") < output.index("Installing")
    more = project.run("setup", "--tier", "full")[1]
    assert "1 packages, " in more
    assert "7 MB to download" in more


def test_a_full_disk_stops_it_before_the_download(project: Project) -> None:
    packages = {"alpha": {"download": 1_000_000, "disk": 5_000_000}}
    sizes = {"platforms": {"linux-x86_64": {"measured": True, "packages": packages}}}
    (project.root / "requirements" / "sizes.json").write_text(json.dumps(sizes))
    code = "from types import SimpleNamespace as S; course.shutil.disk_usage = lambda at: S(free=4_000_000); "
    status, output = project.run(code=code + "sys.exit(course.main(['setup']))")
    assert status == 1
    assert "Not enough disk" in output
    assert "4 MB free" in output
    assert "Installing" not in output


def test_a_changed_lock_is_followed(project: Project) -> None:
    project.run("setup", "--tier", "core")
    project.lock("core", "alpha==2.0", "beta==1.0")
    status, _ = project.run("lab")
    assert status == 0
    assert project.installed() == {"alpha-2.0", "beta-1.0", "offlinefirst-0.1"}
    assert (project.site / "alpha" / "three.py").exists()


def test_a_changed_kernelspec_installs_the_package_again(project: Project) -> None:
    project.run("setup", "--tier", "core")
    (project.root / "jupyter" / "kernels" / "kernel.json").write_text("{}")
    assert "Installing the course itself" in project.run("setup")[1]


def test_the_tier_is_remembered_and_tests_add_their_tools(project: Project) -> None:
    project.run("setup", "--tier", "core")
    assert project.run("test")[0] == 0
    assert project.installed() == {"alpha-1.0", "beta-1.0", "tool-1.0", "offlinefirst-0.1"}
    assert "Installing" not in project.run("lab")[1]


def test_the_tier_is_remembered_when_the_very_first_install_was_cut(project: Project) -> None:
    project.run("setup", "--tier", "core", AT_CHANGE="kill:3")
    assert project.run("lab")[0] == 0
    assert project.installed() == {"alpha-1.0", "beta-1.0", "offlinefirst-0.1"}


@pytest.mark.parametrize("change", [1, 4, 7, 10, 13, 16, 19])
def test_an_install_that_was_killed_is_made_whole(project: Project, change: int) -> None:
    status, output = project.run("setup", "--tier", "core", AT_CHANGE=f"kill:{change}")
    assert status == 1
    assert "signal 9" in output
    assert project.run("setup")[0] == 0
    assert project.missing_files() == []
    assert project.installed() == {"alpha-1.0", "beta-1.0", "offlinefirst-0.1"}
    assert (project.site / "beta" / "data.txt").stat().st_size == 1000


@pytest.mark.parametrize("change", [2, 6, 10, 14])
def test_an_update_that_was_killed_is_made_whole(project: Project, change: int) -> None:
    project.run("setup", "--tier", "core")
    project.lock("core", "alpha==2.0", "beta==1.0")
    assert "signal 9" in project.run("setup", AT_CHANGE=f"kill:{change}")[1]
    status, output = project.run("setup")
    assert status == 0, output
    assert project.missing_files() == []
    assert "alpha-2.0" in project.installed()
    assert not list(project.site.glob("~*"))


def test_a_file_that_a_power_cut_emptied_is_found(project: Project) -> None:
    project.run("setup", "--tier", "core", AT_CHANGE="kill:18")
    whole = next(
        path for path in [project.site / "alpha" / "two.py", project.site / "beta" / "data.txt"] if path.exists()
    )
    right = whole.read_bytes()
    whole.write_bytes(b"\0" * len(right))
    assert project.run("setup")[0] == 0
    assert whole.read_bytes() == right


@pytest.mark.parametrize("breakage", ["dangling python", "no pip", "half of pip", "only a folder"])
def test_a_broken_environment_is_made_again(project: Project, breakage: str) -> None:
    python = project.root / ".venv" / "bin" / "python"
    if breakage == "dangling python":
        python.unlink()
        python.symlink_to(project.root / "gone")
    if breakage == "no pip":
        for path in project.site.glob("pip*"):
            shutil.rmtree(path)
    if breakage == "half of pip":
        (project.site / "pip" / "_internal" / "commands" / "wheel.py").unlink()
    if breakage == "only a folder":
        shutil.rmtree(project.root / ".venv")
        (project.root / ".venv" / "lib").mkdir(parents=True)
    status, output = project.run("setup", "--tier", "core")
    assert status == 0
    assert "Making .venv" in output
    assert project.missing_files() == []


def test_a_folder_that_was_moved_works_without_downloads(new_project: Callable[[], Project]) -> None:
    project = new_project()
    project.run("setup", "--tier", "core")
    project.root = project.root.rename(project.root.with_name("elsewhere"))
    (project.root / "backend.py").write_text(
        (project.root / "backend.py").read_text() + f"\nROOT = {str(project.root)!r}\n"
    )
    shutil.rmtree(project.wheels)
    status, output = project.run("lab")
    assert (status, "moved" in output) == (0, True)
    pip = subprocess.run(
        [project.root / ".venv" / "bin" / "pip", "--version"], capture_output=True, text=True, check=True
    )
    assert str(project.root) in pip.stdout


def test_two_set_ups_at_once_take_turns(project: Project) -> None:
    first = project.start("setup", "--tier", "core", AT_CHANGE="sleep:5")
    time.sleep(1.0)
    second = project.start("setup", "--tier", "core")
    outputs = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert "waiting for it to end" in outputs[1]
    assert "Installing" not in outputs[1]  # the first had done it all
    assert project.missing_files() == []


def test_a_pip_that_outlives_its_launcher_is_waited_for(project: Project) -> None:
    first = project.start("setup", "--tier", "core", AT_CHANGE="sleep:5")
    time.sleep(1.5)
    first.kill()
    status, output = project.run("setup")
    first.communicate()
    assert status == 0
    assert "waiting for it to end" in output
    assert project.missing_files() == []


def test_ctrl_c_stops_and_the_next_run_goes_on(project: Project) -> None:
    process = project.start("setup", "--tier", "core", AT_CHANGE="sleep:8")
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "goes on from here" in output
    assert "Traceback" not in output
    assert project.run("setup")[0] == 0
    assert project.missing_files() == []


def test_no_network_is_called_by_its_name(project: Project) -> None:
    environment = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_RETRIES": "1", "PIP_TIMEOUT": "2"}
    status, output = project.run("setup", "--tier", "core", PIP_INDEX_URL="http://127.0.0.1:9/simple", **environment)
    assert status == 1
    assert "The network does not answer" in output


def test_a_build_of_torch_for_cuda_is_not_taken(project: Project) -> None:
    next(project.wheels.glob("torch-2.13.0+cpu-*")).unlink()
    status, output = project.run("setup")
    assert status == 1
    assert "No build of torch without CUDA" in output
    assert not any(name.startswith("torch") for name in project.installed())


def test_a_build_of_torch_for_cuda_that_is_there_is_replaced(project: Project) -> None:
    command = [project.root / ".venv/bin/python", "-m", "pip", "install", "-q", "--no-deps", "torch===2.13.0"]
    subprocess.run(command, env=project.environment, check=True)
    assert "'13.0'" in (project.site / "torch" / "version.py").read_text()
    assert project.run("setup")[0] == 0
    assert "torch-2.13.0+cpu" in project.installed()


@pytest.mark.parametrize(
    ("text", "said"), [("cuda: Optional[str] = None\n", ""), ("cuda = '13.0'\n", "CUDA '13.0'"), ("", "")]
)
def test_a_build_of_torch_for_cuda_is_recognised(text: str, said: str) -> None:
    problem = course.torch_problem(text)
    assert said in problem
    assert bool(said) == bool(problem)


def test_a_folder_of_wheels_is_enough(project: Project) -> None:
    usb = project.wheels.rename(project.wheels.with_name("usb stick"))
    status, _ = project.run("setup", "--from", str(usb), PIP_FIND_LINKS="", PIP_NO_INDEX="0")
    assert status == 0
    assert project.missing_files() == []


def test_a_folder_that_lacks_a_wheel_is_named(project: Project) -> None:
    next(project.wheels.glob("beta*")).unlink()
    status, output = project.run("setup", "--from", str(project.wheels), PIP_FIND_LINKS="", PIP_NO_INDEX="0")
    assert status == 1
    assert f"{project.wheels} holds no wheel of beta==1.0" in output


def test_a_folder_that_may_not_be_written_is_named(new_project: Callable[[], Project]) -> None:
    project = new_project()
    project.root.chmod(0o555)
    immutable = os.geteuid() == 0  # whom modes do not stop
    if immutable and subprocess.run(["chattr", "+i", project.root], capture_output=True, check=False).returncode:
        pytest.skip("root, and this file system has no immutable folders")
    try:
        status, output = project.run("setup")
    finally:
        if immutable:
            subprocess.run(["chattr", "-i", project.root], check=True)
        project.root.chmod(0o755)
    assert status == 1
    assert "cannot be written to" in output


def test_a_missing_venv_module_is_named(new_project: Callable[[], Project]) -> None:
    project = new_project()
    fake = project.root / "fake-python"
    fake.write_text("#!/bin/sh\necho 'ensurepip is not available'\nexit 1\n")
    fake.chmod(0o755)
    status, output = project.run(
        code=f"sys._base_executable = {str(fake)!r}; sys.exit(course.main('setup --tier core'.split()))"
    )
    assert status == 1
    assert "apt install python3." in output
    assert project.run("setup")[0] == 0
    assert "torch-2.13.0+cpu" not in project.installed()  # the tier was remembered


def test_where_exec_is_not_to_be_had_a_child_does_it(project: Project) -> None:
    project.run("setup", "--tier", "core")
    code = "sys.exit(course.hand_over(course.ROOT, course.Request('lab', ['x y']), replace=False))"
    status, output = project.run(code=code, EXIT_WITH="5")
    assert status == 5
    assert json.loads(output)["argv"] == ["lab", "x y"]


def test_doctor_installs_nothing(project: Project) -> None:
    status, output = project.run("doctor")
    assert status == 1
    assert "not complete" in output
    assert project.installed() == set()


def test_a_lock_that_is_held_is_waited_for(project: Project) -> None:
    (project.root / ".cache").mkdir()
    with (project.root / ".cache" / "setup.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        process = project.start("setup", "--tier", "core")
        time.sleep(0.7)
        assert project.installed() == set()
    assert "waiting" in process.communicate(timeout=60)[0]
    assert process.returncode == 0


def test_alone_it_helps() -> None:
    done = subprocess.run([sys.executable, COURSE], capture_output=True, text=True, check=True)
    assert "python3 course.py lab" in done.stdout
