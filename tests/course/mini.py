"""A small whole course in a temporary folder: one good chapter notebook and one good lab, to break on purpose."""

import shutil
from pathlib import Path

from offlinefirst.course.lessons import Lesson, course_root

CHAPTER = "01-small"
HEADER = """# ---
# jupyter:
#   offlinefirst:
#     title: Small
#     chapter: 1
#     device: phone-2gb
#     teach_minutes: 1
#     exercise_minutes: 1
#     objectives: [See a lesson, Break a lesson]
# ---
"""
NOTEBOOK = (
    HEADER
    + """
# %% [markdown] spine="insight"
# # Small
#
# **Key insight:** small is enough.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# Only instructors read that walnuts float.

# %% [markdown] spine="situation"
# ## The situation
#
# ![A plain square that stands for a phone](figures/square.svg)

# %% [markdown] spine="naive"
# ## Naive

# %% tags=["nbval-check-output"]
total = sum([1, 2, 3])
total

# %% [markdown] spine="fails"
# ## It fails

# %% tags=["fails-on-purpose"]
1 / 0

# %% [markdown] spine="fix"
# ## The fix

# %%
total / 2

# %% [markdown] spine="measure"
# ## Measure

# %% [markdown] spine="production"
# ## Production

# %% [markdown] spine="limits"
# ## Limits

# %% [markdown] spine="check"
# ## Check yourself

# %% [markdown] spine="next"
# ## Next
"""
)
LAB = (
    HEADER
    + """
# %% [markdown]
# # Lab: double

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown]
# ## Exercise 1

# %% answer="double"
def double(number):
    \"\"\"Return twice the number.\"\"\"
    ### BEGIN SOLUTION
    return number + number
    ### END SOLUTION

# %% check="double" points=2
from offlinefirst.course.checks import Score, check

with check("01-small/double", points=2, revisit="01-notebook.ipynb#The-fix") as verify:
    for number in (3, -1, 0):
        verify(double(number) == 2 * number, f"double({number}) gave {double(number)!r}")

# %%
Score("01-small", double=2)
"""
)
ANSWERS = """# %% exercise="double" right="multiplies"
def double(number):
    return 2 * number

# %% exercise="double" wrong="squares" says="double(3) gave 9"
def double(number):
    return number * number
"""
QUIZ = "\n".join(
    f"""[[question]]
notebook = "01-notebook"
ask = "Question {number}?"
option = [{{ text = "yes", right = true, why = "so" }}, {{ text = "no", why = "not so" }}]
"""
    for number in (1, 2, 3)
)
FIGURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg>'


def mini_course(folder: Path, **changes: str) -> Path:
    """Write the small course, with whole files replaced by name: notebook, lab, answers, quiz, figure."""
    files = {"notebook": NOTEBOOK, "lab": LAB, "answers": ANSWERS, "quiz": QUIZ, "figure": FIGURE} | changes
    real = course_root()
    lessons = folder / "lessons" / CHAPTER
    (lessons / "figures").mkdir(parents=True)
    (lessons / "01-notebook.py").write_text(files["notebook"], "utf-8")
    (lessons / "lab.py").write_text(files["lab"], "utf-8")
    (lessons / "answers.py").write_text(files["answers"], "utf-8")
    (lessons / "quiz.toml").write_text(files["quiz"], "utf-8")
    (lessons / "figures" / "square.svg").write_text(files["figure"], "utf-8")
    (folder / "requirements").mkdir()
    shutil.copy(real / "requirements" / "full.txt", folder / "requirements")
    shutil.copytree(real / "jupyter", folder / "jupyter")
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", "utf-8")
    return folder


def notebook_lesson(root: Path) -> Lesson:
    return Lesson(root, CHAPTER, "01-notebook")


def lab_lesson(root: Path) -> Lesson:
    return Lesson(root, CHAPTER, "lab")
