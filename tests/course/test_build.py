"""The build: what it writes, what it leaves alone, what `--check` sees."""

import json

import nbformat
import pytest
from mini import CHAPTER, HEADER, LAB, NOTEBOOK, lab_lesson, mini_course, notebook_lesson

from offlinefirst.course.build import build, differences, guides, normalised
from offlinefirst.course.errors import BuildError, LessonError
from offlinefirst.course.lessons import all_lessons, course_root
from offlinefirst.course.notebooks import imported_modules, notebook_from, source_hash


def quiet(_):
    pass


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = mini_course(tmp_path_factory.mktemp("built"))
    build(root, report=quiet)
    return root


@pytest.fixture
def course(built, tmp_path):
    """A copy of a built course, to change."""
    import shutil

    return shutil.copytree(built, tmp_path / "course")


def reasons(root):
    return [(difference.path.as_posix(), difference.reason.split(";")[0]) for difference in differences(root)]


def test_what_is_built_matches_and_is_not_built_again(course):
    assert differences(course) == []
    lines = []
    assert build(course, report=lines.append) == []
    assert lines == ["0 built, 2 up to date"]


def test_only_what_changed_is_executed(course):
    lesson = notebook_lesson(course)
    lesson.path.write_text(NOTEBOOK.replace("total / 2", "total / 3"), "utf-8")
    assert [path for path, _ in reasons(course)] == [f"chapters/{CHAPTER}/01-notebook.ipynb"]
    written = build(course, report=quiet)
    assert [path.name for path in written] == ["01-notebook.ipynb"]
    outputs = json.dumps(nbformat.read(written[0], 4))
    assert "2.0" in outputs
    assert "3.0" not in outputs


def test_building_twice_gives_the_same_bytes(course):
    path = notebook_lesson(course).notebook_path
    first = path.read_bytes()
    path.unlink()
    build(course, report=quiet)
    assert path.read_bytes() == first


@pytest.mark.parametrize("part", ["chapters", "labs", "solutions"])
def test_check_sees_an_edit_in_each_folder(course, part):
    (path,) = (course / part).rglob("*.ipynb")
    notebook = nbformat.read(path, 4)
    notebook.cells[0].source += "!"
    nbformat.write(notebook, path)
    assert [name.split("/")[0] for name, _ in reasons(course)] == [part]


def test_check_sees_missing_orphaned_and_unreadable_files(course):
    chapter = course / "chapters" / CHAPTER
    (chapter / "02-orphan.ipynb").write_bytes((chapter / "01-notebook.ipynb").read_bytes())
    (chapter / "01-notebook.ipynb").write_text("{", "utf-8")
    (chapter / "instructor.md").unlink()
    (course / "labs" / CHAPTER / "lab.ipynb").unlink()
    assert {path.rsplit("/")[-1] for path, _ in reasons(course)} == {
        "01-notebook.ipynb",
        "02-orphan.ipynb",
        "instructor.md",
        "lab.ipynb",
    }
    build(course, report=quiet)
    assert differences(course) == []
    assert not (chapter / "02-orphan.ipynb").exists()


def test_outputs_are_not_compared(course):
    path = notebook_lesson(course).notebook_path
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    nbformat.write(notebook, path)
    assert differences(course) == []


def test_instructor_cells_are_in_the_guide_and_nowhere_else(course):
    (text,) = guides(course).values()
    assert "walnuts" in text
    for path in course.rglob("*.ipynb"):
        assert "walnuts" not in path.read_text("utf-8")


def test_a_cell_that_fails_by_accident_stops_the_build_and_writes_nothing(tmp_path):
    root = mini_course(tmp_path, notebook=NOTEBOOK.replace("total / 2", "totl / 2"))
    with pytest.raises(BuildError, match=r"01-notebook: .*\n(.*\n)*.*NameError"):
        build(root, wanted="01-notebook", report=quiet)
    assert not notebook_lesson(root).notebook_path.exists()


def test_ids_are_stable_unique_and_from_content(course):
    notebook = notebook_from(notebook_lesson(course))
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    lesson = notebook_lesson(course)
    lesson.path.write_text(NOTEBOOK.replace("## Naive", "## Naive and quick"), "utf-8")
    changed = [cell.id for cell in notebook_from(lesson).cells]
    assert sum(one != other for one, other in zip(ids, changed, strict=True)) == 1


