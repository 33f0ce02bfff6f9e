"""Small projects with the real course.py and a lock of wheels made here: a whole set-up takes a second, offline."""

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

COURSE = Path(__file__).parents[2] / "course.py"

BACKEND = """
import zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "offlinefirst-0.1-py3-none-any.whl"
    info = "offlinefirst-0.1.dist-info"
    with zipfile.ZipFile(wheel_directory + "/" + name, "w") as wheel:
        wheel.writestr("offlinefirst.pth", ROOT)
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: offlinefirst\\nVersion: 0.1\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "offlinefirst.pth,,\\n" + info + "/METADATA,,\\n" + info + "/WHEEL,,\\n")
    return name
"""

# Stands in for the package: says what it was handed, and exits as told.
PACKAGE = """
import json, os, shutil, sys
print(json.dumps({"argv": sys.argv[1:], "pip": shutil.which("pip"), "prefix": sys.prefix}))
sys.exit(int(os.environ.get("EXIT_WITH", "0")))
"""

# Runs at the start of every Python of the environment, also under -I. At the Nth change below site-packages the
# process is killed, or sleeps: so that an install can be cut at every one of its steps.
HOOK = """
import os, signal, sys, time
action, _, at = os.environ.get("AT_CHANGE", "").partition(":")
if action and "pip" in sys.orig_argv:
    seen = [0]
    def changed(path):
        if "site-packages" in os.fsdecode(path) and "__pycache__" not in os.fsdecode(path):
            seen[0] += 1
            if seen[0] == int(at):
                if action == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(3)
    def hook(event, arguments):
        if event in ("os.rename", "os.remove", "os.mkdir"):
            changed(arguments[0])
        elif event == "open" and isinstance(arguments[0], (str, bytes)) and arguments[2] & os.O_WRONLY:
            changed(arguments[0])
    sys.addaudithook(hook)
"""


def make_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    """Write NAME-VERSION-py3-none-any.whl with a correct RECORD."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            wheel.writestr(path, text)


@dataclass
class Project:
    """A course folder."""

    root: Path
    wheels: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Path:
        return next((self.root / ".venv" / "lib").glob("python*/site-packages"))

    def lock(self, name: str, *pins: str) -> None:
        (self.root / "requirements" / f"{name}.txt").write_text("# Generated\n" + "\n".join(pins) + "\n")

    def start(self, *arguments: str, code: str = "", **environment: str) -> subprocess.Popen[str]:
        """Start course.py, or `code` with `course` imported."""
        command = ["-c", f"import sys, course; {code}"] if code else [str(self.root / "course.py"), *arguments]
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=self.root,
            env=self.environment | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A shell's background jobs have Ctrl-C ignored, and would hand that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        )

    def run(self, *arguments: str, code: str = "", **environment: str) -> tuple[int, str]:
        """Run course.py to its end; return its exit status and all it said."""
        process = self.start(*arguments, code=code, **environment)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def installed(self) -> set[str]:
        ours = ("alpha", "beta", "gamma", "torch", "tool", "offlinefirst")
        names = {path.name.removesuffix(".dist-info") for path in self.site.glob("*.dist-info")}
        return {name for name in names if name.startswith(ours)}

    def missing_files(self) -> list[str]:
        """Files that a RECORD lists and that are not there, and packages without their INSTALLER."""
        lost = [info.name for info in self.site.glob("*.dist-info") if not (info / "INSTALLER").exists()]
        for record in self.site.glob("*.dist-info/RECORD"):
            names = [line.split(",")[0] for line in record.read_text().splitlines()]
            lost += [name for name in names if not name.endswith(".pyc") and not (self.site / name).exists()]
        return lost


@pytest.fixture(scope="session")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new .venv, made once: making one takes three seconds."""
    folder = tmp_path_factory.mktemp("bare") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "interrupt.pth").write_text("import interrupt")
    (site / "interrupt.py").write_text(HOOK)
    return folder


@pytest.fixture
def new_project(tmp_path: Path) -> Callable[[], Project]:
    """Makes a project that was never set up, in a folder with a space and letters that are not ASCII."""

    def make() -> Project:
        root = tmp_path / "Cours d'été ọ̀rọ̀"
        for folder in ("requirements", "offlinefirst", "jupyter/kernels"):
            (root / folder).mkdir(parents=True)
        shutil.copy(COURSE, root)
        (root / "backend.py").write_text(BACKEND + f"\nROOT = {str(root)!r}\n")
        (root / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        )
        (root / "offlinefirst" / "__init__.py").touch()
        (root / "offlinefirst" / "__main__.py").write_text(PACKAGE)
        wheels = tmp_path / "wheels"
        files = {"alpha/__init__.py": "", "alpha/one.py": "1", "alpha/two.py": "22"}
        make_wheel(wheels, "alpha", "1.0", files)
        make_wheel(wheels, "alpha", "2.0", files | {"alpha/three.py": "333"})
        make_wheel(wheels, "beta", "1.0", {"beta/__init__.py": "", "beta/data.txt": "b" * 1000})
        make_wheel(wheels, "gamma", "1.0", {"gamma.py": ""})
        make_wheel(wheels, "tool", "1.0", {"tool.py": ""})
        make_wheel(wheels, "torch", "2.13.0+cpu", {"torch/version.py": "cuda: Optional[str] = None\n"})
        make_wheel(wheels, "torch", "2.13.0", {"torch/version.py": "cuda: Optional[str] = '13.0'\n"})
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "EXIT_", "PYTHON"))}
        project = Project(root, wheels, clean)
        project.environment |= {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": wheels.as_uri(),
            "PIP_NO_CACHE_DIR": "1",
        }
        project.lock("core", "alpha==1.0", "beta==1.0", "delta==9.0 ; sys_platform == 'nowhere'")
        project.lock("full", "alpha==1.0", "beta==1.0", "gamma==1.0", "torch==2.13.0")
        project.lock("dev", "tool==1.0")
        return project

    return make


@pytest.fixture
def project(new_project: Callable[[], Project], bare_environment: Path) -> Project:
    """A project whose environment exists and is empty."""
    made = new_project()
    shutil.copytree(bare_environment, made.root / ".venv", symlinks=True)
    return made
