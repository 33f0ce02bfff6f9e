"""Sizes are those of real files, and compression is what gzip does."""

import gzip
import random
import zlib

import pytest

from offlinefirst.device.units import MiB
from offlinefirst.measure.errors import ModelFileError
from offlinefirst.measure.sizes import (
    PACKET_HEADER_BYTES,
    REQUEST_HEAD,
    RESPONSE_HEAD,
    SEGMENT_BYTES,
    measure_sizes,
    on_wire,
)

_RANDOM = random.Random(0)
WORDS = " ".join(_RANDOM.choice(["leaf", "rust", "bean", f"{_RANDOM.random():.3f}"]) for _ in range(60_000)).encode()


@pytest.mark.parametrize(
    "data",
    [b"", b"x", bytes(3 * MiB + 1), random.Random(0).randbytes(2 * MiB), b"leaf" * 100_000, WORDS],
    ids=["empty", "one", "noughts", "random", "one word", "words"],
)
def test_raw_and_compressed_are_what_a_gzip_package_has(tmp_path, data):
    path = tmp_path / "leaf.onnx"
    path.write_bytes(data)
    sizes = measure_sizes(path)
    assert sizes.raw_bytes == len(data)
    assert sizes.compressed_bytes == len(gzip.compress(data, compresslevel=9))
    assert sizes.compressed_bytes == len(zlib.compress(data, 9, wbits=31))
    assert sizes.wire_bytes > sizes.compressed_bytes


def test_the_wire_carries_heads_and_a_header_for_every_packet_that_is_begun():
    heads = len(REQUEST_HEAD) + len(RESPONSE_HEAD)
    full = SEGMENT_BYTES - len(RESPONSE_HEAD)
    assert on_wire(full) == heads + full + 2 * PACKET_HEADER_BYTES
    assert on_wire(full + 1) == heads + full + 1 + 3 * PACKET_HEADER_BYTES
    assert on_wire(10_000_000) / 10_000_000 == pytest.approx(1 + 40 / 1460, abs=0.0002)


def test_the_heads_are_heads():
    for head in (REQUEST_HEAD, RESPONSE_HEAD):
        assert head.endswith(b"\r\n\r\n")
        assert all(b": " in line for line in head.split(b"\r\n")[1:-2])


def test_the_level_matters_for_these_words():
    assert len(gzip.compress(WORDS, compresslevel=6)) != len(gzip.compress(WORDS, compresslevel=9))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ModelFileError, match=r"none\.onnx cannot be read: .*Check the path"):
        measure_sizes(tmp_path / "none.onnx")
