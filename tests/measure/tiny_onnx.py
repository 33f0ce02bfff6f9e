"""ONNX files written byte by byte, so that these tests need no package that the core tier lacks."""

FLOAT, INT64 = 1, 7


def _varint(number):
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def _field(number, value):
    """One protobuf field: a whole number, or bytes, or a text."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _value(name, shape, kind):
    dims = b"".join(_field(1, _field(1 if isinstance(size, int) else 2, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, dims)))


def model(nodes, inputs, outputs):
    """The bytes of a model.

    Args:
        nodes: (operator, names of its inputs, names of its outputs).
        inputs: Shapes by name, or (shape, kind); a text in a shape is a size that is left open.
        outputs: Shapes by name.
    """
    graph = b""
    for operator, takes, gives in nodes:
        ends = b"".join(_field(1, name) for name in takes) + b"".join(_field(2, name) for name in gives)
        graph += _field(1, ends + _field(4, operator))
    graph += _field(2, "tiny")
    for name, shape in inputs.items():
        shape, kind = shape if isinstance(shape, tuple) else (shape, FLOAT)  # noqa: PLW2901
        graph += _field(11, _value(name, shape, kind))
    for name, shape in outputs.items():
        graph += _field(12, _value(name, shape, FLOAT))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 13))


def matmul(rows=8, columns=8, inner=8):
    """a @ b, both of them inputs."""
    return model([("MatMul", "ab", "c")], {"a": [rows, inner], "b": [inner, columns]}, {"c": [rows, columns]})


def relu(shape=("batch", 4), kind=FLOAT):
    """max(x, 0) of one input."""
    return model([("Relu", "x", "y")], {"x": (list(shape), kind)}, {"y": list(shape)})
