"""Energy comes from counters, and from nothing else."""

import pytest

from offlinefirst.measure.energy import Reading, between, read, why_absent


def domain(root, name, kind, energy, most=1000):
    folder = root / name
    folder.mkdir(exist_ok=True)
    (folder / "name").write_text(f"{kind}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text(f"{most}\n")


def test_packages_count_once_and_their_parts_and_doubles_do_not(tmp_path):
    domain(tmp_path, "intel-rapl:0", "package-0", 10)
    domain(tmp_path, "intel-rapl:1", "package-1", 20)
    domain(tmp_path, "intel-rapl:2", "psys", 99)
    domain(tmp_path, "intel-rapl:0:0", "core", 5)
    domain(tmp_path, "intel-rapl-mmio:0", "package-0", 10)
    (tmp_path / "dtpm").mkdir()
    before = read(tmp_path)
    assert before is not None
    assert before.energy_uj == {"intel-rapl:0": 10, "intel-rapl:1": 20}
    domain(tmp_path, "intel-rapl:0", "package-0", 500_010)
    domain(tmp_path, "intel-rapl:1", "package-1", 1_500_020)
    assert between(before, read(tmp_path)) == pytest.approx(2.0)


def test_a_counter_that_starts_again_is_followed():
    before, after = Reading({"a": 990}, {"a": 999}), Reading({"a": 5}, {"a": 999})
    assert between(before, after) == pytest.approx(15e-6)


def test_readings_of_different_counters_tell_nothing():
    assert between(Reading({"a": 1}, {"a": 9}), Reading({"b": 2}, {"b": 9})) is None


@pytest.mark.parametrize("damage", ["missing", "no folder", "no number"])
def test_without_counters_there_is_no_figure_and_a_reason(tmp_path, damage):
    root = tmp_path / "powercap"
    if damage != "no folder":
        root.mkdir()
    if damage == "no number":
        domain(root, "intel-rapl:0", "package-0", "?")
    assert read(root) is None
    assert why_absent(root).startswith("this user may not" if damage == "no number" else "this machine shows no")
