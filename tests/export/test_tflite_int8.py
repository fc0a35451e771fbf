"""INT8 files: what in them is int8 and with which numbers, what they compute, and what a failure leaves."""

import dataclasses
import json
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from calib.ops import find_ops, tensors_of
from calib.plan import Compiled, Plan
from calib.ranges import Range, collect
from calib.session import to_hub
from export.tflite import int8
from export.tflite.int8 import convert
from export.tflite.int8_default import convert_default
from runtimes.tflite import CompiledSession, TFLiteSession
from wedepth.errors import WedepthError
from wedepth.rooms import rooms

METADATA = {"description": "nano, in INT8", "license": "MIT"}
INT8, HALF, INT32 = schema.TensorType.INT8, schema.TensorType.FLOAT16, schema.TensorType.INT32
KINDS = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
PRODUCTS = {"FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "BATCH_MATMUL"}


class File:
    """A file as the tests read it."""

    def __init__(self, path: Path) -> None:
        self.path, self.model = path, schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        self.graph = self.model.subgraphs[0]
        self.tensors = {tensor.name.decode(): tensor for tensor in self.graph.tensors}

    def products(self) -> list[tuple[str, list[Any], Any]]:
        """Kind, operands without bias, and result of every operator that multiplies and accumulates."""
        found = []
        for operator in self.graph.operators:
            kind = KINDS[self.model.operatorCodes[operator.opcodeIndex].builtinCode]
            if kind in PRODUCTS:
                pair = operator.inputs[1:3] if kind == "TRANSPOSE_CONV" else operator.inputs[:2]
                found.append((kind, [self.graph.tensors[i] for i in pair], self.graph.tensors[operator.outputs[0]]))
        return found

    def numbers(self, tensor: Any, dtype: Any) -> NDArray[Any]:
        return np.frombuffer(self.model.buffers[tensor.buffer].data.tobytes(), dtype)


def is_int8(product: tuple[str, list[Any], Any]) -> bool:
    return all(tensor.type == INT8 for tensor in (*product[1], product[2]))


@pytest.fixture(scope="module")
def image() -> NDArray[np.float32]:
    return to_hub(next(iter(rooms(1, (64, 96)))).image)


@pytest.fixture(scope="module")
def depth(nano_hub: Path, image: NDArray[np.float32]) -> NDArray[np.float32]:
    return run_hub(nano_hub, image)


def run_hub(hub: Path, image: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(hub), providers=["CPUExecutionProvider"])
    result: NDArray[np.float32] = session.run(None, {"image": image})[0]
    return last(result)


def last(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def run(path: Path, image: NDArray[np.float32]) -> NDArray[np.float32]:
    return TFLiteSession(path, "cpu", 1).run(last(image))


@pytest.fixture(scope="module")
def made(nano_hub: Path, nano_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> tuple[File, Compiled]:
    path = tmp_path_factory.mktemp("int8") / "model.tflite"
    compiled = convert(nano_hub, path, plan=nano_plan, metadata=METADATA)
    return File(path), compiled


def test_a_constant_that_is_multiplied_has_one_scale(made: tuple[File, Compiled]) -> None:
    """LiteRT's product of an activation and a constant of one scale a channel is zero throughout."""
    scales = [
        len(tensor.quantization.scale)
        for kind, operands, _ in made[0].products()
        if kind == "BATCH_MATMUL"
        for tensor in operands
        if tensor.type == INT8 and made[0].model.buffers[tensor.buffer].data is not None
    ]
    assert scales and set(scales) == {1}


@pytest.fixture(scope="module")
def narrow(nano_hub: Path, nano_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> File:
    """The file with an int8 interface."""
    path = tmp_path_factory.mktemp("narrow") / "model.tflite"
    convert(nano_hub, path, plan=nano_plan, metadata=METADATA, interface="int8")
    return File(path)


def test_the_planned_operators_are_int8_and_only_they(made: tuple[File, Compiled], nano_plan: Plan) -> None:
    file, compiled = made
    assert nano_plan.kept
    assert compiled.int8 == {op.node for op in nano_plan.int8}
    assert compiled.weights == {op.node for op in nano_plan.int8 if op.weight}
    gathers = 4  # one a head, of zeros and ones: no operator of any plan
    assert Counter(map(is_int8, file.products())) == {True: len(nano_plan.int8), False: len(nano_plan.kept) + gathers}


def test_what_stays_float_is_counted(made: tuple[File, Compiled]) -> None:
    file, compiled = made
    left = Counter(product[0] for product in file.products() if not is_int8(product))
    assert {kind: compiled.floats[kind] for kind in left} == left
    assert {"SOFTMAX", "GELU", "EXP"} < compiled.floats.keys()
    assert not {"QUANTIZE", "DEQUANTIZE", "RESHAPE", "TRANSPOSE"} & compiled.floats.keys()


def test_a_kept_module_has_float16_weights(made: tuple[File, Compiled], nano_plan: Plan) -> None:
    file, _ = made
    for op in nano_plan.kept:
        names = {f"{name}/weight" for name in op.chain} & file.tensors.keys()
        (name,) = names
        assert file.tensors[f"{name}:fp16"].type == HALF


def test_a_large_constant_that_is_multiplied_is_int8(
    nano_hub: Path, nano_plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.tflite.emit.TABLE", 64)  # wide networks' prompts are many numbers
    compiled = convert(nano_hub, tmp_path / "model.tflite", plan=nano_plan, metadata=METADATA)
    assert compiled.int8 == {op.node for op in nano_plan.int8}


def test_an_operator_that_did_not_become_int8_is_not_said_to_be(
    nano_hub: Path, nano_plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that the quantiser leaves, and one that the file does not have."""
    whole, left = int8._quantise, nano_plan.int8[5]

    def forgetful(model: Path, outputs: set[str], *rest: Any) -> bytes:
        return whole(model, outputs - {left.output}, *rest)

    monkeypatch.setattr(int8, "_quantise", forgetful)
    plan = dataclasses.replace(nano_plan, ops=(*nano_plan.ops, dataclasses.replace(left, node="nowhere")))
    compiled = convert(nano_hub, tmp_path / "m.tflite", plan=plan, metadata={})
    assert compiled.int8 == {op.node for op in nano_plan.int8} - {left.node}


def test_depth_is_near_fp32s(
    made: tuple[File, Compiled], image: NDArray[np.float32], depth: NDArray[np.float32]
) -> None:
    difference = np.abs(run(made[0].path, image) / depth - 1)
    assert 1e-5 < difference.mean() < 0.01


def test_activations_have_the_ranges_of_the_plan(tmp_path: Path) -> None:
    """Ranges that no calibration would find, so that they can come from the plan alone; a bias and a Relu belong in."""
    weight, bias = np.full((3, 3, 1, 1), 0.01, np.float32), np.ones(3, np.float32)
    hub, plan, _ = small(tmp_path, "c = Conv(image, w, b) r = Relu(c) depth = Exp(r)", w=weight, b=bias)
    given = {"image": Range(-20.0, 310.0, "given"), "r": Range(-3.0, 7.2, "given")}
    plan = dataclasses.replace(plan, ranges={**plan.ranges, **given})
    convert(hub, tmp_path / "m.tflite", plan=plan, metadata={})
    ((_, operands, result),) = File(tmp_path / "m.tflite").products()
    for tensor, bounds in zip((operands[0], result), given.values(), strict=True):
        assert tensor.quantization.scale == pytest.approx([bounds.scale], rel=1e-6)
        assert tensor.quantization.zeroPoint == [bounds.zero_point - 128]


def test_a_scale_that_follows_an_operator_is_in_its_range(tmp_path: Path) -> None:
    """Attention scales its queries once the heads are split; the file has that in the weights already."""
    body = "q = MatMul(image, w) s = Reshape(q, shape) h = Mul(s, factor) depth = Exp(h)"
    weight = np.random.default_rng(0).normal(0, 0.001, (6, 6)).astype(np.float32)
    hub, plan, image = small(tmp_path, body, w=weight, shape=np.array([1, 3, 4, 6]), factor=np.array(-0.25, np.float32))
    plan = dataclasses.replace(plan, ranges={**plan.ranges, "q": Range(-0.4, 0.8, "given")})
    convert(hub, tmp_path / "m.tflite", plan=plan, metadata={})
    ((_, _, result),) = File(tmp_path / "m.tflite").products()
    assert result.quantization.scale == pytest.approx([0.3 / 255], rel=1e-5)
    assert result.quantization.zeroPoint == [-128 + round(255 * 2 / 3)]
    assert np.abs(run(tmp_path / "m.tflite", image) / run_hub(hub, image) - 1).mean() < 0.02


def test_a_scale_by_channel_stays_outside(tmp_path: Path) -> None:
    """LayerScale: rounded after it, a channel with a small one would have few of the 256 values."""
    body = "p = MatMul(image, w) a = Add(p, b) depth = Mul(a, scale)"
    weight = np.random.default_rng(0).normal(0, 0.001, (6, 6)).astype(np.float32)
    scale = np.array([1e-3, 1, 1, 1, 1, 100], np.float32)
    hub, plan, image = small(tmp_path, body, w=weight, b=np.ones(6, np.float32), scale=scale)
    convert(hub, tmp_path / "m.tflite", plan=plan, metadata={})
    ((_, _, result),) = File(tmp_path / "m.tflite").products()
    assert result.quantization.scale == pytest.approx([plan.ranges["a"].scale], rel=1e-5)
    difference = np.abs(run(tmp_path / "m.tflite", image) / run_hub(hub, image) - 1)
    assert difference.mean((0, 1, 3)).max() < 0.02


def test_weights_are_symmetric_with_a_scale_for_each_channel(made: tuple[File, Compiled]) -> None:
    file, _ = made
    seen = set()
    for kind, operands, _ in filter(is_int8, file.products()):
        weight = operands[0] if kind == "TRANSPOSE_CONV" else operands[1]
        if kind == "BATCH_MATMUL" or file.model.buffers[weight.buffer].data is None:
            continue
        seen.add(kind)
        axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
        channels, quantization = weight.shape[axis], weight.quantization
        assert len(quantization.scale) == channels and not np.any(quantization.zeroPoint)
        assert channels == 1 or quantization.quantizedDimension == axis
        values = np.moveaxis(file.numbers(weight, np.int8).reshape(weight.shape), axis, 0).reshape(channels, -1)
        assert (np.abs(values.astype(int)).max(1) == 127).all()
    assert seen == PRODUCTS - {"BATCH_MATMUL", "TRANSPOSE_CONV"}  # the heads, folded, have no transposed one


# --- channels that are almost nothing ---

LAYERS = {
    "conv": ("x = Conv(image, w, b)", (3, 3, 1, 1)),
    "depthwise": ("x = Conv<group = 3>(image, w, b)", (3, 1, 1, 1)),
    "transposed": ("x = ConvTranspose(image, w, b)", (3, 3, 1, 1)),
    "linear": (
        "a = Transpose<perm = [0, 2, 3, 1]>(image) p = MatMul(a, w) q = Add(p, b) "
        "x = Transpose<perm = [0, 3, 1, 2]>(q)",
        (3, 3),
    ),
}


def small(folder: Path, body: str, **weights: NDArray[np.float32]) -> tuple[Path, Plan, NDArray[np.float32]]:
    """A graph from ONNX's text form, a plan with all of it in int8, and the image that its ranges are from."""
    header = '<ir_version: 9, opset_import: ["" : 20]>'
    model = onnx.parser.parse_model(f"{header} g (float[1,3,4,6] image) => (float[1,3,4,6] depth) {{ {body} }}")
    model.graph.initializer.extend(onnx.numpy_helper.from_array(v, k) for k, v in weights.items())
    for node in model.graph.node:
        node.name = node.output[0]
    onnx.save(model, folder / "hub.onnx")
    image = np.random.default_rng(1).uniform(0, 255, (1, 3, 4, 6)).astype(np.float32)
    ops = find_ops(model)
    ranges = collect(folder / "hub.onnx", tuple({*tensors_of(ops), "depth"}), [image], lambda: None)
    return folder / "hub.onnx", Plan(ops, frozenset(), ranges), image


@pytest.mark.parametrize("kind", LAYERS)
def test_a_channel_of_almost_no_weight_keeps_its_bias(kind: str, tmp_path: Path) -> None:
    """In steps of such a weight a bias does not fit into int32, where the quantiser would clip it to nothing."""
    body, shape = LAYERS[kind]
    weight = np.random.default_rng(0).uniform(1e-4, 1e-3, shape).astype(np.float32)
    channels = np.moveaxis(weight, 0 if kind in ("conv", "depthwise") else 1, 0)  # a view
    channels[0], channels[1] = 0, 1e-12
    bias = np.array([0.7, -0.5, 0.9], np.float32)
    hub, plan, image = small(tmp_path, f"{body} depth = Exp(x)", w=weight, b=bias)
    compiled = convert(hub, tmp_path / "m.tflite", plan=plan, metadata={})
    assert compiled.int8 == {op.node for op in plan.ops}
    found, expected = np.log(run(tmp_path / "m.tflite", image)), np.log(run_hub(hub, image))
    np.testing.assert_allclose(found, expected, atol=plan.ranges[plan.ops[0].output].scale)
    (stored,) = (t for t in File(tmp_path / "m.tflite").graph.tensors if t.type == INT32 and t.name.endswith(b"bias"))
    assert np.abs(File(tmp_path / "m.tflite").numbers(stored, np.int32).astype(np.int64)).max() <= 2**30 + 64


def test_ordinary_weights_are_not_touched(made: tuple[File, Compiled], nano_hub: Path) -> None:
    hub = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(str(nano_hub)).graph.initializer}
    name = "heads.heads.3.cells.weight"
    tensor = made[0].tensors["heads.heads.3.cells/Conv/weight"]
    scale = tensor.quantization.scale
    np.testing.assert_allclose(scale, np.abs(hub[name]).reshape(len(scale), -1).max(1) / 127, rtol=1e-5)


# --- the file as a whole ---


def test_description_metadata_and_names_are_kept(made: tuple[File, Compiled], narrow: File) -> None:
    for file, output in ((made[0], b"depth"), (narrow, b"log_depth")):
        (signature,) = file.model.signatureDefs
        assert signature.signatureKey == b"serving_default"
        assert [end.name for end in (*signature.inputs, *signature.outputs)] == [b"image", output]
        assert file.model.description == METADATA["description"].encode()
        buffers = {entry.name: file.model.buffers[entry.buffer].data for entry in file.model.metadata}
        assert json.loads(buffers[b"wedepth"].tobytes()) == METADATA
        assert METADATA["description"].encode() in buffers[b"TFLITE_METADATA"].tobytes()
        with zipfile.ZipFile(file.path) as archive:
            assert archive.read("LICENCES.txt").decode() == METADATA["license"]


def test_constants_are_inside_the_flatbuffer(tmp_path: Path) -> None:
    """From 256 KB on the quantiser appends them to the file, which TFLite Micro cannot read."""
    wide = np.random.default_rng(0).normal(0, 0.01, (600, 600)).astype(np.float32)
    first, back = wide[:6] / 10, wide[:, :6]
    body = "a = MatMul(image, u) m = MatMul(a, v) depth = MatMul(m, w)"
    hub, plan, image = small(tmp_path, body, u=first, v=wide, w=back)
    convert(hub, tmp_path / "m.tflite", plan=plan, metadata={})
    file = File(tmp_path / "m.tflite")
    assert all(buffer.offset == 0 for buffer in file.model.buffers)
    assert max(buffer.data.size for buffer in file.model.buffers if buffer.data is not None) == wide.size
    expected = run_hub(hub, image)
    assert np.abs(run(file.path, image) - expected).mean() < 0.02 * np.abs(expected).mean()


def test_int8_weights_are_a_quarter(nano_hub: Path, tmp_path: Path) -> None:
    wide = np.random.default_rng(0).normal(0, 0.01, (600, 600)).astype(np.float32)
    body = "a = MatMul(image, u) m = MatMul(a, v) depth = MatMul(m, w)"
    hub, plan, _ = small(tmp_path, body, u=wide[:6], v=wide, w=wide[:, :6])
    convert(hub, tmp_path / "m.tflite", plan=plan, metadata={})
    assert (tmp_path / "m.tflite").stat().st_size < 0.27 * hub.stat().st_size


# --- the int8 interface ---


def test_the_image_goes_in_exactly(narrow: File) -> None:
    tensor = narrow.graph.tensors[narrow.graph.inputs[0]]
    assert (tensor.type, tensor.quantization.scale, tensor.quantization.zeroPoint) == (INT8, [1.0], [-128])


def test_log_depth_comes_out_as_int8(narrow: File, nano_plan: Plan) -> None:
    tensor = narrow.graph.tensors[narrow.graph.outputs[0]]
    scale, zero = float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])
    assert tensor.type == INT8
    assert np.exp((-128 - zero) * scale) == pytest.approx(int8.NEAREST, rel=scale)
    assert np.exp((127 - zero) * scale) == pytest.approx(1.25 * nano_plan.ranges["depth"].high, rel=scale)


@pytest.mark.parametrize(
    "session", [lambda path: TFLiteSession(path, "cpu", 1), lambda path: CompiledSession(path, "cpu")]
)
def test_sessions_take_pixels_and_give_metres(
    session: Any, narrow: File, image: NDArray[np.float32], depth: NDArray[np.float32]
) -> None:
    found = session(narrow.path).run(last(image))
    assert found.dtype == np.float32 and found.shape == depth.shape
    assert 1e-5 < np.abs(found / depth - 1).mean() < 0.02


def test_an_interface_of_another_type(nano_hub: Path, nano_plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="can be float32 or int8, not 'uint8'"):
        convert(nano_hub, tmp_path / "m.tflite", plan=nano_plan, metadata={}, interface="uint8")


def test_an_int8_output_needs_the_range_of_depth(nano_hub: Path, nano_plan: Plan, tmp_path: Path) -> None:
    plan = dataclasses.replace(nano_plan, ranges={k: v for k, v in nano_plan.ranges.items() if k != "depth"})
    with pytest.raises(WedepthError, match="no range of depth"):
        convert(nano_hub, tmp_path / "m.tflite", plan=plan, metadata={}, interface="int8")


# --- failures ---


@pytest.fixture
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan]:
    weight = np.full((3, 3, 1, 1), 0.001, np.float32)
    return small(tmp_path_factory.mktemp("tiny"), "x = Conv(image, w) depth = Exp(x)", w=weight)[:2]


def test_a_failure_leaves_what_was_there(
    tiny: tuple[Path, Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Compiled:
        raise WedepthError("broken")

    monkeypatch.setattr(int8, "read_back", fail)
    (tmp_path / "m.tflite").write_text("before")
    with pytest.raises(WedepthError, match="broken"):
        convert(tiny[0], tmp_path / "m.tflite", plan=tiny[1], metadata={})
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("m.tflite", "before")]


def test_a_missing_quantiser(tiny: tuple[Path, Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("ai_edge_quantizer")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    with pytest.raises(WedepthError, match=r"pip install 'wedepth\[int8\]'"):
        convert(tiny[0], tmp_path / "m.tflite", plan=tiny[1], metadata={})
    assert not list(tmp_path.iterdir())


def test_it_never_holds_all_tensors_in_memory(
    tiny: tuple[Path, Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    utils = pytest.importorskip("ai_edge_quantizer.utils.tfl_interpreter_utils")
    model, plan = tiny
    kept: list[bool] = []
    create = utils.create_tfl_interpreter

    def counted(*args: Any, preserve_all_tensors: bool = True, **more: Any) -> Any:
        kept.append(preserve_all_tensors)
        return create(*args, preserve_all_tensors=preserve_all_tensors, **more)

    monkeypatch.setattr(utils, "create_tfl_interpreter", counted)
    convert(model, tmp_path / "model.tflite", plan=plan, metadata={})
    assert not any(kept)


def test_what_the_quantiser_refuses_is_one_sentence(
    tiny: tuple[Path, Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def __init__(self, _: str) -> None:
            raise ValueError("no such operator\nat line 3")

    monkeypatch.setattr(int8.library("quantizer"), "Quantizer", Refusing)
    with pytest.raises(WedepthError, match=r"ai-edge-quantizer cannot quantise .*: no such operator\.$"):
        convert(tiny[0], tmp_path / "m.tflite", plan=tiny[1], metadata={})
    assert not list(tmp_path.iterdir())


def test_a_hub_that_cannot_be_read(nano_plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match=r"Cannot read .*hub\.onnx as an ONNX graph"):
        convert(tmp_path / "hub.onnx", tmp_path / "m.tflite", plan=nano_plan, metadata={})
    assert not list(tmp_path.iterdir())


# --- the quantiser's own recipe ---


def test_the_default_recipe_stands_beside(
    nano_hub: Path, nano_plan: Plan, tmp_path: Path, image: NDArray[np.float32], depth: NDArray[np.float32]
) -> None:
    path = tmp_path / "m.tflite"
    compiled = convert_default(nano_hub, path, plan=nano_plan, images=[image], metadata=METADATA)
    assert compiled.int8 == {op.node for op in nano_plan.ops}
    assert "SOFTMAX" not in compiled.floats
    assert np.isfinite(run(path, image)).all()
    assert [p.name for p in tmp_path.iterdir()] == ["m.tflite"]
