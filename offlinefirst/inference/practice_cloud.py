"""A cloud to practise on: an HTTP service on this machine that judges photos, and misbehaves when it is told to."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self

from offlinefirst.inference.fallback import Reply

Mode = Literal["answers", "hangs", "drips", "busy", "broken", "nonsense"]
LARGEST_QUESTION_BYTES = 8 * 1024 * 1024


class PracticeCloud:
    """Serves `judge` on a free port of 127.0.0.1; use it in a `with` block.

    Args:
        judge: Takes a question's body, returns a Reply.
        hang_s: How long "hangs" stays silent, and how long "drips" takes over its answer.
        retry_after_s: What "busy" asks for.

    Attributes:
        mode: What it does with the next question: "answers"; "hangs" and then closes; "drips" a byte now and then;
            "busy" is 429 with Retry-After; "broken" is 500; "nonsense" is a label that nobody knows.
        asked: How many questions came.
        received_bytes: Their bodies.
    """

    def __init__(self, judge: Callable[[bytes], Reply], *, hang_s: float = 3.0, retry_after_s: int = 30) -> None:
        self.mode: Mode = "answers"
        self.asked = self.received_bytes = 0
        self._judge, self._hang_s, self._retry_after_s = judge, hang_s, retry_after_s
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where to POST."""
        return f"http://127.0.0.1:{self._server.server_port}/judge"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, mode: Mode, body: bytes) -> tuple[int, bytes]:
        if mode == "busy":
            return 429, b""
        if mode == "broken":
            return 500, b""
        reply = Reply("banana", 0.99) if mode == "nonsense" else self._judge(body)
        return 200, json.dumps({"label": reply.label, "confidence": reply.confidence}).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("content-length", "0"))
                body = self.rfile.read(min(size, LARGEST_QUESTION_BYTES))
                cloud.asked += 1
                cloud.received_bytes += len(body)
                mode = cloud.mode
                if mode == "hangs":
                    cloud._closing.wait(cloud._hang_s)
                    self.close_connection = True
                    return
                status, data = cloud._answer(mode, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if status == 429:
                    self.send_header("Retry-After", str(cloud._retry_after_s))
                self.end_headers()
                pause = cloud._hang_s / max(1, len(data)) if mode == "drips" else 0.0
                try:
                    for i in range(len(data)):
                        self.wfile.write(data[i : i + 1])
                        time.sleep(pause)
                except OSError:  # nobody is waiting any more
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
