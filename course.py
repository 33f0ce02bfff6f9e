#!/usr/bin/env python3
"""The course in one command: `python3 course.py lab`.

Makes `.venv` beside this file, installs the packages that requirements/ pins, and hands over to that environment's
`python -m offlinefirst`. It needs nothing but Python, and goes on where an interrupted set-up stopped.

Read it from the top: what to do and what to say are functions of their arguments (Decisions), then come the
functions that touch disk, network and processes (Actions), then `main`. It is written so that a Python as old as 3.6
can read it far enough to be told that it is too old.
"""

import base64
import contextlib
import csv
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

ROOT = Path(__file__).resolve().parent
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
PYTHONS = [(3, 11), (3, 12), (3, 13)]  # as in pyproject.toml
OLDEST_GLIBC = (2, 28)  # onnxruntime and torch are built for it
MB = 1_000_000
STAMP = "course.json"
HELP = """Offline-First AI: the course on AI that works without the internet

  python3 course.py lab      open the course in JupyterLab (the first time, this sets it up)
  python3 course.py setup    set up only; --tier core takes less: all but the chapters that need torch or TensorFlow
  python3 course.py doctor   what this computer can do, and what is wrong if something is
  python3 course.py data     list, or fetch: the data sets that do not come with the course
  python3 course.py test     prove every notebook; --quick for the fast part, or a PATTERN
  python3 course.py build    turn lessons into notebooks; --check only compares

No internet? python3 course.py setup --from FOLDER installs from a folder of wheels, such as a USB stick.
"""


class SetupError(Exception):
    """Set-up cannot go on. The text says what happened and what to do."""


class Request(NamedTuple):
    """A command line, understood."""

    verb: str
    arguments: List[str]  # for `python -m offlinefirst VERB`
    tier: Optional[str] = None
    folder: Optional[str] = None


class State(NamedTuple):
    """What .venv holds. An empty fingerprint: an install is not finished. `root` is the folder it was made in."""

    tier: str
    dev: bool
    fingerprint: str = ""
    root: str = ""


# Decisions: no disk, no network, no clock.


def understand(arguments: Sequence[str]) -> Request:
    """Turn the command line into a Request, or say what is wrong with it."""
    if not arguments or arguments[0] in ("help", "-h", "--help"):
        return Request("help", [])
    verb, rest = arguments[0], list(arguments[1:])
    if verb not in ("setup", "lab", "test", "build", "doctor", "data"):
        raise SetupError(f"There is no `{verb}`. `python3 course.py` alone lists what there is.")
    if verb != "setup":
        return Request(verb, rest)
    options: Dict[str, str] = {}
    words = [word for argument in rest for word in (argument.split("=", 1) if argument[:2] == "--" else [argument])]
    while words:
        option = words.pop(0)
        if option not in ("--tier", "--from") or not words:
            raise SetupError(
                f"setup does not understand `{option}`: it takes --tier core, --tier full and --from FOLDER."
            )
        options[option] = words.pop(0)
    if options.get("--tier", "core") not in ("core", "full"):
        raise SetupError(f"There is no tier `{options['--tier']}`: the tiers are core and full.")
    return Request("setup", [], options.get("--tier"), options.get("--from"))


def choose(request: Request, state: Optional[State]) -> State:
    """Which tier to have: the one asked for, else the one that is there, else full. What is finished never shrinks."""
    finished_full = state is not None and state.fingerprint != "" and state.tier == "full"
    tier = "full" if finished_full else request.tier or (state.tier if state else "full")
    return State(tier, request.verb in ("test", "build") or (state is not None and state.dev))


def locks_of(wanted: State) -> List[str]:
    return [f"requirements/{name}.txt" for name in [wanted.tier] + (["dev"] if wanted.dev else [])]


