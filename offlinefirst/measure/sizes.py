"""What a model weighs: on the disk, in a package, and on its way over a link."""

import zlib
from dataclasses import dataclass
from pathlib import Path

from offlinefirst.device.units import MiB
from offlinefirst.measure.errors import ModelFileError

#: What a gzip file adds to the compressed data: ten bytes before, checksum and size after. Source: RFC 1952.
GZIP_BYTES = 18
#: TCP payload of one full packet on Ethernet or a mobile link, and the IPv4 and TCP headers in front of it, without
#: options. Source: RFC 791, RFC 9293; 1,500 bytes less 20 and 20.
SEGMENT_BYTES, PACKET_HEADER_BYTES = 1460, 40
#: Heads of one HTTP/1.1 exchange as a small downloader and a static server write them; the length is what counts.
REQUEST_HEAD = (
    b"GET /models/model.onnx.gz HTTP/1.1\r\nHost: models.example.org\r\nAccept: */*\r\n"
    b"Accept-Encoding: identity\r\nUser-Agent: offlinefirst/0.1\r\n\r\n"
)
RESPONSE_HEAD = (
    b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: application/gzip\r\n"
    b'Content-Length: 12345678\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nETag: "0123456789abcdef"\r\n'
    b"Accept-Ranges: bytes\r\n\r\n"
)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """One file's sizes, in bytes.

    Args:
        raw_bytes: On the disk.
        compressed_bytes: As a gzip file of level 9: what a package would hold.
        wire_bytes: What one download of the gzip file moves, both ways; see `on_wire`.
    """

    raw_bytes: int
    compressed_bytes: int
    wire_bytes: int


def measure_sizes(path: Path) -> Sizes:
    """Measure a file's sizes; a piece at a time, so that the file need not fit into memory.

    Args:
        path: The file.

    Raises:
        ModelFileError: It cannot be read.
    """
    packer = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS)
    raw = compressed = 0
    try:
        with path.open("rb") as file:
            while piece := file.read(MiB):
                raw += len(piece)
                compressed += len(packer.compress(piece))
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}. Check the path and its permissions.") from error
    compressed += len(packer.flush()) + GZIP_BYTES
    return Sizes(raw_bytes=raw, compressed_bytes=compressed, wire_bytes=on_wire(compressed))


def on_wire(body_bytes: int) -> int:
    """What one HTTP/1.1 download moves over the link: body, both heads, and 40 bytes of headers for every packet.

    Left out, since they depend on the link: the handshakes of TCP and TLS, acknowledgements, and what is sent twice.
    So it is the least that a data plan is charged for.

    Args:
        body_bytes: The body of the response.

    Returns:
        Bytes.

    >>> on_wire(0) == len(REQUEST_HEAD) + len(RESPONSE_HEAD) + 2 * 40
    True
    """
    down = len(RESPONSE_HEAD) + body_bytes
    packets = 1 + -(-down // SEGMENT_BYTES)
    return len(REQUEST_HEAD) + down + packets * PACKET_HEADER_BYTES
