"""What a check shows, records and refuses."""

import html.parser

import pytest
from IPython.core.interactiveshell import InteractiveShell

from offlinefirst.course import checks, progress
from offlinefirst.course.checks import CheckFailedError, Score, check

EXERCISE = "02-x/publish"
REVISIT = "01-principles.ipynb#The-fix"


@pytest.fixture
def shown(monkeypatch):
    found = []
    monkeypatch.setattr(checks, "display", found.append)
    return found


def test_a_check_that_holds_shows_one_line_and_records_its_points(shown):
    with check(EXERCISE, points=3, revisit=REVISIT) as verify:
        verify(True, "never said")
    assert repr(shown[0]) == "✓ publish: done (3 of 3 points)"
    assert "3 of 3" in shown[0]._repr_html_()
    (record,) = progress.records()
    assert (record.exercise, record.points, record.earned, record.reason) == (EXERCISE, 3, 3, "")


def test_a_check_that_fails_says_why_and_where_to_look(shown):
    with pytest.raises(CheckFailedError) as caught, check(EXERCISE, points=3, revisit=REVISIT) as verify:
        verify(False, "you asked for byte 0 again")
    assert str(caught.value).splitlines() == [
        "✗ publish: not yet (0 of 3 points)",
        "",
        "you asked for byte 0 again",
        "",
        "Look again at: “The fix” in 01-principles",
    ]
    assert shown == []
    (record,) = progress.records()
    assert (record.earned, record.reason, record.revisit) == (0, "you asked for byte 0 again", REVISIT)


def test_a_blank_answer_is_told_what_to_do(shown):
    with pytest.raises(CheckFailedError, match="fill in the answer cell"), check(EXERCISE, points=1):
        raise NotImplementedError
    assert progress.records()[0].earned == 0


def test_an_error_in_the_answer_is_told_with_its_line():
    shell = InteractiveShell.instance()
    try:
        shell.run_cell("def answer():\n    return {}['price']\n")
        with pytest.raises(CheckFailedError) as caught, check(EXERCISE, points=1):
            shell.user_ns["answer"]()
        assert "KeyError: 'price'" in caught.value.reason
        assert "in `answer`, at the line: return {}['price']" in caught.value.reason
    finally:
        InteractiveShell.clear_instance()


def test_running_out_of_memory_is_left_to_the_kernel_but_recorded():
    with pytest.raises(MemoryError), check(EXERCISE, points=1):
        raise MemoryError("too much")
    assert progress.records()[0].earned == 0


def test_an_interrupt_passes_and_records_nothing():
    with pytest.raises(KeyboardInterrupt), check(EXERCISE, points=1):
        raise KeyboardInterrupt
    assert progress.records() == []


class _WellFormed(html.parser.HTMLParser):
    """Fails on a closing tag that does not match."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.links = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_score_names_what_to_revisit(shown):
    for earned, exercise in ((True, "02-x/publish"), (False, "02-x/quota")):
        try:
            with check(exercise, points=4, revisit=REVISIT) as verify:
                verify(earned, "too <big>")
        except CheckFailedError:
            pass
    score = Score("02-x", publish=4, quota=4, schedule=2)
    assert repr(score).splitlines() == [
        "4 of 10 points",
        "  publish: done (4 of 4 points)",
        "  quota: not yet; look again at “The fix” in 01-principles",
        "  schedule: not tried yet (2 points)",
    ]
    page = _WellFormed()
    page.feed(score._repr_html_())
    assert page.open == []
    assert page.links == ["../../chapters/02-x/01-principles.ipynb#The-fix"]


def test_a_later_failure_does_not_take_points_away(shown):
    for earned in (True, False):
        try:
            with check("02-x/publish", points=4) as verify:
                verify(earned, "no")
        except CheckFailedError:
            pass
    assert Score("02-x", publish=4).earned == 4


def test_a_score_never_exceeds_what_an_exercise_is_worth_now(shown):
    with check("02-x/publish", points=9):
        pass
    assert Score("02-x", publish=4).earned == 4
