"""The live register of chapter 11 in a real browser: drag, edit, meet, decide; by hand and by keyboard.

Pictures of every step are kept in the folder that $OFFLINEFIRST_SCREENSHOTS names, or in pytest's temporary folder.
"""

import nbformat
import pytest
from playwright.sync_api import expect
from test_jupyterlab import (  # noqa: F401 - the fixtures of the other browser tests
    CHAPTER,
    browser,
    course,
    lab_url,
    opened,
    pictures,
    run_all,
    save,
    scroll_to,
    stored,
    unmeant,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
LESSON = "chapters/11-collaborating-with-crdts/03-officers-in-the-field.ipynb"
STATE = "[(n, officers.value(n, 'condition'), officers.value(n, 'bags')) for n in officers.registers]"


@pytest.fixture
def page(browser, lab_url, course):  # noqa: F811
    """A notebook with the widget and nothing else."""
    cells = [
        nbformat.v4.new_markdown_cell("# Officers"),
        nbformat.v4.new_code_cell(
            "from offlinefirst.course.officers import Officers\n"
            "from offlinefirst.course.officers_widget import officers_widget\n"
            "officers = Officers()\nofficers_widget(officers)"
        ),
        nbformat.v4.new_code_cell("0"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=stored(course, CHAPTER).metadata)
    nbformat.write(notebook, course / "officers.ipynb")
    with opened(browser, lab_url, "/lab/tree/officers.ipynb", ".jp-Notebook .jp-MarkdownCell h1") as page:
        run_all(page)
        page.wait_for_selector(".officers .of-phone")
        yield page


def phone(page, name):
    return page.locator(f".of-phone[data-officer={name}]")


def value(page, name, field):
    return phone(page, name).locator(f".of-value[data-field={field}]")


def in_place(page, name, place):
    return page.locator(f".of-zone[data-place={place}] .of-phone[data-officer={name}]")


def drag(page, name, place):
    """With the pointer, by the phone's head."""
    page.locator(".of-zones").scroll_into_view_if_needed()
    start = phone(page, name).locator(".of-head strong").bounding_box()
    zone = page.locator(f".of-zone[data-place={place}] h4").bounding_box()
    page.mouse.move(start["x"] + 5, start["y"] + 5)
    page.mouse.down()
    page.mouse.move(start["x"] + 30, start["y"] + 20, steps=3)
    page.mouse.move(zone["x"] + 120, zone["y"] + 8, steps=6)
    expect(page.locator(f".of-zone[data-place={place}]")).to_have_class("of-zone of-over")
    page.mouse.up()
    expect(in_place(page, name, place)).to_be_visible()


def in_kernel(page, code):
    """Put code into the last cell, run it there and return what it shows."""
    cell = page.locator(".jp-CodeCell").last
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(1500)
    return eval(cell.locator(".jp-OutputArea-output pre").last.inner_text())


def test_three_officers_part_edit_meet_and_agree(page, pictures):  # noqa: F811
    expect(page.locator(".of-zone[data-place=market] .of-phone")).to_have_count(3)
    page.locator(".officers").screenshot(path=pictures / "officers-at-the-market.png")
    for name in ("Mutheu", "Kioko", "Wanza"):
        drag(page, name, "field")
    page.locator(".officers").screenshot(path=pictures / "officers-in-the-field.png")
    phone(page, "Mutheu").get_by_label("Mutheu: condition").select_option("stressed")
    phone(page, "Kioko").get_by_label("Kioko: condition").select_option("diseased")
    for name, bags in (("Kioko", "3"), ("Wanza", "4")):
        phone(page, name).get_by_label(f"{name}: bags").fill(bags)
        phone(page, name).get_by_role("button", name="add bags").click()
        expect(value(page, name, "bags")).to_have_text(bags)
    expect(value(page, "Mutheu", "condition")).to_have_text("stressed")
    expect(value(page, "Wanza", "condition")).to_have_text("healthy")
    expect(page.locator(".of-told")).to_contain_text("0 bytes between phones so far. The registers differ.")
    expect(phone(page, "Mutheu").locator(".of-lacks")).to_contain_text("changes elsewhere not known here")
    for name in ("Kioko", "Wanza", "Mutheu"):
        drag(page, name, "market")
    for name in ("Mutheu", "Kioko", "Wanza"):
        expect(value(page, name, "bags")).to_have_text("7")
        expect(value(page, name, "condition")).to_have_text("diseased")
        expect(phone(page, name).locator(".of-conflict:visible")).to_contain_text("stressed (Mutheu)")
        expect(phone(page, name).locator(".of-lacks")).to_contain_text("knows everything")
        expect(phone(page, name).locator(".of-vector")).to_have_text("state vector: Mutheu 4, Kioko 3, Wanza 2")
    expect(page.locator(".of-told")).to_contain_text("All three registers show the same.")
    names = page.locator(".of-zone[data-place=market] .of-head strong").all_inner_texts()
    assert names == ["Mutheu", "Kioko", "Wanza"]
    page.locator(".officers").screenshot(path=pictures / "officers-conflict.png")
    assert in_kernel(page, STATE) == [(name, "diseased", 7) for name in ("Mutheu", "Kioko", "Wanza")]
    phone(page, "Wanza").get_by_role("button", name="take stressed").click()
    expect(page.locator(".of-conflict:visible")).to_have_count(0)
    expect(value(page, "Kioko", "condition")).to_have_text("stressed")
    expect(phone(page, "Kioko")).to_contain_text("by Wanza")
    assert in_kernel(page, STATE) == [(name, "stressed", 7) for name in ("Mutheu", "Kioko", "Wanza")]
    page.locator(".officers").screenshot(path=pictures / "officers-decided.png")


def test_every_drag_has_a_button_and_typing_stays_in_its_field(page, pictures):  # noqa: F811
    button = phone(page, "Kioko").get_by_role("button", name="Kioko: go to the field")
    button.focus()
    page.keyboard.press("Enter")
    expect(in_place(page, "Kioko", "field")).to_be_visible()
    expect(phone(page, "Kioko").get_by_role("button", name="Kioko: go to the market")).to_be_focused()
    note = phone(page, "Kioko").get_by_label("Kioko: note")
    note.focus()
    page.keyboard.type("dd aa bb 00")  # each of these is a command of the notebook
    phone(page, "Mutheu").get_by_label("Mutheu: crop").select_option("beans")
    expect(value(page, "Wanza", "crop")).to_have_text("beans")
    expect(note).to_have_value("dd aa bb 00")
    note.focus()
    page.keyboard.press("Enter")
    expect(value(page, "Kioko", "note")).to_have_text("dd aa bb 00")
    expect(value(page, "Kioko", "crop")).to_have_text("maize")
    phone(page, "Kioko").get_by_label("Kioko: bags").fill("")
    phone(page, "Kioko").get_by_role("button", name="add bags").click()
    phone(page, "Kioko").get_by_label("Kioko: bags").fill("-9999999")
    phone(page, "Kioko").get_by_role("button", name="add bags").click()
    expect(page.locator(".of-refused")).to_contain_text("must be a whole number of up to a million")
    expect(value(page, "Kioko", "bags")).to_have_text("0")
    phone(page, "Kioko").get_by_role("button", name="Kioko: go to the market").press("Space")
    expect(value(page, "Wanza", "note")).to_have_text("dd aa bb 00")
    expect(value(page, "Kioko", "crop")).to_have_text("beans")
    expect(page.locator(".of-refused")).to_have_text("")


def test_a_drag_that_ends_nowhere_changes_nothing(page):
    start = phone(page, "Wanza").locator(".of-head strong").bounding_box()
    page.mouse.move(start["x"] + 5, start["y"] + 5)
    page.mouse.down()
    page.mouse.move(3, 300, steps=5)
    page.mouse.up()
    expect(in_place(page, "Wanza", "market")).to_be_visible()
    assert phone(page, "Wanza").evaluate("card => card.style.transform") == ""


def test_what_is_saved_has_a_picture_and_no_widget(page, course, pictures):  # noqa: F811
    picture = page.locator(".jp-RenderedImage img").first
    before = picture.get_attribute("src")
    drag(page, "Mutheu", "field")
    page.wait_for_function(
        "before => document.querySelector('.jp-RenderedImage img').src !== before", arg=before, timeout=20_000
    )
    save(page)
    notebook = stored(course, "officers.ipynb")
    assert "widgets" not in notebook.metadata
    (image,) = [one.data for one in notebook.cells[1].outputs if "image/png" in one.data]
    assert len(image["image/png"]) > 5000
    assert "of-phone" not in str(notebook)


def test_the_lesson_itself_can_be_played_with(browser, lab_url, course, pictures):  # noqa: F811
    with opened(browser, lab_url, f"/lab/tree/{LESSON}", ".jp-Notebook .jp-MarkdownCell h1") as page:
        expect(page.locator(".jp-Toolbar-kernelName")).to_contain_text("Phone, 2 GB", timeout=30_000)
        scroll_to(page, page.locator(".jp-RenderedMarkdown h3", has_text="Play with it"))
        expect(page.locator(".officers")).to_have_count(0)  # no kernel has run yet: the picture stands in its place
        scroll_to(page, page.locator(".jp-CodeCell", has_text="officers_widget(game)").locator(".jp-RenderedImage img"))
        page.screenshot(path=pictures / "officers-without-a-kernel.png")
        run_all(page)
        save(page)
        assert unmeant(stored(course, LESSON)) == []
        scroll_to(page, page.locator(".officers .of-phone"))
        expect(in_place(page, "Mutheu", "field")).to_be_visible()
        expect(value(page, "Kioko", "condition")).to_have_text("diseased")
        drag(page, "Mutheu", "market")
        for name in ("Mutheu", "Kioko", "Wanza"):
            expect(value(page, name, "bags")).to_have_text("4")
            expect(phone(page, name).locator(".of-conflict:visible")).to_have_count(1)
        page.screenshot(path=pictures / "officers-in-the-lesson.png")
        texts = [value(page, name, "condition").inner_text() for name in ("Mutheu", "Kioko", "Wanza")]
        assert texts == [texts[0]] * 3
