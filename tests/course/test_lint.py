"""Every rule of lint is seen broken: one small broken lesson for each, made from a good one by one change."""

import nbformat
import pytest
from mini import HEADER, LAB, NOTEBOOK, QUIZ, lab_lesson, mini_course, notebook_lesson

from offlinefirst.course.blank import blanked
from offlinefirst.course.build import execute
from offlinefirst.course.lint import lint_blank, lint_exercises, lint_outputs, lint_sources
from offlinefirst.course.notebooks import notebook_from

LONG = "\n".join(f"line_{number} = {number}" for number in range(21))

BROKEN_NOTEBOOKS = [
    ("front-matter", "#     teach_minutes: 1\n", ""),
    ("front-matter", "#     teach_minutes: 1\n", "#     teach_minutes: long\n"),
    ("front-matter", "#     teach_minutes: 1\n", "#     teach_minutes: 1\n#     colour: red\n"),
    ("front-matter", "[See a lesson, Break a lesson]", "[Only one]"),
    ("front-matter", "#     chapter: 1\n", "#     chapter: 2\n"),
    ("front-matter", HEADER, ""),
    ("device", "phone-2gb", "phone-1gb"),
    ("spine", '# %% [markdown] spine="limits"\n# ## Limits\n', ""),
    ("spine", 'spine="naive"', 'spine="nave"'),
    ("spine", 'spine="naive"', 'spine="production"'),
    ("spine", "#     chapter: 1\n", "#     chapter: 1\n#     claims: [resume-code]\n"),
    ("figure", "![A plain square that stands for a phone](figures/square.svg)", "no picture"),
    ("alt-text", "A plain square that stands for a phone", ""),
    ("alt-text", "A plain square that stands for a phone", "image"),
    ("remote", "# ## Naive", "# ![A maize leaf seen from above](https://example.org/leaf.png)"),
    ("remote", "# ## Naive", '# <img src="figures/square.svg">'),
    ("remote", "# ## Naive", '# <script src="//example.org/x.js"></script>'),
    ("machine-path", "# ## Naive", "# Look in /home/mutheu/models"),
    ("machine-path", "total / 2", 'open("C:\\\\Users\\\\mutheu\\\\x")'),
    ("cell-length", "total / 2", LONG),
    ("star-import", "total / 2", "from math import *"),
    ("badge", "device.current().badge()", "None"),
    ("tag", "nbval-check-output", "nbval-chek-output"),
]


@pytest.mark.parametrize(("rule", "part", "instead"), BROKEN_NOTEBOOKS)
def test_a_broken_notebook_is_named_by_its_rule(tmp_path, rule, part, instead):
    assert part in NOTEBOOK
    root = mini_course(tmp_path, notebook=NOTEBOOK.replace(part, instead))
    assert {problem.rule for problem in lint_sources(notebook_lesson(root))} == {rule}


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("quiz", {"quiz": ""}),
        ("quiz", {"quiz": QUIZ.replace("right = true", "right = false")}),
        ("quiz", {"quiz": QUIZ.replace('"01-notebook"', '"02-other"')}),
        ("quiz", {"quiz": QUIZ + QUIZ}),
        ("quiz", {"quiz": "[[question"}),
        ("remote", {"figure": '<svg><image href="https://example.org/a.png"/></svg>'}),
    ],
)
def test_a_broken_file_beside_the_notebook_is_named_by_its_rule(tmp_path, rule, changes):
    root = mini_course(tmp_path, **changes)
    assert {problem.rule for problem in lint_sources(notebook_lesson(root))} == {rule}


BROKEN_LABS = [
    ("answer", "    ### BEGIN SOLUTION\n    return number + number\n    ### END SOLUTION\n", "    return 4\n"),
    ("revisit", "#The-fix", "#The-fiks"),
    ("revisit", "01-notebook.ipynb", "02-notebook.ipynb"),
    ("revisit", ', revisit="01-notebook.ipynb#The-fix"', ""),
    ("score", "double=2)", "double=3)"),
    ("score", 'Score("01-small", double=2)', "None"),
]


