"""What depends on constants alone, computed once: the one place where nodes of a graph are evaluated."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator

from wedepth.errors import WedepthError

Array = NDArray[Any]


def evaluate(node: onnx.NodeProto, inputs: Mapping[str, Array], opsets: Mapping[str, int]) -> list[Array]:
    """The outputs of a node whose inputs are all known, by ONNX's own reference implementation."""
    names = [name for name in dict.fromkeys(node.input) if name]
    taken = [helper.make_tensor_value_info(n, onnx.TensorProto.UNDEFINED, None) for n in names]
    given = [helper.make_tensor_value_info(n, onnx.TensorProto.UNDEFINED, None) for n in node.output]
    try:
        evaluator = ReferenceEvaluator(helper.make_graph([node], "fold", taken, given), opsets=dict(opsets))
        return [np.asarray(result) for result in evaluator.run(None, {name: inputs[name] for name in names})]
    except Exception as error:
        label = node.name or ",".join(node.output)
        raise WedepthError(
            f"The value of ONNX node {label!r} ({node.op_type}) is constant and cannot be computed: {error}."
        ) from None


def fold(model: ir.Model) -> None:
    """Replace, in place, every node that reads constants alone by the constants that it gives.

    Weights are read where one of these nodes reads them and stay where they are, so that a graph of any size is folded:
    onnxsim needs it as one protobuf, which holds 2 GB at most. The 29 such nodes of edge take 0.1 s.
    """
    graph = model.graph
    for node in list(graph):
        known = _known(node)
        if known is None or any(value.is_graph_output() for value in node.outputs):
            continue
        results = evaluate(ir.to_proto(node), known, model.opset_imports)
        for value, result in zip(node.outputs, results, strict=True):
            constant = ir.Value(
                name=f"{value.name}_folded",
                shape=ir.Shape(result.shape),
                type=ir.TensorType(ir.DataType.from_numpy(result.dtype)),
                const_value=ir.tensor(result),
            )
            graph.register_initializer(constant)
            value.replace_all_uses_with(constant)
        graph.remove(node, safe=True)


def _known(node: ir.Node) -> dict[str, Array] | None:
    """A node's inputs by name, if all of them are constants."""
    known = {}
    for value in node.inputs:
        if value is None:
            continue
        if not value.is_initializer() or value.const_value is None or value.name is None:
            return None
        known[value.name] = value.const_value.numpy()
    return known
