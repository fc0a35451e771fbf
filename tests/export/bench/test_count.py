"""Multiply-accumulates of graphs that are small enough to count by hand."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.bench.count import count_model, part_of, shares_of
from wedepth.errors import WedepthError


def _weight(name: str, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def _model(nodes: list, inputs: dict[str, list], weights: list[onnx.TensorProto]) -> onnx.ModelProto:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    out = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "hand", ends, [out], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def test_by_hand() -> None:
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["a"], "encoder.stem/Conv", pads=[1, 1, 1, 1]),  # 8·8·4 × 3·9
        helper.make_node("Conv", ["a", "d"], ["b"], "encoder.deep/Conv", group=4),  # depthwise: 8·8·4 × 1
        helper.make_node("ConvTranspose", ["b", "t"], ["c"], "heads.0/ConvTranspose", strides=[2, 2]),  # 4·8·8 × 2·4
        helper.make_node("Relu", ["c"], ["r"], "heads.0/Relu"),
        helper.make_node("Flatten", ["r"], ["f"], "heads.0/Flatten"),
        helper.make_node("Gemm", ["f", "g"], ["out"], "prompted.vfm.x/Gemm", transB=1),  # 512 × 5
    ]
    weights = [_weight("w", 4, 3, 3, 3), _weight("d", 4, 1, 1, 1), _weight("t", 4, 2, 2, 2), _weight("g", 5, 512)]
    found = count_model(_model(nodes, {"image": [1, 3, 8, 8]}, weights))
    assert found.by_part == {"encoder": 6912 + 256, "heads": 2048, "vfm": 2560}
    assert found.by_kind == {"Conv": 7168, "ConvTranspose": 2048, "Gemm": 2560}
    assert (found.nodes, found.macs, found.pairs) == (6, 11_776, 0)


def test_products_of_two_activations_are_told_apart() -> None:
    nodes = [
        helper.make_node("Transpose", ["w"], ["wt"], perm=[1, 0]),  # of a weight: no activation
        helper.make_node("MatMul", ["x", "wt"], ["q"]),  # 2·7·5 × 6
        helper.make_node("MatMul", ["q", "y"], ["out"]),  # 2·7·3 × 5
    ]
    found = count_model(_model(nodes, {"x": [2, 7, 6], "y": [2, 5, 3]}, [_weight("w", 5, 6)]))
    assert found.macs == 420 + 210
    assert found.pairs == 210


def test_a_graph_of_open_size_is_refused() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["out"], "linear")]
    with pytest.raises(WedepthError, match="no fixed size"):
        count_model(_model(nodes, {"x": ["batch", 6]}, [_weight("w", 6, 5)]))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("prompted.vfm.blocks.7.mlp.fc1/MatMul", "vfm"),
        ("prompted.stages.0.extraction/MatMul", "prompts"),
        ("decoder.layers.1/MatMul", "decoder"),
        ("inject.2/MatMul", "inject"),
        ("fuse/Conv", "fuse"),
        ("node_MatMul_7", "other"),
    ],
)
def test_part_of(name: str, part: str) -> None:
    assert part_of(name) == part


def test_shares_of_a_profile() -> None:
    def event(kind: str, dur: int, name: str = "x_kernel_time") -> dict:
        return {"cat": "Node", "name": name, "dur": dur, "args": {"op_name": kind}}

    events = [event("MatMul", 60), event("Conv", 20), event("MatMul", 20), event("Conv", 900, "x_fence_before")]
    assert shares_of([*events, {"cat": "Session", "name": "run"}]) == {"MatMul": 0.8, "Conv": 0.2}
