"""The cache keeps its budget, tells models apart, survives a damaged file, and serves at once what it has."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.inference.cache import _MAGIC, ENTRY_BYTES, CacheError, CacheThenInfer, EmbeddingCache


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


def cache(*, length=4, entries=3, now_s=lambda: 0.0):
    return EmbeddingCache(length=length, memory_bytes=entries * (length + ENTRY_BYTES + 1), now_s=now_s)


def test_a_vector_comes_back_within_half_a_step_of_8_bits():
    rng = np.random.default_rng(0)
    kept = EmbeddingCache(length=64, memory_bytes=100_000)
    for key in "abc":
        vector = rng.normal(size=64).astype(np.float32)
        kept.put(key, vector, made_by="v1")
        assert np.abs(kept.get(key).vector - vector).max() <= np.abs(vector).max() / 127 / 2 * 1.001


def test_a_vector_of_zeros_and_one_of_large_numbers():
    kept = cache()
    kept.put("z", [0, 0, 0, 0], made_by="v1")
    kept.put("l", [3e38, -3e38, 0, 1], made_by="v1")
    assert kept.get("z").vector.tolist() == [0, 0, 0, 0]
    assert np.isfinite(kept.get("l").vector).all()
    assert kept.nearest([0, 0, 0, 0], count=2, made_by="v1") == []


@pytest.mark.parametrize("wrong", [[1, 2, 3], [1, 2, 3, float("nan")], [1, 2, 3, float("inf")], [[1, 2, 3, 4]]])
def test_a_vector_that_cannot_be_changes_nothing(wrong):
    kept = cache()
    kept.put("a", [1, 2, 3, 4], made_by="v1")
    with pytest.raises(CacheError, match="4 finite numbers"):
        kept.put("a", wrong, made_by="v2")
    with pytest.raises(CacheError, match="4 finite numbers"):
        kept.nearest(wrong, count=1, made_by="v1")
    assert kept.get("a").made_by == "v1"


def test_what_was_used_longest_ago_goes_first():
    kept = cache(entries=3)
    for key in "abc":
        kept.put(key, [1, 2, 3, 4], made_by="v1")
    kept.get("a")
    kept.put("d", [1, 2, 3, 4], made_by="v1")
    assert [key in kept for key in "abcd"] == [True, False, True, True]
    assert kept.evicted == 1


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=60), st.integers(1, 5))
def test_the_budget_holds_after_every_step(steps, entries):
    kept = cache(entries=entries)
    for key, put in steps:
        if put:
            kept.put(key, [1, 2, 3, 4], made_by="v1")
            assert key in kept
        else:
            kept.get(key)
        assert kept.used_bytes == len(kept) * (4 + ENTRY_BYTES + 1) <= kept.memory_bytes
        assert len(kept) <= entries


def test_the_estimate_of_an_entry_is_not_below_what_python_takes():
    import tracemalloc

    tracemalloc.start()
    kept = EmbeddingCache(length=64, memory_bytes=10**8)
    before = tracemalloc.get_traced_memory()[0]
    for i in range(2_000):
        kept.put(f"key-{i:06}", np.full(64, i + 1.0, np.float32), made_by="v1")
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert taken <= kept.used_bytes


def test_two_models_are_never_compared_with_each_other():
    kept = cache()
    kept.put("old", [1, 0, 0, 0], made_by="v1")
    kept.put("new", [0, 1, 0, 0], made_by="v2")
    assert [key for key, _ in kept.nearest([1, 0, 0, 0], count=9, made_by="v2")] == ["new"]


def test_nearest_is_what_numpy_says_over_restored_vectors():
    rng = np.random.default_rng(1)
    kept = EmbeddingCache(length=16, memory_bytes=10**6)
    vectors = {f"k{i}": rng.normal(size=16).astype(np.float32) for i in range(200)}
    for key, vector in vectors.items():
        kept.put(key, vector, made_by="v1")
    asked = rng.normal(size=16)
    exact = {key: vector @ asked / np.linalg.norm(vector) / np.linalg.norm(asked) for key, vector in vectors.items()}
    best = sorted(exact, key=exact.get)[::-1][:10]
    found = kept.nearest(asked, count=10, made_by="v1", without=[best[0]])
    assert best[0] not in dict(found)
    assert len(set(best[1:]) & set(dict(found))) >= 8
    assert all(abs(cosine - exact[key]) < 0.02 for key, cosine in found)


def test_a_saved_cache_warms_the_next_start(tmp_path):
    kept = cache(now_s=lambda: 77.0)
    for key in "abc":
        kept.put(key, [1, 2, 3, ord(key)], made_by="v1")
    size = kept.save(tmp_path / "warm.bin")
    assert (tmp_path / "warm.bin").stat().st_size == size
    warm = cache()
    assert warm.load(tmp_path / "warm.bin") == 3
    assert warm.get("b").made_at_s == 77.0
    assert np.array_equal(warm.get("b").vector, kept.get("b").vector)
    small = cache(entries=2)
    assert small.load(tmp_path / "warm.bin") == 2
    assert "a" not in small, "the one used longest ago does not fit"


def test_a_file_cut_or_changed_at_any_byte_is_refused_and_changes_nothing(tmp_path):
    kept = cache()
    kept.put("a", [1, 2, 3, 4], made_by="v1")
    kept.save(tmp_path / "warm.bin")
    whole = (tmp_path / "warm.bin").read_bytes()
    path = tmp_path / "bad.bin"
    fresh = cache()
    for i in range(len(whole)):
        for bad in (whole[:i], whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :]):
            path.write_bytes(bad)
            with pytest.raises(CacheError, match=r"bad\.bin is not whole"):
                fresh.load(path)
    assert len(fresh) == 0
    with pytest.raises(CacheError, match="4 numbers, and 5 are wanted"):
        cache(length=5).load(tmp_path / "warm.bin")


@pytest.mark.parametrize(
    "about",
    [
        [],
        {},
        {"length": 4},
        {"length": 4, "rows": [["a", 1.0, "v1", 0.0], ["b", 1.0, "v1", 0.0]]},
        {"length": 4, "rows": [["a", None, "v1", 0.0]]},
        {"length": 4, "rows": [["a", 1.0]]},
    ],
)
def test_a_whole_file_that_says_something_else_is_refused_and_changes_nothing(tmp_path, about):
    header = json.dumps(about).encode()
    data = len(header).to_bytes(8, "little") + header + bytes(4)
    (tmp_path / "odd.bin").write_bytes(_MAGIC + hashlib.sha256(data).digest() + data)
    kept = cache()
    with pytest.raises(CacheError, match=r"odd\.bin is no cache of ours"):
        kept.load(tmp_path / "odd.bin")
    assert (len(kept), kept.used_bytes) == (0, 0)


@pytest.mark.parametrize("memory_bytes", [0, 100, ENTRY_BYTES])
def test_a_budget_that_holds_nothing_is_refused_at_once(memory_bytes):
    with pytest.raises(CacheError, match="hold no vector"):
        EmbeddingCache(length=4, memory_bytes=memory_bytes)


def test_long_vectors_count_for_more_by_dot_product_and_not_by_cosine():
    kept = cache()
    kept.put("long", [8, 6, 0, 0], made_by="v1")
    kept.put("same way", [1, 0, 0, 0], made_by="v1")
    asked = [2, 0, 0, 0]
    assert [key for key, _ in kept.nearest(asked, count=2, made_by="v1")] == ["same way", "long"]
    (first, near), _ = kept.nearest(asked, count=2, made_by="v1", by="dot")
    assert (first, round(near)) == ("long", 16)


# serving


def test_a_hit_a_miss_and_a_stale_one():
    clock, computed = Clock(), []

    def compute(key):
        computed.append(key)
        return np.ones(4, np.float32)

    kept = cache(entries=9, now_s=clock)
    kept.put("old", [1, 2, 3, 4], made_by="v1")
    served = CacheThenInfer(kept, compute, model="v2", max_age_s=100, now_s=clock)
    got = [served.get(key) for key in ("old", "new", "new")]
    assert [(one.source, one.made_by) for one in got] == [("stale", "v1"), ("inferred", "v2"), ("cache", "v2")]
    assert (computed, served.pending) == (["new"], ("old",))
    clock.now += 101
    assert served.get("new").source == "stale"
    assert served.get("new").age_s == 101
    assert served.refresh(most=9) == 2
    assert (served.pending, served.get("old").source, served.get("new").source) == ((), "cache", "cache")


def test_nothing_is_computed_while_the_device_cannot_afford_it():
    afford = [False]
    served = CacheThenInfer(cache(), lambda key: np.ones(4), model="v1", may_compute=lambda: afford[0])
    assert served.get("a").source == "nothing"
    assert served.refresh(most=5) == 0
    afford[0] = True
    assert served.refresh(most=5) == 1
    assert served.get("a").source == "cache"


def test_a_clock_set_back_makes_nothing_stale_and_no_age_negative():
    clock = Clock()
    served = CacheThenInfer(cache(now_s=clock), lambda key: np.ones(4), model="v1", max_age_s=10, now_s=clock)
    served.get("a")
    clock.now = 0
    assert (served.get("a").source, served.get("a").age_s) == ("cache", 0)


def test_a_key_that_fails_does_not_block_the_others():
    def compute(key):
        if key == "bad":
            raise ValueError("broken photo")
        return np.ones(4)

    afford = [False]
    served = CacheThenInfer(cache(), compute, model="v1", may_compute=lambda: afford[0])
    for key in ("bad", "good"):
        served.get(key)
    afford[0] = True
    with pytest.raises(ValueError, match="broken photo"):
        served.refresh(most=5)
    assert served.pending == ("good", "bad")
    assert served.refresh(most=1) == 1
    assert served.get("good").source == "cache"


def test_pending_has_an_end():
    served = CacheThenInfer(cache(), lambda key: np.ones(4), model="v1", may_compute=lambda: False, most_pending=2)
    for key in "abc":
        served.get(key)
    assert served.pending == ("a", "b")
