"""Binary units, and sizes as people read them."""

KiB = 1024
MiB = 1024 * KiB
GiB = 1024 * MiB


def format_bytes(size_bytes: int) -> str:
    """Write a size in the largest binary unit that leaves at least one whole unit.

    Args:
        size_bytes: a size in bytes; may be negative.

    Returns:
        The size with one decimal in KiB, MiB or GiB, and with none in bytes.

    >>> format_bytes(1_610_612_736), format_bytes(-2048), format_bytes(7)
    ('1.5 GiB', '-2.0 KiB', '7 bytes')
    """
    for unit_bytes, unit in ((GiB, "GiB"), (MiB, "MiB"), (KiB, "KiB")):
        if abs(size_bytes) >= unit_bytes:
            return f"{size_bytes / unit_bytes:.1f} {unit}"
    return f"{size_bytes} byte{'' if abs(size_bytes) == 1 else 's'}"
