"""Brackets every cell of a kernel: tight limits while it runs, a report when its memory runs out, room after it.

A kernel that may not allocate cannot run its own event loop, so the profile holds only while a learner's code runs.
The first act on any failure is to open the reserve: formatting a traceback needs memory too.
"""

import asyncio
import signal
import threading
import traceback
from types import CodeType, FrameType, TracebackType
from typing import Any

from offlinefirst.device import memory, network, usage
from offlinefirst.device.errors import DeviceMemoryError
from offlinefirst.device.limits import MemoryLimit
from offlinefirst.device.profiles import Profile
from offlinefirst.device.units import MiB
from offlinefirst.device.usage import Reading
from offlinefirst.device.watchdog import Rules

# Ignored where nobody listens, and used by nothing else here: Go preempts goroutines with it for the same reasons.
_SIGNAL = getattr(signal, "SIGURG", None)

_OWN_FILES = frozenset({__file__, network.__file__})

_HANDLED = (Exception, KeyboardInterrupt, asyncio.CancelledError)


class Cells:
    """Knows whether a cell runs, and ends one whose memory ran out; made on the kernel's main thread."""

    def __init__(self, kernel: Any, profile: Profile, limit: MemoryLimit | None, rules: Rules) -> None:
        """Prepare; `install` hooks into the kernel.

        Args:
            kernel: the ipykernel kernel.
            profile: the device.
            limit: the limits that the platform enforces, or None.
            rules: told about every cell that starts.
        """
        self._kernel = kernel
        self._shell = kernel.shell
        self._profile = profile
        self._limit = limit
        self._rules = rules
        self._main_thread = threading.get_ident()
        self._depth = 0
        self._used_at_start_bytes = 0
        self._reusable_bytes = 0
        self._excess: Reading | None = None
        self._meter = usage.Meter()
        self._interruptible = _entry_points(self._shell)

    def install(self) -> None:
        """Hook into the shell's events, its error display and the kernel's message loop."""
        self._shell.events.register("pre_execute", self._cell_starts)
        self._shell.events.register("post_execute", self._cell_ended)
        self._shell.set_custom_exc(_HANDLED, self._show_error)
        # A widget's callback that fails skips post_execute; this hook runs after every message, whatever happened.
        after_message = self._kernel.post_handler_hook

        def post_handler_hook() -> None:
            self._depth = 0
            self._relax()
            after_message()

        self._kernel.post_handler_hook = post_handler_hook
        if _SIGNAL is not None:
            signal.signal(_SIGNAL, self._on_signal)

    def running(self) -> bool:
        """Tell whether a cell runs on the main thread.

        Returns:
            Whether it does.
        """
        return self._depth > 0

    def interrupt(self, reading: Reading) -> None:
        """End the running cell with a report; called from the watchdog's thread.

        The signal only asks. The main thread decides when it takes it, and by then knows whether a cell still runs:
        so nothing but a cell is ever interrupted.

        Args:
            reading: what kernel and children hold.
        """
        self._excess = reading
        if _SIGNAL is not None:
            signal.pthread_kill(self._main_thread, _SIGNAL)
        elif self.running():
            import _thread

            _thread.interrupt_main()

    def _on_signal(self, _number: int, frame: FrameType | None) -> None:
        reading = self._excess
        if reading is None or not self.running():
            return
        if _is_below(self._interruptible, frame):
            self._relax()
            error = DeviceMemoryError(memory.describe(self._shortage(None, reading)))
            self._excess = None
            raise error
        # The cell awaits something and the event loop runs: ask it to cancel the cell, as Ctrl-C does.
        cancel = signal.getsignal(signal.SIGINT)
        if callable(cancel) and cancel is not signal.default_int_handler:
            cancel(signal.SIGINT, frame)
            # It only queues a callback, and the loop sleeps until something wakes it.
            asyncio.get_running_loop().call_soon_threadsafe(_nothing)

    def _cell_starts(self) -> None:
        if threading.get_ident() == self._main_thread:
            self._depth += 1
            if self._depth == 1:
                self._excess = None
                reading = self._meter.read()
                self._reusable_bytes = usage.reusable_bytes()
                private = usage.private_bytes() - self._reusable_bytes
                self._used_at_start_bytes = max(private, reading.total_bytes)
                self._rules.cell_started(reading)
                usage.forget_peak()
                if not self._shell.custom_exceptions:
                    # IPython drops a handler that ever failed; the next cell gets it back.
                    self._shell.set_custom_exc(_HANDLED, self._show_error)
        if self._limit is not None:
            self._limit.tighten(usage.private_bytes(), self._reusable_bytes)

    def _cell_ended(self) -> None:
        if threading.get_ident() == self._main_thread:
            self._depth = max(0, self._depth - 1)
        if self._depth == 0:
            self._relax()

    def _relax(self) -> None:
        if self._limit is not None:
            self._limit.relax()

    def _show_error(
        self,
        shell: Any,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
        tb_offset: int | None = None,
    ) -> None:
        self._relax()
        # What follows is the report, not the cell: the watchdog must not interrupt it.
        self._depth = 0
        stopped = self._excess if isinstance(error, KeyboardInterrupt | asyncio.CancelledError) else None
        ran_out = stopped is not None or memory.is_out_of_memory(error) or self._lost_for_words(error)
        if ran_out:
            note = None if isinstance(error, DeviceMemoryError) else memory.describe(self._shortage(error, stopped))
            # The traceback lives on in sys.last_traceback and holds the failed functions' variables. They go before
            # it is formatted: what that allocates on top of the heap would keep the freed memory below from going.
            _clear_frames(error)
            if note is not None:
                error.add_note(note)
        _drop_own_frames(trace)
        in_cell = trace is not None and trace.tb_frame.f_code is _run_code(shell)
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=in_cell)

    def _lost_for_words(self, error: BaseException) -> bool:
        # C code that could not even make a MemoryError returns none, and Python raises SystemError in its place.
        nearly_full = self._profile.app_memory_bytes - 16 * MiB
        return isinstance(error, SystemError) and usage.used_bytes() > nearly_full

    def _shortage(self, error: BaseException | None, reading: Reading | None) -> memory.Shortage:
        used = usage.used_bytes() if reading is None else reading.total_bytes
        grown = max(used, usage.peak_resident_bytes()) - self._used_at_start_bytes
        return memory.Shortage(
            title=self._profile.title,
            limit_bytes=self._profile.app_memory_bytes,
            used_bytes=used,
            grown_bytes=grown,
            asked_bytes=None if error is None else memory.asked_bytes(error),
            threads=error is not None and memory.is_about_threads(error),
            biggest=memory.biggest(self._shell.user_ns),
            children=() if reading is None else reading.children,
        )


def _entry_points(shell: Any) -> frozenset[CodeType]:
    """The functions below which a learner's code runs: cells, and callbacks of widgets."""
    from comm.base_comm import BaseComm

    return frozenset({_run_code(shell), BaseComm.handle_msg.__code__})


def _run_code(shell: Any) -> CodeType:
    code: CodeType = type(shell).run_code.__code__
    return code


def _is_below(codes: frozenset[CodeType], frame: FrameType | None) -> bool:
    # The innermost frame itself does not count: then the function is busy with its own affairs.
    frame = frame.f_back if frame is not None else None
    while frame is not None:
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    return False


def _nothing() -> None:
    """Wakes an event loop."""


def _drop_own_frames(trace: TracebackType | None) -> None:
    """Ends a traceback at the learner's line, where it goes on into the code that refuses."""
    while trace is not None:
        following = trace.tb_next
        if following is not None and following.tb_frame.f_code.co_filename in _OWN_FILES:
            trace.tb_next = None
        trace = trace.tb_next


def _clear_frames(error: BaseException) -> None:
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if each.__traceback__ is not None:
            traceback.clear_frames(each.__traceback__)
        pending += [each.__cause__, each.__context__]
