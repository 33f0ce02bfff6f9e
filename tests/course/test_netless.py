"""The network really off: a namespace with loopback and nothing else."""

import os
import subprocess
import sys

import pytest

from offlinefirst.course.netless import prefix

needs_namespace = pytest.mark.skipif(not prefix(), reason="this platform has no network namespaces for us")


def run(code):
    return subprocess.run([*prefix(), sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_in_ci_the_network_can_be_turned_off():
    """What CI is for must not be skipped there without a word."""
    if os.environ.get("CI") and sys.platform.startswith("linux"):
        assert prefix(), "no network namespace in CI: install util-linux, or allow user namespaces"


@needs_namespace
def test_loopback_works():
    code = """
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
print("connected")
"""
    assert run(code).stdout == "connected\n"


@needs_namespace
def test_there_is_no_way_out_even_for_a_grandchild():
    code = """
import subprocess, sys
probe = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"
print(subprocess.run([sys.executable, "-c", probe], stderr=subprocess.PIPE, text=True).stderr.splitlines()[-1])
"""
    assert "unreachable" in run(code).stdout


@needs_namespace
def test_the_exit_code_is_the_commands():
    assert run("raise SystemExit(7)").returncode == 7
