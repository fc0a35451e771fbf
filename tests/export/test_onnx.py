import json
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import export.onnx as hub
from runtimes.bundle import open_bundle

PARTS = {"encoder", "split", "prompted", "inject", "fuse", "decoder", "heads"}


@pytest.fixture(scope="module")
def graph(exported: Path) -> onnx.ModelProto:
    return onnx.load(str(exported / "nano-onnx-fp32" / "model.onnx"))


def test_the_graph_takes_an_image_and_returns_metres(graph: onnx.ModelProto, exported: Path) -> None:
    (image,), (depth,) = graph.graph.input, graph.graph.output
    shapes = [[d.dim_value for d in v.type.tensor_type.shape.dim] for v in (image, depth)]
    assert (image.name, depth.name) == ("image", "depth")
    assert shapes == [[1, 3, 64, 96], [1, 1, 64, 96]]
    assert graph.opset_import[0].version == open_bundle(exported / "nano-onnx-fp32").manifest.opset == hub.OPSET
    onnx.checker.check_model(graph, full_check=True)


def test_nothing_is_left_that_does_not_depend_on_the_image(graph: onnx.ModelProto) -> None:
    known = {tensor.name for tensor in graph.graph.initializer}
    constant = [node.name for node in graph.graph.node if all(i in known for i in node.input)]
    kinds = {node.op_type for node in graph.graph.node}
    assert constant == []
    assert not kinds & {"DFT", "Sin", "Cos", "Range", "ScatterND", "Shape", "If", "Loop", "CumSum"}


def test_tensors_have_at_most_four_axes(graph: onnx.ModelProto) -> None:
    inferred = onnx.shape_inference.infer_shapes(graph, strict_mode=True, data_prop=True)
    deep = [v.name for v in inferred.graph.value_info if len(v.type.tensor_type.shape.dim) > 4]
    assert deep == []


def test_names_say_where_a_tensor_comes_from(graph: onnx.ModelProto) -> None:
    names = {node.name for node in graph.graph.node}
    assert len(names) == len(graph.graph.node)
    for expected in (
        "prompted.vfm.blocks.2.mlp.fc1/MatMul",
        "encoder.layers.0.blocks.1.attn/Softmax",
        "decoder.layers.0.attention/GridSample",
        "heads/Exp",
    ):
        assert any(name.startswith(expected.split("/")[0]) and expected.split("/")[1] in name for name in names)
    modules = {name.split("/")[0] for name in names if "/" in name}
    assert len(names) - sum("/" in name for name in names) <= 3  # only the wrapper's own scale and shift have none
    assert all(module.split(".")[0] in PARTS for module in modules)
    weights = {tensor.name for tensor in graph.graph.initializer}
    assert "encoder.patch_embed.proj.weight" in weights and not any(name.startswith("val_") for name in weights)
    for node in graph.graph.node:
        assert set(node.output) == {"depth"} or node.output[0].split(":")[0] == node.name


def _model(value: float) -> onnx.ModelProto:
    """image · value, with the value computed from two constants."""
    shape = [1, 3, 4, 4]
    nodes = [helper.make_node("Add", ["a", "b"], ["c"]), helper.make_node("Mul", ["image", "c"], ["depth"])]
    tensors = [helper.make_tensor("a", TensorProto.FLOAT, [1], [value]), helper.make_tensor("b", 1, [1], [1.0])]
    image, depth = (helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("image", "depth"))
    graph = helper.make_graph(nodes, "g", [image], [depth], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", hub.OPSET)], ir_version=10)


def test_folding_is_kept_where_it_computes_the_same() -> None:
    assert [node.op_type for node in hub.simplify(_model(2.0)).graph.node] == ["Mul"]


def test_folding_that_changes_a_number_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    # One node fewer, as folding gives, but of another model: only the comparison can tell.
    wrong = hub._fold(_model(99.0).SerializeToString())
    monkeypatch.setattr(hub, "_in_time", lambda *_: wrong)
    assert len(hub.simplify(_model(2.0)).graph.node) == 2
    right = hub._fold(_model(2.0).SerializeToString())
    monkeypatch.setattr(hub, "_in_time", lambda *_: right)
    assert len(hub.simplify(_model(2.0)).graph.node) == 1


def test_folding_that_fails_or_is_late_is_done_without() -> None:
    start = time.monotonic()
    assert hub._in_time(time.sleep, 60, seconds=2) is None
    assert time.monotonic() - start < 30
    assert hub._in_time(json.loads, b"{", seconds=30) is None
    assert hub._in_time(bytes.upper, b"done", seconds=30) == b"DONE"


def test_large_weights_stand_beside_the_graph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import onnxruntime

    from wedepth import load

    monkeypatch.setattr(hub, "EXTERNAL_ABOVE", 1000)
    network = load("nano")
    hub.export_onnx(network, (64, 96), tmp_path / "hub.onnx")
    assert (tmp_path / "hub.onnx.data").stat().st_size > 1_000_000 > (tmp_path / "hub.onnx").stat().st_size
    (tmp_path / "b").mkdir()
    hub.convert(tmp_path / "hub.onnx", tmp_path / "b" / "model.onnx", precision="fp32", metadata={"name": "x"})
    assert {p.name for p in (tmp_path / "b").iterdir()} == {"model.onnx", "model.onnx.data"}
    session = onnxruntime.InferenceSession(tmp_path / "b" / "model.onnx")
    assert session.get_modelmeta().custom_metadata_map["name"] == "x"
    depth = session.run(None, {"image": np.full((1, 3, 64, 96), 90, np.float32)})[0]
    assert depth.shape == (1, 1, 64, 96) and depth.min() > 0
