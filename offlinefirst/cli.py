"""The verbs that `course.py` hands over: lab, test, build, doctor, data, hub."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from offlinefirst.course.errors import CourseError
from offlinefirst.datasets.catalog import DatasetError
from offlinefirst.device.errors import DeviceError
from offlinefirst.sync.errors import SyncError

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
    except (CourseError, DatasetError, DeviceError, SyncError) as error:
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
    hub = verbs.add_parser("hub", help="let phones meet: keep and pass on their documents")
    hub.add_argument(
        "--store", type=Path, default=Path("hub-store"), help="folder to keep them in (default: hub-store)"
    )
    hub.add_argument("--tokens", type=Path, default=Path("hub-tokens.toml"), help="file of tokens (hub-tokens.toml)")
    hub.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this computer only)")
    hub.add_argument("--port", type=int, default=8765, help="port to listen on, 0 for a free one (default: 8765)")
    hub.add_argument("--grant", metavar="NAME", help="do not serve: add a token for NAME to the file and show it once")
    hub.add_argument("--read", nargs="*", default=[], metavar="FARM", help="with --grant: farms it may read")
    hub.add_argument("--write", nargs="*", default=[], metavar="FARM", help='with --grant: and write ("*": all farms)')
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


def _hub(options: argparse.Namespace) -> int:
    from offlinefirst.sync.hub import TokensError, grant

    if options.grant is None and (options.read or options.write):
        raise TokensError("--read and --write belong to --grant NAME: nothing was granted")
    if options.grant is not None:
        print(grant(options.tokens, options.grant, read=options.read, write=options.write))
        return 0
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    asyncio.run(_serve(options))
    return 0


async def _serve(options: argparse.Namespace) -> None:
    from offlinefirst.sync.hub import Hub

    stop = asyncio.Event()
    async with Hub(options.store, options.tokens, host=options.host, port=options.port) as hub:
        for one in (signal.SIGINT, signal.SIGTERM):
            try:
                asyncio.get_running_loop().add_signal_handler(one, stop.set)
            except NotImplementedError:  # Windows: an interrupt ends it all the same
                break
        print(f"The hub listens on {hub.url}/FARM and keeps what it acknowledges in {options.store}.", flush=True)
        await stop.wait()


def _data_list(console: Console, rows: "Sequence[tuple[Entry, State]]") -> None:
    """Two lines for each data set, which fit a narrow terminal where five columns would not."""
    from offlinefirst.device.units import format_bytes

    for entry, state in rows:
        size = "size unknown" if entry.size_bytes is None else format_bytes(entry.size_bytes)
        console.print(f"[bold]{entry.name}[/]: {size}, {state}")
        console.print(f"    {entry.title} (licence: {entry.licence})", markup=False)


_VERBS = {"test": _test, "build": _build, "doctor": _doctor, "data": _data, "hub": _hub}
