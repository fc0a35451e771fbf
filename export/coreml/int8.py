"""The hub in INT8 for Core ML: int8 weights, and int8 activations where a device can use them."""

import contextlib
import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from calib.ops import Op
from calib.plan import Compiled, Plan
from export.coreml.operators import operators, weight_of
from export.coreml.package import build_package, describe, save
from runtimes.mil_program import MilProgram, import_coremltools, load_program, mil_name
from wedepth.errors import WedepthError

ACTIVATIONS = ("float16", "int8")
# With float16 activations int8 only saves bytes, and weights of up to this many values stay fp16. In the default
# network they are 3 % of the bytes and most of the error: the depth moves by 0.2 % instead of 1.0 % (simulated).
SMALL = 2**15
# What Core ML computes in int8; also the operations that `Compiled.int8` counts.
COMPUTED = ("conv", "linear")
# coremltools' passes: weights to int8, and quantize after an equal dequantize away.
WEIGHT_PASS = "compression::linear_quantize_weights"
PAIR_PASS = "common::dequantize_quantize_pair_elimination"
# Operations that compute nothing: they move values, or take them in and out of int8.
MOVING = {
    *("cast", "concat", "expand_dims", "identity", "reshape", "slice_by_index", "split", "squeeze", "tile"),
    *("transpose", "quantize", "dequantize", "constexpr_affine_dequantize"),
}


def convert(hub: Path, out: Path, *, plan: Plan, metadata: dict[str, str], activations: str = "float16") -> Compiled:
    """Write the package `out` for iOS 17 and macOS 14 or later: the fp16 export's with int8 weights, but those of
    `plan.float_weights`.

    Weights are symmetric with one scale an output channel. With `activations` "int8" every weight of the plan is int8,
    and so is what its convolutions and linear layers read and give, with the plan's ranges; a chip computes that faster
    from A17 and M4 on. Transposed convolutions and products of two activations stay fp16, for Core ML has no int8 of
    them. Raises WedepthError as the fp16 export does, and for a plan of another hub; then `out` is left as it was.
    """
    if activations not in ACTIVATIONS:
        raise WedepthError(f"Activations are {activations!r}; for Core ML they can be {' or '.join(ACTIVATIONS)}.")
    model = onnx.load(str(hub))
    nodes = {node.name for node in model.graph.node}
    strange = [op.node for op in plan.ops if op.node not in nodes]
    if strange:
        raise WedepthError(f"The plan is of another hub: this one has no {strange[0]!r}. Calibrate it again.")

    def passes(program: MilProgram) -> list[Any]:
        found = _find(program, plan)
        if activations == "float16":
            kept = plan.float_modules if plan.float_weights is None else plan.float_weights
            return [_weight_pass(program, kept, found, SMALL)]
        return [*_activation_passes(plan, found), _weight_pass(program, plan.float_modules, found, 0)]

    return write(model, out, metadata, plan.ops, passes)


def read_back(program: MilProgram, ops: tuple[Op, ...]) -> Compiled:
    """What of the operators `ops` is int8 in a saved program."""
    makers = {value.name: operation for operation in program.operations for value in operation.outputs}

    def made_by(name: str, kind: str) -> bool:
        return name in makers and makers[name].kind == kind

    found = operators(program, ops)
    int8, weights = set(), set()
    floats: Counter[str] = Counter()
    for operation in program.operations:
        op = found.get(operation.outputs[0].name)
        if op is not None and made_by(weight_of(operation), "constexpr_affine_dequantize"):
            weights.add(op.node)
            if operation.kind in COMPUTED and made_by(operation.inputs["x"][0], "dequantize"):
                int8.add(op.node)
                continue
        if operation.kind not in MOVING:
            floats[operation.kind] += 1
    return Compiled(frozenset(int8), frozenset(weights), dict(floats.most_common()))


def write(
    model: onnx.ModelProto,
    out: Path,
    metadata: dict[str, str],
    ops: tuple[Op, ...],
    passes: Callable[[MilProgram], list[Any]],
) -> Compiled:
    """Write the fp16 package after the coremltools passes that `passes` wants for its program.

    `out` gets its name when it has been read back.
    """
    import_coremltools()
    from coremltools import _SPECIFICATION_VERSION_IOS_17
    from coremltools.converters.mil.frontend.milproto.load import load
    from coremltools.models.utils import _apply_graph_pass

    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".coreml-") as folder:
        package = build_package(model, Path(folder), "fp16")
        # Progress bars. A channel of zeros has scale 0, for which NumPy warns; its weights come out as zeros.
        with contextlib.redirect_stderr(io.StringIO()), np.errstate(divide="ignore", invalid="ignore"):
            package = _apply_graph_pass(  # as coremltools' own quantisers do, of which one needs a Mac
                package,
                passes(load_program(Path(package.package_path))),
                spec_version=_SPECIFICATION_VERSION_IOS_17,
                pymil_load_func=load,
                skip_model_load=True,
            )
        describe(package, metadata)
        whole = Path(folder) / out.name
        save(package, whole)
        shutil.rmtree(package.package_path)  # in the system's temporary folder, otherwise until Python exits
        compiled = read_back(load_program(whole), ops)
        if out.exists():
            shutil.rmtree(out)
        whole.rename(out)
    return compiled


def passes_called(*names: str, **options: Any) -> list[Any]:
    """Passes of coremltools with the same options."""
    from coremltools.converters.mil.mil.passes.graph_pass import PassOption
    from coremltools.converters.mil.mil.passes.pass_registry import PASS_REGISTRY

    passes = [PASS_REGISTRY[name] for name in names]
    for each in passes:
        each.set_options([PassOption(name, value) for name, value in options.items()])
    return passes


def _find(program: MilProgram, plan: Plan) -> dict[str, Op]:
    found = operators(program, plan.ops)
    lost = [op.node for op in plan.int8 if op.weight and op not in found.values()]
    if lost:
        raise WedepthError(f"coremltools left no operation for {lost[0]!r}; keep its module in float.")
    return found


def _weight_pass(program: MilProgram, modules: frozenset[str], found: dict[str, Op], threshold: int) -> Any:
    compress = import_coremltools().optimize.coreml
    made = {operation.outputs[0].name: operation for operation in program.operations}
    # By the name of the weight, which layers may share: then the one that stays in float decides.
    kept = {weight_of(made[name]) for name, op in found.items() if op.module in modules}
    names = {weight_of(made[name]) for name in found} - kept
    settings = compress.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8", weight_threshold=threshold)
    config = compress.OptimizationConfig(op_name_configs=dict.fromkeys(names, settings))
    return passes_called(WEIGHT_PASS, config=config)[0]


def _activation_passes(plan: Plan, found: dict[str, Op]) -> list[Any]:
    from export.coreml.activations import RoundActivations, Rounding

    roundings = {
        name: Rounding(plan.ranges[op.inputs[0]], plan.ranges[op.output], mil_name(op.output))
        for name, op in found.items()
        if op.module not in plan.float_modules
    }
    return [RoundActivations(roundings), *passes_called(PAIR_PASS)]
