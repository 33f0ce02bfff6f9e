import socket
import subprocess
import sys
from typing import Any

import pytest

from offlinefirst.device import network


class Plain:
    def __init__(self, family: int) -> None:
        self.family = family


INET, INET6 = Plain(socket.AF_INET), Plain(socket.AF_INET6)


@pytest.mark.parametrize(
    ("event", "arguments", "target"),
    [
        ("socket.connect", (INET, ("127.0.0.1", 80)), None),
        ("socket.connect", (INET, ("127.8.8.8", 80)), None),
        ("socket.connect", (INET, ("localhost", 80)), None),
        ("socket.connect", (INET6, ("::1", 80, 0, 0)), None),
        ("socket.connect", (INET6, ("::ffff:127.0.0.1", 80, 0, 0)), None),
        ("socket.connect", (INET, ("8.8.8.8", 53)), "8.8.8.8"),
        ("socket.connect", (INET, ("10.0.0.1", 53)), "10.0.0.1"),
        ("socket.connect", (INET6, ("::ffff:8.8.8.8", 53, 0, 0)), "::ffff:8.8.8.8"),
        ("socket.connect", (INET6, ("fe80::1%eth0", 53, 0, 2)), "fe80::1%eth0"),
        ("socket.connect", (INET, ("127.0.0.1.example.com", 80)), "127.0.0.1.example.com"),
        ("socket.connect", (INET, ("notlocalhost", 80)), "notlocalhost"),
        ("socket.sendto", (INET, ("1.1.1.1", 53)), "1.1.1.1"),
        ("socket.sendmsg", (INET, ("1.1.1.1", 53)), "1.1.1.1"),
        ("socket.sendmsg", (INET, None), None),
        ("socket.bind", (INET, ("127.0.0.1", 0)), None),
        ("socket.bind", (INET, ("", 0)), "every interface"),
        ("socket.bind", (INET, ("0.0.0.0", 0)), "0.0.0.0"),
        ("socket.getaddrinfo", ("example.com", 80, 0, 0, 0), "example.com"),
        ("socket.getaddrinfo", (b"example.com", 80, 0, 0, 0), "example.com"),
        ("socket.getaddrinfo", ("localhost.", 80, 0, 0, 0), None),
        ("socket.getaddrinfo", ("shop.localhost", 80, 0, 0, 0), None),
        ("socket.getaddrinfo", (None, 80, 0, 0, 0), None),
        ("socket.gethostbyname", ("example.com",), "example.com"),
        ("socket.gethostbyaddr", ("8.8.8.8",), "8.8.8.8"),
        ("socket.getnameinfo", (("8.8.8.8", 53),), "8.8.8.8"),
        ("socket.getnameinfo", (("127.0.0.1", 53),), None),
    ],
)
def test_only_this_machine_is_reached(event: str, arguments: tuple[Any, ...], target: str | None) -> None:
    assert network.foreign_target(event, arguments) == target


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no local sockets here")
def test_local_sockets_are_not_the_network() -> None:
    assert network.foreign_target("socket.connect", (Plain(socket.AF_UNIX), "/run/x")) is None


TRIES = """
import errno, socket, threading
from offlinefirst.device.errors import NoNetworkError
from offlinefirst.device.network import refuse
refuse("Phone, 2 GB")
def refused(act):
    try:
        act()
    except NoNetworkError as error:
        assert error.errno == errno.ENETUNREACH
        return str(error)
    return "went through"
stream, packet = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
stream.settimeout(1)
print(refused(lambda: socket.create_connection(("example.com", 80), timeout=1)))
print(refused(lambda: stream.connect(("192.0.2.1", 80))))
print(refused(lambda: stream.connect_ex(("192.0.2.1", 80))))
print(refused(lambda: packet.sendto(b"x", ("192.0.2.1", 9))))
print(refused(lambda: packet.sendmsg([b"x"], [], 0, ("192.0.2.1", 9))))
print(refused(lambda: socket.gethostbyname("example.com")))
print(refused(lambda: socket.gethostbyname_ex("example.com")))
print(refused(lambda: stream.bind(("0.0.0.0", 0))))
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: server.accept()[0].sendall(b"served")).start()
print(socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).recv(9).decode())
"""


def test_a_real_process_is_refused_and_served_on_loopback() -> None:
    done = subprocess.run([sys.executable, "-c", TRIES], capture_output=True, text=True, check=False)
    *refused, served = done.stdout.splitlines()
    assert served == "served", done.stderr
    assert len(refused) == 8
    for line in refused:
        assert "Phone, 2 GB: no internet here" in line
    for line in refused[:-1]:
        assert "course.py data fetch" in line
    assert "cannot listen on 0.0.0.0. Use 127.0.0.1" in refused[-1]
