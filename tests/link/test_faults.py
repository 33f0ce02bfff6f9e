"""Each fault as a client sees it, over a real socket."""

import random
import time
from email.utils import parsedate_to_datetime

import httpx
import pytest

from offlinefirst.link import (
    Busy,
    ChangeFile,
    CorruptByte,
    CutAfter,
    FaultScriptError,
    Gone,
    HtmlPage,
    IgnoreRange,
    NoAcceptRanges,
    NoContentLength,
    NoETag,
    NoLastModified,
    NotFound,
    PracticeServer,
    Redirect,
    RedirectLoop,
    Stall,
    Truncate,
    Unsatisfiable,
    WeakETag,
    WrongContentLength,
    WrongContentRange,
)

DATA = random.Random(1).randbytes(300_000)
OTHER = bytes(255 - value for value in DATA)


@pytest.mark.parametrize("cut", [0, 1, 1000, 65_536, 299_999])
@pytest.mark.parametrize("reset", [True, False])
def test_a_cut_comes_after_exactly_so_many_bytes(get, cut, reset):
    with PracticeServer({"m": DATA}, faults=[CutAfter(cut, reset=reset)]) as server:
        raw = get(server)
        assert (raw.status, raw.body, raw.reset) == (200, DATA[:cut], reset)
        assert raw.headers["content-length"] == "300000"
        (seen,) = server.requests
        assert (seen.body_bytes, seen.ended, seen.fault) == (cut, "cut", str(CutAfter(cut, reset=reset)))
        assert get(server).body == DATA


@pytest.mark.parametrize(("reset", "error"), [(True, httpx.ReadError), (False, httpx.RemoteProtocolError)])
def test_httpx_sees_a_reset_and_a_close_as_different_errors(reset, error):
    with PracticeServer({"m": DATA}, faults=[CutAfter(1000, reset=reset)]) as server, pytest.raises(error):
        httpx.get(server.url("m"))


def test_a_cut_counts_bytes_of_the_range(get):
    with PracticeServer({"m": DATA}, faults=[CutAfter(10)]) as server:
        assert get(server, Range="bytes=1000-").body == DATA[1000:1010]
        assert server.requests[0].start == 1000


def test_a_cut_behind_the_end_is_none(get):
    with PracticeServer({"m": DATA}, faults=[CutAfter(300_000)]) as server:
        raw = get(server)
        assert (raw.body, raw.reset, server.requests[0].ended) == (DATA, False, "complete")


def test_a_truncated_body_ends_cleanly(get):
    with PracticeServer({"m": DATA}, faults=[Truncate(7)]) as server:
        raw = get(server)
        assert (raw.body, raw.reset, raw.headers["content-length"]) == (DATA[:-7], False, "300000")


def test_without_a_length_the_body_ends_with_the_connection(get):
    with PracticeServer({"m": DATA}, faults=[NoContentLength(), NoContentLength() & Truncate(7)]) as server:
        whole, short = get(server), get(server)
        assert "content-length" not in whole.headers
        assert (whole.body, short.body, short.reset) == (DATA, DATA[:-7], False)


def test_without_a_length_the_connection_ends_unasked():
    with PracticeServer({"m": DATA}, faults=[NoContentLength()]) as server:
        assert httpx.get(server.url("m")).content == DATA


@pytest.mark.parametrize("by", [-1000, 1000])
def test_a_wrong_length_is_said_and_the_body_is_whole(get, by):
    with PracticeServer({"m": DATA}, faults=[WrongContentLength(by)]) as server:
        raw = get(server)
        assert (int(raw.headers["content-length"]), raw.body) == (300_000 + by, DATA)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (WrongContentRange(start_by=5), "bytes 1005-300004/300000"),
        (WrongContentRange(start_by=-1000), "bytes 0-298999/300000"),
        (WrongContentRange(total_by=1), "bytes 1000-299999/300001"),
    ],
)
def test_a_wrong_content_range_is_said_and_the_bytes_are_right(get, fault, said):
    with PracticeServer({"m": DATA}, faults=[fault, fault]) as server:
        raw = get(server, Range="bytes=1000-")
        assert (raw.status, raw.headers["content-range"], raw.body) == (206, said, DATA[1000:])
        assert get(server).status == 200  # nothing to be wrong about


