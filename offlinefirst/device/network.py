"""Refuses this process everything but loopback: a device with no internet.

An audit hook sees Python's own sockets. It does not see child processes, nor libraries that open sockets in C: it
teaches, it does not contain.
"""

import errno
import ipaddress
import socket
import sys
from typing import Any

from offlinefirst.device.errors import NoNetworkError

_TO_ADDRESS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"})
_TO_HOST = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
# These never leave the machine: between processes, and with its kernel.
_LOCAL_FAMILIES = frozenset(
    getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG") if hasattr(socket, name)
)
_INTERNET_FAMILIES = frozenset({socket.AF_INET, socket.AF_INET6})


def refuse(title: str) -> None:
    """Refuse everything but loopback from here to the end of this process; it cannot be taken back.

    Args:
        title: the device's title, for the message.
    """
    watched = _TO_ADDRESS | _TO_HOST

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        # The interpreter calls this for every audited event, so everything else leaves at once.
        if event not in watched:
            return
        target = foreign_target(event, arguments)
        if target is not None:
            verb = "listen on" if event == "socket.bind" else "reach"
            raise NoNetworkError(errno.ENETUNREACH, describe(title, verb, target))

    sys.addaudithook(hook)


def describe(title: str, verb: str, target: str) -> str:
    """Say that the device has no internet, and where data come from instead.

    Args:
        title: the device's title.
        verb: what was tried.
        target: on which host or address.

    Returns:
        One or two sentences.
    """
    advice = (
        "Use 127.0.0.1"
        if verb == "listen on"
        else "Data and models come in by `python course.py data fetch` in a terminal; practice servers run on 127.0.0.1"
    )
    return f"{title}: no internet here, so this notebook cannot {verb} {target}. {advice}."


def foreign_target(event: str, arguments: tuple[Any, ...]) -> str | None:
    """Tell which host outside this machine a socket call is about.

    Args:
        event: the audit event's name.
        arguments: the audit event's arguments.

    Returns:
        The host or address, or None when the call stays on this machine.
    """
    if event in _TO_HOST:
        host: Any = arguments[0]
        if event == "socket.getnameinfo":
            host = host[0]
        # None and "" ask for the address to listen on: bind decides about that.
        return None if host in (None, "", b"") or is_loopback(host) else _text(host)
    # A connected socket may send without an address.
    this_socket, address = arguments
    if address is None or this_socket.family in _LOCAL_FAMILIES:
        return None
    if this_socket.family in _INTERNET_FAMILIES and isinstance(address, tuple) and address:
        # Only numeric addresses and names of this machine: a name would be looked up by connect itself.
        return None if is_loopback(address[0]) else (_text(address[0]) or "every interface")
    return str(address)


def is_loopback(host: object) -> bool:
    """Tell whether a host is this machine's loopback.

    Args:
        host: a name or a numeric address, as text or ASCII bytes.

    Returns:
        Whether it is `localhost`, a name below it, 127.0.0.0/8 or ::1 in any notation.
    """
    name = _text(host).partition("%")[0].rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _text(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)
