"""A learner in a real browser: JupyterLab opens, the chapter runs on its device, the lab is solved, memory runs out.

Pictures of every step are kept in the folder that $OFFLINEFIRST_SCREENSHOTS names, or in pytest's temporary folder.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect, sync_playwright

from offlinefirst.course.answers import exercises
from offlinefirst.course.lessons import course_root

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
ROOT = course_root()
CHAPTER = "chapters/02-offline-first-design/01-principles.ipynb"
LAB = "labs/02-offline-first-design/lab.ipynb"
SOLUTION = "solutions/02-offline-first-design/lab.ipynb"
TOKEN = "learner"
OTHERS = sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "chapters").glob("*/*.ipynb") if path != ROOT / CHAPTER
)
OUTCOME = re.compile("reproduced|holds with a condition|not testable here")
PICTURE = ".jp-OutputArea:has(.widget-slider) .jp-RenderedImage img"
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """What a learner has after unpacking: a copy, so that nothing of the real one is touched."""
    folder = tmp_path_factory.mktemp("course")
    names = ["chapters", "labs", "solutions", "lessons", "datasets", "benchmarks", "jupyter", "requirements"]
    names += ["pyproject.toml", "START.md"]
    for name in names:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    return folder


@pytest.fixture(scope="module")
def lab_url(course):
    """`course.py lab --no-browser`, as the launcher hands it over."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = os.environ | {
        "OFFLINEFIRST_ROOT": str(course),
        "OFFLINEFIRST_PROGRESS": str(course / "progress.jsonl"),
        "JUPYTER_CONFIG_DIR": str(course / "jupyter-config"),
        "JUPYTER_DATA_DIR": str(course / "jupyter-data"),
        "JUPYTERLAB_WORKSPACES_DIR": str(course / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(course / "settings"),
    }
    command = [sys.executable, "-m", "offlinefirst", "lab", "--no-browser", f"--port={port}"]
    with (course / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [*command, f"--IdentityProvider.token={TOKEN}"], env=environment, stdout=log, stderr=log
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url, server, course / "lab.log")
            yield url
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for(url, server, log):
    for _ in range(300):
        try:
            return urllib.request.urlopen(f"{url}/api/status?token={TOKEN}", timeout=1)
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "install a Chromium (Debian: apt-get install chromium); .ci/run does"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    named = os.environ.get("OFFLINEFIRST_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def opened(browser, lab_url, path, ready):
    """A page with what it asked for: anything not from this computer fails the test."""
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    page = context.new_page()
    foreign = []
    page.on("request", lambda request: foreign.append(request.url) if is_foreign(request.url) else None)
    page.goto(f"{lab_url}{path}?token={TOKEN}{'&reset' if path.startswith('/lab') else ''}")
    page.wait_for_selector(ready, timeout=60_000)
    yield page
    assert foreign == []
    context.close()


def is_foreign(url):
    return not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:", url)


def run_all(page, timeout_ms=120_000):
    """Run every cell from the menu and wait until the last one has run."""
    status = page.locator(".jp-Notebook-ExecutionIndicator:visible")
    expect(status).to_have_attribute("data-status", "idle", timeout=30_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_timeout(1000)
    expect(status).to_have_attribute("data-status", "idle", timeout=timeout_ms)
    page.wait_for_timeout(500)


def scroll_to(page, what):
    """JupyterLab draws only what is near the view: scroll from the top until it is there."""
    page.locator(".jp-Notebook").first.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Home")
    for _ in range(150):
        if what.count():
            break
        page.mouse.move(700, 500)
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(60)
    what.first.scroll_into_view_if_needed()
    page.wait_for_timeout(500)


def stored(course, path):
    return nbformat.read(course / path, 4)


def save(page):
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1500)


def test_the_server_lists_the_three_devices(lab_url):
    with urllib.request.urlopen(f"{lab_url}/api/kernelspecs?token={TOKEN}", timeout=10) as answer:
        specs = json.load(answer)["kernelspecs"]
    assert {"phone-2gb", "phone-4gb", "laptop-4gb"} <= set(specs)


def test_the_start_page_opens_without_a_news_prompt(browser, lab_url, pictures):
    with opened(browser, lab_url, "/", ".jp-RenderedMarkdown h1, .jp-MarkdownViewer h1, .jp-Launcher") as page:
        page.wait_for_timeout(3000)
        page.screenshot(path=pictures / "start.png")
        expect(page.get_by_text("Would you like to receive official Jupyter news?")).to_have_count(0)
        expect(page.locator(".jp-Dialog")).to_have_count(0)
        expect(page.locator("h1").first).to_be_visible()


def test_the_chapter_runs_on_its_device_and_can_be_played_with(browser, lab_url, course, pictures):
    with opened(browser, lab_url, f"/lab/tree/{CHAPTER}", ".jp-Notebook .jp-MarkdownCell h1") as page:
        expect(page.locator(".jp-Dialog")).to_have_count(0)  # the kernel was chosen by the notebook
        expect(page.locator(".jp-Toolbar-kernelName")).to_contain_text("Phone, 2 GB", timeout=30_000)
        page.screenshot(path=pictures / "chapter-opened.png")
        run_all(page)
        save(page)
        assert unmeant(stored(course, CHAPTER)) == []
        handle = page.locator(".widget-slider .noUi-handle").first
        handle.scroll_into_view_if_needed()
        picture = page.locator(PICTURE)
        before = picture.get_attribute("src")
        picture.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        page.screenshot(path=pictures / "widget-before.png")
        handle.focus()
        for _ in range(6):
            page.keyboard.press("ArrowRight")
        page.wait_for_function(
            f"before => document.querySelector('{PICTURE}').src !== before",
            arg=before,
            timeout=30_000,
        )
        page.wait_for_timeout(500)
        page.screenshot(path=pictures / "widget-after.png")


def unmeant(notebook):
    """Errors that a notebook stored in cells which were not meant to fail."""
    return [
        output.ename
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error" and "fails-on-purpose" not in cell.metadata.get("tags", [])
    ]


@pytest.mark.parametrize("path", OTHERS)
def test_the_other_notebooks_run(browser, lab_url, course, pictures, path):
    device = stored(ROOT, path).metadata.kernelspec.display_name
    with opened(browser, lab_url, f"/lab/tree/{path}", ".jp-Notebook .jp-MarkdownCell h1") as page:
        expect(page.locator(".jp-Toolbar-kernelName")).to_contain_text(device, timeout=30_000)
        run_all(page)
        save(page)
        assert unmeant(stored(course, path)) == []
        name = Path(path).stem
        if any("verdict(" in cell.source for cell in stored(ROOT, path).cells):
            scroll_to(page, page.locator(".jp-RenderedHTMLCommon table, .jp-RenderedHTML", has_text=OUTCOME))
            page.screenshot(path=pictures / f"{name}-verdict.png")
        shown = {
            kind for cell in stored(ROOT, path).cells for one in cell.get("outputs", []) for kind in one.get("data", ())
        }
        seen = (
            ".jp-RenderedImage img, .jp-RenderedHTMLCommon audio"
            if "image/png" in shown
            else ".jp-RenderedMarkdown img"
        )
        scroll_to(page, page.locator(seen))
        page.screenshot(path=pictures / f"{name}.png")


def test_every_figure_of_the_chapter_shows(browser, lab_url, pictures):
    with opened(browser, lab_url, f"/lab/tree/{CHAPTER}", ".jp-Notebook .jp-MarkdownCell h1") as page:
        notebook = stored(ROOT, CHAPTER)
        wanted = sum(cell.source.count("](data:image/") for cell in notebook.cells if cell.cell_type == "markdown")
        assert wanted == 3
        seen = set()
        for step in range(320):  # down, and up again: on a slow machine a picture may come when it is passed by
            for alt, width in page.evaluate(
                "[...document.querySelectorAll('.jp-RenderedMarkdown img')].map(i => [i.alt, i.naturalWidth])"
            ):
                if width > 100:
                    if alt not in seen:
                        image = page.locator(f'.jp-RenderedMarkdown img[alt^="{alt[:30]}"]')
                        image.scroll_into_view_if_needed()
                        image.screenshot(path=pictures / f"figure-{len(seen) + 1}.png")
                    seen.add(alt)
            if len(seen) == wanted:
                break
            page.mouse.move(700, 500)
            page.mouse.wheel(0, 400 if step % 160 < 80 else -400)
            page.wait_for_timeout(200)
        assert len(seen) == wanted


def test_a_quiz_answers_a_click(browser, lab_url, pictures):
    with opened(browser, lab_url, f"/lab/tree/{CHAPTER}", ".jp-Notebook .jp-MarkdownCell h1") as page:
        page.locator(".jp-Notebook").click(position={"x": 5, "y": 200})
        page.keyboard.press("Escape")
        page.keyboard.press("End")
        for _ in range(100):
            if page.locator("details summary").count():
                break
            page.mouse.move(700, 500)
            page.mouse.wheel(0, 1500)
            page.wait_for_timeout(80)
        option = page.get_by_text("a) The answer, its price marked as two days old")
        option.scroll_into_view_if_needed()
        option.click()
        expect(page.get_by_text("The age belongs to the answer, and unsent work")).to_be_visible()
        page.screenshot(path=pictures / "quiz.png")


def test_a_learner_meets_the_checks_and_solves_the_lab(browser, lab_url, course, pictures):
    with opened(browser, lab_url, f"/lab/tree/{LAB}", ".jp-Notebook .jp-MarkdownCell h1") as page:
        expect(page.locator(".jp-Toolbar-kernelName")).to_contain_text("Phone, 2 GB", timeout=30_000)
        run_all(page)
        expect(page.get_by_text("✗ publish: not yet (0 of 4 points)").first).to_be_visible()
        page.get_by_text("✗ publish: not yet (0 of 4 points)").first.scroll_into_view_if_needed()
        page.screenshot(path=pictures / "lab-blank.png")
        solved = stored(ROOT, SOLUTION)
        for position, _ in exercises(solved).values():
            stub = page.locator(".jp-CodeCell", has_text="raise NotImplementedError").first
            editor = stub.locator(".cm-content")
            editor.scroll_into_view_if_needed()
            editor.click()
            page.keyboard.press("Control+a")
            page.keyboard.insert_text(solved.cells[position].source)
        run_all(page)
        page.keyboard.press("Escape")
        page.keyboard.press("Control+End")
        expect(page.get_by_text("21 of 21 points").first).to_be_visible()
        page.get_by_text("21 of 21 points").first.scroll_into_view_if_needed()
        page.screenshot(path=pictures / "lab-solved.png")
    lines = (course / "progress.jsonl").read_text("utf-8").split("\n")
    earned = [json.loads(line)["earned"] for line in lines if line]
    assert earned == [0] * 6 + [4, 3, 4, 4, 3, 3]


def test_running_out_of_memory_is_explained_and_the_kernel_lives(browser, lab_url, course, pictures):
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Too much"),
            nbformat.v4.new_code_cell(
                "import numpy\n\nleaves = numpy.ones((40_000, 224, 224, 3))", metadata={"tags": ["raises-exception"]}
            ),
            nbformat.v4.new_code_cell("print('still', 'here')"),
        ],
        metadata=stored(ROOT, CHAPTER).metadata,
    )
    nbformat.write(notebook, course / "too-much.ipynb")
    with opened(browser, lab_url, "/lab/tree/too-much.ipynb", ".jp-Notebook .jp-MarkdownCell h1") as page:
        expect(page.locator(".jp-Toolbar-kernelName")).to_contain_text("Phone, 2 GB", timeout=30_000)
        run_all(page)
        expect(page.get_by_text("still here").first).to_be_visible()
        error = page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").first
        expect(error).to_contain_text("Phone, 2 GB")
        page.screenshot(path=pictures / "too-much.png")
