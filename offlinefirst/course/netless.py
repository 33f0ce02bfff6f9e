"""Run a command where there is no network but loopback: `python -m offlinefirst.course.netless COMMAND ...`.

Kernels refuse everything but loopback, yet a subprocess of theirs could get past that. A network namespace cannot be
got past: the command and all its children have no other interface. Linux only, and not everywhere allowed; `prefix`
tells.
"""

import functools
import os
import shutil
import socket
import struct
import subprocess
import sys

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


@functools.cache
def prefix() -> tuple[str, ...]:
    """What to put before a command so that it runs without a network; empty where the platform cannot."""
    unshare = shutil.which("unshare")
    if not sys.platform.startswith("linux") or unshare is None:
        return ()
    command = (unshare, "--map-root-user", "--net", sys.executable, "-m", "offlinefirst.course.netless")
    probe = subprocess.run([*command, sys.executable, "-c", _PROBE], capture_output=True, check=False)
    return command if probe.returncode == 0 else ()


#: Loopback answers, and there is no route to anywhere else.
_PROBE = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listener.getsockname(), timeout=5)
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9))
except OSError:
    raise SystemExit(0)
raise SystemExit(1)
"""


def bring_up_loopback() -> None:
    """A new namespace has its loopback interface down. Raises OSError where that is not allowed."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16xh14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[0]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


if __name__ == "__main__":
    bring_up_loopback()
    os.execvp(sys.argv[1], sys.argv[1:])
