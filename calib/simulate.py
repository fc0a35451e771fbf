"""INT8 simulated in float on the hub, each module of the network switched on and off at run time."""

from collections import defaultdict
from collections.abc import Mapping, Set
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from calib.ops import Op, activations_of
from calib.ranges import Range
from calib.session import open_hub, weight_array

SWITCH = "int8~switch"


class Simulation:
    """The hub with every operator's inputs, output and weight rounded as in int8, or left alone, by module.

    Activations have one scale a tensor and a zero point, weights one scale an output channel and none: as in every
    target. One session serves every choice of modules, because each rounding has a switch that is an input of the
    graph. Nothing saturates and nothing is rounded in between: this is what INT8 costs at best.
    """

    def __init__(self, hub: Path, ops: tuple[Op, ...], ranges: Mapping[str, Range]) -> None:
        self._activations = [name for name in activations_of(ops) if name != "depth"]
        self._weighted = [op for op in ops if op.weight]
        self._readers: dict[str, set[str]] = defaultdict(set)
        for op in ops:
            for name in (*op.inputs, op.output):
                self._readers[name].add(op.module)
        self._session = open_hub(hub, lambda model: self._round(model, hub, ops, ranges))

    def depth(self, image: NDArray[np.float32], modules: Set[str], activations: bool = True) -> NDArray[np.float32]:
        """Depth [H,W] in metres of a hub input [1,3,H,W], with `modules` in int8 and all others in float; without
        `activations`, only their weights.

        A tensor between two modules is rounded when either is in int8.
        """
        switches = [activations and not self._readers[name].isdisjoint(modules) for name in self._activations]
        switches += [op.module in modules for op in self._weighted]
        return self._session.run(None, {"image": image, SWITCH: np.array(switches, np.float32)})[0][0, 0]

    def _round(self, model: onnx.ModelProto, hub: Path, ops: tuple[Op, ...], ranges: Mapping[str, Range]) -> None:
        make, graph = onnx.helper, model.graph
        count = len(self._activations) + len(self._weighted)
        switches = [f"{SWITCH}.{index}" for index in range(count)]
        graph.input.append(make.make_tensor_value_info(SWITCH, onnx.TensorProto.FLOAT, [count]))
        graph.initializer.append(numpy_helper.from_array(np.ones(count, np.int64), f"{SWITCH}.sizes"))
        first = [make.make_node("Split", [SWITCH, f"{SWITCH}.sizes"], switches, axis=0)]
        after: dict[str, list[onnx.NodeProto]] = {}
        for name, switch in zip(self._activations, switches, strict=False):
            step, zero = np.array(ranges[name].scale, np.float32), np.array(ranges[name].zero_point, np.uint8)
            after[name] = _rounding(graph, name, f"{name}~", step, zero, switch)
        outputs = {op.output for op in ops}
        nodes = {node.name: node for node in graph.node}
        for node in graph.node:  # an output leaves its operator rounded, whoever reads it
            node.input[:] = [f"{name}~" if name in outputs and name in after else name for name in node.input]
        weights = {tensor.name: tensor for tensor in graph.initializer}
        for op, switch in zip(self._weighted, switches[len(self._activations) :], strict=True):
            assert op.weight is not None
            axis = op.channel_axis % len(weights[op.weight].dims)
            steps = weight_scales(weight_array(weights[op.weight], hub), axis)
            rounded = f"{op.node}~weight"
            first += _rounding(graph, op.weight, rounded, steps, np.zeros(steps.shape, np.int8), switch, axis)
            nodes[op.node].input[1] = rounded
        for op in ops:
            inputs = nodes[op.node].input
            inputs[:] = [f"{name}~" if name in op.inputs else name for name in inputs]
        ordered = [*first, *after.pop("image", [])]
        for node in graph.node:
            ordered.append(node)
            for name in node.output:
                ordered += after.pop(name, [])
        del graph.node[:]
        graph.node.extend(ordered)


def weight_scales(weight: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """The step of int8 (−127…127) for each output channel of a weight: [channels]."""
    others = tuple(i for i in range(weight.ndim) if i != axis)
    return np.maximum(np.abs(weight).max(axis=others), np.float32(1e-8)) / np.float32(127)


def _rounding(
    graph: onnx.GraphProto,
    name: str,
    result: str,
    scale: NDArray[np.float32],
    zero: NDArray[np.generic],
    switch: str,
    axis: int = 1,
) -> list[onnx.NodeProto]:
    """Nodes that make `result` = `name`, rounded where `switch` is on; what is off costs next to nothing."""
    make = onnx.helper
    graph.initializer.append(numpy_helper.from_array(scale, f"{result}.scale"))
    graph.initializer.append(numpy_helper.from_array(zero, f"{result}.zero"))
    by = [f"{result}.scale", f"{result}.zero"]
    on = [
        make.make_node("QuantizeLinear", [name, *by], [f"{result}.int8"], axis=axis),
        make.make_node("DequantizeLinear", [f"{result}.int8", *by], [f"{result}.on"], axis=axis),
    ]
    off = [make.make_node("Identity", [name], [f"{result}.off"])]
    branches = {
        f"{which}_branch": make.make_graph(
            nodes,
            f"{result}.{which}",
            [],
            [make.make_tensor_value_info(nodes[-1].output[0], onnx.TensorProto.FLOAT, None)],
        )
        for which, nodes in (("then", on), ("else", off))
    }
    return [
        make.make_node("Cast", [switch], [f"{result}.switch"], to=onnx.TensorProto.BOOL),
        make.make_node("If", [f"{result}.switch"], [result], **branches),
    ]