def test_figures_travel_inside_the_notebook(course):
    text = notebook_lesson(course).notebook_path.read_text("utf-8")
    assert "data:image/svg+xml;base64," in text
    assert "figures/square.svg" not in text


def test_a_missing_figure_is_an_error_that_names_it(tmp_path):
    root = mini_course(tmp_path, notebook=NOTEBOOK.replace("square.svg", "circle.svg"))
    with pytest.raises(LessonError, match=r"figures/circle\.svg is not in lessons/01-small"):
        notebook_from(notebook_lesson(root))


@pytest.mark.parametrize("broken", ["# ---\n# jupyter: [\n# ---\n# %%\n1", HEADER + "\n# %%\n1", ""])
def test_a_script_that_is_no_lesson_is_an_error(tmp_path, broken):
    root = mini_course(tmp_path, notebook=broken)
    with pytest.raises(LessonError, match="01-notebook"):
        notebook_from(notebook_lesson(root))


def test_a_check_without_points_is_an_error(tmp_path):
    root = mini_course(tmp_path, lab=LAB.replace(" points=2", "", 1))
    with pytest.raises(LessonError, match='the check of "double" needs points'):
        notebook_from(lab_lesson(root))


@pytest.mark.parametrize("name", ["one.py", "1-x.py", "Lab.py"])
def test_a_misnamed_lesson_is_an_error(tmp_path, name):
    root = mini_course(tmp_path)
    (root / "lessons" / CHAPTER / name).write_text("", "utf-8")
    with pytest.raises(LessonError, match=name):
        all_lessons(root)


def test_the_hash_covers_lesson_figures_quiz_lock_kernels_and_imported_modules(tmp_path):
    code = NOTEBOOK.replace("total / 2", "from offlinefirst.alpha import beta")
    root = mini_course(tmp_path, notebook=code)
    package = root / "offlinefirst"
    for name, text in {
        "__init__": "",
        "alpha/__init__": "",
        "alpha/beta": "import offlinefirst.gamma",
        "gamma": "",
        "other": "",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / f"{name}.py").write_text(text, "utf-8")
    lesson = notebook_lesson(root)
    covered = ["lessons/01-small/01-notebook.py", "lessons/01-small/quiz.toml", "lessons/01-small/figures/square.svg"]
    covered += ["requirements/full.txt", "jupyter/kernels/phone-2gb/kernel.json"]
    covered += ["offlinefirst/__init__.py", "offlinefirst/alpha/__init__.py", "offlinefirst/alpha/beta.py"]
    covered += ["offlinefirst/gamma.py"]
    for name in covered:
        before = source_hash(lesson)
        with (root / name).open("a", encoding="utf-8") as file:
            file.write("\n# changed\n")
        assert source_hash(lesson) != before, name
    before = source_hash(lesson)
    (package / "other.py").write_text("# changed", "utf-8")
    (root / "lessons/01-small/answers.py").write_text("# changed", "utf-8")
    assert source_hash(lesson) == before


def test_the_hash_covers_files_and_folders_that_the_lesson_names(tmp_path):
    code = NOTEBOOK.replace("total / 2", 'open("benchmarks/results/one.json"), "datasets/models"')
    root = mini_course(tmp_path, notebook=code)
    named = ["benchmarks/results/one.json", "datasets/models/leaf.onnx", "datasets/models/deep/er.npz"]
    for name in [*named, "datasets/other.csv", "benchmarks/results/two.json"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}", "utf-8")
    lesson = notebook_lesson(root)
    for name in named:
        before = source_hash(lesson)
        (root / name).write_text("{1}", "utf-8")
        assert source_hash(lesson) != before, name
    before = source_hash(lesson)
    (root / "datasets/other.csv").write_text("changed", "utf-8")
    (root / "benchmarks/results/two.json").write_text("changed", "utf-8")
    assert source_hash(lesson) == before


