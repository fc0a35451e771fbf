"""Splits as slices: the same numbers."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from export.narrow import MOST, narrow_splits


def split(parts: list[int]) -> onnx.ModelProto:
    """Rows cut into parts, the first of them changed, all put together again."""
    names = [f"p{i}" for i in range(len(parts))]
    width = sum(parts)
    body = f"{', '.join(names)} = Split<axis = 1>(x, sizes) q = Neg(p0) y = Concat<axis = 1>(q, {', '.join(names)})"
    text = f'<ir_version: 9, opset_import: ["" : 20]> g (float[2,{width}] x) => (float[2,{width + parts[0]}] y)'
    model = onnx.parser.parse_model(f"{text} {{ {body} }}")
    model.graph.node[0].name = "rows"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(parts, np.int64), "sizes"))
    return model


def test_a_split_into_more_tensors_than_fit_is_slices_with_the_same_numbers() -> None:
    model = split([3, 1, 2, 5, 1, 4, 2, 1, 3])
    narrow_splits(model)
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Slice"] * 9 + ["Neg", "Concat"]
    assert "sizes" not in {tensor.name for tensor in model.graph.initializer}
    x = np.random.default_rng(0).normal(size=(2, 22)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], np.concatenate([-x[:, :3], x], axis=1))


def test_onnx_runtime_makes_no_split_of_them_again(tmp_path: Path) -> None:
    model = split([1] * (MOST + 1))
    narrow_splits(model)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    assert "Split" not in {node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node}


def test_a_split_that_fits_is_left_as_it_is() -> None:
    model = split([1] * MOST)
    before = model.SerializeToString()
    narrow_splits(model)
    assert model.SerializeToString() == before