def python_problem(version: Tuple[int, ...], bits: int, variant: str, found: Sequence[str]) -> str:
    """Why this Python will not do ("" when it will). `variant` is "" for the usual CPython."""
    name, fits = ".".join(map(str, version[:3])), "Python 3.11, 3.12 or 3.13"
    if found:
        advice = f"Found here: {', '.join(found)}. Run: {found[0]} course.py setup"
    else:
        advice = f"Install {fits} from python.org or your system's packages, and run course.py with that."
    rules = [
        (version[:2] < PYTHONS[0], f"This is Python {name}, which is too old: the course needs {fits}."),
        (version[:2] > PYTHONS[-1], f"This is Python {name}, which is too new for some packages: use {fits}."),
        (bits != 64, f"This Python {name} is a {bits}-bit build, and the packages come for 64 bits only."),
        (variant != "", f"This Python {name} is {variant}, and the packages are built for the usual CPython."),
    ]
    return next((f"{text} {advice}" for applies, text in rules if applies), "")


def platform_problem(system: str, machine: str, *, glibc: str = "", macos: str = "", kernel: str = "") -> str:
    """Why no packages exist for this computer ("" when they do). `kernel` is the system's own long version text."""
    elsewhere = "Use another computer, or one in a class or the cloud: deploy/ says how."
    mac, windows, linux = system == "Darwin", system == "Windows", system == "Linux"
    known = linux and machine in ("x86_64", "aarch64")
    rules = [
        (mac and machine != "arm64" and "ARM64" in kernel, "This Python is the build for Intel Macs. Install "
         "the universal2 one from python.org and run course.py with that."),
        (mac and machine != "arm64", f"torch, TensorFlow and ONNX Runtime do not come for Intel Macs. {elsewhere}"),
        (mac and numbers(macos) < (14,), f"The packages need macOS 14 or newer, and this is {macos}. Update macOS."),
        (windows and machine == "ARM64", "TensorFlow does not come for Windows on ARM. Install the Intel (AMD64) "
         "Python from python.org, which Windows can run, and run course.py with that."),
        (not mac and not known and (system, machine) != ("Windows", "AMD64"),
         f"The packages do not come for {system} on {machine}. {elsewhere}"),
        (linux and not glibc, "This Linux has no glibc (Alpine and Termux have not), which the packages need. "
         "Use Debian, Ubuntu or Fedora, if need be in a container."),
        (linux and numbers(glibc) < OLDEST_GLIBC, f"The packages need glibc 2.28 or newer (Debian 10, Ubuntu 20.04), "
         f"and this is {glibc}. Update the system."),
    ]  # fmt: skip
    return next((text for applies, text in rules if applies), "")


def numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def disk_problem(needs: Sequence[Tuple[str, int, int, int]]) -> str:
    """Which disk is too small ("" when none is), from (what for, its device, bytes needed, bytes free)."""
    for device in sorted({need[1] for need in needs}):
        here = [need for need in needs if need[1] == device]
        needed, free = sum(need[2] for need in here), min(need[3] for need in here)
        if needed > free:
            return (
                f"Not enough disk: {megabytes(needed)} needed for {' and '.join(need[0] for need in here)}, "
                f"{megabytes(free)} free. Free some space, or take the smaller tier: "
                "python3 course.py setup --tier core"
            )
    return ""


def megabytes(size: int) -> str:
    return f"{size / MB:,.0f} MB" if size < 1000 * MB else f"{size / (1000 * MB):,.1f} GB"


