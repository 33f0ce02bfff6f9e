"""Semantic versions, the manifest's form and contradictions, what fits where, and what a new version may change."""

import json
from dataclasses import replace

import numpy as np
import pytest

from offlinefirst.device import load
from offlinefirst.models.errors import ModelError
from offlinefirst.models.manifest import (
    FORMAT,
    Manifest,
    ManifestError,
    Runtime,
    Tensor,
    UnfitError,
    Version,
    change,
    check_successor,
    reasons,
)

PHONE = load("phone-2gb")
RUNTIME = Runtime(
    name="onnxruntime", version="1.31.1", operators=frozenset({"Conv", "Relu"}), steps=frozenset({"scale"})
)
TABLE = {
    "format": FORMAT,
    "name": "leaf-maize",
    "version": "1.4.0",
    "licence": "Apache-2.0",
    "files": [
        {"role": "model", "name": "model.onnx", "size_bytes": 1000, "sha256": "1" * 64},
        {"role": "golden", "name": "golden.npz", "size_bytes": 500, "sha256": "2" * 64},
    ],
    "runtime": {"name": "onnxruntime", "minimum": "1.24"},
    "operators": ["Conv", "Relu"],
    "memory_bytes": 70_000_000,
    "photo": {"name": "photo", "kind": "uint8", "shape": ["photos", 8, 8, 3], "low": 0, "high": 255},
    "preprocessing": [{"step": "scale", "divide_by": 255}],
    "input": {"name": "image", "kind": "float32", "shape": ["photos", 8, 8, 3], "low": 0, "high": 1},
    "output": {"name": "scores", "kind": "float32", "shape": ["photos", 2], "low": None, "high": None},
    "labels": ["Healthy", "MLND"],
    "tolerance": 1e-4,
    "quality": {"metric": "accuracy", "right": 9, "count": 10, "data": "synthetic leaves"},
    "lineage": {
        "data": [{"name": "synthetic leaves", "licence": "Apache-2.0", "synthetic": True}],
        "made_by": "a script",
        "made_from": ["3" * 64],
    },
}


def table(**changed):
    return json.loads(json.dumps(TABLE)) | changed


def read(**changed):
    return Manifest.from_json(json.dumps(table(**changed)).encode())


IN_ORDER = [
    "0.9.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.9.0",
    "1.10.0",
    "1.10.1",
    "2.0.0-x.7.z.92",
    "2.0.0",
    "10.0.0",
]


def test_versions_stand_in_the_order_of_the_specification_and_not_of_the_alphabet():
    found = sorted(map(Version.parse, sorted(IN_ORDER, reverse=True)))
    assert [str(one) for one in found] == IN_ORDER
    assert sorted(IN_ORDER) != IN_ORDER


@pytest.mark.parametrize(
    "text",
    [
        "1.0",
        "1",
        "v1.0.0",
        "1.0.0 ",
        "1.0.0\n",
        "01.0.0",
        "1.0.0-01",
        "1.0.0+today",
        "1.0.-1",
        "1.0.0-",
        "١.0.0",
        "",
        None,
    ],
)
def test_what_is_no_semantic_version_is_refused(text):
    with pytest.raises(ManifestError, match="no semantic version"):
        Version.parse(text)


def test_a_manifest_comes_back_from_its_json():
    found = read()
    assert Manifest.from_json(found.to_json()) == found
    assert found.to_json() == read().to_json()
    assert (found.size_bytes, found.title, found.file("golden").size_bytes) == (1500, "leaf-maize 1.4.0", 500)
    with pytest.raises(KeyError, match="no text"):
        found.file("text")


BROKEN_FORM = {
    "another format": {"format": "offlinefirst-package-2"},
    "a key more": {"author": "somebody"},
    "no labels": {"labels": []},
    "a label that is a number": {"labels": ["Healthy", 3]},
    "a short hash": {"files": [{**TABLE["files"][0], "sha256": "abc"}, TABLE["files"][1]]},
    "a kind that is none": {"input": {**TABLE["input"], "kind": "float 32"}},
    "memory by word": {"memory_bytes": "little"},
    "no memory": {"memory_bytes": 0},
    "a tolerance of nought": {"tolerance": 0},
    "memory beyond any machine": {"memory_bytes": 10**400},
    "a tolerance beyond any score": {"tolerance": 10**400},
    "a range beyond any number": {"input": {**TABLE["input"], "high": 10**400}},
    "no data": {"lineage": {**TABLE["lineage"], "data": []}},
    "synthetic, perhaps": {"lineage": {**TABLE["lineage"], "data": [{"name": "x", "licence": "y", "synthetic": "no"}]}},
}


