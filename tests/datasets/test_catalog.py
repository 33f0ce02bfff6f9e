"""The catalogue, and what it says of a file that is missing or damaged."""

import csv
import shutil

import pytest

from offlinefirst.course.lessons import course_root
from offlinefirst.datasets.catalog import DatasetError, choose, read_catalog
from offlinefirst.datasets.places import MissingDataError, locate, state_of
from offlinefirst.datasets.providers import Fetcher
from offlinefirst.device import profiles

ROOT = course_root()
GOOD = """
[leaf]
title = "Leaves"
provider = "https"
url = "https://example.org/a/leaf.zip"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
licence = "MIT"
source = "nobody"
"""


@pytest.fixture
def course(tmp_path):
    shutil.copytree(ROOT / "datasets", tmp_path / "datasets")
    return tmp_path


@pytest.mark.parametrize("entry", read_catalog(ROOT), ids=lambda entry: entry.name)
def test_what_the_catalogue_says_is_true(entry):
    assert (ROOT / "datasets" / f"{entry.set}.md").exists(), "a datasheet for each set"
    if entry.provider == "file":
        assert state_of(entry, ROOT) == "here"
        assert (ROOT / entry.path).stat().st_size == entry.size_bytes
        assert Fetcher(ROOT).fetch(entry) == f"{entry.name}: here and whole"
        assert locate(entry.name) == ROOT / entry.path
    elif entry.provider == "package":
        assert state_of(entry, ROOT) in ("here", "missing")  # as installed or not
    else:
        assert state_of(entry, ROOT) == "missing"
        if entry.provider == "folder":
            with pytest.raises(DatasetError, match=f"{entry.path} is missing. Copy https://.* to .*{entry.set}"):
                Fetcher(ROOT).fetch(entry)


def test_every_datasheet_belongs_to_a_set():
    sheets = {path.stem for path in (ROOT / "datasets").glob("*.md")}
    assert sheets == {entry.set for entry in read_catalog(ROOT)}


def test_addresses_name_a_commit_and_nothing_of_others_is_committed():
    files = [path for path in (ROOT / "datasets").rglob("*") if path.is_file() and path.suffix not in (".md", ".toml")]
    shipped = {path.relative_to(ROOT).as_posix() for path in files}
    assert shipped == {entry.path for entry in read_catalog(ROOT) if entry.provider == "file"}
    for entry in read_catalog(ROOT):
        if entry.url:
            assert any(len(part) == 40 for part in entry.url.split("/")), entry.url


@pytest.mark.parametrize(
    ("damage", "state"), [(lambda path: path.unlink(), "missing"), (lambda path: path.write_text("x"), "damaged")]
)
def test_missing_and_damaged_files_are_named_with_the_remedy(course, damage, state):
    (entry,) = [entry for entry in read_catalog(course) if entry.name == "constraints"]
    damage(course / entry.path)
    assert state_of(entry, course) == state
    with pytest.raises(DatasetError, match=rf"constraints\.csv is {state}.*copy that file again"):
        Fetcher(course).fetch(entry)
    with pytest.raises(MissingDataError, match=rf"constraints is {state}.*copy that file again"):
        locate("constraints", root=course)


@pytest.mark.parametrize(
    ("part", "instead", "says"),
    [
        ("sha256 =", "sha265 =", "lacks or does not know sha256, sha265"),
        ('"https"', '"ftp"', "the provider 'ftp'; known: file, package, npm, https, folder"),
        ('"https"', '"npm"', "package, path, url, version"),
        ("[leaf]", "[leaf", r"catalog\.toml"),
        ("[leaf]", "[Leaf]", "its name cannot be 'Leaf'"),
        ("[leaf]", "leaf = 1\n[other]", r"\[leaf\] is no table"),
        ('"MIT"', '" "', "licence is a text"),
        ('"MIT"', "1", "licence is a text"),
        ('"MIT"', '"MIT"\nsize_bytes = -1', "size_bytes is a whole number"),
        ('"MIT"', '"MIT"\nsize_bytes = true', "size_bytes is a whole number"),
        ('"MIT"', '"MIT"\nset = "../up"', "set cannot be"),
        ("0000000000", "ABCDEF0000", "sha256 cannot be"),
        ("https://example", "http://example", "url must begin with https"),
        ("https://example", "file:///example", "url must begin with https"),
        ("https://example", "http://127.0.0.1.example", "url must begin with https"),
        ("leaf.zip", "con.zip", "device"),
        ("leaf.zip", "..", "folder"),
        ('"https"\nurl = "https://example.org/a/leaf.zip"', '"file"\npath = "../leaf"', "leads out of its folder"),
        ('"https"\nurl = "https://example.org/a/leaf.zip"', '"file"\npath = "/leaf"', "leads out of its folder"),
        (
            '"https"\nurl = "https://example.org/a/leaf.zip"',
            '"npm"\npackage = "--x"\nversion = "1"\npath = "a"',
            "package cannot be",
        ),
        (
            '"https"\nurl = "https://example.org/a/leaf.zip"',
            '"npm"\npackage = "x"\nversion = "latest"\npath = "a"',
            "version cannot be",
        ),
    ],
)
def test_a_broken_catalogue_is_an_error_that_names_the_entry(tmp_path, part, instead, says):
    path = tmp_path / "datasets" / "catalog.toml"
    path.parent.mkdir()
    path.write_text(GOOD, "utf-8")
    assert [entry.set for entry in read_catalog(tmp_path)] == ["leaf"]
    assert part in GOOD
    path.write_text(GOOD.replace(part, instead), "utf-8")
    with pytest.raises(DatasetError, match=says):
        read_catalog(tmp_path)


def test_entries_are_chosen_by_name_or_set():
    entries = read_catalog(ROOT)
    assert choose(entries, []) == entries
    assert [entry.name for entry in choose(entries, ["udhr-swh"])] == ["udhr-swh"]
    assert {entry.set for entry in choose(entries, ["udhr", "skab"])} == {"udhr", "skab"}
    with pytest.raises(DatasetError, match=r"called maize\. There are: constraints, mafand"):
        choose(entries, ["maize", "udhr"])
    with pytest.raises(DatasetError, match=r"udhr has several files: udhr-eng, .*Name one"):
        locate("udhr")


def test_no_catalogue_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match=r"catalog\.toml is missing"):
        read_catalog(tmp_path)


def test_the_devices_lie_within_the_constraint_table():
    with (ROOT / "datasets" / "constraints.csv").open(encoding="utf-8") as file:
        table = {row["constraint"]: (float(row["low"]), float(row["high"])) for row in csv.DictReader(file)}
    for name in profiles.names():
        profile = profiles.load(name)
        measured = {
            "bandwidth": profile.link.bandwidth_bps / 1e6,
            "data price": profile.price_usd_per_gb,
            "median hourly wage": profile.wage_usd_per_hour,
            "internet uptime": profile.link.uptime * 100,
            "electricity": profile.electricity_hours_per_day,
            "device memory": profile.ram_bytes / 2**30,
            "device storage": profile.storage_total_bytes / 2**30,
        }
        for constraint, value in measured.items():
            low, high = table[constraint]
            assert low <= value <= high, (name, constraint)
