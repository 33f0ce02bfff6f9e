"""Each misbehaviour of the practice cloud is the one that it promises, and a cascade answers through all of them."""

import time

import pytest

from offlinefirst.inference.cloud import HttpCloud
from offlinefirst.inference.fallback import Cascade, Reply
from offlinefirst.inference.practice_cloud import PracticeCloud


@pytest.mark.parametrize(
    ("mode", "reason", "says"),
    [
        ("answers", "asked", ""),
        ("hangs", "deadline", "no answer within"),
        ("drips", "deadline", "no answer within"),
        ("busy", "failed", "429"),
        ("broken", "failed", "500"),
        ("nonsense", "unusable reply", "banana"),
    ],
)
def test_every_mode(mode, reason, says):
    with PracticeCloud(lambda body: Reply("rust", len(body) / 10), hang_s=1.0) as cloud:
        cloud.mode = mode
        http = HttpCloud(cloud.url, encode=lambda photo: (photo, "image/jpeg"), largest_body_bytes=100)
        settings = {"threshold": 0.9, "labels": ["rust", "healthy"], "deadline_s": 0.4 if reason == "deadline" else 5}
        with Cascade(lambda _: Reply("healthy", 0.5), http, highest_cost=1e6, **settings) as cascade:
            begun = time.monotonic()
            answer = cascade.answer(b"photo")
            assert time.monotonic() - begun < 5
        assert answer.source == ("cloud" if mode == "answers" else "device")
        # the cascade's clock or the service's, whichever ends first, says that time is over
        assert answer.reason in ({"deadline", "failed"} if reason == "deadline" else {reason})
        assert says in answer.detail or "deadline" in answer.detail or "Timeout" in answer.detail
        assert (cloud.asked, cloud.received_bytes) == (1, 5)
        http.close()
