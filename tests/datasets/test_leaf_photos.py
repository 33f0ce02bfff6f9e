"""Real photos are used when they are here, and never silently something else."""

import numpy as np
import pytest
from PIL import Image

from offlinefirst.datasets.catalog import DatasetError
from offlinefirst.datasets.leaf_photos import leaf_photos
from offlinefirst.datasets.leaves import CLASSES, leaves

COLOURS = {"bean_rust": (150, 80, 30), "healthy": (40, 160, 40)}


@pytest.fixture
def photos(data):
    """Made-up photos in the folders of the real ones: wide, so that only the middle square has the class's colour."""
    for part, count in {"train": 4, "validation": 2, "test": 3}.items():
        for name, colour in COLOURS.items():
            folder = data / "bean-leaves" / "data" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                photo = Image.new("RGB", (90, 60), (255, 0, 255))
                photo.paste(colour, (15, 0, 75, 60))
                photo.save(folder / f"{name}_{number}.jpg", quality=95)
            (folder / "Thumbs.db").write_bytes(b"no photo")
    return data


def test_without_photos_the_leaves_are_drawn_and_say_so(tmp_path):
    found = leaf_photos("test", 5, data=tmp_path)
    images, labels = leaves(5, seed=2)
    assert (found.images == images).all()
    assert (found.labels == labels).all()
    assert found.classes == CLASSES
    assert not found.real
    assert "synthetic" in found.told
    assert (leaf_photos("train", 5, data=tmp_path).images != images).any()


def test_real_photos_are_cut_shrunk_and_labelled(photos):
    found = leaf_photos("test", 100, size=32, data=photos)
    assert found.real
    assert "bean" in found.told
    assert found.classes == ("Bean rust", "Healthy")
    assert found.images.shape == (6, 32, 32, 3)
    assert sorted(found.labels) == [0, 0, 0, 1, 1, 1]
    for image, label in zip(found.images, found.labels, strict=True):
        wanted = list(COLOURS.values())[label]
        assert np.abs(image[2:-2, 2:-2].astype(int) - wanted).max() < 12
    assert (leaf_photos("test", 100, size=32, data=photos).labels == found.labels).all()
    assert len(leaf_photos("train", 3, data=photos).labels) == 3


def test_a_photo_is_turned_as_the_phone_was_held(photos):
    folder = photos / "bean-leaves/data/test/healthy"
    for path in folder.glob("*.jpg"):
        path.unlink()
    for path in (photos / "bean-leaves/data/test/bean_rust").glob("*.jpg"):
        path.unlink()
    photo = Image.new("RGB", (64, 64), (0, 0, 0))
    photo.paste((255, 255, 255), (0, 0, 64, 32))  # light above
    exif = Image.Exif()
    exif[0x0112] = 6  # hold it a quarter turn to the right
    photo.save(folder / "held.jpg", exif=exif, quality=95)
    (image,) = leaf_photos("test", 1, size=16, data=photos).images
    assert image[:, -4:].min() > 200
    assert image[:, :4].max() < 55


def test_what_cannot_be_read_is_named(photos):
    broken = photos / "bean-leaves/data/test/healthy/healthy_0.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    with pytest.raises(DatasetError, match=r"healthy_0\.jpg is no photo"):
        leaf_photos("test", 100, data=photos)


@pytest.mark.parametrize(
    ("folders", "says"), [([], "a folder for each class"), (["train/a", "train/b"], "no photos of a, b")]
)
def test_a_folder_that_is_made_otherwise_is_an_error(tmp_path, folders, says):
    root = tmp_path / "bean-leaves" / "data"
    (root / "readme").mkdir(parents=True)
    for folder in folders:
        (root / folder).mkdir(parents=True)
    with pytest.raises(DatasetError, match=says):
        leaf_photos("test", 1, data=tmp_path)


@pytest.mark.parametrize(("count", "size"), [(0, 48), (1, 8)])
def test_impossible_sizes_are_refused(photos, count, size):
    with pytest.raises(ValueError, match="count is 1 or more"):
        leaf_photos("test", count, size=size, data=photos)
