"""The device's answer always stands; the cloud is asked within deadline, breaker and cap, and never believed."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from offlinefirst.inference.breaker import Breaker, CostCap, SettingError
from offlinefirst.inference.cloud import HttpCloud
from offlinefirst.inference.fallback import Cascade, CloudError, Reply, Threshold, best_threshold, thresholds

UNSURE, SURE = Reply("rust", 0.4), Reply("healthy", 0.95)


def cascade(cloud, *, local=UNSURE, **options):
    settings = {"threshold": 0.8, "labels": ("rust", "healthy"), "deadline_s": 5.0, "highest_cost": 10.0, **options}
    return Cascade(lambda _: local, cloud, **settings)


def test_a_confident_answer_asks_nobody():
    with cascade(lambda *_: pytest.fail("asked"), local=SURE) as one:
        answer = one.answer("photo")
    assert (answer.label, answer.source, answer.reason) == ("healthy", "device", "confident")


def test_a_doubtful_one_is_asked_and_both_opinions_are_kept():
    with cascade(lambda *_: Reply("healthy", 0.9, cost=3.0), cap=CostCap(most=100, period_s=1e9)) as one:
        answer = one.answer("photo")
        assert (answer.label, answer.source, answer.reason, answer.cost) == ("healthy", "cloud", "asked", 3.0)
        assert answer.local == UNSURE
        assert one.spent == 3.0


def test_a_confidence_that_is_no_number_counts_as_doubt():
    with cascade(lambda *_: Reply("healthy", 0.9), local=Reply("rust", float("nan"))) as one:
        assert one.answer("photo").source == "cloud"


def raises(error):
    def cloud(*_):
        raise error

    return cloud


@pytest.mark.parametrize(
    ("cloud", "reason", "says"),
    [
        (raises(CloudError("no connection")), "failed", "no connection"),
        (raises(RuntimeError("a bug")), "failed", "RuntimeError: a bug"),
        (raises(TimeoutError("its own")), "failed", "TimeoutError: its own"),
        (lambda *_: None, "unusable reply", "NoneType is no Reply"),
        (lambda *_: Reply("banana", 0.9), "unusable reply", "'banana' is none of ours"),
        (lambda *_: Reply("rust", 1.5), "unusable reply", "1.5 is not from 0 to 1"),
        (lambda *_: Reply("rust", float("nan")), "unusable reply", "nan is not"),
        (lambda *_: Reply("rust", 0.9, cost=99.0), "unusable reply", "it cost 99.0"),
        (lambda *_: Reply("rust", 0.9, cost=-5.0), "unusable reply", "it cost -5.0"),
    ],
)
def test_whatever_the_cloud_does_the_device_answers_and_says_why(cloud, reason, says):
    with cascade(cloud) as one:
        answer = one.answer("photo")
    assert (answer.label, answer.source, answer.reason) == ("rust", "device", reason)
    assert says in answer.detail
    assert one.reasons == {reason: 1}


def test_a_device_that_takes_the_whole_time_asks_nobody_and_blames_nobody():
    now_s = [0.0]

    def slow(_):
        now_s[0] += 6
        return UNSURE

    cloud = raises(AssertionError("asked"))
    breaker = Breaker(failures_to_open=1)
    settings = {"threshold": 0.8, "labels": ("rust",), "deadline_s": 5.0, "breaker": breaker}
    with Cascade(slow, cloud, clock=lambda: now_s[0], **settings) as one:
        answers = [one.answer("photo") for _ in range(2)]
    assert [(answer.label, answer.reason, answer.cost) for answer in answers] == [("rust", "deadline", 0.0)] * 2


def test_the_deadline_holds_against_a_service_that_hangs():
    release = threading.Event()

    def hangs(*_):
        release.wait(30)
        return Reply("healthy", 0.9)

    with cascade(hangs, deadline_s=0.1, most_under_way=1) as one:
        begun = time.monotonic()
        answer = one.answer("photo")
        assert (answer.reason, answer.source) == ("deadline", "device")
        assert time.monotonic() - begun < 5
        assert one.answer("photo").reason == "busy", "the question given up still holds its place"
        release.set()


def test_without_a_link_nobody_is_asked():
    with cascade(lambda *_: pytest.fail("asked"), has_link=lambda: False) as one:
        assert one.answer("photo").reason == "no link"


def test_a_failing_service_is_left_alone_and_tried_again_later():
    now, asked = [0.0], []

    def cloud(*_):
        asked.append(now[0])
        if now[0] < 100:
            raise CloudError("down")
        return Reply("healthy", 0.9)

    with cascade(cloud, clock=lambda: now[0], breaker=Breaker(failures_to_open=2, pause_s=30)) as one:
        for now[0] in range(0, 200, 10):
            one.answer("photo")
    assert asked == [0, 10, 40, *range(100, 200, 10)]


def test_a_retry_after_is_kept():
    now, asked = [0.0], []

    def cloud(*_):
        asked.append(now[0])
        raise CloudError("busy", retry_after_s=45)

    with cascade(cloud, clock=lambda: now[0]) as one:
        for now[0] in range(0, 60, 5):
            one.answer("photo")
    assert asked == [0, 45]


def test_the_cap_is_never_passed_and_what_was_set_aside_comes_back():
    with cascade(lambda *_: Reply("healthy", 0.9, cost=4.0), cap=CostCap(most=25, period_s=1e9)) as one:
        reasons = [one.answer("photo").reason for _ in range(8)]
    assert reasons == ["asked"] * 4 + ["over the cost cap"] * 4, "4 x 4 are spent, and 10 more might pass 25"


def test_a_failure_of_unknown_cost_counts_as_the_highest():
    with cascade(raises(RuntimeError()), cap=CostCap(most=25, period_s=1e9), breaker=Breaker(99)) as one:
        assert [one.answer("photo").reason for _ in range(3)] == ["failed", "failed", "over the cost cap"]
        assert one.spent == 20


def test_many_threads_never_pass_the_cap_nor_the_places():
    under_way, most, lock = [0], [0], threading.Lock()

    def cloud(*_):
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.002)
        with lock:
            under_way[0] -= 1
        return Reply("healthy", 0.9, cost=10.0)

    with cascade(cloud, cap=CostCap(most=100, period_s=1e9), most_under_way=3) as one:
        threads = [threading.Thread(target=lambda: [one.answer("x") for _ in range(20)]) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert one.spent <= 100
        assert one.reasons["asked"] == 10
        assert sum(one.reasons.values()) == 120
    assert most[0] <= 3


def test_closed_it_still_answers():
    one = cascade(lambda *_: pytest.fail("asked"))
    one.close()
    assert one.answer("photo").reason == "closed"


@pytest.mark.parametrize(
    "wrong", [{"threshold": 1.1}, {"deadline_s": 0}, {"labels": ()}, {"highest_cost": -1}, {"most_under_way": 0}]
)
def test_a_cascade_that_cannot_be(wrong):
    with pytest.raises(SettingError):
        cascade(lambda *_: None, **wrong)


# thresholds


def test_the_curve_is_what_trying_every_threshold_gives():
    confidence = [0.9, 0.5, 0.5, 0.7, 1.0, 0.2]
    local, cloud = [True, False, True, False, True, False], [True, True, True, True, False, False]
    curve = thresholds(confidence, local, cloud)
    for point in curve:
        asks = [one < point.threshold for one in confidence]
        right = [theirs if ask else ours for ask, ours, theirs in zip(asks, local, cloud, strict=True)]
        assert point == Threshold(point.threshold, sum(asks) / 6, sum(right) / 6)
    tried = {tuple(one < t for one in confidence) for t in (0, 0.3, 0.6, 0.8, 0.95, 1.0)}
    assert {tuple(one < p.threshold for one in confidence) for p in curve} == tried
    assert best_threshold(curve, most_asked=0.5) == Threshold(0.7, 0.5, 4 / 6)
    assert best_threshold(curve, most_asked=0.0).asked == 0


@pytest.mark.parametrize("wrong", [([], [], []), ([0.5], [True], []), ([1.5], [True], [True])])
def test_a_curve_of_nothing_or_of_wrong_lengths_is_refused(wrong):
    with pytest.raises(SettingError):
        thresholds(*wrong)
    with pytest.raises(SettingError):
        best_threshold([Threshold(0, 0, 1)], most_asked=2)


# over HTTP


@pytest.fixture
def service():
    """A service whose next answer is scripted: (status, headers, pieces of the body, pause between them)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.got.append(self.rfile.read(int(self.headers["content-length"])))
            status, headers, pieces, pause = self.server.answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(pause)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def encode(text):
    return text.encode(), "text/plain"


