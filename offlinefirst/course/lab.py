"""Open the course in JupyterLab: at its start page, with its notebooks trusted, and silent towards the internet."""

import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from offlinefirst.course.lessons import course_root

START_PAGE = "START.md"
GENERATED = ("chapters", "labs", "solutions")
TRUSTED = Path(".cache", "trusted.json")

logger = logging.getLogger(__name__)


def open_lab(arguments: Sequence[str]) -> int:
    """Run JupyterLab until the learner stops it.

    Args:
        arguments: What JupyterLab is to be told besides, such as `--port 9000`, or a notebook to open. Where they
            say something that the course would have said, they win.

    Returns:
        JupyterLab's exit code.
    """
    from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]

    root = course_root()
    trust_notebooks(root)
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    command = lab_arguments(arguments, root=root, is_root=is_root, browser=browser_is_here(sys.platform, os.environ))
    try:
        LabApp.launch_instance(command)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0


def lab_arguments(arguments: Sequence[str], *, root: Path, is_root: bool, browser: bool) -> list[str]:
    """The arguments for JupyterLab: the course's own unless the learner gave theirs, then the learner's.

    JupyterLab refuses a setting that is given twice, so ours step aside.

    >>> lab_arguments(["--port", "9000"], root=Path("course"), is_root=False, browser=True)[-2:]
    ['--port', '9000']
    """
    given = {argument.partition("=")[0] for argument in arguments if argument.startswith("-")}
    names_a_file = any(argument.endswith((".ipynb", ".md", ".py")) for argument in arguments)
    ours = []
    if not given & {"--ServerApp.root_dir", "--notebook-dir", "--LabApp.notebook_dir", "--ServerApp.notebook_dir"}:
        ours.append(f"--ServerApp.root_dir={root}")
    if not names_a_file and not given & {"--LabApp.default_url", "--ServerApp.default_url"}:
        ours.append(f"--LabApp.default_url=/lab/tree/{START_PAGE}")
    if "--LabApp.extension_manager" not in given:
        ours.append("--LabApp.extension_manager=readonly")  # the other one asks a package registry for what is new
    if is_root and not given & {"--allow-root", "--ServerApp.allow_root"}:
        ours.append("--allow-root")
    if not browser and not given & {"--no-browser", "--browser", "--ServerApp.browser", "--ServerApp.open_browser"}:
        ours.append("--no-browser")
    return [*ours, *arguments]


def browser_is_here(system: str, environment: Mapping[str, str]) -> bool:
    """Whether a browser that this process opens would be one that the learner sees.

    Not over SSH, where it would open on the far computer; on Linux only with a display, which WSL has from Windows
    11 on. Without one JupyterLab prints the address to open.

    >>> browser_is_here("linux", {}), browser_is_here("linux", {"WAYLAND_DISPLAY": "wayland-0"})
    (False, True)
    """
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"):
        return False
    if not system.startswith("linux"):
        return True
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def trust_notebooks(root: Path) -> int:
    """Sign the course's notebooks, so that JupyterLab shows their widgets and HTML also from a ZIP or a USB stick.

    Only notebooks that changed since the last time are read: the rest costs one look at their size and time. A
    notebook that cannot be read is left as it is, and JupyterLab says what is wrong with it when it is opened.

    Returns:
        How many were signed now.
    """
    from jupyter_core.paths import jupyter_data_dir
    from nbformat import NO_CONVERT, read
    from nbformat.sign import NotebookNotary

    database = Path(jupyter_data_dir(), "nbsignatures.db")
    known = _read_known(root / TRUSTED) if database.exists() else {}  # the notary makes a missing one, empty
    notary = NotebookNotary()
    present = {}
    for path in sorted(found for folder in GENERATED for found in (root / folder).rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            status = path.stat()
            present[str(path.relative_to(root))] = [status.st_mtime_ns, status.st_size, str(database)]
    signed = 0
    for name in [name for name, stamp in present.items() if known.get(name) != stamp]:
        try:
            notary.sign(read(root / name, as_version=NO_CONVERT))
            signed += 1
        except Exception as error:  # noqa: BLE001 - nbformat raises many kinds, and none may keep the course shut
            logger.warning("%s stays untrusted: %s", name, error)
            del present[name]
    if present != known:
        try:
            (root / TRUSTED).parent.mkdir(exist_ok=True)
            (root / TRUSTED).write_text(json.dumps(present, indent=1), "utf-8")
        except OSError as error:  # a course on a read-only disk opens all the same, only slower
            logger.warning("%s cannot be written: %s", TRUSTED, error)
    return signed


def _read_known(path: Path) -> dict[str, list[object]]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
