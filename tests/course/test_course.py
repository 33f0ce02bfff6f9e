"""The whole course, lesson by lesson: what every later chapter gets for free."""

import os

import nbformat
import pytest

from offlinefirst.course.answers import faults
from offlinefirst.course.blank import blanked
from offlinefirst.course.build import differences
from offlinefirst.course.lessons import all_lessons, course_root
from offlinefirst.course.lint import lint_blank, lint_exercises, lint_outputs, lint_sources
from offlinefirst.course.notebooks import notebook_from

ROOT = course_root()
LESSONS = all_lessons(ROOT)
LABS = [lesson for lesson in LESSONS if lesson.is_lab]
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
each_lab = pytest.mark.parametrize("lesson", LABS, ids=lambda lesson: lesson.id)


def told(problems):
    return "\n".join(str(problem) for problem in problems)


def test_every_notebook_matches_its_lesson():
    assert told(differences(ROOT)) == ""


@each_lesson
def test_the_lesson_keeps_the_rules(lesson):
    assert told(lint_sources(lesson)) == ""


@each_lesson
def test_the_stored_notebook_keeps_the_rules(lesson):
    where = lesson.notebook_path.relative_to(ROOT).as_posix()
    assert told(lint_outputs(where, nbformat.read(lesson.notebook_path, 4))) == ""


@each_lab
def test_the_blank_lab_gives_nothing_away(lesson):
    solved = notebook_from(lesson)
    blank = nbformat.read(lesson.blank_path, 4)
    assert told(lint_blank(lesson.blank_path.relative_to(ROOT).as_posix(), solved, blank)) == ""
    assert told(lint_exercises(lesson, solved)) == ""


@each_lab
def test_the_blank_lab_is_its_solution_blanked_byte_for_byte(lesson):
    solved = nbformat.read(lesson.notebook_path, 4)
    assert lesson.blank_path.read_text("utf-8") == nbformat.writes(blanked(solved)) + "\n"


@pytest.mark.slow
@each_lab
def test_the_checks_are_proved_against_right_and_wrong_answers(lesson):
    blank = nbformat.read(lesson.blank_path, 4)
    assert "\n".join(faults(lesson, blank, dict(os.environ))) == ""
