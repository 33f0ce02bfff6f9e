import sys

import pytest

from offlinefirst.device import enforcement

ALL = dict.fromkeys(("private", "interrupt", "children", "cores", "network", "lock"), True)


def statuses(**changed: bool) -> dict[str, str]:
    return {row.limit: row.status for row in enforcement.rows({**ALL, **changed})}


@pytest.mark.parametrize(
    ("changed", "limit", "status"),
    [
        ({}, "memory, private", "enforced"),
        ({"private": False}, "memory, private", "watched"),
        ({"private": False, "interrupt": False}, "memory, private", "not seen"),
        ({}, "memory, shared and mapped files", "watched"),
        ({"children": False}, "memory, child processes", "not seen"),
        ({"cores": False}, "cores", "not seen"),
        ({"network": False}, "network, Python sockets", "not seen"),
        ({}, "network, child processes and C code", "not seen"),
        ({"lock": False}, "storage", "not seen"),
    ],
)
def test_a_probe_that_fails_shows(changed: dict[str, bool], limit: str, status: str) -> None:
    assert statuses(**changed)[limit] == status


def test_every_row_says_what_gets_past() -> None:
    for row in enforcement.rows(ALL):
        assert row.how
        assert row.not_seen


@pytest.mark.skipif(sys.platform != "linux", reason="what other platforms enforce is for them to say")
def test_this_machine_is_really_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert enforcement._probe_in_a_fresh_process() == ALL
    tried: list[dict[str, bool]] = []
    monkeypatch.setattr(enforcement, "rows", lambda worked: tried.append(worked) or [])
    enforcement.limits_here()
    assert tried == [ALL]


def test_a_probe_that_cannot_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enforcement, "__name__", "x")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(OSError, match="could not be tried"):
        enforcement.limits_here()