@pytest.mark.parametrize(("rule", "part", "instead"), BROKEN_LABS)
def test_a_broken_lab_is_named_by_its_rule(tmp_path, rule, part, instead):
    assert part in LAB
    root = mini_course(tmp_path, lab=LAB.replace(part, instead))
    assert {problem.rule for problem in lint_sources(lab_lesson(root))} == {rule}


def test_a_lab_without_answers_is_named(tmp_path):
    root = mini_course(tmp_path)
    lab_lesson(root).answers_path.unlink()
    assert [problem.rule for problem in lint_sources(lab_lesson(root))] == ["answers"]


@pytest.mark.parametrize(
    ("part", "instead"),
    [('# %% check="double" points=2', "# %%"), ('# %% answer="double"', "# %%")],
)
def test_answers_and_checks_come_in_pairs(tmp_path, part, instead):
    root = mini_course(tmp_path, lab=LAB.replace(part, instead))
    problems = lint_exercises(lab_lesson(root), notebook_from(lab_lesson(root)))
    assert [problem.rule for problem in problems] == ["exercises"]


def test_the_good_course_has_no_problem(tmp_path):
    root = mini_course(tmp_path)
    assert lint_sources(notebook_lesson(root)) == []
    assert lint_sources(lab_lesson(root)) == []
    assert lint_exercises(lab_lesson(root), notebook_from(lab_lesson(root))) == []


BROKEN_OUTPUTS = [
    ("stored-error", '# %% tags=["raises-exception"]\n1 / 0'),
    ("fails-on-purpose", '# %% tags=["fails-on-purpose"]\n1 / 1'),
    ("stderr", '# %%\nimport warnings\nwarnings.warn("old")'),
    ("stderr", '# %%\nimport sys\nprint("noise", file=sys.stderr)'),
    ("figure", "# %%\nfrom matplotlib.figure import Figure\n\nFigure()"),
    ("machine-path", '# %%\nprint("/ho" + "me/mutheu/model.onnx")'),
    ("machine-path", '# %%\nprint("\\x1b[32m/ho" + "me/mutheu/model.onnx")'),
    ("remote", '# %%\nfrom IPython.display import HTML\nHTML("<img src=" + "https://example.org/a.png>")'),
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """All the broken cells in one notebook, executed once on the device."""
    cells = "\n\n".join(f"# %% [markdown]\n# {number}\n\n{cell}" for number, (_, cell) in enumerate(BROKEN_OUTPUTS))
    root = mini_course(tmp_path_factory.mktemp("outputs"), notebook=HEADER + "\n# %% [markdown]\n# # T\n\n" + cells)
    return execute(notebook_from(notebook_lesson(root)), folder=root)


@pytest.mark.parametrize("number", range(len(BROKEN_OUTPUTS)))
def test_a_broken_output_is_named_by_its_rule(executed, number):
    cell = 2 * number + 4  # after the title, the cell of the build and the cell's own heading
    found = [
        problem.rule for problem in lint_outputs("notebook", executed) if problem.where == f"notebook, cell {cell}"
    ]
    assert BROKEN_OUTPUTS[number][0] in found


def test_a_notebook_without_outputs_is_named(tmp_path):
    notebook = notebook_from(notebook_lesson(mini_course(tmp_path)))
    assert "outputs" in {problem.rule for problem in lint_outputs("notebook", notebook)}


def test_solution_text_in_a_blank_is_a_leak(tmp_path):
    solved = notebook_from(lab_lesson(mini_course(tmp_path)))
    blank = blanked(solved)
    assert lint_blank("lab", solved, blank) == []
    blank.cells.append(nbformat.v4.new_markdown_cell("Hint: return number + number"))
    assert {problem.rule for problem in lint_blank("lab", solved, blank)} == {"leak"}


def test_outputs_in_a_blank_are_named(tmp_path):
    solved = notebook_from(lab_lesson(mini_course(tmp_path)))
    blank = blanked(solved)
    blank.cells[-1]["outputs"] = [nbformat.v4.new_output("stream", text="8 of 8 points")]
    assert [problem.rule for problem in lint_blank("lab", solved, blank)] == ["blank-outputs"]
