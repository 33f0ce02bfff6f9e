"""The house's style is checked by the tools that pyproject.toml sets up."""

import subprocess
import sys

import pytest

from offlinefirst.course.lessons import course_root


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]])
def test_the_tools_find_nothing(command):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=course_root(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_doctests_say_what_is_so():
    command = [sys.executable, "-m", "pytest", "--doctest-modules", "-q", "-p", "no:cacheprovider", "offlinefirst"]
    done = subprocess.run(command, cwd=course_root(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
