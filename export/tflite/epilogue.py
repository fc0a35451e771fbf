"""What follows a convolution or linear layer and costs nothing inside it: scales, biases, ReLU."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert.schema_py_generated import ActivationFunctionType
from numpy.typing import NDArray

from export.tflite.emit import Value
from export.tflite.graph import Node
from export.tflite.lower import Walk

Array = NDArray[Any]
MOVES = ("Reshape", "Transpose", "Unsqueeze", "Squeeze", "Identity")


@dataclass(slots=True)
class Epilogue:
    """y = activation(scale · x + bias), by channel or for all; `output` is what the last node taken in is called."""

    output: str
    scale: Array | float = 1.0
    bias: Array | float = 0.0
    activation: int = ActivationFunctionType.NONE
    later: float = 1.0
    """What of `scale` belongs to a multiplication further on, after `output`."""
    nodes: list[Node] = field(default_factory=list)

    def with_bias(self, bias: Array | None) -> Array | None:
        """The layer's own bias, scaled, and this one's; None if there is none of either."""
        if bias is None and np.ndim(self.bias) == 0 and not self.bias:
            return None
        return np.asarray((0.0 if bias is None else bias) * self.scale + self.bias)

    def finish(self, walk: Walk, value: Value) -> None:
        """Set the value of the layer, or of the last node that was taken in."""
        for node in self.nodes:
            walk.absorbed.add(node.outputs[0])
        walk.values[self.output] = value


def find_epilogue(walk: Walk, node: Node, channels: int, rank: int, channel_axis: int) -> Epilogue:
    """What a layer's operator can take in. Its output has `rank` axes; `channel_axis` counts from the end: −1 for
    linear layers, −3 for images."""
    end = Epilogue(node.outputs[0])
    last = walk.ends.get(node.name)
    while end.output != last and (after := walk.graph.reader(end.output)) is not None:
        by_channel = _by_channel(walk, after, end.output, channels, rank, channel_axis)
        if after.kind == "Mul" and by_channel is not None:
            end.scale, end.bias = end.scale * by_channel, end.bias * by_channel
        elif after.kind == "Add" and by_channel is not None:
            end.bias = end.bias + by_channel
        elif after.kind == "BatchNormalization" and channel_axis == -3:
            scale, shift = batch_norm_affine(walk, after)
            end.scale, end.bias = end.scale * scale, end.bias * scale + shift
        elif after.kind == "Relu":
            end.activation = ActivationFunctionType.RELU
        elif after.kind == "Clip" and clip_bounds(walk, after) == (0, 6):
            end.activation = ActivationFunctionType.RELU6
        else:
            break
        end.nodes.append(after)
        end.output = after.outputs[0]
        if end.activation != ActivationFunctionType.NONE:
            return end
    return _later_scale(walk, end)


def _by_channel(walk: Walk, node: Node, computed: str, channels: int, rank: int, channel_axis: int) -> Array | None:
    """The constant operand of a node as [channels] (or [1]), where it varies along the channel axis alone."""
    if node.kind not in ("Add", "Mul"):
        return None
    constant = walk.graph.constant(node, 1 if node.inputs[0] == computed else 0)
    if constant is None or constant.size not in (1, channels) or constant.ndim > rank:
        return None
    if constant.size == 1:
        return constant.reshape(-1)
    along = constant.ndim + channel_axis
    return constant.reshape(-1) if along >= 0 and constant.shape[along] == channels else None


def _later_scale(walk: Walk, end: Epilogue) -> Epilogue:
    """Multiplication by one number further on, past mere moves (attention scales queries once heads are split)."""
    at = end.output
    passed = [at]
    while (after := walk.graph.reader(at)) is not None:
        if after.kind == "Mul":
            constant = walk.graph.constant(after, 1 if after.inputs[0] == at else 0)
            if constant is None or constant.size != 1 or constant.ndim > 1:
                break
            end.scale, end.bias = end.scale * constant.reshape(-1), end.bias * constant.reshape(-1)
            end.later *= float(constant.reshape(-1)[0])
            walk.dropped[after.outputs[0]] = at
            walk.scaled.update(passed)
        elif after.kind not in MOVES:
            break
        at = after.outputs[0]
        passed.append(at)
    return end


def clip_bounds(walk: Walk, node: Node) -> tuple[float, float]:
    """Lowest and highest value of a Clip."""
    low = walk.graph.numbers(node, 1)[0] if node.has(1) else node.get("min", -math.inf)
    high = walk.graph.numbers(node, 2)[0] if node.has(2) else node.get("max", math.inf)
    return low, high


def batch_norm_affine(walk: Walk, node: Node) -> tuple[Array, Array]:
    """A BatchNormalization as scale and shift by channel."""
    weight, bias, mean, variance = (walk.array(node, i).astype(np.float64) for i in range(1, 5))
    scale = weight / np.sqrt(variance + node.get("epsilon", 1e-5))
    return scale.astype(np.float32), (bias - mean * scale).astype(np.float32)