def test_the_hash_covers_a_packages_data_and_of_the_ledger_only_what_the_lesson_decides(tmp_path):
    code = NOTEBOOK.replace("#     objectives", "#     claims: [small-is-enough]\n#     objectives")
    assert code != NOTEBOOK
    root = mini_course(tmp_path, notebook=code.replace("total / 2", "import offlinefirst.measure"))
    package = root / "offlinefirst/measure"
    package.mkdir(parents=True)
    ledger, schema = package / "claims.toml", package / "shape.json"
    (package / "__init__.py").write_text("", "utf-8")
    ledger.write_text('[small-is-enough]\nclaim = "small"\n[other]\nclaim = "other"\n', "utf-8")
    schema.write_text("{}", "utf-8")
    lesson = notebook_lesson(root)
    before = source_hash(lesson)
    ledger.write_text(ledger.read_text("utf-8").replace('"other"', '"another"'), "utf-8")
    assert source_hash(lesson) == before
    ledger.write_text(ledger.read_text("utf-8").replace('"small"', '"tiny"'), "utf-8")
    assert source_hash(lesson) != before
    before = source_hash(lesson)
    schema.write_text('{"type": "object"}', "utf-8")
    assert source_hash(lesson) != before


def test_the_hash_covers_the_other_half_of_a_widget(tmp_path):
    root = mini_course(tmp_path, notebook=NOTEBOOK.replace("total / 2", "import offlinefirst.course.switch"))
    package = root / "offlinefirst/course"
    package.mkdir(parents=True, exist_ok=True)
    for name in ("switch.py", "switch.js", "switch.css", "other.js"):
        (package / name).write_text("", "utf-8")
    before = source_hash(notebook_lesson(root))
    (package / "other.js").write_text("1", "utf-8")
    assert source_hash(notebook_lesson(root)) == before
    for name in ("switch.js", "switch.css"):
        (package / name).write_text("/* changed */", "utf-8")
        now = source_hash(notebook_lesson(root))
        assert now != before
        before = now


def test_stored_tracebacks_do_not_say_where_the_course_lies():
    trace = [
        "File /home/wanjiru/my-course/offlinefirst/device/cells.py:3, in run",
        "\x1b[32m/srv/c/offlinefirst/a.py\x1b[0m",
    ]
    error = nbformat.v4.new_output("error", ename="E", evalue="e", traceback=trace)
    done = normalised(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0", outputs=[error])]))
    assert done.cells[0].outputs[0].traceback == [
        "File offlinefirst/device/cells.py:3, in run",
        "\x1b[32mofflinefirst/a.py\x1b[0m",
    ]


def test_line_endings_do_not_change_the_hash(tmp_path):
    lesson = notebook_lesson(mini_course(tmp_path))
    before = source_hash(lesson)
    lesson.path.write_bytes(lesson.path.read_bytes().replace(b"\n", b"\r\n"))
    assert source_hash(lesson) == before


def test_imports_are_found_wherever_they_stand():
    code = (
        "%matplotlib inline\ndef f():\n    from offlinefirst.link import outages as o\nimport offlinefirst.device, os"
    )
    assert imported_modules(code) == {"offlinefirst.link", "offlinefirst.link.outages", "offlinefirst.device"}


def test_streams_are_joined_and_widgets_without_a_kernel_dropped():
    def stream(text, name="stdout"):
        return nbformat.v4.new_output("stream", name=name, text=text)

    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "Slider"}
    outputs = [
        stream("a"),
        stream("b\r10 %\r99 %\n"),
        stream("c", "stderr"),
        nbformat.v4.new_output("display_data", view),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)])
    done = normalised(notebook).cells[0].outputs
    assert [output.get("text") for output in done] == ["99 %\n", "c", None]
    assert list(done[2].data) == ["text/plain"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("File /home/m/course/.venv/lib/python3.11/site-packages/numpy/_core/n.py:2", "File numpy/_core/n.py:2"),
        ("File ~/.pyenv/versions/3.11.7/lib/python3.11/json/decoder.py:35", "File json/decoder.py:35"),
        (r"File C:\Users\m\course\.venv\Lib\site-packages\numpy\n.py:2", r"File numpy\n.py:2"),
        ("Cell In[1], line 3", "Cell In[1], line 3"),
    ],
)
def test_tracebacks_do_not_say_where_one_machine_keeps_its_libraries(line, shown):
    error = nbformat.v4.new_output("error", ename="E", evalue="", traceback=[line])
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[error])])
    assert normalised(notebook).cells[0].outputs[0].traceback == [shown]


def test_the_course_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (course_root() / "course.py").exists()
