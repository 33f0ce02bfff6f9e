"""Packages that are what they say, as folders and as zip files, and every kind that is not."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from offlinefirst.device import load
from offlinefirst.models import leaf_features
from offlinefirst.models.errors import ModelError
from offlinefirst.models.manifest import ManifestError, Tensor, UnfitError
from offlinefirst.models.package import (
    STEPS,
    AnswerError,
    GoldenError,
    PackageError,
    PhotoError,
    open_package,
    pack,
    runner,
    this_runtime,
    verify,
)

LABELS = ["red", "green", "blue"]
PHONE = load("phone-2gb")
#: One photo of each pure colour.
GOLDEN = np.broadcast_to(np.eye(3, dtype=np.uint8)[:, None, None] * 200, (3, 8, 8, 3)).copy()
ABOUT = {
    "name": "colours",
    "version": "1.0.0",
    "licence": "Apache-2.0",
    "runtime": "1.20",
    "memory_bytes": 50_000_000,
    "photo": Tensor(name="photo", kind="uint8", shape=("photos", 8, 8, 3), low=0, high=255),
    "preprocessing": [{"step": "scale", "divide_by": 255}, {"step": "layout", "to": "NCHW"}],
    "input": Tensor(name="image", kind="float32", shape=("photos", 3, 8, 8), low=0, high=1),
    "output": Tensor(name="scores", kind="float32", shape=("photos", 3)),
    "labels": LABELS,
    "quality": {"metric": "accuracy", "right": 3, "count": 3, "data": "pure colours"},
    "lineage": {"data": [{"name": "colours", "licence": "CC0-1.0", "synthetic": True}], "made_by": "this test"},
}


def tell_colours(path, weights=None, *, operator="Flatten", domain="", opset=17):
    """A network that gives the mean of each colour, ten times, as its score."""
    weights = 10 * np.eye(3, dtype=np.float32) if weights is None else np.asarray(weights, np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
        helper.make_node(operator, ["mean"], ["flat"], domain=domain),
        helper.make_node("MatMul", ["flat", "weights"], ["scores"]),
    ]
    ends = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, ["photos", 3, 8, 8]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["photos", weights.shape[1]]),
    ]
    graph = helper.make_graph(nodes, "colours", ends[:1], ends[1:], [numpy_helper.from_array(weights, "weights")])
    sets = [helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])]
    onnx.save(helper.make_model(graph, opset_imports=sets, ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a model, packed as a folder and as a zip file."""
    folder = tmp_path_factory.mktemp("home")
    tell_colours(folder / "colours.onnx")
    for name in ("folder", "file.zip"):
        given = {"golden": GOLDEN, "truth": LABELS, "about": ABOUT, "texts": {"LICENCE": "Apache"}}
        pack(folder / name, model=folder / "colours.onnx", **given)
    return folder


