"""What people see of a download."""

import io
import sys

import pytest

from offlinefirst.delivery.progressbar import Bar, describe, duration, someone_watches


@pytest.mark.parametrize(
    ("have", "total", "options", "expected"),
    [
        (0, 0, {"fetched_bytes": 0, "seconds": 0}, "0 bytes of 0 bytes"),
        (0, 1024, {"fetched_bytes": 0, "seconds": 5}, "0 bytes of 1.0 KiB"),
        (512, 1024, {"fetched_bytes": 512, "seconds": 8}, "512 bytes of 1.0 KiB, 64 bytes/s, 8 s left"),
        (2048, None, {"fetched_bytes": 2048, "seconds": 2}, "2.0 KiB, 1.0 KiB/s"),
        (1024, 1024, {"fetched_bytes": 1024, "seconds": 1}, "1.0 KiB of 1.0 KiB, 1.0 KiB/s"),
        (
            500_000_000,
            1_000_000_000,
            {"fetched_bytes": 250_000_000, "seconds": 2500, "price_usd_per_gb": 3.0},
            "476.8 MiB of 953.7 MiB, 97.7 KiB/s, 1 h 23 min left, 0.750 USD so far, 2.250 USD in all",
        ),
    ],
)
def test_a_line_says_what_is_known(have, total, options, expected):
    assert describe(have, total, **options) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (3599.7, "1 h 0 min"), (90_000, "25 h 0 min")]
)
def test_a_time_as_people_say_it(seconds, expected):
    assert duration(seconds) == expected


def test_a_bar_shows_amount_rate_money_and_waits(monkeypatch):
    seen, now = io.StringIO(), [0.0]
    monkeypatch.setattr(sys, "stderr", seen)
    bar = Bar("leaf.onnx", price_usd_per_gb=1.5, clock=lambda: now[0])
    bar.close()  # an error before the first byte
    bar.start(1_048_576, 4_194_304)
    for _ in range(4):
        now[0] += 1
        bar.advance(262_144)
    bar.wait(96, "the connection was cut")
    bar.close()
    assert "leaf.onnx |" in seen.getvalue()
    assert "2.0 MiB of 4.0 MiB, 256.0 KiB/s, 8 s left, 0.002 USD so far, 0.005 USD in all" in seen.getvalue()
    assert "the connection was cut; trying again in 1 min 36 s" in seen.getvalue()


def test_nobody_watches_a_script(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not someone_watches()
    monkeypatch.setattr(sys, "stderr", None)
    assert not someone_watches()


def test_a_terminal_is_watched(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    assert someone_watches()
