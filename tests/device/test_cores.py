from pathlib import Path

import pytest

from offlinefirst.device import cores


def test_two_one_core_devices_get_two_cores(tmp_path: Path) -> None:
    (first, _a), (second, _b) = cores.lease(1, (3, 7), tmp_path), cores.lease(1, (3, 7), tmp_path)
    assert {*first, *second} == {3, 7}


def test_when_all_are_taken_the_least_crowded_is_shared(tmp_path: Path) -> None:
    held = [cores.lease(1, (0, 1), tmp_path) for _ in range(6)]
    taken = [core for leased, _ in held for core in leased]
    assert (taken.count(0), taken.count(1)) == (3, 3)


def test_a_released_core_is_the_next_to_be_taken(tmp_path: Path) -> None:
    first, locks = cores.lease(1, (0, 1), tmp_path)
    _kept = cores.lease(1, (0, 1), tmp_path)
    for lock in locks:
        lock.release()
    again, _ = cores.lease(1, (0, 1), tmp_path)
    assert again == first


def test_no_choice_needs_no_lease(tmp_path: Path) -> None:
    assert cores.lease(2, (0, 1), tmp_path) == ((0, 1), [])
    assert cores.lease(4, (0,), tmp_path) == ((0,), [])


def test_more_kernels_than_slots_still_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_MOST_KERNELS_PER_CORE", 1)
    held = [cores.lease(1, (0, 1), tmp_path) for _ in range(3)]
    assert held[2] == ((0,), [])
