"""Splits into few tensors, for ONNX Runtime's WebGPU kernels, which give every tensor a buffer of its own.

WebGPU promises a shader 8 storage buffers, and a Split into more parts than fit fails when it runs, on any GPU. Slices
in its place copy as many bytes. (Its Concat takes as many passes as it needs.)
"""

import itertools

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

# What one tensor may be split into: with the whole itself, 8 buffers.
MOST = 7


def narrow_splits(model: onnx.ModelProto) -> None:
    """Rewrite in place every Split by constant sizes that has more than `MOST` outputs."""
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


def _slices(graph: onnx.GraphProto, node: onnx.NodeProto, sizes: NDArray[np.int64]) -> list[onnx.NodeProto]:
    def constant(what: str, value: int) -> str:
        name = f"{node.name}~{what}"
        graph.initializer.append(numpy_helper.from_array(np.array([value], np.int64), name))
        return name

    bounds = [constant(f"bound{i}", int(end)) for i, end in enumerate((0, *np.cumsum(sizes)))]
    axis = constant("axis", next((a.i for a in node.attribute if a.name == "axis"), 0))
    return [
        helper.make_node("Slice", [node.input[0], start, end, axis], [part], f"{node.name}~{i}")
        for i, ((start, end), part) in enumerate(zip(itertools.pairwise(bounds), node.output, strict=True))
    ]
