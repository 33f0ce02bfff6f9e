"""What a model would need on a microcontroller, computed on this computer: not run on one.

TFLite Micro has no allocator: an app gives it one array, the arena, and the model's file stays in flash. What the file
decides can be computed from it: which tensors are alive at the same time, and where the planner puts them.

>>> plan([(10, 0, 1), (20, 1, 2), (30, 2, 3), (40, 3, 4), (50, 0, 1)])
[50, 70, 40, 0, 0]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from offlinefirst.models import _graphs
from offlinefirst.models._operators import Lack, lacking
from offlinefirst.models.errors import ModelError

#: Where a tensor may begin in the arena. Source: tensorflow/lite/micro/micro_arena_constants.h.
ALIGNMENT_BYTES = 16
#: What TFLite Micro keeps for each tensor and each operator on a processor with pointers of 32 bits, and for each
#: output channel of a quantised convolution. Source: TfLiteEvalTensor and TfLiteNode in common.h of tensorflow/lite/c,
#: NodeAndRegistration in tensorflow/lite/micro, OpDataConv in tensorflow/lite/micro/kernels/conv.h.
TENSOR_BYTES, NODE_BYTES, CHANNEL_BYTES = 12, 32, 8
_BY_CHANNEL = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
_BRANCHING = ("IF", "WHILE", "CALL_ONCE")


class MicroError(ModelError, ValueError):
    """A model whose memory cannot be planned beforehand."""


@dataclass(frozen=True)
class Board:
    """A microcontroller: its flash and its RAM, in bytes; and where that is written."""

    name: str
    flash_bytes: int
    ram_bytes: int
    source: str


BOARDS = (
    Board("ATmega328P (Arduino Uno)", 32 * 1024, 2 * 1024, "Microchip, ATmega328P datasheet"),
    Board("RP2040 (Raspberry Pi Pico)", 2 * 1024 * 1024, 264 * 1024, "Raspberry Pi, Pico and RP2040 datasheets"),
    Board("nRF52840 (Arduino Nano 33 BLE)", 1024 * 1024, 256 * 1024, "Nordic Semiconductor, nRF52840 specification"),
)


@dataclass(frozen=True)
class Placed:
    """A tensor in the arena.

    Args:
        name: As in the file.
        size_bytes: With what fills it up to the next place where one may begin.
        first, last: The first and the last operator, counted from 1, while it is needed; 0 is before the first.
        offset_bytes: Where it lies.
    """

    name: str
    size_bytes: int
    first: int
    last: int
    offset_bytes: int


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a model needs of a microcontroller. Computed from the file; not run on one.

    Args:
        model_bytes: Of flash, for the file. The interpreter's and the kernels' code comes on top.
        placed: The tensors that share the arena, with their places.
        planned_bytes: Of RAM, for those.
        bookkeeping_bytes: Of RAM, at least, for what the interpreter keeps about tensors and operators.
        kept_bytes: Of RAM, for tensors that keep their values from call to call.
        missing: Operators without a kernel, or without one for their kinds of input and weights.
        floats: How many of the placed tensors are float32: slow where there is no float unit.
    """

    model_bytes: int
    placed: tuple[Placed, ...]
    planned_bytes: int
    bookkeeping_bytes: int
    kept_bytes: int
    missing: tuple[Lack, ...]
    floats: int

    @property
    def arena_bytes(self) -> int:
        """The least array that an app must set aside."""
        return self.planned_bytes + self.bookkeeping_bytes + self.kept_bytes

    def why_not(self, board: Board) -> tuple[str, ...]:
        """The reasons why it cannot run there; empty when nothing computed here speaks against it."""
        reasons = [str(each) for each in self.missing]
        if self.arena_bytes > board.ram_bytes:
            reasons.append(f"the arena takes at least {self.arena_bytes:,} bytes, and there are {board.ram_bytes:,}")
        if self.model_bytes > board.flash_bytes:
            reasons.append(f"the model takes {self.model_bytes:,} bytes of flash, and there are {board.flash_bytes:,}")
        return tuple(reasons)