def http(server):
    return HttpCloud(f"http://127.0.0.1:{server.server_port}/", encode=encode, largest_body_bytes=100)


def test_a_question_over_http(service):
    service.answer = (200, {}, [json.dumps({"label": "rust", "confidence": 1}).encode()], 0)
    reply = http(service)("leaf", 5)
    assert (reply.label, reply.confidence, service.got) == ("rust", 1.0, [b"leaf"])
    assert 4 < reply.cost <= http(service).highest_cost


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((200, {}, [b"not json"], 0), "not what was agreed"),
        ((200, {}, [b"[" * 30_000], 0), "not what was agreed"),
        ((200, {}, [b"[]"], 0), "not what was agreed"),
        ((200, {}, [b'{"label": "rust"}'], 0), "not what was agreed"),
        ((200, {}, [b'{"label": 3, "confidence": 0.5}'], 0), "no text"),
        ((200, {}, [b'{"label": "x", "confidence": true}'], 0), "no text"),
        ((200, {}, [b"x" * 70_000], 0), "longer than"),
        ((302, {"Location": "http://127.0.0.1:1/"}, [], 0), "answered 302"),
        ((500, {}, [], 0), "answered 500"),
        ((200, {}, [b" "] * 400, 0.01), "deadline"),
    ],
)
def test_a_reply_that_cannot_be_used_is_an_error_in_words(service, answer, says):
    service.answer = answer
    with pytest.raises(CloudError, match=says):
        http(service)("leaf", 0.5 if "deadline" in says else 5)


def test_when_to_come_back_is_read(service):
    service.answer = (429, {"Retry-After": "17"}, [], 0)
    with pytest.raises(CloudError) as told:
        http(service)("leaf", 5)
    assert told.value.retry_after_s == 17


def test_no_server_and_no_time_are_errors_too(service):
    service.shutdown()
    with pytest.raises(CloudError):
        HttpCloud("http://127.0.0.1:9/", encode=encode, largest_body_bytes=100)("leaf", 2)
    with pytest.raises(CloudError, match="deadline"):
        http(service)("leaf", -1)


def test_a_body_that_may_cost_too_much_is_not_sent_and_costs_nothing():
    cloud = HttpCloud("http://127.0.0.1:9/", encode=encode, largest_body_bytes=100)
    with pytest.raises(CloudError, match="101 bytes are more than the 100") as caught:
        cloud("x" * 101, 2)
    assert caught.value.cost == 0
