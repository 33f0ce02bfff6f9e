"""Made-up readings hold the troubles that they name; the real file is read as it is, or refused."""

import pytest

from offlinefirst.datasets.catalog import DatasetError
from offlinefirst.datasets.sensors import TROUBLES, made_readings, read_water_flow


def test_the_same_seed_makes_the_same_readings_and_another_one_others():
    assert made_readings(seed=1) == made_readings(seed=1)
    assert made_readings(seed=1).value != made_readings(seed=2).value
    assert made_readings(seed=1).synthetic


@pytest.mark.parametrize("seed", range(20))
def test_troubles_are_apart_and_readings_between_them_are_usual(seed):
    made = made_readings(seed=seed)
    assert len(made) == 56 * 24
    assert len(made.troubles) == len(TROUBLES)
    for (_, end), (begin, _) in zip(made.troubles, made.troubles[1:], strict=False):
        assert end < begin
    usual = [value for at, value in made if not any(a <= at <= b for a, b in made.troubles)]
    assert all(98 < value < 106 for value in usual)


def test_what_has_no_room_is_refused():
    with pytest.raises(ValueError, match="no room"):
        made_readings(seed=1, days=13)
    with pytest.raises(ValueError, match="no room"):
        made_readings(seed=1, days=14, troubles=TROUBLES)


def test_the_real_file_is_read(tmp_path):
    path = tmp_path / "water-flow.csv"
    path.write_text("Time,Water flow [l/s]\n2022-03-20T11:00:00+01:00,100.59\n2022-03-20T12:00:00+01:00,100.89\n")
    found = read_water_flow(path)
    assert found.value == (100.59, 100.89)
    assert found.at[0].hour == 11
    assert not found.synthetic
    assert len(found.troubles) == 4


@pytest.mark.parametrize("text", ["a,b\nc,d\n", "a\n1\n", "Time,x\n2022-03-20T11:00:00+01:00,\n"])
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "water-flow.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match="not the water-flow file"):
        read_water_flow(path)