def plan(buffers: Sequence[tuple[int, int, int]]) -> list[int]:
    """Place buffers in one array so that those needed at the same time do not overlap: the largest first.

    Args:
        buffers: Size in bytes, first and last time needed, both included.

    Returns:
        An offset for each, in bytes.

    Raises:
        MicroError: A size is negative, or a buffer ends before it begins.

    Source: GreedyMemoryPlanner of TFLite Micro; of buffers of one size it places the last first.
    """
    for size, first, last in buffers:
        if size < 0 or last < first:
            raise MicroError(f"a buffer of {size} bytes, needed from {first} to {last}, is none")
    offsets = [0] * len(buffers)
    done: list[int] = []
    for one in sorted(range(len(buffers)), key=lambda number: (-buffers[number][0], -number)):
        size, first, last = buffers[one]
        beside = [other for other in done if buffers[other][1] <= last and first <= buffers[other][2]]
        place = 0
        for other in sorted(beside, key=lambda number: offsets[number]):
            if offsets[other] - place >= size:
                break
            place = max(place, offsets[other] + buffers[other][0])
        offsets[one] = place
        done.append(one)
    return offsets


def budget(path: Path | str) -> Budget:
    """Compute what a .tflite model needs on a microcontroller.

    Args:
        path: The model; a size that is left open counts as 1, as TFLite Micro takes it.

    Raises:
        MicroError: The model branches, so that what is alive together depends on its input.
        SourceError: The file is missing, no .tflite model or not whole, or what reads it is not installed.
        TargetError: It is an ONNX model.
    """
    path = Path(path)
    missing = lacking(path, "tflite-micro")
    graph = _graphs.read_tflite(path)
    branching = sorted({node.operator for node in graph.nodes} & set(_BRANCHING))
    if branching or graph.elsewhere:
        raise MicroError(
            f"{path.name} holds {', '.join(branching) or 'further graphs'}: what is alive together then depends on the "
            "input, which is not planned here"
        )
    spans = _lifetimes(graph)
    sizes = {number: _aligned(graph.tensors[number].size_bytes) for number in spans}
    offsets = plan([(sizes[number], *spans[number]) for number in spans])
    placed = tuple(
        Placed(graph.tensors[number].name, sizes[number], *spans[number], offset)
        for number, offset in zip(spans, offsets, strict=True)
    )
    return Budget(
        model_bytes=path.stat().st_size,
        placed=placed,
        planned_bytes=max((each.offset_bytes + each.size_bytes for each in placed), default=0),
        bookkeeping_bytes=_bookkeeping(graph),
        kept_bytes=sum(_aligned(each.size_bytes) for each in graph.tensors if each.variable),
        missing=missing,
        floats=sum(graph.tensors[number].kind == "FLOAT32" for number in spans),
    )


def _lifetimes(graph: _graphs.LiteGraph) -> dict[int, tuple[int, int]]:
    """From when to when each tensor without values of its own is needed; an unused one is not in it."""
    spans: dict[int, tuple[int, int]] = dict.fromkeys((*graph.inputs, *graph.outputs), (0, 0))
    for time, node in enumerate(graph.nodes, 1):
        spans |= dict.fromkeys((each for each in node.outputs if each >= 0), (time, time))
        spans |= {each: (spans[each][0], time) for each in node.inputs if each in spans}
    spans |= {each: (spans[each][0], len(graph.nodes)) for each in graph.outputs}
    own = {number for number, each in enumerate(graph.tensors) if each.constant or each.variable or not each.size_bytes}
    return {number: spans[number] for number in sorted(spans) if number not in own}


def _bookkeeping(graph: _graphs.LiteGraph) -> int:
    channels = sum(graph.tensors[node.inputs[1]].scales for node in graph.nodes if node.operator in _BY_CHANNEL)
    return TENSOR_BYTES * len(graph.tensors) + NODE_BYTES * len(graph.nodes) + CHANNEL_BYTES * channels


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
