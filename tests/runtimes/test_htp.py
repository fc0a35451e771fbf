"""Qualcomm's NPU, emulated: what is said without its package, and where it is, one convolution on it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from runtimes.errors import DeviceUnavailable
from runtimes.registry import STAND_INS, launch_of, open_session

HTP = STAND_INS["onnxruntime-htp"]
INSTALLED = importlib.util.find_spec("onnxruntime_qnn") is not None


def test_without_the_package_its_licence_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DeviceUnavailable, match="AI Stack License"):
        launch_of(HTP)


@pytest.mark.skipif(not INSTALLED, reason="onnxruntime-qnn is not installed here (its licence is the user's to accept)")
def test_an_int8_convolution_runs_on_the_npu_within_a_step(tmp_path: Path) -> None:
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    random = np.random.default_rng(0)
    constants = {
        "one": np.float32(1), "zero": np.uint8(0), "w": random.integers(1, 255, (4, 3, 3, 3), np.uint8),
        "hundredth": np.float32(0.01), "middle": np.uint8(128), "step": np.float32(20),
    }  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "one", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "one", "zero"], ["x"]),
        helper.make_node("DequantizeLinear", ["w", "hundredth", "middle"], ["weight"]),
        helper.make_node("Conv", ["x", "weight"], ["y"]),
        helper.make_node("QuantizeLinear", ["y", "step", "middle"], ["yq"]),
        helper.make_node("DequantizeLinear", ["yq", "step", "middle"], ["depth"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("image", (1, 3, 8, 8)), ("depth", (1, 4, 6, 6)))
    ]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "conv", ends[:1], ends[1:], initializers)
    file = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), str(file))

    image = random.integers(0, 255, (1, 3, 8, 8)).astype(np.float32)
    session = open_session(HTP, file, "npu", threads=1)
    expected = onnxruntime.InferenceSession(str(file)).run(None, {"image": image})[0]
    assert np.abs(session.run(image) - expected).max() <= 20
    placed = session.placed(image)
    assert placed is not None and placed.keys() == {"npu"}
