"""The same model under each runtime that is installed gives the same scores; what is no model is refused in words."""

from importlib.util import find_spec

import numpy as np
import pytest

from offlinefirst.datasets.leaves import leaves
from offlinefirst.datasets.places import locate
from offlinefirst.inference import runtime
from offlinefirst.inference.runtime import ModelLoadError, RuntimeAbsentError, open_model, runtime_of


def scores(name):
    model = open_model(locate(name))
    photos, _ = leaves(8, seed=12)
    return model, np.stack([model.photo(photo) for photo in photos])


def test_onnx_takes_one_photo_or_a_batch():
    model, one_by_one = scores("leaf-small")
    photos, _ = leaves(8, seed=12)
    batch = np.ascontiguousarray(photos.transpose(0, 3, 1, 2), np.float32) / np.float32(255)
    assert (model.runtime, model.shape) == ("onnxruntime", (3, 48, 48))
    np.testing.assert_allclose(model.scores(batch), one_by_one, atol=1e-5)


@pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the full tier is not installed")
def test_litert_gives_the_scores_of_onnx():
    _, expected = scores("leaf-medium")
    model, found = scores("leaf-medium-tflite")
    assert (model.runtime, model.shape) == ("litert", (48, 48, 3))
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the full tier is not installed")
def test_litert_in_8_bits_mostly_agrees():
    model = open_model(locate("leaf-medium-int8-tflite"))
    other = open_model(locate("leaf-medium"))
    photos, _ = leaves(64, seed=12)
    same = [model.photo(photo).argmax() == other.photo(photo).argmax() for photo in photos]
    assert np.mean(same) > 0.9


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch") is None, reason="the full tier is not installed")
def test_torch_runs_what_it_exported(tmp_path):
    import torch

    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()).eval()
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(net, (torch.zeros(1, 3, 48, 48),)), path)
    photo = leaves(1, seed=12)[0][0]
    model = open_model(path)
    given = torch.from_numpy(np.ascontiguousarray(photo.transpose(2, 0, 1)[None], np.float32) / 255)
    assert (model.runtime, model.shape) == ("torch", (3, 48, 48))
    np.testing.assert_allclose(model.photo(photo), net(given)[0].detach().numpy(), atol=1e-6)


def test_the_ending_says_which(tmp_path):
    with pytest.raises(ModelLoadError, match=r"\.onnx, \.tflite, \.pt2"):
        runtime_of(tmp_path / "model.gguf")


@pytest.mark.parametrize("content", [b"", b"<html>log in first</html>"])
def test_what_is_no_model(tmp_path, content):
    path = tmp_path / "leaf.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelLoadError, match=r"leaf\.onnx cannot be loaded by onnxruntime"):
        open_model(path)


def test_what_is_not_there(tmp_path):
    with pytest.raises(ModelLoadError, match="is not there"):
        open_model(tmp_path / "leaf.onnx")


def test_a_runtime_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(runtime._MODULES, "onnxruntime", "no_such_runtime")
    with pytest.raises(RuntimeAbsentError, match="setup --full"):
        open_model(locate("leaf-small"))