def pins(lock: str) -> Dict[str, Set[str]]:
    """{package name: versions} of a lock; several where they differ between Pythons."""
    found: Dict[str, Set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", lock, re.MULTILINE):
        found.setdefault(normal(name), set()).add(version)
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def missing(wanted: Dict[str, Set[str]], installed: Dict[str, str]) -> Set[str]:
    return {name for name, versions in wanted.items() if installed.get(name, "").split("+")[0] not in versions}


def torch_wanted(wanted: Dict[str, Set[str]], system: str) -> str:
    """What to ask pip for ("" when the tier has no torch). On Linux the plain version is the build for NVIDIA cards,
    several GB with what it needs, so only the one marked +cpu will do."""
    version = min(wanted.get("torch", {""}))
    return version and f"torch=={version}" + ("+cpu" if system == "Linux" else "")


CAUSES = [  # what pip prints, and the true cause: the first that matches counts
    (r"No space left|Errno 28\b|not enough space", "The disk is full. Free some space and run this again."),
    (r"CERTIFICATE_VERIFY_FAILED", "The secure connection was refused. Check this computer's date and time; on a "
     "school or office network, ask for its certificate and set PIP_CERT to that file."),
    (r"NewConnection|NameResolution|name resolution|getaddrinfo|Max retries|Retrying \(|unreachable|ConnectionError|"
     r"ConnectTimeout|ReadTimeout|ProxyError|Connection (refused|reset|broken)|IncompleteRead",
     "The network does not answer. Connect, then run the same command again: finished downloads are kept. "
     "Without internet: python3 course.py setup --from FOLDER"),
    (r"Long Path", "Windows cannot make paths this long. Move the course to a short one, such as C:\\course."),
    (r"Permission denied|Access is denied|Errno 13\b|Errno 30\b|Read-only", "A file may not be written. Close "
     "JupyterLab and other programs that use the course, and check that this folder is yours to write to."),
    (r"BadZipFile|bad zip|invalid wheel|is invalid|do not match the hashes", "A downloaded file is damaged. Empty "
     "pip's cache (python3 -m pip cache purge) and run this again."),
]  # fmt: skip


def explain(output: str, status: int, *, folder: str = "", torch: bool = False) -> str:
    """The cause of pip's failure and what to do next. "No matching distribution" is also what pip says for want of a
    network, so the network is looked for first."""
    absent = re.findall(r"No matching distribution found for (\S+)", output)
    if absent and folder:
        return f"{folder} holds no wheel of {absent[0]} for this computer and Python. Copy the folder again, whole."
    for pattern, advice in CAUSES:
        if re.search(pattern, output, re.IGNORECASE):
            return advice
    if absent and torch:
        return (
            f"No build of torch without CUDA can be had: {CPU_WHEELS} does not answer, and where pip is set to search "
            "there is none. The other build would be several GB, so set-up does not take it. Try again later, or take "
            "the tier without it: python3 course.py setup --tier core"
        )
    if absent:
        return f"Where pip is set to search there is no wheel of {absent[0]} for this computer and Python."
    if status < 0:
        return f"pip was killed by signal {-status} (9: often too little memory). Run this again: it goes on."
    return "pip could not finish. Run this again; if it stops here again, python3 course.py doctor says what is wrong."


def torch_problem(version_file: str) -> str:
    """Why the installed torch will not do, from the text of torch/version.py."""
    cuda = re.search(r"^cuda\b[^=]*=\s*(.+)$", version_file, re.MULTILINE)
    if not cuda or cuda.group(1).strip() == "None":
        return ""
    return (
        f"The torch in .venv is the build for NVIDIA cards (CUDA {cuda.group(1).strip()}), not the one for CPUs. "
        f"Remove the folder .venv/ and run setup again where {CPU_WHEELS} answers, or take --tier core."
    )


def announcement(wanted: State, count: int, download: int, disk: int, *, exact: bool, folder: str, free: int) -> str:
    """What is about to be fetched, before it is."""
    about = "" if exact else "about "
    fetch = f"from {folder}" if folder else f"{about}{megabytes(download)} to download (less what pip keeps)"
    tier = wanted.tier + (" tier with test tools" if wanted.dev else " tier")
    smaller = "" if wanted.tier == "core" or folder else " Ctrl-C stops; `setup --tier core` is smaller."
    return (
        f"Setting up the {tier}: {count} packages, {fetch}, {about}{megabytes(disk)} on disk "
        f"({megabytes(free)} free).{smaller}"
    )


# Actions.


def say(text: str) -> None:
    print(text, flush=True)


def venv_python(root: Path) -> Path:
    return root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def read_state(root: Path) -> Optional[State]:
    try:
        return State(**json.loads((root / ".venv" / STAMP).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_state(root: Path, state: State) -> None:
    stamp = root / ".venv" / STAMP
    stamp.with_suffix(".new").write_text(json.dumps(state._asdict()), "utf-8")
    stamp.with_suffix(".new").replace(stamp)


def fingerprint(root: Path, wanted: State) -> str:
    """Changes when set-up has something to do: covers locks, metadata, kernelspecs, Python, where the folder is."""
    python = venv_python(root)
    files = [root / name for name in [*locks_of(wanted), "pyproject.toml"]] + [root / ".venv" / "pyvenv.cfg"]
    files += sorted(path for path in (root / "jupyter").rglob("*") if path.is_file())
    digest = hashlib.sha256(f"{wanted.tier} {wanted.dev} {root} {os.path.realpath(python)}".encode())
    for path in files:
        digest.update(path.read_bytes() if path.exists() else b"absent")
    return digest.hexdigest()


def is_ready(root: Path, wanted: State) -> bool:
    state = read_state(root)
    return (
        state is not None
        and venv_python(root).exists()
        and (state.tier, state.dev) == (wanted.tier, wanted.dev)
        and state.fingerprint == fingerprint(root, wanted)
    )


def machine() -> str:
    """What this Python was built for; on Windows the processor may be another, and run it all the same."""
    return sysconfig.get_platform().split("-")[-1].upper() if os.name == "nt" else platform.machine()


def check_computer() -> None:
    """Raise SetupError when this Python or platform cannot run the course."""
    variant = "" if platform.python_implementation() == "CPython" else platform.python_implementation()
    if getattr(sys, "_is_gil_enabled", bool)() is False and sys.version_info >= (3, 13):
        variant = "a free-threaded build"
    names = ["python{}.{}".format(*version) for version in PYTHONS]
    found = [name for name in names if shutil.which(name)]
    problem = python_problem(tuple(sys.version_info[:3]), struct.calcsize("P") * 8, variant, found)
    glibc = ""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        glibc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    problem = problem or platform_problem(
        platform.system(),
        machine(),
        glibc=glibc,
        macos=platform.mac_ver()[0],
        kernel=platform.version(),
    )
    if problem:
        raise SetupError(problem)


@contextlib.contextmanager
def only_one(root: Path) -> Iterator[int]:
    """Hold the set-up lock. Children inherit it, so that a pip whose launcher was killed is waited for too."""
    try:
        (root / ".cache").mkdir(exist_ok=True)
        handle = (root / ".cache" / "setup.lock").open("a+")
    except OSError as error:
        raise SetupError(
            f"{root} cannot be written to ({error.strerror}). Copy the course to a folder of your own."
        ) from error
    with handle:
        waiting = False
        while not take_lock(handle.fileno()):
            if not waiting:
                say("Another set-up is at work in this folder: waiting for it to end ...")
            waiting = True
            time.sleep(0.2)
        yield handle.fileno()


def take_lock(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        say(f"This disk has no file locks ({error.strerror}): do not run two set-ups at once.")
    return True


def probe(root: Path) -> Optional[Path]:
    """The environment's site-packages, or None when its Python or pip does not work."""
    code = "import pip, sys, sysconfig; print(sys.version_info[:2], sysconfig.get_path('purelib'))"
    try:
        answer = subprocess.run(
            [str(venv_python(root)), "-I", "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version, _, site = os.fsdecode(answer.stdout).strip().partition(") ")
    good = answer.returncode == 0 and version + ")" in map(str, PYTHONS) and (root / ".venv" / "pyvenv.cfg").exists()
    return Path(site) if good else None


def make_environment(root: Path, state: Optional[State], wanted: State, lock: int) -> Path:
    """Return the site-packages of a working .venv, making or remaking it when there is none."""
    folder = root / ".venv"
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise SetupError(f"{folder} is not a folder. Remove it, so that the course can make an environment there.")
    site = probe(root)
    moved = state is not None and state.root not in ("", str(root))
    if site and state and moved and os.name != "nt":
        say("This folder was moved: telling .venv its new place")
        rehome(folder, Path(state.root) / ".venv")
    if site and not (moved and os.name == "nt") and all(is_whole(site, pip) for pip in site.glob("pip-*.dist-info")):
        return site
    check_computer()
    say(f"Making .venv with Python {platform.python_version()}")
    folder.mkdir(exist_ok=True)
    write_state(root, wanted)  # remembers the tier if this is interrupted
    try:
        for path in folder.iterdir():  # half made, moved, or its Python is gone
            if path.name != STAMP:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        text = f"{error.filename} cannot be removed ({error.strerror}). Close what uses it, then run this again."
        raise SetupError(text) from error
    base = getattr(sys, "_base_executable", None) or sys.executable
    status, output = run([base, "-m", "venv", str(folder)], lock, show=False)
    site = probe(root)
    if site is None and "ensurepip" in output:
        raise SetupError(
            "Python's venv module is missing. Debian and Ubuntu keep it apart: sudo apt install "
            f"python3.{sys.version_info[1]}-venv. Then run this again."
        )
    if site is None:
        raise SetupError(f"{output.strip()}\n.venv could not be made. {explain(output, status)}")
    return site


def rehome(folder: Path, old: Path) -> None:
    """Scripts name their Python by its full path: put the new one in."""
    for path in (folder / "bin").iterdir():
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if os.fsencode(str(old)) in content[:4096]:
                path.write_bytes(content.replace(os.fsencode(str(old)), os.fsencode(str(folder))))


def broken_packages(site: Path, *, contents: bool = False) -> List[Path]:
    """The dist-infos of packages whose install was cut: pip would count them as installed."""
    return [info for info in site.glob("[!~]*.dist-info") if not is_whole(site, info, contents=contents)]


def is_whole(site: Path, info: Path, *, contents: bool = False) -> bool:
    if not (info / "INSTALLER").exists() or not (info / "RECORD").exists():
        return False
    with (info / "RECORD").open(encoding="utf-8", newline="") as record:
        rows = [row for row in csv.reader(record) if len(row) == 3 and row[2] and not row[0].endswith(".pyc")]
    for name, digest, size in rows:
        path = site / name
        try:
            found = path.stat().st_size
            if name.startswith(("..", "/")):  # scripts and settings, which others may change
                continue
            if found != int(size) or (contents and digest != "sha256=" + hash_of(path)):
                return False
        except OSError:
            return False
    return True


def hash_of(path: Path) -> str:
    """As RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")


def repair(site: Path, *, contents: bool) -> None:
    """Make pip see what an interrupted install left behind as not installed."""
    broken = broken_packages(site, contents=contents)
    if broken:
        say(f"Repairing after an interrupted install: {', '.join(sorted(path.name.split('-')[0] for path in broken))}")
    for path in [*broken, *site.glob("~*")]:  # pip sets aside as ~NAME what it is about to replace
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def installed_in(site: Path) -> Dict[str, str]:
    parts = [info.name[: -len(".dist-info")].split("-") for info in site.glob("*.dist-info")]
    return {normal(part[0]): part[1] for part in parts if len(part) == 2}


def announce(root: Path, wanted: State, names: Set[str], folder: str) -> None:
    """Say what is coming and check that it fits."""
    try:
        sizes = json.loads((root / "requirements" / "sizes.json").read_text("utf-8"))
    except (OSError, ValueError):
        sizes = {"platforms": {}}
    key = f"{platform.system()}-{machine()}".lower()
    table = sizes["platforms"].get(key) or sizes["platforms"].get("linux-x86_64") or {"packages": {}}
    known = [table["packages"][name] for name in names if name in table["packages"]]
    if not known:
        return
    download, disk = sum(entry["download"] for entry in known), sum(entry["disk"] for entry in known)
    exact = bool(key in sizes["platforms"] and table.get("measured")) and sys.version_info[:2] == PYTHONS[0]
    # pip unpacks from a temporary copy and keeps another in its cache
    places = [("the packages", root, disk)]
    if not folder:
        places += [("downloading", Path(tempfile.gettempdir()), download), ("pip's cache", Path.home(), download)]
    needs = [(what, at.stat().st_dev, size, shutil.disk_usage(at).free) for what, at, size in places]
    say(announcement(wanted, len(known), download, disk, exact=exact, folder=folder, free=needs[0][3]))
    problem = disk_problem(needs)
    if problem:
        raise SetupError(problem)


def run(command: List[str], lock: int, *, show: bool) -> Tuple[int, str]:
    """Run a child to its end. Return its exit status and what it complained of (shown at once when `show`)."""
    environment = {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONIOENCODING": "utf-8"}
    environment.pop("PYTHONHOME", None)
    child = subprocess.Popen(
        command,
        env=environment,
        stdout=None if show else subprocess.PIPE,
        stderr=subprocess.PIPE if show else subprocess.STDOUT,
        pass_fds=() if os.name == "nt" else (lock,),
    )
    lines: List[str] = []
    try:
        for raw in (child.stderr if show else child.stdout) or []:
            lines.append(raw.decode("utf-8", "replace"))
            if show:
                sys.stderr.write(lines[-1])
        child.wait()
    except KeyboardInterrupt:  # the terminal has sent it to the child as well
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(10)
        child.kill()
        raise
    return child.returncode, "".join(lines)


def pip_install(
    root: Path, lock: int, what: str, arguments: List[str], *, folder: str = "", torch: bool = False
) -> None:
    """Say what, run pip, and turn its failure into a SetupError with the true cause."""
    say(what)
    show = sys.stdout.isatty()
    command = [str(venv_python(root)), "-I", "-m", "pip", "--no-input", "install", "--no-deps", *arguments]
    command += [] if show else ["--quiet"]
    command += ["--no-index", "--find-links", folder] if folder else []
    status, output = run(command, lock, show=show)
    if status:
        last = "" if show else "".join(f"  | {line}\n" for line in output.strip().splitlines()[-4:])
        raise SetupError(last + explain(output, status, folder=folder, torch=torch))


def cpu_wheels_answer() -> bool:
    """Whether the wheel index of torch without CUDA answers, found out in seconds: pip would try for minutes."""
    import ssl
    import urllib.error
    import urllib.request

    if os.environ.get("PIP_NO_INDEX", "0").lower() not in ("", "0", "false", "no", "off"):
        return False
    try:
        urllib.request.urlopen(f"{CPU_WHEELS}/torch/", timeout=5).close()
    except urllib.error.URLError as error:
        return isinstance(error.reason, ssl.SSLError)  # it is there, and pip may know its certificate
    except OSError:
        return False
    return True


def install(root: Path, wanted: State, site: Path, lock: int, folder: str) -> None:
    """Bring .venv to what the locks say."""
    locked: Dict[str, Set[str]] = {}
    for name in locks_of(wanted):
        locked.update(pins((root / name).read_text("utf-8")))
    installed = installed_in(site)
    announce(root, wanted, missing(locked, installed), folder)
    torch = torch_wanted(locked, platform.system())
    version_file = site / "torch" / "version.py"
    if torch and (missing({"torch": locked["torch"]}, installed) or torch_problem(read_text(version_file))):
        source = [] if folder or not cpu_wheels_answer() else ["--index-url", CPU_WHEELS]
        pip_install(root, lock, f"Installing {torch}", [torch, *source], folder=folder, torch=True)
    requirements = [word for name in locks_of(wanted) for word in ("-r", str(root / name))]
    what = "Installing " + " and ".join(locks_of(wanted))
    # of pysyncobj there is no wheel: a small archive of plain Python
    pip_install(root, lock, what, ["--only-binary=:all:", "--no-binary=pysyncobj", *requirements], folder=folder)
    if torch and torch_problem(read_text(version_file)):
        raise SetupError(torch_problem(read_text(version_file)))
    pip_install(root, lock, "Installing the course itself", ["--no-build-isolation", "-e", str(root)], folder=folder)


def read_text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def set_up(root: Path, request: Request) -> None:
    """Make .venv what `request` needs, from whatever state it is in."""
    folder = str(Path(request.folder).resolve()) if request.folder else ""
    if folder and not Path(folder).is_dir():
        raise SetupError(f"There is no folder {folder}.")
    with only_one(root) as lock:
        state = read_state(root)
        wanted = choose(request, state)
        if is_ready(root, wanted):
            return
        site = make_environment(root, state, wanted, lock)
        write_state(root, wanted)  # without a fingerprint: not finished
        repair(site, contents=state is not None and not state.fingerprint)
        install(root, wanted, site, lock, folder)
        if hasattr(os, "sync"):
            os.sync()  # a power cut after this finds the packages whole
        write_state(root, wanted._replace(fingerprint=fingerprint(root, wanted), root=str(root)))


def doctor(root: Path) -> None:
    """What the launcher knows; the rest comes from `offlinefirst doctor` when there is an environment."""
    say(f"Python       {platform.python_version()} at {sys.executable}")
    try:
        check_computer()
        say(f"platform     {platform.platform()}: supported")
    except SetupError as problem:
        say(f"platform     {problem}")
    say(f"disk         {megabytes(shutil.disk_usage(root).free)} free")
    state = read_state(root)
    complete = state is not None and is_ready(root, state)
    say(f"set-up       {state.tier + ' tier, complete' if state and complete else 'not complete: run course.py setup'}")


def hand_over(root: Path, request: Request, *, replace: bool = os.name != "nt") -> int:
    """Become `python -m offlinefirst VERB ...` in .venv, or where processes cannot do that, run it."""
    command = [str(venv_python(root)), "-P", "-m", "offlinefirst", request.verb, *request.arguments]
    environment = {**os.environ, "VIRTUAL_ENV": str(root / ".venv")}
    environment["PATH"] = os.pathsep.join([str(venv_python(root).parent), os.environ.get("PATH", os.defpath)])
    for name in ("PYTHONHOME", "__PYVENV_LAUNCHER__"):
        environment.pop(name, None)
    sys.stdout.flush()
    if replace:
        os.execve(command[0], command, environment)
    child = subprocess.Popen(command, env=environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the child's to handle
    return child.wait()


def main(arguments: Sequence[str]) -> int:
    try:
        request = understand(arguments)
        if request.verb == "help":
            say(HELP)
            return 0
        if request.verb == "doctor":
            doctor(ROOT)
            state = read_state(ROOT)
            return hand_over(ROOT, request) if state and is_ready(ROOT, state) else 1
        if not is_ready(ROOT, choose(request, read_state(ROOT))):
            set_up(ROOT, request)
        if request.verb != "setup":
            return hand_over(ROOT, request)
        tier = choose(request, read_state(ROOT)).tier
        say(f"Everything is in place ({tier} tier). Open the course: python3 course.py lab")
        return 0
    except SetupError as problem:
        print(f"\n{problem}", file=sys.stderr)
    except OSError as error:
        print(f"\n{error}\n{explain(f'{error} Errno {error.errno}', 1)}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again: it goes on from here.", file=sys.stderr)
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
