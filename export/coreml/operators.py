"""Which operation of a MIL program is which operator of the hub."""

from collections import defaultdict
from collections.abc import Iterable

import onnx

from calib.ops import Op
from runtimes.mil_program import MilProgram, Operation, mil_name

# The operations that hold the weight of an operator, and the parameter that it is.
WEIGHTED = {"conv": "weight", "conv_transpose": "weight", "linear": "weight", "matmul": "y"}
# What coremltools may fuse into an operation, which then has the name of the last one.
_FUSED = ("Add", "BatchNormalization", "Mul")


def base_name(name: str) -> str:
    """The name that a MIL value has before coremltools makes it fp16 and gives transposed convolutions their size."""
    return name.removesuffix("_cast_fp16").removesuffix("_has_output_shape")


def operators(program: MilProgram, model: onnx.ModelProto, ops: Iterable[Op]) -> dict[str, Op]:
    """The operators of `ops` that have weights, by the name of the MIL value that their operation gives."""
    named = {base_name(operation.outputs[0].name): operation for operation in program.operations}
    found = {}
    for op, names in _results(model, ops):
        for name in names:
            operation = named.get(mil_name(name))
            if operation is not None and operation.kind in WEIGHTED:
                found[operation.outputs[0].name] = op
                break
    return found


def weight_of(operation: Operation) -> str:
    """The name of an operation's weight."""
    return operation.inputs[WEIGHTED[operation.kind]][0]


def _results(model: onnx.ModelProto, ops: Iterable[Op]) -> Iterable[tuple[Op, list[str]]]:
    """Each operator that has weights, and the hub tensors that can name what it gives."""
    nodes = {node.name: node for node in model.graph.node}
    readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            readers[name].append(node)
    for op in ops:
        if op.weight is None or op.node not in nodes:
            continue
        names = [nodes[op.node].output[0]]
        while len(readers[names[-1]]) == 1 and readers[names[-1]][0].op_type in _FUSED:
            names.append(readers[names[-1]][0].output[0])
        yield op, names
