"""nbgrader, on the device kernels: it makes the same labs as our build and grades what learners hand in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from offlinefirst.course.answers import exercises
from offlinefirst.course.lessons import all_lessons, course_root

pytestmark = pytest.mark.slow
ROOT = course_root()
LAB = next(lesson for lesson in all_lessons(ROOT) if lesson.is_lab and lesson.chapter == "02-offline-first-design")
POINTS = {"resume": 4, "settle": 3, "publish": 4, "quota": 4, "window": 3, "merge": 3}
WRONG = """def publish(disk, name, data):
    disk.write(name, data)
"""
GREEDY = """def publish(disk, name, data):
    hoard = []
    while True:
        hoard.append(bytearray(1_000_000))
"""
CONFIG = """
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "labs"
c.CourseDirectory.submitted_directory = "_grading/submitted"
c.CourseDirectory.autograded_directory = "_grading/autograded"
c.CourseDirectory.feedback_directory = "_grading/feedback"
c.CourseDirectory.db_url = "sqlite:///" + {root!r} + "/gradebook.db"
"""


@pytest.fixture(scope="module")
def classroom(tmp_path_factory):
    """A copy of one lab in a folder of its own, with nbgrader's course set up around it."""
    root = tmp_path_factory.mktemp("classroom")
    solution = root / "solutions" / LAB.chapter / "lab.ipynb"
    solution.parent.mkdir(parents=True)
    shutil.copy(LAB.notebook_path, solution)
    (root / "nbgrader_config.py").write_text(CONFIG.format(root=str(root)), "utf-8")
    nbgrader(root, "generate_assignment", LAB.chapter)
    return root


def nbgrader(root, *arguments):
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "OFFLINEFIRST_PROGRESS": str(root / "progress.jsonl"),
    }
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def submit(root, student, answers):
    notebook = nbformat.read(root / "labs" / LAB.chapter / "lab.ipynb", 4)
    for name, (position, _) in exercises(notebook).items():
        if name in answers:
            notebook.cells[position].source = answers[name]
    path = root / "_grading/submitted" / student / LAB.chapter / "lab.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def test_nbgrader_makes_the_same_lab_byte_for_byte(classroom):
    made = (classroom / "labs" / LAB.chapter / "lab.ipynb").read_bytes()
    assert made == LAB.blank_path.read_bytes()


def test_right_blank_wrong_and_greedy_submissions_get_what_they_deserve(classroom):
    solved = nbformat.read(LAB.notebook_path, 4)
    right = {name: solved.cells[position].source for name, (position, _) in exercises(solved).items()}
    submit(classroom, "right", right)
    submit(classroom, "blank", {})
    submit(classroom, "wrong", right | {"publish": WRONG})
    submit(classroom, "greedy", right | {"publish": GREEDY})
    nbgrader(classroom, "autograde", LAB.chapter)

    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{classroom}/gradebook.db") as book:
        scores = {
            student: {
                grade.name: grade.auto_score for grade in book.find_submission(LAB.chapter, student).notebooks[0].grades
            }
            for student in ("right", "blank", "wrong", "greedy")
        }
    full = {f"check-{name}": points for name, points in POINTS.items()}
    assert scores["right"] == full
    assert scores["blank"] == dict.fromkeys(full, 0)
    only_publish = full | {"check-publish": 0, "check-quota": 0}  # save is built on publish
    assert scores["wrong"] == only_publish
    assert scores["greedy"] == only_publish
    graded = nbformat.read(classroom / "_grading/autograded/greedy" / LAB.chapter / "lab.ipynb", 4)
    errors = [
        output.ename for cell in graded.cells for output in cell.get("outputs", []) if output.output_type == "error"
    ]
    assert len(errors) == 2  # both checks ran: the kernel outlived the greedy answer


def test_the_grader_runs_the_learners_file_and_not_the_solution(classroom, tmp_path):
    """A bug planted in a copy of the solved lab costs exactly the points of its exercise."""
    solved = nbformat.read(LAB.notebook_path, 4)
    right = {name: solved.cells[position].source for name, (position, _) in exercises(solved).items()}
    planted = right["quota"].replace("if free >= 0:", "if free > 0:")
    assert planted != right["quota"]
    submit(classroom, "planted", right | {"quota": planted})
    nbgrader(classroom, "autograde", LAB.chapter, "--student", "planted")

    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{classroom}/gradebook.db") as book:
        grades = book.find_submission(LAB.chapter, "planted").notebooks[0].grades
        full = {f"check-{name}": points for name, points in POINTS.items()}
        assert {grade.name: grade.auto_score for grade in grades} == full | {"check-quota": 0}
