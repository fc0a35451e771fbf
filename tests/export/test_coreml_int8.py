"""INT8 packages: what in them is int8 and with which numbers, and what they compute by the reference interpreter."""

import dataclasses
import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from calib.ops import Op
from calib.plan import Compiled, Plan
from calib.ranges import Range
from calib.session import to_hub
from export.coreml import int8
from export.coreml.int8 import convert
from export.coreml.int8_default import convert_default
from export.coreml.operators import operators, weight_of
from export.coreml.package import build_package
from runtimes.coreml_reference import CoreMLReference
from runtimes.mil_program import MilProgram, Operation, import_coremltools, load_program
from wedepth.errors import WedepthError
from wedepth.rooms import rooms

ct = import_coremltools()

from coremltools.converters.mil.mil import Builder as mb  # noqa: E402
from coremltools.converters.mil.mil import Var  # noqa: E402

from export.coreml.activations import RoundActivations, Rounding  # noqa: E402

SMALL = 512  # of the weights of nano none has more values than the real limit


@dataclasses.dataclass
class Made:
    """A package, what was read back, and its operations by the operators of the hub."""

    path: Path
    compiled: Compiled
    program: MilProgram
    operations: dict[str, Operation]
    makers: dict[str, Operation]


def made(path: Path, compiled: Compiled, plan: Plan) -> Made:
    program = load_program(path)
    makers = {value.name: operation for operation in program.operations for value in operation.outputs}
    found = operators(program, plan.ops)
    return Made(path, compiled, program, {op.node: makers[name] for name, op in found.items()}, makers)


