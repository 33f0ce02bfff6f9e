"""Our documents and Yjs, without a network between them: updates go both ways and give the same text."""

import random

import pytest
from yjs_in_node import install, take

from offlinefirst.datasets.typist import typist
from offlinefirst.sync.documents import CropRegister, SharedText

pytestmark = pytest.mark.slow
ROOT = "mbooni-3/text"


@pytest.fixture(scope="module")
def yjs(tmp_path_factory):
    return install(tmp_path_factory.mktemp("yjs"))


def shared_text(officer="Mutheu"):
    updates = []
    text = SharedText(farm="mbooni-3", officer=officer)
    text.subscribe(updates.append)
    return text, updates


def test_yjs_reads_what_a_typist_typed_in_batches(yjs):
    trace = typist(1_500, seed=2)
    text, updates = shared_text()
    with text.batch():
        for patch in (patch for edit in trace.edits for patch in edit.patches):
            if patch.deleted:
                text.delete(patch.at, patch.deleted)
            if patch.text:
                text.insert(patch.at, patch.text)
    assert 10 < len(updates) < 30
    assert text.text() == trace.end
    assert take(yjs, updates, root=ROOT)["text"] == trace.end
    assert take(yjs, [text.update_since()], root=ROOT)["text"] == trace.end


def test_yjs_reads_updates_that_come_in_disorder_and_twice(yjs):
    text, updates = shared_text()
    for number in range(40):
        text.insert(number // 2, chr(ord("a") + number % 26))
    shuffled = updates * 2
    random.Random(1).shuffle(shuffled)
    assert take(yjs, shuffled, root=ROOT)["text"] == text.text()


def test_letters_beyond_ascii_are_the_same_and_their_count_is_not(yjs):
    text, updates = shared_text()
    text.insert(0, "Mũtheũ 🍅 mbivu")
    text.insert(8, "🌽")
    text.delete(1, 1)
    told = take(yjs, updates, root=ROOT)
    assert told["text"] == text.text() == "Mtheũ 🍅🌽 mbivu"
    assert told["length"] == len(text.text().encode("utf-16-le")) // 2 == len(text) + 2


def test_what_yjs_edits_comes_back(yjs):
    text, updates = shared_text()
    text.insert(0, "maize 🌽 dry")
    told = take(yjs, updates, root=ROOT, edits=[(9, 3, "ripe"), (0, 0, "Plot 3: ")])
    text.insert(0, "Kitui. ")
    text.apply(told["update"])
    assert "ripe" in text.text()
    assert "dry" not in text.text()
    assert take(yjs, [*updates, told["update"]], root=ROOT)["text"] == text.text()


def test_a_register_is_a_map_to_yjs(yjs):
    register = CropRegister(farm="mbooni-3", officer="Mutheu")
    register.set("north", "crop", "maize")
    register.set("north", "note", "mũnyũ 🍅")
    told = take(yjs, [register.update_since()], root=ROOT, map_root="mbooni-3/plots")
    assert told["map"]["north/crop"] == "maize"
    assert told["map"]["north/note"] == "mũnyũ 🍅"
