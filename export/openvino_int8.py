"""The hub in INT8 for OpenVINO, by NNCF."""

import contextlib
import io
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib.plan import Compiled, Plan
from calib.ranges import Range
from export.lookup import looked_up
from export.onnx_int8 import TABLE
from export.openvino import bags, save
from wedepth.errors import WedepthError

# What multiplies and accumulates; NNCF is to leave all else in float.
KINDS = ("MatMul", "Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData")
# NNCF corrects biases on this many samples. Ranges are ours and need none.
BIAS_SAMPLES = 8
_FUSED = ("Add", "Clamp", "Relu")
_MOVES = ("Reshape", "Transpose", "Unsqueeze", "Squeeze", "Split", "VariadicSplit", "Slice")
_SCALES = ("Multiply", "Subtract", "Convert")
_PASSIVE = ("FakeQuantize", "Constant", "Convert", "Parameter", "Result", *_MOVES)
# Kinds of executed nodes that compute nothing.
_SILENT = (
    "Const", "Input", "Output", "Reorder", "Reshape", "Transpose", "Convert", "Concatenation", "Split", "StridedSlice",
    "Pad",
)  # fmt: skip


def convert(
    hub: Path, out: Path, *, plan: Plan, images: Sequence[NDArray[np.float32]], metadata: dict[str, str]
) -> Compiled:
    """Write the IR with FakeQuantize about the operators of `plan.int8`, their activations in the plan's ranges.

    Weights are int8, symmetric, one scale an output channel, in half their range (NNCF's overflow fix): u8×s8 kernels
    saturate at 16 bits on CPUs with AVX2 and no VNNI. NNCF corrects biases on `images` (hub inputs [1,3,H,W]).
    """
    import nncf
    import openvino
    from openvino.passes import ConstantFolding, Manager

    # Read, not converted: conversion would fuse attention into one operator, whose products cannot be int8.
    core = openvino.Core()
    core.add_extension(bags())
    with looked_up(hub, bags=True) as graph:
        model = core.read_model(str(graph))
    folding = Manager()
    folding.register_pass(ConstantFolding())
    folding.run_passes(model)
    smooth = nncf.AdvancedSmoothQuantParameters(convolution=-1, matmul=-1)
    with quiet():
        model = nncf.quantize(
            model,
            nncf.Dataset(list(images[:BIAS_SAMPLES]), lambda image: {"image": image}),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=min(len(images), BIAS_SAMPLES),
            ignored_scope=nncf.IgnoredScope(names=_left(model, plan), validate=False),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=nncf.OverflowFix.ENABLE, smooth_quant_alphas=smooth
            ),
        )
    _impose(model, plan.ranges)
    _halve_tables(model)
    save(model, out, half=False, metadata=metadata)
    return read_back(model, plan)


def convert_default(
    hub: Path, out: Path, *, plan: Plan, images: Sequence[NDArray[np.float32]], metadata: dict[str, str]
) -> Compiled:
    """The same graph by NNCF's own recipe for transformers, for comparison."""
    import nncf
    import openvino

    with quiet():
        model = nncf.quantize(
            openvino.convert_model(str(hub)),
            nncf.Dataset(list(images), lambda image: {"image": image}),
            subset_size=len(images),
            model_type=nncf.ModelType.TRANSFORMER,
        )
    save(model, out, half=False, metadata=metadata)
    return read_back(model, plan)


def _left(model: Any, plan: Plan) -> list[str]:
    """The nodes that NNCF is to leave alone: all but the plan's operators and what it fuses with them."""
    names, wanted = _hub_nodes(model, plan), {op.node for op in plan.int8}
    taken: set[str] = set()
    left = []
    for node in model.get_ordered_ops():
        name = node.get_friendly_name()
        sources = [port.get_source_output().get_node() for port in node.inputs()]
        fused = node.get_type_name() in _FUSED and any(source.get_friendly_name() in taken for source in sources)
        if (
            fused and all(s.get_friendly_name() in taken or s.get_type_name() == "Constant" for s in sources)
        ) or names.get(name) in wanted:
            taken.add(name)
        elif node.get_type_name() not in _PASSIVE:
            left.append(name)
    return left