@pytest.mark.parametrize("changed", BROKEN_FORM.values(), ids=BROKEN_FORM.keys())
def test_a_manifest_of_another_form_is_refused_and_the_place_is_named(changed):
    with pytest.raises(ManifestError, match="breaks its schema") as caught:
        read(**changed)
    assert next(iter(changed)) in str(caught.value) or "author" in str(caught.value)


@pytest.mark.parametrize("key", [key for key in TABLE if key != "format"])
def test_nothing_may_be_left_out(key):
    wanting = table()
    del wanting[key]
    with pytest.raises(ManifestError, match=key):
        Manifest.from_json(json.dumps(wanting).encode())


CONTRADICTIONS = {
    "2 labels|3 labels": {"labels": ["a", "b", "c"]},
    "two labels are the same": {"labels": ["a", "a"]},
    "exactly one model": {"files": [TABLE["files"][1], {**TABLE["files"][1], "name": "b"}]},
    "two files have one name": {"files": [TABLE["files"][0], {**TABLE["files"][1], "name": "MODEL.onnx"}]},
    "one name": {"files": [TABLE["files"][0], {**TABLE["files"][1], "name": "manifest.json"}]},
    "is a path": {"files": [TABLE["files"][0], {**TABLE["files"][1], "name": "../golden.npz"}]},
    "more than all": {"quality": {**TABLE["quality"], "right": 11}},
    "least version": {"runtime": {"name": "onnxruntime", "minimum": "new"}},
    "runs from": {"input": {**TABLE["input"], "low": 2, "high": 1}},
    "no semantic version": {"version": "1.4"},
}


@pytest.mark.parametrize(("says", "changed"), CONTRADICTIONS.items(), ids=CONTRADICTIONS.keys())
def test_a_manifest_that_contradicts_itself_is_refused(says, changed):
    with pytest.raises(ManifestError, match=says):
        read(**changed)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no manifest"),
        (b"\xff\xfe", "no manifest"),
        (b"[" * 100_000, "no manifest"),
        (b"[]", "schema"),
        (json.dumps(TABLE).replace('"version": "1.4.0"', '"version": "1.4.0", "version": "9.0.0"').encode(), "twice"),
        (json.dumps(TABLE).replace("0.0001", "NaN").encode(), "finite"),
        (json.dumps(TABLE).replace("0.0001", "1e400").encode(), "finite"),
        (b" " * 1_048_577, "over the"),
        (json.dumps(TABLE).replace("70000000", "7" * 5000).encode(), "no manifest"),
    ],
)
def test_what_is_no_manifest_is_refused(data, says):
    with pytest.raises(ManifestError, match=says):
        Manifest.from_json(data)
    assert issubclass(ManifestError, ModelError)


def test_a_package_that_fits_has_no_reason_against_it():
    assert reasons(read(), PHONE, RUNTIME) == []
    assert reasons(read(), PHONE, replace(RUNTIME, operators=None)) == []


@pytest.mark.parametrize(
    ("changed", "device", "runtime", "says"),
    [
        ({}, {}, {"name": "litert"}, "needs onnxruntime, and this app runs litert"),
        ({"runtime": {"name": "onnxruntime", "minimum": "1.100"}}, {}, {}, "1.100 or later"),
        ({"runtime": {"name": "onnxruntime", "minimum": "1.31.1"}}, {}, {"version": "1.31.1rc1"}, "or later"),
        ({}, {}, {"version": "1.4.0"}, "or later"),
        ({"operators": ["Conv", "Gelu", "com.example::Fast"]}, {}, {}, "lacks Gelu, com.example::Fast"),
        ({"preprocessing": [{"step": "blur"}]}, {}, {}, "preprocessing blur"),
        ({}, {"app_memory_bytes": 69_999_999}, {}, "of memory"),
        ({}, {"storage_quota_bytes": 1499}, {}, "of storage"),
    ],
)
def test_what_does_not_fit_is_said(changed, device, runtime, says):
    found = reasons(read(**changed), replace(PHONE, **device), replace(RUNTIME, **runtime))
    assert len(found) == 1
    assert says in found[0]


def test_every_reason_is_given_and_not_the_first_alone():
    found = reasons(read(), replace(PHONE, app_memory_bytes=1), replace(RUNTIME, version="1.0", operators=frozenset()))
    assert len(found) == 3
    assert UnfitError("x", found).reasons == tuple(found)


def test_versions_of_runtimes_are_no_strings():
    later, earlier = read(runtime={"name": "onnxruntime", "minimum": "1.9.0"}), replace(RUNTIME, version="1.10.0")
    assert reasons(later, PHONE, earlier) == []


