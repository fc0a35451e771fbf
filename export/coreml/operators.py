"""Which operation of a MIL program is which operator of the hub."""

from collections.abc import Iterable

from calib.ops import Op
from runtimes.mil_program import MilProgram, Operation, mil_name

# The operations that hold the weight of an operator, and the parameter that it is.
WEIGHTED = {"conv": "weight", "conv_transpose": "weight", "linear": "weight", "matmul": "y"}


def base_name(name: str) -> str:
    """The name that a MIL value has before coremltools makes it fp16 and gives transposed convolutions their size."""
    return name.removesuffix("_cast_fp16").removesuffix("_has_output_shape")


def operators(program: MilProgram, ops: Iterable[Op]) -> dict[str, Op]:
    """The operators of `ops` that have weights, by the name of the MIL value that their operation gives.

    coremltools fuses what follows by channel into an operation, which then has the name of the last one.
    """
    named = {base_name(operation.outputs[0].name): operation for operation in program.operations}
    found = {}
    for op in ops:
        for name in op.chain if op.weight else ():
            operation = named.get(mil_name(name))
            if operation is not None and operation.kind in WEIGHTED:
                found[operation.outputs[0].name] = op
                break
    return found


def weight_of(operation: Operation) -> str:
    """The name of an operation's weight."""
    return operation.inputs[WEIGHTED[operation.kind]][0]
