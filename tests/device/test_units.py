import pytest

from offlinefirst.device.units import GiB, KiB, MiB, format_bytes


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (KiB, "1.0 KiB"),
        (MiB - 1, "1024.0 KiB"),
        (GiB, "1.0 GiB"),
        (-3 * MiB, "-3.0 MiB"),
    ],
)
def test_sizes_read_well(size_bytes: int, text: str) -> None:
    assert format_bytes(size_bytes) == text