def test_an_ignored_range_gives_everything(get):
    with PracticeServer({"m": DATA}, faults=[IgnoreRange()]) as server:
        raw = get(server, Range="bytes=1000-")
        assert (raw.status, raw.body) == (200, DATA)
        assert server.requests[0].headers["range"] == "bytes=1000-"  # what was asked stays on record


@pytest.mark.parametrize("contents", [None, b"shorter"])
def test_a_changed_file_stays_changed_and_an_old_validator_gets_all_of_it(get, contents):
    new = OTHER if contents is None else contents
    with PracticeServer({"m": DATA}, faults=[None, ChangeFile(contents)]) as server:
        old = get(server).headers
        for _ in range(2):
            raw = get(server, Range="bytes=2-", If_Range=old["etag"])
            assert (raw.status, raw.body) == (200, new)
            assert raw.headers["etag"] != old["etag"]
            assert parsedate_to_datetime(raw.headers["last-modified"]) > parsedate_to_datetime(old["last-modified"])
        assert get(server, Range="bytes=2-", If_Range=raw.headers["etag"]).body == new[2:]
        assert server.contents("m") == new


def test_a_silent_change_keeps_its_validators(get):
    with PracticeServer({"m": DATA}, faults=[None, ChangeFile(silently=True)]) as server:
        old = get(server).headers
        raw = get(server, Range="bytes=1000-", If_Range=old["etag"])
        assert (raw.status, raw.body, raw.headers["etag"]) == (206, OTHER[1000:], old["etag"])


@pytest.mark.parametrize(
    ("fault", "content_range"), [(Unsatisfiable(), "bytes */300000"), (Unsatisfiable(False), None)]
)
def test_416_has_a_total_or_not(get, fault, content_range):
    with PracticeServer({"m": DATA}, faults=[fault]) as server:
        raw = get(server, Range="bytes=5-")
        assert (raw.status, raw.headers.get("content-range")) == (416, content_range)


@pytest.mark.parametrize("status", [429, 503])
def test_busy_says_when_to_come_back(get, status):
    faults = [Busy(status, retry_after_s=7), Busy(status, retry_after_s=7, as_date=True), Busy(status, None)]
    with PracticeServer({"m": DATA}, faults=faults) as server:
        seconds, date, silent = (get(server) for _ in faults)
        assert {seconds.status, date.status, silent.status} == {status}
        assert seconds.headers["retry-after"] == "7"
        after = parsedate_to_datetime(date.headers["retry-after"]) - parsedate_to_datetime(date.headers["date"])
        assert after.total_seconds() == pytest.approx(7, abs=1)
        assert "retry-after" not in silent.headers
        assert seconds.body not in DATA  # a body, and not the file's


def test_a_redirect_leads_to_the_file_or_to_another():
    with PracticeServer({"m": DATA, "b/c d": b"other"}, faults=[Redirect(), None, Redirect("b/c d", 307)]) as server:
        assert httpx.get(server.url("m"), follow_redirects=True).content == DATA
        assert httpx.get(server.url("m"), follow_redirects=True).content == b"other"
        assert [one.status for one in server.requests] == [302, 200, 307, 200]


def test_a_redirect_may_lead_out(get):
    with PracticeServer({"m": DATA}, faults=[Redirect("file:///etc/passwd")]) as server:
        assert get(server).headers["location"] == "file:///etc/passwd"


def test_a_redirect_loop_never_ends_and_takes_one_entry(get):
    with PracticeServer({"m": DATA}, faults=[RedirectLoop(), CutAfter(3)]) as server:
        with pytest.raises(httpx.TooManyRedirects):
            httpx.get(server.url("m"), follow_redirects=True)
        assert get(server).body == DATA[:3]


