"""The verbs that `course.py` hands over: lab, test, build, doctor, data."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from offlinefirst.course.errors import CourseError
from offlinefirst.datasets.catalog import DatasetError
from offlinefirst.device.errors import DeviceError

if TYPE_CHECKING:
    from offlinefirst.datasets.catalog import Entry
    from offlinefirst.datasets.places import State


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the process's exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["lab"]:  # whatever follows belongs to JupyterLab
            from offlinefirst.course.lab import open_lab

            return open_lab(arguments[1:])
        options = _parser().parse_args(arguments)
        return _VERBS[options.verb](options)
    except (CourseError, DatasetError, DeviceError) as error:
        Console(stderr=True, highlight=False).print(f"[bold red]{type(error).__name__}[/]: ", end="")
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="course.py", description="Offline-First AI: the course's commands.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("lab", help="open the course in JupyterLab; further arguments go to it")
    test = verbs.add_parser("test", help="prove that everything works")
    test.add_argument("--quick", action="store_true", help="leave out notebooks, the browser and installations")
    test.add_argument("pattern", nargs="?", default="", help="only tests and notebooks whose name holds this")
    build = verbs.add_parser("build", help="turn lessons into notebooks; only what changed is executed")
    build.add_argument("--check", action="store_true", help="change nothing, fail when a notebook is out of date")
    build.add_argument("pattern", nargs="?", default="", help="only lessons whose name holds this")
    verbs.add_parser("doctor", help="what this computer can and cannot do for the course")
    data = verbs.add_parser("data", help="data sets and models of the course")
    data.add_argument("action", choices=["list", "fetch"], help="list what there is, or fetch it")
    data.add_argument("names", nargs="*", help="which, or which sets (default: all)")
    data.add_argument("--link", default="phone-2gb", help="the device whose link and prices count (default: phone-2gb)")
    data.add_argument("--yes", action="store_true", help="fetch without asking")
    return parser


def _test(options: argparse.Namespace) -> int:
    from offlinefirst.course.testing import run_tests

    return run_tests(quick=options.quick, pattern=options.pattern)


def _build(options: argparse.Namespace) -> int:
    from offlinefirst.course.build import build, differences
    from offlinefirst.course.lessons import course_root

    console, root = Console(highlight=False), course_root()
    if not options.check:
        build(root, wanted=options.pattern, report=console.print)
        return 0
    found = [difference for difference in differences(root) if options.pattern in str(difference.path)]
    for difference in found:
        console.print(str(difference), markup=False)
    console.print("Run `python course.py build`." if found else "Every notebook matches its lesson.")
    return 1 if found else 0


def _doctor(_: argparse.Namespace) -> int:
    from offlinefirst.course.doctor import examine, report

    findings = examine()
    report(findings, Console())
    return 0 if all(finding.state != "bad" for finding in findings) else 1


def _data(options: argparse.Namespace) -> int:
    from offlinefirst.course.lessons import course_root
    from offlinefirst.datasets.catalog import choose, read_catalog
    from offlinefirst.datasets.places import data_folder, state_of
    from offlinefirst.datasets.price import offer
    from offlinefirst.datasets.providers import Fetcher
    from offlinefirst.device import profiles

    console, root = Console(highlight=False, soft_wrap=True), course_root()
    profile = profiles.load(options.link)
    chosen = choose(read_catalog(root), options.names)
    if options.action == "fetch" and not options.names:  # what is copied by hand is not fetched
        chosen = [entry for entry in chosen if entry.provider != "folder"]
    missing = offer(chosen, root)
    if options.action == "list":
        _data_list(console, [(entry, state_of(entry, root)) for entry in chosen])
        if missing.entries:
            console.print(missing.words(profile), markup=False)
        console.print(f"Fetched data go to {data_folder()}", markup=False)
        return 0
    if missing.entries:
        console.print(missing.words(profile), markup=False)
        if not options.yes and sys.stdin.isatty() and input("Fetch it? [y/N] ").strip().lower() not in ("y", "yes"):
            console.print("Nothing was fetched.")
            return 1
    failed = 0
    with Fetcher(root) as fetcher:
        for entry in chosen:
            try:
                console.print(fetcher.fetch(entry), markup=False)
            except DatasetError as error:  # the others may still come
                failed += 1
                print(f"DatasetError: {error}", file=sys.stderr)
    return 1 if failed else 0


def _data_list(console: Console, rows: "Sequence[tuple[Entry, State]]") -> None:
    """Two lines for each data set, which fit a narrow terminal where five columns would not."""
    from offlinefirst.device.units import format_bytes

    for entry, state in rows:
        size = "size unknown" if entry.size_bytes is None else format_bytes(entry.size_bytes)
        console.print(f"[bold]{entry.name}[/]: {size}, {state}")
        console.print(f"    {entry.title} (licence: {entry.licence})", markup=False)


_VERBS = {"test": _test, "build": _build, "doctor": _doctor, "data": _data}
