"""The runner of checks is seen finding each fault that a check can have."""

import os

import pytest
from mini import ANSWERS, LAB, lab_lesson, mini_course

from offlinefirst.course.answers import faults, read_answers
from offlinefirst.course.blank import blanked
from offlinefirst.course.errors import LessonError
from offlinefirst.course.notebooks import notebook_from

pytestmark = pytest.mark.slow
VERIFY = "        verify(double(number) == 2 * number"


def found(folder, **changes):
    lesson = lab_lesson(mini_course(folder, **changes))
    return list(faults(lesson, blanked(notebook_from(lesson)), dict(os.environ)))


def test_proved_checks_have_no_fault(tmp_path):
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lab": LAB.replace(VERIFY, "        verify(True")}, ["accepts a wrong answer"]),
        ({"lab": LAB.replace("(3, -1, 0)", "()")}, ["does not refuse the blank", "accepts a wrong answer"]),
        ({"lab": LAB.replace("== 2 * number", "== 3 * number")}, ["rejects the lab's own", "rejects a right answer"]),
        ({"lab": LAB.replace("double({number}) gave", "wrong: ")}, ["but not with the words 'double(3) gave 9'"]),
        ({"lab": LAB.replace("with check(", "double(0)\n\nwith check(")}, ["does not refuse the blank in words"]),
        ({"answers": ANSWERS.split("# %%", 2)[0] + "# %%" + ANSWERS.split("# %%")[1]}, ["needs at least one other"]),
        ({"answers": ANSWERS.replace('exercise="double" right', 'exercise="triple" right')}, ["does not ask", "needs"]),
        ({"answers": ANSWERS.replace("2 * number", "2 * numbr")}, ["rejects a right answer (multiplies)"]),
    ],
)
def test_each_fault_is_found(tmp_path, changes, says):
    problems = found(tmp_path, **changes)
    for words in says:
        assert any(words in problem for problem in problems), problems


@pytest.mark.parametrize("part", ['exercise="double" right="multiplies"', ' says="double(3) gave 9"'])
def test_an_answer_that_does_not_say_what_it_is_is_an_error(tmp_path, part):
    lesson = lab_lesson(mini_course(tmp_path, answers=ANSWERS.replace(part, "")))
    with pytest.raises(LessonError, match="needs"):
        read_answers(lesson)


def test_a_lab_whose_own_cells_fail_is_an_error(tmp_path):
    with pytest.raises(LessonError, match="of the lab failed"):
        found(tmp_path, lab=LAB.replace("# # Lab: double", "# # Lab: double\n\n# %%\n1 / 0\n\n# %% [markdown]\n#"))
