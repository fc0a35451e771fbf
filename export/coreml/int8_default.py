"""INT8 by coremltools' own defaults, to hold the calibrated package against."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from calib.plan import Compiled, Plan
from calib.ranges import Range
from export.coreml.int8 import MOVING, PAIR_PASS, WEIGHT_PASS, passes_called, write
from export.coreml.operators import base_name
from runtimes.mil_program import MilProgram, import_coremltools, mil_name

# What the suffix pass takes together with the operation before it, of the kinds that this target makes.
_ACTIVATIONS = ("relu", "relu6", "sigmoid", "tanh")
_LARGEST = 65504.0
"""The largest number of fp16, in which the passes read ranges."""


def convert_default(
    hub: Path,
    out: Path,
    *,
    plan: Plan,
    images: Sequence[NDArray[np.float32]],
    metadata: dict[str, str],
    stats: Mapping[str, Range] | None = None,
) -> Compiled:
    """Write the package `out` that coremltools' defaults make: every constant of more than 2048 values in int8.

    The plan's choices and `images` have no part in it. With `stats`, the least and greatest value of every tensor of
    the hub, activations are int8 too: symmetric, about every convolution, linear layer, pool and sum. Raises
    WedepthError as the fp16 export does.
    """
    model = onnx.load(str(hub))
    compress = import_coremltools().optimize.coreml

    def passes(program: MilProgram) -> list[Any]:
        config = compress.OptimizationConfig(compress.OpLinearQuantizerConfig())
        weights = passes_called(WEIGHT_PASS, config=config)
        return weights if stats is None else [*_activation_passes(program, stats), *weights]

    return write(model, out, metadata, plan.ops, passes)


def _activation_passes(program: MilProgram, stats: Mapping[str, Range]) -> list[Any]:
    compress = import_coremltools().optimize.coreml
    config = compress.OptimizationConfig(compress.OpLinearQuantizerConfig())
    ranges = _ranges(program, stats)
    first_readers = {
        name: operation
        for operation in reversed(program.operations)
        for names in operation.inputs.values()
        for name in names
    }
    for operation in program.operations:
        result = operation.outputs[0].name
        needed = [name for key in ("x", "y") for name in operation.inputs.get(key, ()) if name not in program.constants]
        needed.append(result)
        if result in first_readers and first_readers[result].kind in _ACTIVATIONS:
            needed.append(first_readers[result].outputs[0].name)
        if any(name not in ranges for name in needed):  # made by coremltools, between tensors of the hub
            config.set_op_name(result, None)
    insertions = [f"compression::insert_{end}_quantize_dequantize_pair" for end in ("prefix", "suffix")]
    return [*passes_called(*insertions, config=config, activation_stats=ranges), *passes_called(PAIR_PASS)]


def _ranges(program: MilProgram, stats: Mapping[str, Range]) -> dict[str, dict[str, float]]:
    """The range of every MIL value that is a tensor of the hub, or one that was only moved."""
    named = {
        mil_name(name): {"rmin": max(seen.low, -_LARGEST), "rmax": min(seen.high, _LARGEST)}
        for name, seen in stats.items()
    }
    ranges = {}
    for operation in program.operations:
        source = operation.inputs.get("x", [""])[0]
        for value in operation.outputs:
            if base_name(value.name) in named:
                ranges[value.name] = named[base_name(value.name)]
            elif operation.kind in MOVING and source in ranges:
                ranges[value.name] = ranges[source]
    return ranges
