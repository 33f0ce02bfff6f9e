"""Names that every platform can store, and what is wrong with the others."""

import pytest

from offlinefirst.delivery.errors import UnsafeNameError
from offlinefirst.delivery.names import LONGEST_NAME_BYTES, safe_name


@pytest.mark.parametrize(
    "name", ["a", "leaf-int8.onnx", ".hidden", "bei za mahindi.json", "ẹ̀kọ́.txt", "console", "com10"]
)
def test_plain_names_pass(name):
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        (".", "folder"),
        ("..", "folder"),
        ("../x", "path"),
        ("a/b", "path"),
        ("a\\b", "path"),
        ("/etc/passwd", "path"),
        ("C:x", "character"),
        ("a\x00b", "character"),
        ("a\nb", "character"),
        ("what?", "character"),
        ("nul", "device"),
        ("NUL.json", "device"),
        ("Com1.txt", "device"),
        ("lpt¹", "device"),
        ("CONIN$", "device"),
        ("x.", "Windows drops"),
        ("x ", "Windows drops"),
        (" x", "Windows drops"),
        ("ẹ" * (LONGEST_NAME_BYTES // 3 + 1), "longer"),
        ("model.onnx.part", "on its way"),
    ],
)
def test_each_other_name_is_refused_with_its_reason(name, why):
    with pytest.raises(UnsafeNameError, match=why):
        safe_name(name)
