"""A network to practise on: a server on this machine that is as slow, and as unreliable, as a real link.

>>> import httpx
>>> from offlinefirst.link import CutAfter, PracticeServer
>>> with PracticeServer({"model.onnx": bytes(100_000)}, faults=[CutAfter(40_960)]) as server:
...     try:
...         httpx.get(server.url("model.onnx"))
...     except httpx.ReadError:
...         print("cut")
cut
>>> server.requests[0].body_bytes
40960
"""

from offlinefirst.link.errors import FaultScriptError, LinkError, UnknownFileError
from offlinefirst.link.faults import (
    Busy,
    ChangeFile,
    CorruptByte,
    CutAfter,
    Fault,
    Gone,
    HtmlPage,
    IgnoreRange,
    NoAcceptRanges,
    NoContentLength,
    NoETag,
    NoLastModified,
    NotFound,
    Redirect,
    RedirectLoop,
    Stall,
    Truncate,
    Unsatisfiable,
    WeakETag,
    WrongContentLength,
    WrongContentRange,
)
from offlinefirst.link.outages import Interval, up_intervals
from offlinefirst.link.records import Exchange
from offlinefirst.link.responses import Request
from offlinefirst.link.server import PracticeServer

__all__ = [
    "Busy",
    "ChangeFile",
    "CorruptByte",
    "CutAfter",
    "Exchange",
    "Fault",
    "FaultScriptError",
    "Gone",
    "HtmlPage",
    "IgnoreRange",
    "Interval",
    "LinkError",
    "NoAcceptRanges",
    "NoContentLength",
    "NoETag",
    "NoLastModified",
    "NotFound",
    "PracticeServer",
    "Redirect",
    "RedirectLoop",
    "Request",
    "Stall",
    "Truncate",
    "UnknownFileError",
    "Unsatisfiable",
    "WeakETag",
    "WrongContentLength",
    "WrongContentRange",
    "up_intervals",
]
