"""The few things that sockets do differently from one system to the next."""

import contextlib
import select
import socket
import struct
import sys
import time

if sys.platform == "linux":
    import fcntl
    import termios

_LINGER_FORMAT = "hh" if sys.platform == "win32" else "ii"


def unacknowledged_bytes(sock: socket.socket) -> int | None:
    """Tell how many bytes were written that the other machine has not acknowledged.

    Args:
        sock: A connected TCP socket.

    Returns:
        Bytes (Linux's SIOCOUTQ), or None where the system does not say.
    """
    if sys.platform != "linux":
        return None
    try:
        return int(struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0\0\0\0"))[0])
    except OSError:
        return None


def wait_until_acknowledged(sock: socket.socket, timeout_s: float) -> None:
    """Wait until everything written has reached the other machine, or the time is up.

    Args:
        sock: A connected TCP socket.
        timeout_s: The most to wait; where the system does not say, a twentieth of a second is all there is.
    """
    until = time.monotonic() + timeout_s
    while (left := unacknowledged_bytes(sock)) != 0 and time.monotonic() < until:
        if left is None:
            time.sleep(min(0.05, timeout_s))
            return
        time.sleep(0.001)


def reset(sock: socket.socket) -> None:
    """End a connection by RST: what the other side has not read yet may be lost, and it sees ECONNRESET.

    Args:
        sock: A connected TCP socket.
    """
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER_FORMAT, 1, 0))
    sock.close()


def finish(sock: socket.socket, timeout_s: float = 0.2) -> None:
    """End a connection by FIN: everything written arrives.

    Closing with something unread would send a RST, so what still comes in is read and dropped for a moment.

    Args:
        sock: A connected TCP socket.
        timeout_s: How long that moment is at most.
    """
    until = time.monotonic() + timeout_s
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        while (left := until - time.monotonic()) > 0:
            sock.settimeout(left)
            if not sock.recv(65_536):
                break
    sock.close()


def other_side_left(sock: socket.socket, timeout_s: float) -> bool:
    """Wait, and come back early when the other side ends the connection.

    Args:
        sock: A connected TCP socket.
        timeout_s: How long to wait.

    Returns:
        Whether it did.
    """
    until = time.monotonic() + timeout_s
    while True:
        left = max(0.0, until - time.monotonic())
        if hasattr(select, "poll"):
            poll = select.poll()  # select() cannot watch descriptors from 1,024 on
            poll.register(sock, select.POLLIN)
            readable = bool(poll.poll(left * 1000))
        else:
            readable = bool(select.select([sock], [], [], left)[0])
        if not readable:
            return False
        try:
            if not sock.recv(1, socket.MSG_PEEK):
                return True
        except OSError:
            return True
        time.sleep(min(left, 0.02))  # the next request is here already: this one still has to wait
        if left == 0:
            return False
