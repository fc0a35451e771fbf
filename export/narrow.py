"""Splits into few tensors, for ONNX Runtime's WebGPU kernels, which give every tensor a buffer of its own.

WebGPU promises a shader 8 storage buffers, and a Split into more parts than fit fails when it runs, on any GPU, or is
left to the CPU. Slices in its place copy as many bytes. (Its Concat takes as many passes as it needs.) They name a
second axis, of which they take all: those of one axis ONNX Runtime fuses to a Split again.
"""

import itertools

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from export.weights import drop_unread

# What one tensor may be split into: with the whole itself, 8 buffers.
MOST = 7
ALL = 2**31 - 1  # more than any axis has


def narrow_splits(model: onnx.ModelProto) -> None:
    """Rewrite in place every Split by constant sizes that has more than `MOST` outputs, of tensors of two axes or
    more."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        sizes = constants.get(node.input[1]) if len(node.input) == 2 else None
        if node.op_type == "Split" and len(node.output) > MOST and sizes is not None:
            nodes += _slices(graph, node, numpy_helper.to_array(sizes))
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unread(graph)


def _slices(graph: onnx.GraphProto, node: onnx.NodeProto, sizes: NDArray[np.int64]) -> list[onnx.NodeProto]:
    def constant(what: str, *values: int) -> str:
        name = f"{node.name}~{what}"
        graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
    axes = constant("axes", axis, 0 if axis else 1)
    slices = []
    for i, ((begin, end), part) in enumerate(zip(itertools.pairwise((0, *np.cumsum(sizes))), node.output, strict=True)):
        bounds = constant(f"begin{i}", int(begin), 0), constant(f"end{i}", int(end), ALL)
        slices.append(helper.make_node("Slice", [node.input[0], *bounds, axes], [part], f"{node.name}~{i}"))
    return slices
