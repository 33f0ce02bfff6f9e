"""`course.py test`: the package's tests, then every notebook on its own device, alone, in any order, with the net off.

Each notebook is copied into a folder of its own and run there by nbval, so nothing that another notebook left behind
can help it, and nothing it writes stays in the course.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from offlinefirst.course.lessons import course_root
from offlinefirst.course.netless import prefix

JOBS = 2
CELL_TIMEOUT_S = 120
NO_TESTS_COLLECTED = 5
#: Left out of --quick: what starts browsers, installs packages or executes whole notebooks.
QUICK = ("-m", "not slow")
#: Lax: only cells tagged `nbval-check-output` are compared; the others show measurements and must only run.
NBVAL = ("-p", "no:cacheprovider", "--nbval-lax", f"--nbval-cell-timeout={CELL_TIMEOUT_S}", "--dist", "loadfile")


def run_tests(*, quick: bool = False, pattern: str = "") -> int:
    """Run pytest over tests/, then nbval over chapters/, labs/ and solutions/.

    Args:
        quick: Leave out the tests marked `slow` and the notebooks.
        pattern: Only tests and notebooks whose name holds this.

    Returns:
        0 when everything passed and something ran, else the first failing exit code.
    """
    root, console = course_root(), Console(highlight=False)
    chosen = ["-k", pattern] if pattern else []
    pytest = [sys.executable, "-m", "pytest", *chosen, *(QUICK if quick else ())]
    codes = [
        subprocess.run([*pytest, "-n", str(JOBS), "tests", "--ignore=tests/e2e"], cwd=root, check=False).returncode
    ]
    if not quick:
        # The browser's driver switches stacks under Python, so it gets a process of its own.
        codes.append(subprocess.run([*pytest, "tests/e2e"], cwd=root, check=False).returncode)
        paths = [path for path in notebooks(root) if pattern in path.as_posix()]
        codes.append(run_notebooks(root, paths, console))
    ran = [code for code in codes if code != NO_TESTS_COLLECTED]
    if not ran:
        console.print(f"No test is called {pattern!r}, so none ran.")
        return NO_TESTS_COLLECTED
    return max(ran)


def notebooks(root: Path) -> list[Path]:
    """Every notebook of the course, relative to its folder."""
    folders = ("chapters", "labs", "solutions")
    return [path.relative_to(root) for folder in folders for path in sorted((root / folder).glob("*/*.ipynb"))]


def run_notebooks(root: Path, paths: Sequence[Path], console: Console, *, seed: int | None = None) -> int:
    """Run notebooks with nbval: each in an empty folder, in a shuffled order, without a network where possible.

    Args:
        root: The course folder.
        paths: Notebooks, relative to it.
        console: Is told the order's seed and whether the network is off.
        seed: Decides the order (None: a new one each time).

    Returns:
        pytest's exit code; 5 when there is nothing to run.
    """
    if not paths:
        return NO_TESTS_COLLECTED
    seed = random.randrange(10_000) if seed is None else seed
    order = random.Random(seed).sample(list(paths), len(paths))
    offline = prefix()
    console.print(f"{len(order)} notebooks, each alone in a folder of its own, in the order of seed {seed}.")
    if offline:
        console.print("Network: off, they run in a namespace that has nothing but loopback.")
    else:
        console.print("Network: this platform has no namespace for us, so only the kernels themselves refuse it.")
    with tempfile.TemporaryDirectory() as folder:
        copies = []
        for path in order:
            copy = Path(folder, path.with_suffix(""), path.name)
            copy.parent.mkdir(parents=True)
            shutil.copy(root / path, copy)
            copies.append(str(copy.relative_to(folder)))
        environment = os.environ | {
            "OFFLINEFIRST_PROGRESS": str(Path(folder, "progress.jsonl")),
            "OFFLINEFIRST_ROOT": str(root),
        }
        command = [*offline, sys.executable, "-m", "pytest", "-n", str(JOBS), *NBVAL, f"--rootdir={folder}", *copies]
        return subprocess.run([*command, "--durations=5"], cwd=folder, env=environment, check=False).returncode
