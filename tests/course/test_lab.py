"""`course.py lab`: the arguments JupyterLab gets, which notebooks it trusts, and what it answers once it runs."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from offlinefirst.course import lab

ROOT = Path(__file__).parents[2]
START_URL = "--LabApp.default_url=/lab/tree/START.md"


@pytest.mark.parametrize(
    ("given", "is_root", "browser", "added", "left_out"),
    [
        ([], False, True, [START_URL, "--ServerApp.root_dir=/course"], ["--allow-root", "--no-browser"]),
        ([], True, False, ["--allow-root", "--no-browser"], []),
        (["--allow-root", "--no-browser"], True, False, ["--allow-root", "--no-browser"], []),
        (["--ServerApp.open_browser=True"], False, False, [], ["--no-browser"]),
        (["--LabApp.default_url=/lab"], False, True, ["--LabApp.default_url=/lab"], [START_URL]),
        (["chapters/a.ipynb"], False, True, ["--ServerApp.root_dir=/course"], [START_URL]),
        (["--ServerApp.root_dir=/other"], False, True, [START_URL], ["--ServerApp.root_dir=/course"]),
    ],
)
def test_what_the_learner_says_wins(given, is_root: bool, browser: bool, added, left_out) -> None:
    command = lab.lab_arguments(given, root=Path("/course"), is_root=is_root, browser=browser)
    assert command[len(command) - len(given) :] == given
    assert set(added) <= set(command)
    assert not set(left_out) & set(command)
    names = [argument.partition("=")[0] for argument in command]
    assert len(names) == len(set(names)), "JupyterLab refuses a setting that is given twice"


@pytest.mark.parametrize(
    ("system", "environment", "here"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, False),
        ("linux", {"WSL_DISTRO_NAME": "Ubuntu"}, False),
        ("linux", {"WSL_DISTRO_NAME": "Ubuntu", "WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
        ("darwin", {"SSH_TTY": "/dev/ttys001"}, False),
        ("win32", {}, True),
    ],
)
def test_a_browser_opens_only_where_it_is_seen(system: str, environment: dict[str, str], here: bool) -> None:
    assert lab.browser_is_here(system, environment) is here


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course folder with three notebooks, and a place of its own for signatures."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    for folder in lab.GENERATED:
        write_notebook(tmp_path / "course" / folder / "02-x" / "lab.ipynb", f"<b>{folder}</b>")
    write_notebook(tmp_path / "course" / "mine" / "own.ipynb", "<b>mine</b>")
    return tmp_path / "course"


def write_notebook(path: Path, html: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    output = nbformat.v4.new_output("display_data", {"text/html": html})
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output])]), path)


def is_trusted(path: Path) -> bool:
    return NotebookNotary().check_signature(nbformat.read(path, as_version=4))


def test_notebooks_of_the_course_are_trusted_and_no_others(course: Path) -> None:
    assert lab.trust_notebooks(course) == 3
    assert all(is_trusted(path) for folder in lab.GENERATED for path in (course / folder).rglob("*.ipynb"))
    assert not is_trusted(course / "mine" / "own.ipynb")


def test_only_what_changed_is_signed_again(course: Path) -> None:
    lab.trust_notebooks(course)
    assert lab.trust_notebooks(course) == 0
    write_notebook(course / "labs" / "02-x" / "lab.ipynb", "<b>something new</b>")
    assert lab.trust_notebooks(course) == 1
    assert is_trusted(course / "labs" / "02-x" / "lab.ipynb")


def test_signatures_that_were_lost_are_made_again(course: Path) -> None:
    lab.trust_notebooks(course)
    Path(NotebookNotary().db_file).unlink()
    assert lab.trust_notebooks(course) == 3


def test_a_damaged_notebook_does_not_keep_the_course_shut(course: Path, caplog: pytest.LogCaptureFixture) -> None:
    (course / "chapters" / "02-x" / "lab.ipynb").write_text('{"cells": [')
    (course / ".cache").mkdir()
    (course / lab.TRUSTED).write_text("no JSON")
    assert lab.trust_notebooks(course) == 2
    assert "stays untrusted" in caplog.text


def test_links_of_the_start_page_lead_somewhere() -> None:
    text = (ROOT / lab.START_PAGE).read_text("utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert "chapters/02-offline-first-design/01-principles.ipynb" in links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_the_start_page_names_each_kernel_as_the_notebook_does() -> None:
    text = (ROOT / lab.START_PAGE).read_text("utf-8")
    for path in (ROOT / "jupyter" / "kernels").glob("*/kernel.json"):
        assert f"| `{path.parent.name}` | {json.loads(path.read_text())['display_name']} |" in text


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab that `open_lab` started, with this checkout's settings and nobody's own."""
    folder = tmp_path_factory.mktemp("jupyter")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("DATA", "CONFIG", "RUNTIME")}
    environment |= {"JUPYTER_CONFIG_PATH": str(ROOT / "jupyter"), "JUPYTER_PATH": str(ROOT / "jupyter")}
    code = "import sys; from offlinefirst.course.lab import open_lab; sys.exit(open_lab(sys.argv[1:]))"
    arguments = ["--no-browser", f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="]
    log = (folder / "log").open("w")
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(150):
            try:
                urllib.request.urlopen(f"{address}/api").close()
                break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        log.close()


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.read().decode()


def test_it_answers_with_the_start_page_and_the_three_kernels(running: str) -> None:
    with urllib.request.urlopen(running, timeout=20) as answer:
        assert answer.url.startswith(f"{running}/lab/tree/START.md")
    names = set(json.loads(get(f"{running}/api/kernelspecs"))["kernelspecs"])
    assert {"phone-2gb", "phone-4gb", "laptop-4gb"} <= names
    assert "Welcome" in json.loads(get(f"{running}/api/contents/START.md?type=file"))["content"]


def test_it_shows_markdown_rendered_and_asks_for_no_news(running: str) -> None:
    settings = json.loads(get(f"{running}/lab/api/settings/@jupyterlab/docmanager-extension:plugin"))
    assert settings["schema"]["properties"]["defaultViewers"]["default"] == {"markdown": "Markdown Preview"}
    page = re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', get(f"{running}/lab"), re.DOTALL)
    assert page is not None
    config = json.loads(page.group(1))
    assert "@jupyterlab/apputils-extension:announcements" in config["disabledExtensions"]
    assert "@jupyter/nbgrader" in config["disabledExtensions"]  # its panels are for instructors
    assert config["extensionManager"]["can_install"] is False