def _impose(model: Any, ranges: Mapping[str, Range]) -> None:
    """Give every activation's FakeQuantize the range that the plan has for its tensor, or for what it is moved to."""
    import openvino.opset13 as ops

    for node in model.get_ordered_ops():
        if node.get_type_name() != "FakeQuantize" or _is_weight(node.input(0)):
            continue
        names = (*node.input(0).get_source_output().get_names(), *_descendants(node.output(0)))
        found = next((ranges[name] for name in names if name in ranges), None)
        if found is None:
            raise WedepthError(f"NNCF rounds {names[0]!r}, for which the calibration has no range.")
        # Zero has to be one of the levels exactly, or padding would not be zero.
        low = -found.zero_point * found.scale
        for index, value in enumerate((low, low + 255 * found.scale) * 2, start=1):
            shape = list(node.input(index).get_source_output().get_shape())
            node.input(index).replace_source_output(ops.constant(np.full(shape, value, np.float32)).output(0))


def _descendants(output: Any) -> Iterator[str]:
    """Names of the tensors that an output's elements are moved to."""
    for port in output.get_target_inputs():
        node = port.get_node()
        if node.get_type_name() in _MOVES:
            for moved in node.outputs():
                yield from moved.get_names()
                yield from _descendants(moved)


def _halve_tables(model: Any) -> None:
    """Store large float constants in half precision; saving does that itself for models without FakeQuantize only."""
    import openvino.opset13 as ops

    for node in model.get_ordered_ops():
        if node.get_type_name() != "Constant" or node.get_output_element_type(0).get_type_name() != "f32":
            continue
        readers = node.output(0).get_target_inputs()
        values = node.get_data()
        if values.size >= TABLE and not any(r.get_node().get_type_name() == "FakeQuantize" for r in readers):
            wide = ops.convert(ops.constant(values.astype(np.float16)), "f32")
            for reader in readers:
                reader.replace_source_output(wide.output(0))


def read_back(model: Any, plan: Plan) -> Compiled:
    """Which hub operators have both operands rounded in the model, and which of them the CPU plugin computes in int8.

    It computes attention in one float kernel, whatever the model says of its products.
    """
    import openvino

    names = _hub_nodes(model, plan)
    rounded, weights = set(), set()
    for node in model.get_ordered_ops():
        if name := names.get(node.get_friendly_name()):
            if all(_is_rounded(node.input(i)) for i in range(2)):
                rounded.add(name)
            if _is_weight(node.input(1)) and _is_rounded(node.input(1)):
                weights.add(name)
    executed: set[str] = set()
    floats: Counter[str] = Counter()
    for node in openvino.Core().compile_model(model, "CPU").get_runtime_model().get_ordered_ops():
        kind, precision, layers = (_told(node, key) for key in ("layerType", "runtimePrecision", "originalLayersNames"))
        if precision in ("i8", "u8"):
            executed |= {names[layer] for layer in layers.split(",") if layer in names}
        elif kind not in _SILENT:
            floats[kind] += 1
    int8 = frozenset(rounded)
    return Compiled(int8, frozenset(weights), dict(floats.most_common()), int8 & executed)


def _told(node: Any, key: str) -> str:
    value = node.get_rt_info()[key]
    return str(value.astype(str) if hasattr(value, "astype") else value)


def _hub_nodes(model: Any, plan: Plan) -> dict[str, str]:
    """By an operator's name in OpenVINO the hub node that it computes."""
    nodes = {op.node for op in plan.ops}
    readers = {op.weight: op.node for op in plan.ops if op.weight}
    found = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() not in KINDS:
            continue
        name = node.get_friendly_name().removesuffix("/WithoutBiases")
        if name not in nodes:  # a transposed convolution keeps only its weight's name
            name = next((readers[n] for n in _ancestors(node.input(1)) if n in readers), name)
        if name in nodes:
            found[node.get_friendly_name()] = name
    return found


def _ancestors(port: Any) -> Iterator[str]:
    """Names of the tensors from an input back to the constant it is made of."""
    while True:
        output = port.get_source_output()
        yield from output.get_names()
        node = output.get_node()
        yield node.get_friendly_name()
        if node.get_input_size() == 0:
            return
        port = node.input(0)


def _is_rounded(port: Any) -> bool:
    """Whether an input comes from a FakeQuantize or an int8 constant, past what only moves or scales it."""
    node = port.get_source_output().get_node()
    constant = _is_weight(port)
    while node.get_type_name() in _MOVES or (constant and node.get_type_name() in _SCALES):
        node = node.input(0).get_source_output().get_node()
    return node.get_type_name() == "FakeQuantize" or (constant and node.get_output_element_type(0).bitwidth == 8)


def _is_weight(port: Any) -> bool:
    """Whether an input is made of constants alone."""
    node = port.get_source_output().get_node()
    while node.get_type_name() in (*_MOVES, *_SCALES, "FakeQuantize"):
        node = node.input(0).get_source_output().get_node()
    return node.get_type_name() == "Constant"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """NNCF's progress bars and advice stay off the screen."""
    import nncf

    nncf.set_log_level(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):
        yield
