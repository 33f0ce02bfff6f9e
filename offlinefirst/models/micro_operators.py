"""The operators of LiteRT that TFLite Micro has a kernel for.

Source: the resolver with every operator, python/tflite_micro/python_ops_resolver.cc of tensorflow/tflite-micro at
commit 03e16b2931c76b82dd4c9d4c0cab2a816af47134, read for this list; its signal-processing operators (custom ones for
audio) are left out. A port may have faster kernels for some, or support fewer kinds of tensors: check yours.
"""

_NAMES = """
ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_TO_SPACE_ND BROADCAST_ARGS BROADCAST_TO
CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTH_TO_SPACE DEPTHWISE_CONV_2D DEQUANTIZE DIV ELU EQUAL EXP
EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GREATER GREATER_EQUAL HARD_SWISH IF
L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX
MAX_POOL_2D MAXIMUM MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2 PRELU QUANTIZE READ_VARIABLE
REDUCE_MAX RELU RELU6 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX
SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF
TANH TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE ZEROS_LIKE
"""

KNOWN = frozenset(_NAMES.split())
"""By their names in the format, as `convert.operators` gives them."""

PLACES = {"CONV_2D": (0, 1), "DEPTHWISE_CONV_2D": (0, 1), "FULLY_CONNECTED": (0, 1), "TRANSPOSE_CONV": (2, 1)}
"""Which input of an operator is the data, and which the weights."""

_ALIKE = frozenset({("FLOAT32", "FLOAT32"), ("INT8", "INT8"), ("INT16", "INT8")})
TOGETHER = {name: _ALIKE | {("INT8", "INT4")} for name in PLACES} | {"TRANSPOSE_CONV": _ALIKE}
"""Kinds of data and weights that some kernel takes together. A mixture of float data and weights of 8 bits, as the
converter makes it by default ("dynamic range"), is not among them: "Hybrid models are not supported on TFLite Micro".

Source: conv.cc, depthwise_conv.cc, fully_connected.cc, transpose_conv.cc of tensorflow/lite/micro/kernels."""