@pytest.fixture(scope="module", autouse=True)
def _one_fp16_package(nano_hub: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every conversion here begins with the same fp16 package, which takes most of its time."""
    gc.freeze()
    package = build_package(onnx.load(str(nano_hub)), tmp_path_factory.mktemp("fp16"), "fp16")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8, "build_package", lambda *_: package)
        yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def weights(nano_hub: Path, nano_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Made:
    path = tmp_path_factory.mktemp("int8") / "weights.mlpackage"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8, "SMALL", SMALL)
        compiled = convert(nano_hub, path, plan=nano_plan, metadata={"license": "MIT", "checkpoint": "nano"})
    return made(path, compiled, nano_plan)


@pytest.fixture(scope="module")
def both(nano_hub: Path, nano_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Made:
    path = tmp_path_factory.mktemp("int8") / "both.mlpackage"
    compiled = convert(nano_hub, path, plan=nano_plan, metadata={}, activations="int8")
    return made(path, compiled, nano_plan)


@pytest.fixture(scope="module")
def hub_weights(nano_hub: Path) -> dict[str, NDArray[np.float32]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(str(nano_hub)).graph.initializer}


def stored(package: Made, node: str) -> Operation | None:
    """What makes the weight of an operator, None for one that is stored as it is."""
    return package.makers.get(weight_of(package.operations[node]))


def nodes(ops: tuple[Op, ...]) -> set[str]:
    return {op.node for op in ops if op.weight}


def test_weights_of_the_plan_are_int8(both: Made, nano_plan: Plan) -> None:
    assert both.compiled.weights == nodes(nano_plan.int8)
    for node in nodes(nano_plan.int8):
        maker = stored(both, node)
        assert maker is not None
        assert maker.kind == "constexpr_affine_dequantize"
        assert np.asarray(both.program.constants[maker.inputs["quantized_data"][0]]).dtype == np.int8


def test_weights_of_a_float_module_stay_fp16(both: Made, weights: Made, nano_plan: Plan) -> None:
    assert nodes(nano_plan.kept)
    for package in (both, weights):
        for node in nodes(nano_plan.kept):
            assert stored(package, node) is None
            weight = package.program.constants[weight_of(package.operations[node])]
            assert np.asarray(weight).dtype == np.float16


def test_with_float_activations_small_weights_stay_fp16(
    weights: Made, nano_plan: Plan, hub_weights: dict[str, NDArray[np.float32]]
) -> None:
    large = {op.node for op in nano_plan.int8 if op.weight and hub_weights[op.weight].size > SMALL}
    assert 0 < len(large) < len(nodes(nano_plan.int8))
    assert weights.compiled.weights == large


def test_a_module_that_only_its_activations_keep_in_float_has_int8_weights(
    nano_hub: Path,
    nano_plan: Plan,
    hub_weights: dict[str, NDArray[np.float32]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(int8, "SMALL", SMALL)
    plan = dataclasses.replace(nano_plan, float_weights=frozenset())
    compiled = convert(nano_hub, tmp_path / "all.mlpackage", plan=plan, metadata={})
    large = {op.node for op in nano_plan.ops if op.weight and hub_weights[op.weight].size > SMALL}
    assert compiled.weights == large
    assert compiled.weights & nodes(nano_plan.kept)


def test_with_float_activations_nothing_is_rounded(weights: Made, nano_plan: Plan) -> None:
    kinds = {operation.kind for operation in weights.program.operations}
    assert weights.compiled.int8 == frozenset()
    assert kinds.isdisjoint({"quantize", "dequantize"})
    assert weights.compiled.floats["linear"] == sum(op.kind == "MatMul" and bool(op.weight) for op in nano_plan.ops)


def test_every_output_channel_has_a_scale(
    both: Made, nano_plan: Plan, hub_weights: dict[str, NDArray[np.float32]]
) -> None:
    for op in nano_plan.int8:
        if op.kind == "Conv" and op.weight:
            maker, weight = stored(both, op.node), hub_weights[op.weight]
            assert maker is not None
            data, scale, zero = (
                np.asarray(both.program.constants[maker.inputs[key][0]], np.float32)
                for key in ("quantized_data", "scale", "zero_point")
            )
            across = weight.reshape(len(weight), -1)
            assert scale.size == len(weight)
            assert not zero.any()
            assert np.allclose(scale.ravel(), np.abs(across).max(1) / 127, rtol=2e-3, atol=1e-6)
            # Half a step, and what fp16 adds: weights, scales and quotients have 11 bits there, and 127 steps.
            error = np.abs(data.reshape(across.shape) * scale.reshape(-1, 1) - across)
            assert np.all(error <= 0.7 * scale.reshape(-1, 1) + 1e-6)


def test_what_is_computed_in_int8_is_read_back(both: Made, nano_plan: Plan) -> None:
    computed = {op.node for op in nano_plan.int8 if op.weight and op.kind != "ConvTranspose"}
    assert both.compiled.int8 == computed
    assert "linear" not in both.compiled.floats
    assert both.compiled.floats["matmul"] == sum(op.weight is None for op in nano_plan.ops)


def test_activations_have_the_ranges_of_the_plan(both: Made, nano_plan: Plan) -> None:
    for op in nano_plan.int8:
        if op.node in both.compiled.int8:
            dequantize = both.makers[both.operations[op.node].inputs["x"][0]]
            bounds = nano_plan.ranges[op.inputs[0]]
            assert read_range(both, dequantize) == pytest.approx((bounds.low, bounds.high), abs=bounds.scale)


def test_results_have_the_ranges_of_the_plan(both: Made, nano_plan: Plan) -> None:
    readers = {name: op for op in both.program.operations for names in op.inputs.values() for name in names}
    for op in nano_plan.int8:
        if op.node in both.compiled.int8:
            reader = readers[both.operations[op.node].outputs[0].name]
            if reader.kind in ("relu", "relu6"):
                reader = readers[reader.outputs[0].name]
            bounds = nano_plan.ranges[op.output]
            assert read_range(both, reader) == pytest.approx((bounds.low, bounds.high), abs=bounds.scale)


def read_range(package: Made, operation: Operation) -> tuple[float, float]:
    """The least and greatest value that a quantize or dequantize can represent."""
    assert operation.kind in ("quantize", "dequantize")
    names = operation.inputs
    scale = float(np.asarray(package.program.constants[names["scale"][0]]))
    zero = int(np.asarray(package.program.constants[names["zero_point"][0]])) if "zero_point" in names else 0
    eight_bits = names["input"][0] if operation.kind == "dequantize" else operation.outputs[0].name
    least = -128 if declared(package, eight_bits) == np.int8 else 0
    return (least - zero) * scale, (least + 255 - zero) * scale


def declared(package: Made, name: str) -> np.dtype:
    return next(value.dtype for value in package.makers[name].outputs if value.name == name)


def test_depth_is_that_of_the_hub(weights: Made, both: Made, nano_hub: Path) -> None:
    import onnxruntime

    image = to_hub(next(iter(rooms(1, (64, 96)))).image)
    session = onnxruntime.InferenceSession(str(nano_hub), providers=["CPUExecutionProvider"])
    expected = session.run(None, {"image": image})[0]
    for package, limit in ((weights, 0.01), (both, 0.03)):
        difference = np.abs(CoreMLReference(package.path).run(image) / expected - 1).mean()
        assert 0 < difference < limit


def test_metadata_is_in_the_package(weights: Made) -> None:
    package = ct.models.MLModel(str(weights.path), skip_model_load=True)
    assert package.license == "MIT"
    assert package.user_defined_metadata["checkpoint"] == "nano"
    assert "96 pixels wide" in package.input_description["image"]


def test_unknown_activations_are_one_sentence(nano_hub: Path, nano_plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match=r"Activations are 'int4'; for Core ML they can be float16 or int8\."):
        convert(nano_hub, tmp_path / "a.mlpackage", plan=nano_plan, metadata={}, activations="int4")


def test_a_plan_of_another_hub_leaves_what_was_there(nano_hub: Path, nano_plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "a.mlpackage"
    out.mkdir()
    (out / "before").touch()
    first, *rest = nano_plan.int8
    plan = dataclasses.replace(nano_plan, ops=(dataclasses.replace(first, node="vfm.blocks.99/MatMul"), *rest))
    with pytest.raises(WedepthError, match=r"The plan is of another hub: this one has no 'vfm.blocks.99/MatMul'\."):
        convert(nano_hub, out, plan=plan, metadata={})
    assert [path.name for path in tmp_path.iterdir()] == ["a.mlpackage"]
    assert [path.name for path in out.iterdir()] == ["before"]


@pytest.mark.parametrize(
    ("bounds", "zero"), [(Range(-300.0, 1000.0, "min-max"), -69), (Range(0.0, 60000.0, "min-max"), -128)]
)
def test_ranges_beyond_fp16s_products_are_kept(bounds: Range, zero: int) -> None:
    @mb.program(
        input_specs=[mb.TensorSpec((1, 3, 4, 6), ct.converters.mil.mil.types.fp16)], opset_version=ct.target.iOS17
    )
    def program(image: Var) -> Var:
        weight = np.ones((2, 3, 1, 1), np.float16)
        first = mb.conv(x=image, weight=weight, name="first")
        return mb.add(x=mb.relu(x=first, name="positive"), y=mb.conv(x=image, weight=weight, name="second"), name="sum")

    RoundActivations({name: Rounding(bounds, bounds, name) for name in ("first", "second")}).apply(program)
    ops = {op.name: op for op in program.functions["main"].operations if op.op_type != "const"}
    assert [op.op_type for op in ops.values()].count("quantize") == 3  # the image once for its two readers
    assert ops["first"].x is ops["second"].x
    assert ops["positive"].x.op.op_type == "dequantize"
    assert ops["positive"].x.op.scale.val == np.float16(bounds.scale)
    assert ops["positive"].x.op.zero_point.val == zero


def test_coremltools_defaults_spare_nothing(nano_hub: Path, nano_plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "default.mlpackage"
    compiled = convert_default(nano_hub, path, plan=nano_plan, images=[], metadata={}, stats=nano_plan.ranges)
    found = made(path, compiled, nano_plan)
    large = {node for node in nodes(nano_plan.ops) if (maker := stored(found, node)) and maker.kind.startswith("const")}
    assert compiled.weights == large
    assert compiled.weights & nodes(nano_plan.kept)
    assert compiled.int8 & nodes(nano_plan.kept)
    zeros = [op for op in found.program.operations if op.kind == "quantize" and "zero_point" in op.inputs]
    assert zeros == []  # symmetric