def contents(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def put(path, files):
    """A package that nobody checked."""
    with zipfile.ZipFile(path, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def made(home, to, *, files=None, table=None):
    """The package with other files, whose manifest is honest about their bytes, and other declarations."""
    import hashlib

    all_files = contents(home / "file.zip") | (files or {})
    manifest = json.loads(all_files["manifest.json"]) | (table or {})
    for row in manifest["files"]:
        data = all_files[row["name"]]
        row |= {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return put(to, all_files | {"manifest.json": json.dumps(manifest).encode()})


@pytest.mark.parametrize("name", ["folder", "file.zip"])
def test_what_was_packed_opens_and_answers(home, name):
    package = open_package(home / name)
    assert package.answers(GOLDEN[::-1]) == LABELS[::-1]
    np.testing.assert_allclose(package.scores(GOLDEN[:1]), [[10 * 200 / 255, 0, 0]], rtol=1e-6)
    assert package.manifest == verify(home / name)
    assert package.manifest.operators == ("Flatten", "GlobalAveragePool", "MatMul")
    assert [file.role for file in package.manifest.files] == ["model", "golden", "text"]
    assert 0 < package.manifest.tolerance < 1e-3


def test_the_same_contents_are_the_same_bytes(home, tmp_path):
    again = tmp_path / "again.zip"
    pack(again, model=home / "colours.onnx", golden=GOLDEN, truth=LABELS, about=ABOUT, texts={"LICENCE": "Apache"})
    assert again.read_bytes() == (home / "file.zip").read_bytes()
    with zipfile.ZipFile(again) as file:
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_version_is_never_overwritten_and_nothing_half_made_stays(home, tmp_path):
    with pytest.raises(PackageError, match="never changes"):
        pack(home / "file.zip", model=home / "colours.onnx", golden=GOLDEN, truth=LABELS, about=ABOUT)
    with pytest.raises(GoldenError):
        pack(tmp_path / "new.zip", model=home / "colours.onnx", golden=GOLDEN[:2], truth=LABELS[:2], about=ABOUT)
    assert list(tmp_path.iterdir()) == []


def test_every_byte_that_is_changed_in_a_file_is_noticed(home, tmp_path):
    for name, data in contents(home / "file.zip").items():
        if name == "manifest.json":
            continue
        for place in range(0, len(data), max(1, len(data) // 10)):
            bent = bytearray(data)
            bent[place] ^= 1
            path = put(tmp_path / "bent.zip", contents(home / "file.zip") | {name: bytes(bent)})
            with pytest.raises(PackageError, match="not the file that the manifest describes"):
                open_package(path)


@pytest.mark.parametrize("length", [0, 30, 300, -100, -1])
def test_a_zip_file_that_was_cut_is_none(home, tmp_path, length):
    whole = (home / "file.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:length])
    with pytest.raises(ModelError):
        open_package(tmp_path / "cut.zip")


def test_a_zip_file_with_any_byte_changed_is_refused_or_the_same(home, tmp_path):
    whole = (home / "file.zip").read_bytes()
    honest = open_package(home / "file.zip")
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.choice(len(whole), 150, replace=False):
        bent = bytearray(whole)
        bent[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "bent.zip").write_bytes(bytes(bent))
        try:
            package = open_package(tmp_path / "bent.zip")
        except ModelError:
            refused += 1
        else:  # a date, or a word of the manifest that no machine can check
            assert package.manifest.files == honest.manifest.files
            assert package.manifest.labels == honest.manifest.labels
    assert refused > 100


def test_files_more_and_files_less_are_refused(home, tmp_path):
    files = contents(home / "file.zip")
    with pytest.raises(PackageError, match=r"does not name, extra\.py"):
        open_package(put(tmp_path / "more.zip", files | {"extra.py": b"print()"}))
    for name in files:
        with pytest.raises(PackageError, match=name):
            open_package(put(tmp_path / "less.zip", {key: data for key, data in files.items() if key != name}))


def test_what_is_no_package_is_named(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"\x08\x08")
    for path in (tmp_path / "nowhere.zip", tmp_path / "model.onnx"):
        with pytest.raises(PackageError, match="is no package"):
            open_package(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(PackageError, match=r"has no manifest\.json"):
        open_package(tmp_path / "empty")


@pytest.mark.parametrize("name", ["../out.onnx", "/etc/passwd", "a/b", "C:\\x", "con"])
def test_a_name_that_leads_elsewhere_is_refused_wherever_it_stands(home, tmp_path, name):
    files = contents(home / "file.zip")
    manifest = json.loads(files["manifest.json"])
    manifest["files"][2]["name"] = name
    bent = {**files, "manifest.json": json.dumps(manifest).encode(), name: files["LICENCE"]}
    del bent["LICENCE"]
    with pytest.raises(ModelError, match=r"is a path|name of a device|character"):
        open_package(put(tmp_path / "bent.zip", bent))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bent.zip"]


def test_two_files_of_one_name_and_folders_inside_are_refused(home, tmp_path):
    path = put(tmp_path / "twice.zip", contents(home / "file.zip"))
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("model.onnx", b"another")
    with pytest.raises(PackageError, match="each once"):
        open_package(path)
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, data in contents(home / "file.zip").items():
        (folder / name).write_bytes(data)
    (folder / "more").mkdir()
    with pytest.raises(PackageError, match="holds more"):
        open_package(folder)


def test_a_file_that_unpacks_to_far_more_than_declared_is_not_read(home, tmp_path):
    files = contents(home / "file.zip")
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, b"\0" * 50_000_000 if name == "LICENCE" else data)
    assert path.stat().st_size < 200_000
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(PackageError, match="LICENCE is not the file"):
        open_package(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_device_or_a_runtime_that_does_not_fit_is_said_before_the_model_is_read(home, tmp_path):
    files = contents(home / "file.zip")
    alone = put(tmp_path / "alone.zip", {"manifest.json": files["manifest.json"]})
    small = replace(PHONE, title="Gate sensor", app_memory_bytes=10_000_000)
    old = replace(this_runtime(), version="1.9.0", operators=frozenset({"Conv"}))
    with pytest.raises(UnfitError, match="Gate sensor") as caught:
        open_package(alone, device=small, runtime=old)
    assert len(caught.value.reasons) == 3
    with pytest.raises(PackageError, match="lacks"):
        open_package(alone)


def test_this_runtime_has_the_operators_that_it_can_run():
    here = this_runtime()
    assert here.operators is not None
    assert {
        "Conv",
        "Gemm",
        "Constant",
        "ai.onnx.ml::TreeEnsembleClassifier",
        "com.microsoft::MatMulNBits",
    } <= here.operators
    assert "com.example::Fast" not in here.operators
    assert here.steps == frozenset(STEPS)


def test_an_operator_that_the_runtime_lacks_is_refused_even_if_the_manifest_hides_it(home, tmp_path):
    model = tell_colours(tmp_path / "odd.onnx", operator="Flatten2", domain="com.example")
    hidden = made(home, tmp_path / "odd.zip", files={"model.onnx": model.read_bytes()})
    with pytest.raises(PackageError, match="cannot load its model"):
        open_package(hidden)
    honest = made(
        home,
        tmp_path / "honest.zip",
        files={"model.onnx": model.read_bytes()},
        table={"operators": ["GlobalAveragePool", "MatMul", "com.example::Flatten2"]},
    )
    with pytest.raises(UnfitError, match=r"lacks com\.example::Flatten2"):
        open_package(honest)


def test_a_model_of_another_form_than_declared_is_refused(home, tmp_path):
    for key, changed in (
        ("input", {"shape": ["photos", 3, 9, 9]}),
        ("input", {"name": "picture"}),
        ("input", {"kind": "uint8"}),
        ("output", {"name": "logits"}),
    ):
        table = json.loads(contents(home / "file.zip")["manifest.json"])
        path = made(home, tmp_path / "other.zip", table={key: table[key] | changed})
        with pytest.raises(PackageError, match="declares"):
            open_package(path)


@pytest.mark.parametrize(
    "photos",
    [
        GOLDEN.transpose(0, 3, 1, 2),
        GOLDEN / np.float32(255),
        GOLDEN[0],
        GOLDEN[:0],
        GOLDEN[:, :4],
        GOLDEN.astype(np.int16),
    ],
)
def test_a_photo_that_is_none_is_refused(home, photos):
    with pytest.raises(PhotoError, match="takes another photo"):
        open_package(home / "file.zip").scores(photos)


FAULTS_OF_MEANING = {
    "labels in another order": {"labels": ["blue", "green", "red"]},
    "not divided": {"preprocessing": [{"step": "layout", "to": "NCHW"}]},
    "divided by a little less": {
        "preprocessing": [{"step": "scale", "divide_by": 254}, {"step": "layout", "to": "NCHW"}]
    },
    "colours the other way round": {
        "preprocessing": [
            {"step": "reverse-colours"},
            {"step": "scale", "divide_by": 255},
            {"step": "layout", "to": "NCHW"},
        ]
    },
}


@pytest.mark.parametrize("table", FAULTS_OF_MEANING.values(), ids=FAULTS_OF_MEANING.keys())
def test_an_honest_hash_does_not_hide_another_meaning(home, tmp_path, table):
    path = made(home, tmp_path / "other.zip", table=table)
    verify(path)
    with pytest.raises((GoldenError, ManifestError)):
        open_package(path)


def test_another_model_in_its_place_is_found_by_its_answers(home, tmp_path):
    for weights, says in (
        (np.eye(3)[::-1] * 10, "golden photo 0 is blue here, and red at home"),
        (np.eye(3) * 10.1, "scores are off"),
    ):
        model = tell_colours(tmp_path / "other.onnx", weights)
        path = made(home, tmp_path / "other.zip", files={"model.onnx": model.read_bytes()})
        with pytest.raises(GoldenError, match=says):
            open_package(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_answers_that_are_no_numbers_are_none(home, tmp_path, value):
    model = tell_colours(tmp_path / "broken.onnx", np.eye(3) * 10 + np.array([[value, 0, 0]] + [[0, 0, 0]] * 2))
    path = made(home, tmp_path / "broken.zip", files={"model.onnx": model.read_bytes()})
    with pytest.raises(AnswerError, match="no number"):
        open_package(path)
    with pytest.raises(PackageError if np.isnan(value) else AnswerError, match=r"hold NaN|no number"):
        pack(tmp_path / "new.zip", model=model, golden=GOLDEN, truth=LABELS, about=ABOUT)


def test_a_model_that_calls_golden_photos_otherwise_than_its_author_is_not_packed(tmp_path):
    model = tell_colours(tmp_path / "sorted.onnx", np.eye(3)[::-1] * 10)
    with pytest.raises(GoldenError, match="golden photo 0 is blue to this model and red to its author"):
        pack(tmp_path / "new.zip", model=model, golden=GOLDEN, truth=LABELS, about=ABOUT)
    with pytest.raises(GoldenError, match="3 golden photos, and 2 words"):
        pack(tmp_path / "new.zip", model=model, golden=GOLDEN, truth=LABELS[:2], about=ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["sorted.onnx"]
    honest = ABOUT | {"labels": LABELS[::-1]}
    pack(tmp_path / "new.zip", model=model, golden=GOLDEN, truth=LABELS, about=honest)
    assert open_package(tmp_path / "new.zip").answers(GOLDEN) == LABELS


def golden(**arrays):
    given = {"photos": GOLDEN, "scores": np.eye(3, dtype=np.float32) * 8, "answers": np.array(LABELS)} | arrays
    buffer = io.BytesIO()
    np.savez(buffer, **given)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK", "cannot be read"),
        (golden(answers=np.array(["red", "red", "red"])), "every label"),
        (golden(answers=np.array(LABELS[:2])), "every label"),
        (golden(answers=np.array([LABELS])), "are no words"),
        (golden(answers=np.arange(3)), "are no words"),
        (golden(more=np.zeros(70_000_000, np.uint8)), "over the 64.0 MiB allowed"),
        (golden(scores=np.full((3, 3), np.nan, np.float32)), "are none"),
        (golden(photos=GOLDEN[:, :4]), "are none"),
        (golden(answers=np.array(LABELS, dtype=object)), "cannot be read"),
        (golden(scores=np.eye(3, dtype=np.float32) * 1e-5), "lets another win"),
    ],
)
def test_golden_answers_that_decide_nothing_are_refused(home, tmp_path, data, says):
    with pytest.raises(GoldenError, match=says):
        open_package(made(home, tmp_path / "other.zip", files={"golden.npz": data}))


def test_a_tolerance_that_nothing_can_fail_is_refused(home, tmp_path):
    with pytest.raises(GoldenError, match="lets another win"):
        open_package(made(home, tmp_path / "other.zip", table={"tolerance": 1e9}))


@pytest.mark.parametrize(
    "steps",
    [
        [{"step": "scale"}],
        [{"step": "scale", "divide_by": 0}, {"step": "layout", "to": "NCHW"}],
        [{"step": "scale", "divide_by": "much"}],
        [{"step": "scale", "divide_by": 10**400}],
        [{"step": "layout", "to": "CHWN"}],
        [{"step": "scale", "divide_by": 255}],
        [{"step": "normalise", "mean": [0, 0], "std": [1, 1]}],
        [{"step": "leaf-features", "version": 99}],
    ],
)
def test_preprocessing_that_does_not_make_the_input_is_refused(home, tmp_path, steps):
    with pytest.raises(ManifestError, match=r"preprocessing does not|cannot be done"):
        open_package(made(home, tmp_path / "other.zip", table={"preprocessing": steps}))


def test_preprocessing_does_what_it_says():
    photos = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    np.testing.assert_array_equal(STEPS["reverse-colours"](photos, {})[..., 0], photos[..., 2])
    done = STEPS["normalise"](photos, {"mean": [1, 2, 3], "std": [2, 2, 4]})
    np.testing.assert_allclose(done[0, 0, 0], (photos[0, 0, 0] - np.array([1.0, 2, 3])) / [2, 2, 4], rtol=1e-6)
    assert done.dtype == np.float32
    np.testing.assert_array_equal(STEPS["layout"](photos, {"to": "NCHW"})[1, 2], photos[1, :, :, 2])
    same = STEPS["leaf-features"](photos, {"version": leaf_features.VERSION})
    np.testing.assert_array_equal(same, leaf_features.features(photos))


def test_a_version_that_lies_about_what_it_changes_is_refused_before_the_device_is_asked(home, tmp_path):
    installed = verify(home / "file.zip")
    path = made(home, tmp_path / "next.zip", table={"version": "1.1.0", "labels": ["blue", "green", "red"]})
    with pytest.raises(ManifestError, match="a major step"):
        open_package(path, replacing=installed)
    better = made(home, tmp_path / "better.zip", table={"version": "1.0.1", "licence": "MIT"})
    assert open_package(better, replacing=installed).manifest.licence == "MIT"


def test_the_bench_can_run_it(home):
    call = runner(str(home / "file.zip"))
    assert call({"photo": GOLDEN}).argmax(axis=1).tolist() == [0, 1, 2]
