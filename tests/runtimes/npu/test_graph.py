"""Readers of all formats: the same multiply-accumulates, sizes, types and modules, and a sentence for what is none."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from runtimes.npu.graph import Graph, Op, read_graph
from wedepth.errors import WedepthError

ARTIFACTS = {"onnx": "model.onnx", "openvino": "model.xml", "coreml": "model.mlpackage", "tflite": "model.tflite"}
HEAD = (
    '<ir_version: 9, opset_import: ["" : 20]> g (float[1,{channels},6,8] image) => (float[{shape}] depth) {{ {body} }}'
)
LAYERS = {
    # by name: channels of the image, shape of the result, body, shape of w, multiply-accumulates
    "convolution": (4, "1,8,6,8", "depth = Conv<pads = [1,1,1,1]>(image, w)", (8, 4, 3, 3), 8 * 48 * 4 * 9),
    "depthwise": (8, "1,8,6,8", "depth = Conv<pads = [1,1,1,1], group = 8>(image, w)", (8, 1, 3, 3), 8 * 48 * 9),
    "transposed": (4, "1,8,12,16", "depth = ConvTranspose<strides = [2,2]>(image, w)", (4, 8, 2, 2), 4 * 48 * 8 * 4),
    "product": (4, "1,4,6,5", "depth = MatMul(image, w)", (8, 5), 4 * 6 * 5 * 8),
    "two values": (4, "1,4,6,6", "t = Transpose<perm = [0,1,3,2]>(image) depth = MatMul(image, t)", (1,), 4 * 36 * 8),
}


def layer(name: str, folder: Path) -> Path:
    channels, shape, body, weight, _ = LAYERS[name]
    model = onnx.parser.parse_model(HEAD.format(channels=channels, shape=shape, body=body))
    model.graph.initializer.append(numpy_helper.from_array(np.full(weight, 0.1, np.float32), "w"))
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


@pytest.mark.parametrize("name", LAYERS)
def test_multiply_accumulates_of_a_layer_in_three_formats(name: str, tmp_path: Path) -> None:
    import openvino

    from export.tflite import convert

    path = layer(name, tmp_path)
    convert(path, tmp_path / "model.tflite", precision="fp32", metadata={})
    openvino.save_model(openvino.convert_model(str(path)), tmp_path / "model.xml")
    for artifact in (path, tmp_path / "model.tflite", tmp_path / "model.xml"):
        assert read_graph(artifact).macs == LAYERS[name][-1], artifact.name


def artifact(exported: Path, target: str, precision: str) -> Path:
    return exported / f"nano-{target}-{precision}" / ARTIFACTS[target]


@pytest.fixture(scope="module")
def graphs(exported: Path) -> dict[tuple[str, str], Graph]:
    """Every artifact of `nano`, by target and precision."""
    return {
        (target, precision): read_graph(artifact(exported, target, precision))
        for target in ARTIFACTS
        for precision in ("fp32", "fp16")
    }


def test_artifacts_of_one_network_multiply_as_much_in_every_format(graphs: dict[tuple[str, str], Graph]) -> None:
    counts = {key: graph.macs for key, graph in graphs.items() if key != ("onnx", "fp32")}
    assert len(set(counts.values())) == 1, counts


def test_the_count_is_the_benchmarks(exported: Path, graphs: dict[tuple[str, str], Graph]) -> None:
    from export.bench.count import count

    assert graphs["onnx", "fp32"].macs == count(artifact(exported, "onnx", "fp32")).macs


def test_every_artifact_is_static_and_of_four_axes_at_most(graphs: dict[tuple[str, str], Graph]) -> None:
    assert {key for key, graph in graphs.items() if not graph.static} == set()
    assert {key: graph.rank for key, graph in graphs.items() if graph.rank > 4} == {}


@pytest.mark.parametrize(
    ("target", "module"),
    [
        ("onnx", "prompted.vfm.blocks.1.attn.qkv"),
        ("openvino", "prompted.vfm.blocks.1.attn.qkv"),
        ("tflite", "prompted.vfm.blocks.1.attn.qkv"),
        ("coreml", "prompted_vfm_blocks_1_attn_qkv"),
    ],
)
def test_ops_belong_to_their_modules(graphs: dict[tuple[str, str], Graph], target: str, module: str) -> None:
    graph = graphs[target, "fp16"]
    assert sum(op.macs for op in graph.ops if op.module == module) > 0
    named = [op for op in graph.ops if op.module != "network"]
    assert len(named) > 0.98 * len(graph.ops)


def test_a_value_between_quantise_and_dequantise_is_int8(tmp_path: Path) -> None:
    text = """<ir_version: 9, opset_import: ["" : 20]> g (float[2,4] image) => (float[2,3] depth)
        <float s = {0.1}, int8 z = {0}> {
        q = QuantizeLinear(image, s, z) x = DequantizeLinear(q, s, z)
        v = DequantizeLinear(w, s, z) depth = MatMul(x, v) }"""
    model = onnx.parser.parse_model(text)
    model.graph.node.append(model.graph.node.pop(2))  # behind its reader, as ONNX Runtime's quantiser leaves them
    model.graph.initializer.append(numpy_helper.from_array(np.ones((4, 3), np.int8), "w"))
    onnx.save(model, tmp_path / "model.onnx")
    ops: dict[str, Op] = {op.kind: op for op in read_graph(tmp_path / "model.onnx").ops}
    assert [tensor.dtype for tensor in ops["MatMul"].inputs] == ["int8", "int8"]
    assert ops["MatMul"].inputs[1].constant
    assert ops["DequantizeLinear"].inputs[0].name == "q", "the weight's is folded"


def test_an_open_size_is_told(tmp_path: Path) -> None:
    text = """<ir_version: 9, opset_import: ["" : 20]> g (float[N,4] image) => (float[N,4] depth) {
        depth = Relu(image) }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "model.onnx")
    assert not read_graph(tmp_path / "model.onnx").static


@pytest.mark.parametrize("name", ["model.pt", "absent.onnx", "model.onnx", "model.tflite", "model.xml"])
def test_what_cannot_be_read_is_a_sentence(tmp_path: Path, name: str) -> None:
    if not name.startswith("absent"):
        (tmp_path / name).write_bytes(b"this is no model")
    with pytest.raises(WedepthError, match=rf"{name}.*\.$"):
        read_graph(tmp_path / name)


def test_a_damaged_tflite_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"\xff\xff\xff\x7fTFL3" + bytes(64))
    with pytest.raises(WedepthError, match="damaged"):
        read_graph(tmp_path / "model.tflite")


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(WedepthError, match=r"needs onnx: pip install 'wedepth\[export\]'"):
        read_graph(tmp_path / "model.onnx")
