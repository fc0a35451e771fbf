"""The coremltools pass that rounds activations to int8, with ranges that are known before."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from coremltools.converters.mil.mil import Block, Program, Var, types
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import Operation as MilOperation
from coremltools.converters.mil.mil.passes.graph_pass import AbstractGraphPass

from calib.ranges import Range
from export.coreml.operators import base_name

# The operations with weights that Core ML computes in int8.
KINDS = ("conv", "linear")
_ACTIVATIONS = ("relu", "relu6")


@dataclass(frozen=True, slots=True)
class Rounding:
    """The ranges of what one operation reads and gives; `output` is the MIL name of the latter, before fp16."""

    read: Range
    given: Range
    output: str


class RoundActivations(AbstractGraphPass):
    """quantize → dequantize before the operations in `roundings` (by MIL name) and after them.

    It takes the place of coremltools' own pair of passes. Those compute zero points in fp16, where int8's −128 times a
    range above 511 overflows, and give a wrong one without a word; they also round a tensor anew for each reader.
    """

    def __init__(self, roundings: Mapping[str, Rounding]) -> None:
        self._roundings = roundings

    def apply(self, prog: Program) -> None:
        for function in prog.functions.values():
            with function:
                self._round(function)

    def _round(self, block: Block) -> None:
        rounded: dict[tuple[str, Range], Var] = {}
        ops = list(block.operations)
        following = dict(itertools.pairwise(ops))
        for op in ops:
            if op.op_type not in KINDS or op.outputs[0].name not in self._roundings:
                continue
            rounding = self._roundings[op.outputs[0].name]
            if op.x.op is None or op.x.op.op_type != "dequantize":
                key = op.x.name, rounding.read
                if key not in rounded:
                    rounded[key] = _pair(op.x, rounding.read, op)
                op.set_inputs(x=rounded[key])
            result = _result(op, rounding.output)
            if result is not None and result not in block.outputs:
                pair = _pair(result, rounding.given, following[result.op])
                block.replace_uses_of_var_after_op(anchor_op=pair.op, old_var=result, new_var=pair)


def _result(op: MilOperation, name: str) -> Var | None:
    """What leaves an operation, after a ReLU that Core ML computes with it, if it is the value called `name`."""
    var = op.outputs[0]
    if base_name(var.name) != name and len(var.child_ops) == 1 and var.child_ops[0].op_type in _ACTIVATIONS:
        var = var.child_ops[0].outputs[0]
    return var if base_name(var.name) == name else None


def _pair(var: Var, bounds: Range, before: MilOperation) -> Var:
    """`var` rounded to the 256 values of a range, or those that its own type can tell apart."""
    dtype = types.nptype_from_builtin(var.dtype)
    scale = np.maximum(dtype(bounds.scale), np.finfo(dtype).smallest_subnormal)
    zero = np.int8(np.clip(round(-bounds.low / float(scale)), 0, 255) - 128)
    quantized = mb.quantize(
        input=var, scale=scale, zero_point=zero, output_dtype="int8", name=f"{var.name}_int8", before_op=before
    )
    return mb.dequantize(input=quantized, scale=scale, zero_point=zero, name=f"{var.name}_rounded", before_op=before)
