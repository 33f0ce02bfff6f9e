"""The rule that needs no model: total on what it takes, better than guessing, and no better than it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from offlinefirst.datasets.leaves import CLASSES, leaves
from offlinefirst.inference import leaf_rule as module
from offlinefirst.inference.leaf_rule import box, leaf_rule, why_no_photo

BOXES = [module.GREEN_LEAF, module.YELLOW_LEAF, module.PALE_LEAF, module.PALE_YELLOW_LEAF]


@given(st.integers(0, 2**32), arrays(np.uint8, (1, 1, 3)), st.integers(1, 256))
@settings(max_examples=50, deadline=None)
def test_every_photo_gets_shares(seed, colour, spread):
    noise = np.random.default_rng(seed).integers(0, spread, (48, 48, 3), np.int64)
    photo = np.clip(colour + noise, 0, 255).astype(np.uint8)
    scores = leaf_rule(photo)
    assert len(scores) == len(CLASSES)
    assert sum(scores) == pytest.approx(1)


def test_each_box_has_its_own_answer():
    assert [CLASSES[np.argmax(scores)] for scores in BOXES] == ["Healthy", "Deficiency", "MLND", "Fall Armyworm"]


def test_colours_fall_into_the_boxes_they_are_named_after():
    colours = {0: (60, 140, 40), 1: (140, 140, 40), 2: (60, 140, 100), 3: (180, 140, 100)}
    for number, colour in colours.items():
        assert box(np.full((48, 48, 3), colour, np.uint8)) == number
    assert box(np.zeros((48, 48, 3), np.uint8)) == 0


def test_it_is_better_than_guessing_and_as_sure_as_it_is_right():
    photos, labels = leaves(512, seed=77)
    scores = np.array([leaf_rule(photo) for photo in photos])
    right = scores.argmax(1) == labels
    assert 0.36 < right.mean() < 0.54
    assert abs(right.mean() - scores.max(1).mean()) < 0.07


@pytest.mark.parametrize(
    "wrong", [None, "leaf.jpg", [], np.zeros((48, 48)), np.zeros((48, 48, 3)), np.zeros((3, 48, 48), np.uint8)]
)
def test_what_is_no_photo(wrong):
    assert "uint8 [48, 48, 3]" in why_no_photo(wrong)
    assert why_no_photo(np.zeros((48, 48, 3), np.uint8)) is None
