"""EfficientNet-Lite0 under LiteRT, for the benchmark `quantization`: rebuilt in Keras from the ONNX file, calibrated.

Needs the full tier (tensorflow, tf-keras, ai-edge-litert). The same weights as in the ONNX file, so that
engines are compared and nothing else; `rebuild` is checked against it by the caller.
"""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
import onnx
from onnx import helper, numpy_helper

from offlinefirst.device.quiet import swallowed_stderr


def rebuild(source: Path) -> Any:
    """The network of an ONNX file whose batch normalisation is folded, as a Keras model that takes colours last."""
    import tf_keras as keras

    layers = keras.layers
    graph = onnx.load(source).graph
    values = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
    given = keras.Input((224, 224, 3))
    made = {graph.input[0].name: given}
    for node in graph.node:
        about = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if node.op_type == "Conv":
            weight, bias = values[node.input[1]], values[node.input[2]]
            how = {"kernel_size": weight.shape[2:], "strides": about["strides"], "padding": "same"}
            if about["group"] == 1:
                layer, weight = layers.Conv2D(len(weight), **how), weight.transpose(2, 3, 1, 0)
            else:
                layer, weight = layers.DepthwiseConv2D(**how), weight.transpose(2, 3, 0, 1)
            made[node.output[0]] = layer(made[node.input[0]])
            layer.set_weights([weight, bias])
        elif node.op_type == "Clip":
            made[node.output[0]] = layers.ReLU(6.0)(made[node.input[0]])
        elif node.op_type == "Add":
            made[node.output[0]] = layers.Add()([made[name] for name in node.input])
        elif node.op_type == "ReduceMean":
            made[node.output[0]] = layers.GlobalAveragePooling2D()(made[node.input[0]])
        elif node.op_type == "Gemm":
            layer = layers.Dense(len(values[node.input[2]]))
            made[node.output[0]] = layer(made[node.input[0]])
            layer.set_weights([values[node.input[1]].T, values[node.input[2]]])
        else:
            raise ValueError(f"{source.name} holds a {node.op_type}, which is not rebuilt here; extend rebuild()")
    return keras.Model(given, made[graph.output[0].name])


def converted(model: Any, target: Path, calibration: np.ndarray | None) -> Path:
    """Write a .tflite file: in float without calibration images, else full integer with bytes at both ends."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    with swallowed_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        target.write_bytes(converter.convert())
    return target


def runner(path: Path, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function from one image (1, 224, 224, 3), float from -1 to 1, to the scores as they leave the model."""
    from ai_edge_litert.interpreter import Interpreter

    with swallowed_stderr():
        engine = Interpreter(model_path=str(path), num_threads=threads)
        engine.allocate_tensors()
    given, made = engine.get_input_details()[0], engine.get_output_details()[0]

    def run(image: np.ndarray) -> np.ndarray:
        engine.set_tensor(given["index"], as_given(image, given))
        engine.invoke()
        found: np.ndarray = engine.get_tensor(made["index"])
        return found

    return run


def as_given(image: np.ndarray, given: dict[str, Any]) -> np.ndarray:
    """An image as the model's input wants it: float as it is, bytes by the input's scale and zero point."""
    if given["dtype"] == np.float32:
        return image
    scale, zero_point = given["quantization"]
    whole: np.ndarray = np.clip(np.rint(image / scale) + zero_point, 0, 255).astype(np.uint8)
    return whole


def input_for_bench(path: Path, image: np.ndarray) -> dict[str, np.ndarray]:
    """The same image by the input's name, as `offlinefirst.measure.bench` takes it."""
    from ai_edge_litert.interpreter import Interpreter

    with swallowed_stderr():
        given = Interpreter(model_path=str(path)).get_input_details()[0]
    return {given["name"]: as_given(image, given)}
