"""What stays in float32 when a program is converted to fp16."""

import itertools

from coremltools.converters.mil.mil import Operation


class HalfPrecision:
    """The op selector for coremltools' fp16 pass, which asks about every op in program order: True makes it fp16.

    Kept in float32 is every `exp` and what is computed from it: log depth above 11.09 overflows fp16's exp.
    """

    def __init__(self) -> None:
        self._kept: set[str] = set()

    def __call__(self, op: Operation) -> bool:
        read = [value if isinstance(value, list | tuple) else [value] for value in op.inputs.values()]
        if op.op_type == "exp" or any(var.name in self._kept for var in itertools.chain(*read)):
            self._kept.update(var.name for var in op.outputs)
            return False
        return True
