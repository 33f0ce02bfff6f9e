"""Keeps TensorFlow's start-up lines out of notebooks, and shows them when the import fails.

They are written in C, to descriptor 2, before any log level of TensorFlow's can hold them back.
"""

import importlib.abc
import importlib.machinery
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

_STDERR = 2


@contextmanager
def swallowed_stderr() -> Iterator[Callable[[], str]]:
    """Send what is written to descriptor 2 to a file while the block runs, from Python and from C.

    Yields:
        A function that returns what was written so far.

    Raises:
        OSError: when descriptor 2 is closed or no temporary file can be made.
    """
    with tempfile.TemporaryFile() as file:
        if sys.stderr is not None:
            sys.stderr.flush()
        kept = os.dup(_STDERR)
        try:
            os.dup2(file.fileno(), _STDERR)

            def written() -> str:
                file.seek(0)
                return file.read().decode("utf-8", "replace")

            yield written
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)


def quieten(*names: str) -> None:
    """Import these top-level modules without what they write to descriptor 2.

    Args:
        names: for example "tensorflow".
    """
    sys.meta_path.insert(0, _QuietFinder(frozenset(names)))


class _QuietFinder(importlib.abc.MetaPathFinder):
    """Finds nothing itself: puts a quiet loader around what the other finders find."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._names:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: importlib.machinery.ModuleSpec | None = find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _QuietLoader(spec.loader)
                return spec
        return None


class _QuietLoader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # Who asks the module for its loader later (resources, inspect) must find the real one.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        with swallowed_stderr() as written:
            try:
                self._loader.exec_module(module)
            except BaseException as error:
                if text := written().strip():
                    error.add_note(f"While it was imported, {module.__name__} wrote:\n{text}")
                raise