def test_a_page_with_status_200(get):
    with PracticeServer({"m": DATA}, faults=[HtmlPage("Pay <now>")]) as server:
        raw = get(server, Range="bytes=5-")
        assert (raw.status, raw.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b"Pay &lt;now&gt;" in raw.body
        assert len(raw.body) == int(raw.headers["content-length"])
        assert not server.requests[0].from_file


@pytest.mark.parametrize(
    ("headers", "index"), [({}, 2000), ({"Range": "bytes=1500-"}, 500), ({"Range": "bytes=2001-"}, None)]
)
def test_one_byte_is_corrupted_where_the_range_holds_it(get, headers, index):
    with PracticeServer({"m": DATA}, faults=[CorruptByte(2000)]) as server:
        got, want = get(server, **headers).body, get(server, **headers).body
        assert [at for at in range(len(want)) if got[at] != want[at]] == ([] if index is None else [index])


def test_validators_that_are_weak_or_missing(get):
    faults = [None, WeakETag(), NoETag(), NoLastModified(), NoAcceptRanges()]
    with PracticeServer({"m": DATA}, faults=faults) as server:
        plain, weak, no_tag, no_date, no_ranges = (get(server).headers for _ in faults)
        assert weak["etag"] == "W/" + plain["etag"]
        assert ("etag" in no_tag, "last-modified" in no_tag) == (False, True)
        assert ("etag" in no_date, "last-modified" in no_date) == (True, False)
        assert ("accept-ranges" in plain, "accept-ranges" in no_ranges) == (True, False)


def test_a_weak_etag_does_not_resume(get):
    with PracticeServer({"m": DATA}, faults=lambda _: WeakETag()) as server:
        weak = get(server).headers["etag"]
        assert get(server, Range="bytes=5-", If_Range=weak).status == 200


@pytest.mark.parametrize(("fault", "status"), [(NotFound(), 404), (Gone(), 410)])
def test_files_that_went_away(get, fault, status):
    with PracticeServer({"m": DATA}, faults=[fault]) as server:
        assert get(server).status == status


@pytest.mark.parametrize("after", [None, 0, 1000, 300_000])
def test_a_stall_is_silence_and_then_the_rest(get, after):
    with PracticeServer({"m": DATA}, faults=[Stall(300, after_bytes=after)], time_scale=1000) as server:
        began = time.monotonic()
        assert get(server).body == DATA
        assert time.monotonic() - began >= 0.3


def test_a_client_that_loses_patience_is_on_record():
    with PracticeServer({"m": DATA}, faults=[Stall(60, after_bytes=1000)]) as server:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(server.url("m"), timeout=0.2)
        (seen,) = server.requests
        assert (seen.ended, seen.body_bytes) == ("client left", 1000)


def test_two_faults_at_once(get):
    with PracticeServer({"m": DATA}, faults=[WeakETag() & CutAfter(5) & CorruptByte(0)]) as server:
        raw = get(server)
        assert raw.headers["etag"].startswith("W/")
        assert (raw.body, raw.reset) == (OTHER[:1] + DATA[1:5], True)
        assert server.requests[0].fault == "weak ETag, cut after 5 bytes (RST), byte 0 corrupted"


def test_a_function_may_be_the_script(get):
    def second_of_each_file(request):
        return NotFound() if request.number_for_file == 2 else None

    with PracticeServer({"m": DATA, "n": DATA}, faults=second_of_each_file) as server:
        assert [get(server, name).status for name in "mnmnm"] == [200, 200, 404, 404, 200]
        assert [one.number for one in server.requests] == [1, 2, 3, 4, 5]


def test_strangers_take_nothing_from_the_script(get):
    with PracticeServer({"m": DATA}, faults=[Gone()]) as server:
        assert [get(server, name).status for name in ("favicon.ico", "m", "m")] == [404, 410, 200]


def test_a_script_of_something_else_is_an_error():
    with pytest.raises(FaultScriptError, match="not 404"):
        PracticeServer({"m": DATA}, faults=[404])
