"""A plain text that several people type: places in characters, and a short way for typing in batches."""

from offlinefirst.sync._document import Document
from offlinefirst.sync._document_rules import FieldError


class SharedText(Document):
    """A plain text. Places are counted in characters, where pycrdt counts bytes of UTF-8 and Yjs UTF-16 units."""

    def insert(self, index: int, text: str) -> None:
        """Put characters before the one at `index`.

        Raises:
            FieldError: There is no such place, or no text.
            FullDocumentError: The document may not grow any more.
        """
        core = self._core
        length, more = core.length, len(text)
        if (
            core.left > 1
            and length is not None
            and core.ascii
            and 0 <= index <= length
            and more < 64
            and text.isascii()
        ):
            core.native.insert(core.handle, index, text)  # the short way: in a batch, ASCII, place known
            core.left -= 1
            core.edits += 1
            core.length = length + more
            return
        self._replace(index, 0, text)

    def delete(self, index: int, count: int = 1) -> None:
        """Take out `count` characters from `index` on.

        Raises:
            FieldError: They are not all there.
        """
        core = self._core
        length = core.length
        if core.left > 1 and length is not None and core.ascii and 0 <= index < index + count <= length:
            core.native.remove_range(core.handle, index, count)
            core.left -= 1
            core.edits += 1
            core.length = length - count
            return
        self._replace(index, count, "")

    def text(self) -> str:
        """All of it."""
        return str(self._core.real.text)

    def __str__(self) -> str:
        return self.text()

    def __len__(self) -> int:
        if self._core.length is None:
            self._core.measure_text()
        return self._core.length or 0

    def _replace(self, index: int, count: int, text: str) -> None:
        core, length = self._core, len(self)
        if not 0 <= index <= index + count <= length:
            raise FieldError(f"characters {index} to {index + count}: the text has {length}")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise FieldError(f"half a character at {error.start} of the new text") from None
        core.replace_text(index, count, text)
