"""Quizzes answer without a kernel, a script or a network."""

import re

import pytest
from mini import QUIZ, mini_course

from offlinefirst.course.errors import QuizError
from offlinefirst.course.quiz import quiz, read_quiz


@pytest.fixture
def small(tmp_path):
    return mini_course(tmp_path) / "lessons/01-small/quiz.toml"


def test_feedback_for_every_option(small):
    asked = read_quiz(small, "01-notebook")
    assert asked.answer(1, "a") == "Right: so"
    assert asked.answer(3, "B") == "Not that one: not so"


@pytest.mark.parametrize(("number", "letter"), [(0, "a"), (4, "a"), (1, "c"), (1, "")])
def test_what_was_not_asked_is_an_error(small, number, letter):
    with pytest.raises(QuizError, match=r"There is no question|has no option"):
        read_quiz(small, "01-notebook").answer(number, letter)


def test_it_reads_well_as_text_and_as_html(small):
    asked = read_quiz(small, "01-notebook")
    assert repr(asked).splitlines()[:3] == ["1. Question 1?", "   a) yes", "   b) no"]
    page = asked._repr_html_()
    assert page.count("<details") == page.count("</details>") == 6
    assert "<script" not in page
    assert "http" not in page


def test_markup_in_a_question_is_shown_not_obeyed(small):
    small.write_text(QUIZ.replace("Question 1?", "Is 1 < 2 <b>?"), "utf-8")
    assert "Is 1 &lt; 2 &lt;b&gt;?" in read_quiz(small, "01-notebook")._repr_html_()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "is missing"),
        ("[[question", "quiz.toml"),
        (QUIZ.replace("ask =", "task =", 1), "question 1 lacks 'ask'"),
        (QUIZ.replace('why = "so"', 'wy = "so"', 1), "question 1 lacks 'why'"),
        (QUIZ.replace("right = true", "right = false", 1), "exactly one of them right"),
        ("", "has no questions for 01-notebook"),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(small, text, says):
    if text is None:
        small.unlink()
    else:
        small.write_text(text, "utf-8")
    with pytest.raises(QuizError, match=re.escape(says)):
        read_quiz(small, "01-notebook")


def test_a_notebook_finds_its_quiz_from_anywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert len(quiz("02-offline-first-design/01-principles").questions) == 5
