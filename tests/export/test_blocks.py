"""Tokens in blocks: the same numbers, from as many nodes as there are blocks."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from export import blocks
from export.blocks import block_tokens
from export.lookup import looked_up
from export.weights import constants_of, read_hub


def depth(model: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 64, 96)).astype(np.float32)
    return session.run(None, {"image": image})[0]


def test_a_whole_network_in_blocks(nano_hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "TOKENS", 40)
    with looked_up(nano_hub) as graph:
        model, constants = read_hub(graph)
    expected, before = depth(model), [node.name for node in model.graph.node]
    block_tokens(model, constants)
    onnx.checker.check_model(model, full_check=True)
    assert np.abs(depth(model) / expected - 1).max() < 1e-6
    after = [node.name for node in model.graph.node]
    assert "inject.0.mlp.0.1/MatMul" in before and "inject.0.mlp.0.1/MatMul" not in after
    # 384 tokens at the finest level are 10 blocks of 40 at most, 510 in the decoder 13
    assert {f"inject.0.mlp.0.1/MatMul~{i}" for i in range(10)} <= set(
        after
    ) and "inject.0.mlp.0.1/MatMul~10" not in after
    assert "decoder.layers.0.ffn.0/MatMul~12" in after
    assert "inject.3.mlp.0.1/MatMul" in after  # six tokens are no long rows
    assert constants.keys() == {tensor.name for tensor in model.graph.initializer}


def model(body: str, **weights: np.ndarray) -> onnx.ModelProto:
    text = '<ir_version: 9, opset_import: ["" : 20]>'
    made = onnx.parser.parse_model(f"{text} g (float[1,10,4] x) => (float[?] y) {{ {body} }}")
    made.graph.output[0].type.tensor_type.ClearField("shape")
    made.graph.initializer.extend(onnx.numpy_helper.from_array(v, k) for k, v in weights.items())
    for node in made.graph.node:
        node.name = node.output[0]
    return onnx.shape_inference.infer_shapes(made)


W, TABLE = np.eye(4, dtype=np.float32) * 3, np.arange(40, dtype=np.float32).reshape(1, 10, 4)
CASES = {
    "two ends, one read inside too": (
        "a = MatMul(x, w) b = Add(a, t) c = Gelu(b) d = Add(c, a) e = Softmax<axis=1>(b) y = Add(d, e)", 3, {"w", "t"}
    ),
    "what mixes tokens between": ("a = MatMul(x, w) b = Softmax<axis=1>(a) c = MatMul(b, w) y = Add(c, x)", 3, {"w"}),
    "a norm over tokens stays whole": (
        "a = LayerNormalization<axis=1>(x, g) b = MatMul(a, w) y = Relu(b)", 3, {"w", "g"}
    ),
    "sums alone are not worth it": ("a = Add(x, t) y = Gelu(a)", 1, {"t"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_stretches(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body, count, used = CASES[name]
    monkeypatch.setattr(blocks, "TOKENS", 4)
    tensors = {"w": W, "t": TABLE, "g": TABLE[0] / 10}
    whole = model(body, **{k: v for k, v in tensors.items() if k in used})
    image = np.random.default_rng(1).standard_normal((1, 10, 4)).astype(np.float32)

    def run(made: onnx.ModelProto) -> np.ndarray:
        return onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"x": image})[0]

    expected = run(whole)
    block_tokens(whole, constants_of(whole))
    onnx.checker.check_model(whole, full_check=True)
    assert np.array_equal(run(whole), expected)
    kinds = [node.op_type for node in whole.graph.node]
    assert kinds.count("MatMul") == body.count("MatMul") * count
    assert kinds.count("Softmax") == body.count("Softmax")
    assert kinds.count("LayerNormalization") == body.count("LayerNormalization")
    if count == 1:
        assert "Split" not in kinds
