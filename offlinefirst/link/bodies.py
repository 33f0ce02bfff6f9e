"""Reads the bytes of a response, a piece at a time and without a copy where nothing is changed."""

from types import TracebackType
from typing import BinaryIO, Self

from offlinefirst.link.responses import Resource, Response, Span

_COMPLEMENT = bytes(255 - value for value in range(256))


class Body:
    """The body of one response; a context manager, because it may hold a file open."""

    def __init__(self, response: Response, resource: Resource | None) -> None:
        """Open it.

        Args:
            response: What to send.
            resource: The file its span is of.

        Raises:
            OSError: The file cannot be opened.
        """
        body = response.body
        self._file: BinaryIO | None = None
        self._bytes = memoryview(b"")
        self._inverted, self._corrupt_at = False, None
        self.offset = 0
        if isinstance(body, bytes):
            self._bytes = memoryview(body)
        elif resource is not None:
            self.offset = body.start
            self._inverted, self._corrupt_at = resource.inverted, response.corrupt_at
            if isinstance(resource.source, bytes):
                self._bytes = memoryview(resource.source)
            else:
                self._file = resource.source.open("rb", buffering=0)
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def piece(self, span: Span) -> memoryview:
        """Read bytes of the body, good until the next call.

        Args:
            span: Which, counted from the body's beginning.

        Returns:
            The bytes; fewer when the file has become shorter on disk.
        """
        start, stop = self.offset + span.start, self.offset + span.stop
        view = self._bytes[start:stop] if self._file is None else self._read(self._file, start, stop)
        if self._inverted:
            view = memoryview(bytes(view).translate(_COMPLEMENT))
        if self._corrupt_at is not None and start <= self._corrupt_at < start + len(view):
            changed = bytearray(view)
            changed[self._corrupt_at - start] ^= 0xFF
            view = memoryview(changed)
        return view

    def _read(self, file: BinaryIO, start: int, stop: int) -> memoryview:
        if len(self._buffer) < stop - start:
            self._buffer = bytearray(stop - start)
        view, count = memoryview(self._buffer)[: stop - start], 0
        file.seek(start)
        while count < len(view) and (read := file.readinto(view[count:])):  # type: ignore[attr-defined]
            count += read
        return view[:count]
