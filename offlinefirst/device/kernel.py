"""The entry point of every kernelspec: `python -m offlinefirst.device.kernel --profile NAME -f FILE`.

The order matters: limits first, since maths libraries read them when they are imported; the network next, before any
of the learner's code; ipykernel after that; the brackets around cells last, when there is a shell.
"""

import argparse
import logging
import sys
from typing import Any

from offlinefirst.device import limits, network, profiles, quiet
from offlinefirst.device.current import Device, Enforcement, become
from offlinefirst.device.errors import UnknownProfileError


def main(arguments: list[str] | None = None) -> None:
    """Run an IPython kernel that is limited like a device, until it is told to end.

    Args:
        arguments: the command line after the program's name; ipykernel gets what is not ours.

    Raises:
        SystemExit: when the command line names no known profile.
    """
    parser = argparse.ArgumentParser(prog="python -m offlinefirst.device.kernel", allow_abbrev=False)
    parser.add_argument("--profile", required=True, help="the device, for example phone-2gb")
    ours, theirs = parser.parse_known_args(arguments)
    try:
        profile = profiles.load(ours.profile)
    except UnknownProfileError as error:
        parser.error(str(error))
    applied = limits.apply(profile)
    quiet.quieten("tensorflow")
    network.refuse(profile.title)
    enforcement: Enforcement = "watched" if applied.memory is None else "enforced"
    device = Device(profile, enforcement, applied.cores)
    become(device)
    _run(device, applied, theirs)


def _run(device: Device, applied: limits.Applied, arguments: list[str]) -> None:
    from ipykernel.kernelapp import IPKernelApp

    # Its warning about unencrypted TCP is about networks; these kernels are on loopback.
    app: Any = IPKernelApp.instance(log_level=logging.ERROR)
    app.initialize(arguments)

    from offlinefirst.device.cells import Cells
    from offlinefirst.device.watchdog import Rules, Watchdog

    rules = Rules(device.profile.app_memory_bytes)
    cells = Cells(app.kernel, device.profile, applied.memory, rules)
    cells.install()
    Watchdog(rules, title=device.profile.title, cell_running=cells.running, interrupt=cells.interrupt).start()
    _ = device.storage  # made now, so that what dead kernels left is swept at every start
    app.start()


if __name__ == "__main__":
    main(sys.argv[1:])
