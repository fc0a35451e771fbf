from pathlib import Path

import numpy as np
import onnx
import pytest

from calib.ops import activations_of, find_ops, modules_of, tensors_of, weights_of
from calib.plan import Plan
from wedepth.errors import WedepthError


@pytest.fixture(scope="module")
def model(nano_hub: Path) -> onnx.ModelProto:
    return onnx.load(str(nano_hub))


def test_operators_are_called_after_the_networks_modules(model: onnx.ModelProto) -> None:
    ops = find_ops(model)
    shares = modules_of(ops)
    assert {"vfm.blocks.3.mlp", "vfm.blocks.3.attn", "decoder.layers.0.attention", "heads.heads.0"} <= set(shares)
    assert sum(shares.values()) == pytest.approx(1)
    kinds = {node.op_type for node in model.graph.node if node.op_type in ("MatMul", "Conv", "ConvTranspose", "Gemm")}
    assert {op.kind for op in ops} == kinds


def test_macs_are_counted_as_on_paper(model: onnx.ModelProto) -> None:
    by_node = {op.node: op for op in find_ops(model)}
    tokens = 1 + (64 // 14) * (96 // 14) + 4  # CLS, patches, prompts
    assert by_node["prompted.vfm.blocks.0.mlp.fc1/MatMul"].macs == tokens * 32 * 128
    patch = next(op for op in by_node.values() if op.module == "vfm.patch_embed")
    assert patch.macs == (64 // 14) * (96 // 14) * 32 * 3 * 14 * 14
    assert patch.weight_size == 32 * 3 * 14 * 14


def test_shares_of_weights_are_of_all_weights(model: onnx.ModelProto) -> None:
    ops = find_ops(model)
    weights = weights_of(ops)
    assert weights.keys() == modules_of(ops).keys() and sum(weights.values()) == pytest.approx(1)
    assert weights["vfm.blocks.0.mlp"] == pytest.approx(2 * 32 * 128 / sum(op.weight_size for op in ops))
    assert weights["vfm.blocks.0.attn.softmax"] == 0


def test_bias_and_clipping_belong_to_the_operator(model: onnx.ModelProto) -> None:
    op = next(op for op in find_ops(model) if op.node == "prompted.vfm.blocks.0.mlp.fc1/MatMul")
    producer = {output: node for node in model.graph.node for output in node.output}
    assert producer[op.output].op_type == "Add"
    assert op.node in producer[op.output].input


def test_attention_has_two_activations_and_no_weight(model: onnx.ModelProto) -> None:
    products = [op for op in find_ops(model) if op.module.startswith("vfm.blocks.0.attn") and op.weight is None]
    assert [len(op.inputs) for op in products] == [2] * 4  # of prompts and of tokens
    assert sorted(op.module for op in products) == ["vfm.blocks.0.attn"] * 2 + ["vfm.blocks.0.attn.softmax"] * 2


def test_what_gives_one_channel_is_told_apart_from_its_module() -> None:
    body = "a = Conv(x, w) y = Conv(a, o)"
    model = onnx.parser.parse_model(
        f'<ir_version: 9, opset_import: ["" : 20]> g (float[1,3,4,4] x) => (float[1,1,4,4] y) {{{body}}}'
    )
    for node, name in zip(model.graph.node, ("head.wide/Conv", "head.last/Conv"), strict=True):
        node.name = name
    weights = {"w": (2, 3, 1, 1), "o": (1, 2, 1, 1)}
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.ones(s, np.float32), n) for n, s in weights.items())
    assert [op.module for op in find_ops(model)] == ["head", "head.last"]


def test_putting_values_in_their_places_is_no_operator(model: onnx.ModelProto) -> None:
    nodes = {node.name for node in model.graph.node}
    assert {"heads.heads.0.gather/Conv", "heads.heads.0.cells/Conv"} <= nodes
    assert not any("gather" in op.node for op in find_ops(model))


def test_a_plan_says_its_share_of_int8(nano_plan: Plan) -> None:
    assert {op.module for op in nano_plan.kept} == {"heads.heads.0"}
    assert set(activations_of(nano_plan.ops)) <= set(tensors_of(nano_plan.ops)) < set(nano_plan.ranges)
    assert 0.9 < nano_plan.int8_share < 1
    assert len(nano_plan.int8) + len(nano_plan.kept) == len(nano_plan.ops)


def test_a_graph_without_sizes_is_refused() -> None:
    make = onnx.helper
    value = make.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 4])
    graph = make.make_graph(
        [make.make_node("Relu", ["x"], ["y"])], "g", [value], [make.make_empty_tensor_value_info("y")]
    )
    with pytest.raises(WedepthError, match="no fixed size"):
        find_ops(make.make_model(graph))
