import gc
import weakref
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import export.onnx as hub
from export.fold import fold
from runtimes.bundle import open_bundle
from wedepth.errors import WedepthError

PARTS = {"encoder", "split", "prompted", "inject", "fuse", "decoder", "heads"}


@pytest.fixture(scope="module")
def graph(exported: Path) -> onnx.ModelProto:
    return onnx.load(str(exported / "nano-hub" / "hub.onnx"))


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


def _model(nodes: list[onnx.NodeProto], **constants: np.ndarray) -> ir.Model:
    """A graph from `image` [1,3,4,4] to `depth`."""
    shape = [1, 3, 4, 4]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    image, depth = (helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("image", "depth"))
    graph = helper.make_graph(nodes, "g", [image], [depth], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", hub.OPSET)], ir_version=10)
    return ir.serde.deserialize_model(model)


def _run(model: ir.Model) -> np.ndarray:
    image = np.random.default_rng(0).normal(size=(1, 3, 4, 4)).astype(np.float32)
    return ReferenceEvaluator(ir.serde.serialize_model(model)).run(None, {"image": image})[0]


def test_what_depends_on_constants_alone_is_computed() -> None:
    nodes = [
        helper.make_node("ScatterND", ["zeros", "at", "ones"], ["mask"]),
        helper.make_node("Split", ["mask"], ["left", "right"], num_outputs=2),
        helper.make_node("Add", ["left", "right"], ["sum"]),
        helper.make_node("Mul", ["image", "sum"], ["depth"]),
    ]
    constants = {"zeros": np.zeros(8, np.float32), "at": np.array([[1], [6]]), "ones": np.ones(2, np.float32)}
    model = _model(nodes, **constants)
    before = _run(model)
    fold(model)
    assert [node.op_type for node in model.graph] == ["Mul"]
    np.testing.assert_array_equal(_run(model), before)


def test_a_constant_output_stays_an_output() -> None:
    nodes = [helper.make_node("Expand", ["one", "shape"], ["depth"])]
    model = _model(nodes, one=np.ones((), np.float32), shape=np.array([1, 3, 4, 4]))
    fold(model)
    assert _run(model).shape == (1, 3, 4, 4)


def test_a_weight_that_nothing_folds_is_not_read() -> None:
    class Untouched(ir.Tensor):
        def numpy(self) -> np.ndarray:
            raise AssertionError("read")

    nodes = [
        helper.make_node("Add", ["a", "a"], ["sum"]),
        helper.make_node("Mul", ["image", "sum"], ["scaled"]),
        helper.make_node("Mul", ["scaled", "weight"], ["depth"]),
    ]
    model = _model(nodes, a=np.ones(4, np.float32), weight=np.ones(4, np.float32))
    model.graph.initializers["weight"].const_value = Untouched(np.ones(4, np.float32), name="weight")
    fold(model)
    assert [node.op_type for node in model.graph] == ["Mul", "Mul"]


def test_a_constant_that_cannot_be_computed_is_a_sentence() -> None:
    nodes = [helper.make_node("Reshape", ["a", "s"], ["b"], "bad"), helper.make_node("Mul", ["image", "b"], ["depth"])]
    model = _model(nodes, a=np.ones(4, np.float32), s=np.array([3]))
    with pytest.raises(WedepthError, match=r"'bad' \(Reshape\) is constant and cannot be computed"):
        fold(model)


def test_tidying_takes_out_what_computes_nothing_and_changes_no_number() -> None:
    nodes = [
        helper.make_node("Mul", ["image", "one"], ["same"]),
        helper.make_node("Transpose", ["same"], ["there"], perm=[0, 2, 3, 1]),
        helper.make_node("Transpose", ["there"], ["back"], perm=[0, 3, 1, 2]),
        helper.make_node("Pad", ["back", "pads"], ["padded"]),
        helper.make_node("Conv", ["padded", "weight", "bias"], ["conv"]),
        helper.make_node("BatchNormalization", ["conv", "scale", "shift", "mean", "variance"], ["normed"]),
        helper.make_node("Exp", ["image"], ["unused"]),
        helper.make_node("Exp", ["normed"], ["depth"]),
    ]
    draw = np.random.default_rng(1)
    four = {name: draw.uniform(0.5, 1, 3).astype(np.float32) for name in ("bias", "scale", "shift", "mean", "variance")}
    weight = draw.normal(size=(3, 3, 3, 3)).astype(np.float32)
    pads = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    model = _model(nodes, one=np.ones((), np.float32), pads=pads, weight=weight, **four)
    before = _run(model)
    hub.tidy(model)
    assert [node.op_type for node in model.graph] == ["Conv", "Exp"]
    np.testing.assert_allclose(_run(model), before, rtol=1e-5)


def test_the_same_network_gives_the_same_file_and_is_let_go_of(exported: Path, tmp_path: Path) -> None:
    from wedepth import load

    network = load("nano")
    weights = [weakref.ref(tensor) for tensor in network.parameters()]
    hub.export_onnx(network, (64, 96), tmp_path / "hub.onnx")
    assert (tmp_path / "hub.onnx").read_bytes() == (exported / "nano-hub" / "hub.onnx").read_bytes()
    del network
    gc.collect()
    assert not any(weight() is not None for weight in weights)  # nothing holds on to it


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