OTHER_MODEL = {"files": [{**TABLE["files"][0], "sha256": "4" * 64}, TABLE["files"][1]]}
STEPS = [
    ({}, None),
    ({"licence": "MIT"}, "patch"),
    ({"memory_bytes": 1}, "patch"),
    (OTHER_MODEL, "minor"),
    ({"preprocessing": []}, "minor"),
    ({"labels": ["MLND", "Healthy"]}, "major"),
    ({"photo": {**TABLE["photo"], "shape": ["photos", 9, 9, 3]}}, "major"),
    ({"output": {**TABLE["output"], "name": "logits"}, **OTHER_MODEL}, "major"),
]


@pytest.mark.parametrize(("changed", "really"), STEPS)
def test_what_changed_decides_the_step(changed, really):
    assert change(read(), read(**changed)) == really


@pytest.mark.parametrize(("changed", "really"), STEPS[1:])
@pytest.mark.parametrize(
    ("number", "said"), [("1.4.1", "patch"), ("1.5.0", "minor"), ("2.0.0", "major"), ("1.3.0", None)]
)
def test_a_version_may_not_change_more_than_its_number_says(changed, really, number, said):
    rank = ["patch", "minor", "major"]
    new = read(version=number, **changed)
    if said is None:
        with pytest.raises(ManifestError, match="no higher version"):
            check_successor(read(), new)
    elif rank.index(said) < rank.index(really):
        with pytest.raises(ManifestError, match=f"a {really} step, numbered as a {said} one"):
            check_successor(read(), new)
    elif said == "major":
        with pytest.raises(UnfitError, match="Update the app"):
            check_successor(read(), new)
    else:
        check_successor(read(), new)


def test_the_same_number_never_has_two_contents_and_the_same_contents_are_no_change():
    check_successor(read(), read())
    with pytest.raises(ManifestError, match="no higher version"):
        check_successor(read(), read(**OTHER_MODEL))


def test_before_one_the_second_number_announces_what_breaks():
    old = read(version="0.3.0")
    check_successor(old, read(version="0.3.1", licence="MIT"))
    with pytest.raises(UnfitError):
        check_successor(old, read(version="0.4.0", labels=["MLND", "Healthy"]))
    with pytest.raises(ManifestError, match="major step"):
        check_successor(old, read(version="0.3.1", labels=["MLND", "Healthy"]))


def test_candidates_for_a_release_may_change_what_they_like_but_not_under_an_app():
    labels = {"labels": ["MLND", "Healthy"]}
    old = read(version="2.0.0-rc.1")
    for changed in ({"licence": "MIT"}, OTHER_MODEL):
        for number in ("2.0.0-rc.2", "2.0.0"):
            check_successor(old, read(version=number, **changed))
    check_successor(read(version="0.4.0-rc.1"), read(version="0.4.0", **OTHER_MODEL))
    for number in ("2.0.0-rc.2", "2.0.0"):
        with pytest.raises(UnfitError, match="Update the app"):
            check_successor(old, read(version=number, **labels))
    with pytest.raises(ManifestError, match="a minor step, numbered as a patch one"):
        check_successor(old, read(version="2.0.1", **OTHER_MODEL))
    with pytest.raises(ManifestError, match="no higher version"):
        check_successor(read(version="2.0.0"), read(version="2.0.0-rc.1", **OTHER_MODEL))
    with pytest.raises(ManifestError, match="a minor step, numbered as a patch one"):
        check_successor(read(), read(version="1.4.1-rc.1", **OTHER_MODEL))


def test_another_line_of_models_is_no_successor():
    with pytest.raises(ManifestError, match="another line"):
        check_successor(read(), read(name="leaf-beans", version="1.5.0"))


TENSOR = Tensor(name="image", kind="float32", shape=("photos", 2), low=0, high=1)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((3, 2), np.float64), "is float64"),
        (np.zeros((3, 4), np.float32), r"\[3, 4\]"),
        (np.zeros((0, 2), np.float32), r"\[0, 2\]"),
        (np.zeros(2, np.float32), r"\[2\]"),
        (np.array([[0, np.nan]], np.float32), "1 value that is no number"),
        (np.array([[0, 255]], np.float32), "0 to 255, not 0 to 1"),
        ([[0, 1]], "is int64"),
    ],
)
def test_an_array_that_is_not_what_was_declared_is_named(array, says):
    import re

    found = TENSOR.problems(array)
    assert len(found) == 1
    assert re.search(says, found[0])


def test_any_size_fits_a_size_that_is_left_open():
    assert [TENSOR.problems(np.ones((n, 2), np.float32)) for n in (1, 7)] == [[], []]
