"""What a collector can do to one request, each as a small value for a fault script.

Whether the events were stored, and what the phone is told, are two different things; the faults pull them apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mistreat:
    """How one request is treated; the classes below are the usual ways.

    Args:
        stores: Whether the events are stored.
        status: The status to answer with in place of the true one.
        retry_after_s: The value of a Retry-After header.
        answers: Whether there is an answer; otherwise the connection is reset.
        pretends: Whether the answer says that all is stored.
        page: Whether the answer is a web page.
        slow_s: Seconds of silence before the answer.
        first: Only so many events are stored now; the others are left for later.
        cut_after_bytes: The connection is reset when so many bytes of the request's body have come.
    """

    stores: bool = True
    status: int | None = None
    retry_after_s: int | None = None
    answers: bool = True
    pretends: bool = False
    page: bool = False
    slow_s: float = 0.0
    first: int | None = None
    cut_after_bytes: int | None = None


def busy(status: int = 429, retry_after_s: int | None = 1) -> Mistreat:
    """Nothing is stored, and the answer says so: 429 or 503, with Retry-After unless it is None."""
    return Mistreat(stores=False, status=status, retry_after_s=retry_after_s)


def refuse(status: int) -> Mistreat:
    """Nothing is stored, and the answer is this status."""
    return Mistreat(stores=False, status=status)


def cut_request(after_bytes: int = 0) -> Mistreat:
    """The connection is reset while the request comes in."""
    return Mistreat(stores=False, cut_after_bytes=after_bytes)


def lose_answer() -> Mistreat:
    """Everything is stored, and the connection is reset before the answer."""
    return Mistreat(answers=False)


def store_and_fail() -> Mistreat:
    """Everything is stored, and the answer is 500."""
    return Mistreat(status=500)


def pretend() -> Mistreat:
    """Nothing is stored, and the answer says that everything is."""
    return Mistreat(stores=False, pretends=True)


def login_page() -> Mistreat:
    """Nothing is stored; a hotel's login page comes with status 200."""
    return Mistreat(stores=False, page=True)


def slow(seconds: float) -> Mistreat:
    """Everything is stored, and the answer comes late, by the practice clock."""
    return Mistreat(slow_s=seconds)


def partly(first: int) -> Mistreat:
    """Only the first events are stored; the answer names them."""
    return Mistreat(first=first)


Script = Sequence[Mistreat | None] | Callable[[int], Mistreat | None]
"""The n-th entry for the n-th request, None is to behave; or a function from the request's number, from 1."""
