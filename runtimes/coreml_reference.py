"""A reference interpreter of saved Core ML packages, which Apple's runtime opens on Apple's systems only.

It shows what the file computes: every op in float32 torch arithmetic, its result rounded to the type that the file
declares for it. It does not show what a GPU or Neural Engine makes of it, which may also sum in float16.
"""

import inspect
import itertools
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from runtimes import mil_spatial  # noqa: F401  (fills the table)
from runtimes.mil_ops import OPS, Unknown
from runtimes.mil_program import Declared, MilProgram, Operation, load_program
from wedepth.errors import WedepthError

Observer = Callable[[str, NDArray[Any]], NDArray[Any] | None]

_TORCH = {np.dtype(np.bool_): torch.bool} | {
    np.dtype(name): getattr(torch, name) for name in ("float16", "float32", "int8", "int16", "int32", "uint8")
}
# Ops whose results are not of their first input's type.
_RETYPING = {"cast", "quantize", "dequantize", "constexpr_affine_dequantize"}
# Parameters that share one type with the result; norms' parameters and resample's coordinates may be of another.
_SAME_TYPE = ("x", "y", "values", "weight", "bias")
# Axes, shapes and the like reach ops as lists; longer arrays of integers are weights or indices.
_LONGEST_LIST = 16


class CoreMLReference:
    """One package, ready to run. Raises WedepthError if it is damaged or holds an op that is not known here."""

    def __init__(self, package: Path) -> None:
        program = load_program(package)
        self.input_name: str = program.input.name
        self.input_shape: tuple[int, ...] = program.input.shape
        self.output_name: str = program.output
        _check(program)
        self._constants = {name: _as_argument(value) for name, value in program.constants.items()}
        operations = []
        for operation in program.operations:
            if operation.kind.startswith("constexpr_"):  # weights: computed once
                self._constants |= self._results(operation, {})
            else:
                operations.append(operation)
        self._operations = operations
        self._done_with = _last_reads(operations, program.output, self._constants)

    def tensors(self) -> set[str]:
        """The MIL names of all values that are computed."""
        return {declared.name for operation in self._operations for declared in operation.outputs}

    @torch.inference_mode()
    def run(self, image: NDArray[np.float32], observe: Observer | None = None) -> NDArray[np.float32]:
        """RGB `image` float32 [1,3,H,W], 0…255 → depth float32 [1,1,H,W], metres.

        The package's input is an 8-bit image: other values are rounded and clipped to 0…255, as they would be on
        their way into a pixel buffer. `observe` is called with the MIL name and the value of every tensor computed;
        the value is good until it returns. Where it returns another, what follows reads that.
        """
        if image.shape != self.input_shape:
            raise WedepthError(f"The image is of shape {image.shape}; the package takes {self.input_shape}.")
        values: dict[str, Any] = {self.input_name: torch.tensor(image).float().round().clamp(0, 255)}
        for operation, done in zip(self._operations, self._done_with, strict=True):
            for name, result in self._results(operation, values).items():
                other = observe(name, result.numpy()) if observe is not None else None
                values[name] = result if other is None else torch.from_numpy(other).to(result.dtype)
            for name in done:
                del values[name]
        return values[self.output_name].float().numpy()

    def _results(self, operation: Operation, values: dict[str, Any]) -> dict[str, Tensor]:
        """What an operation gives, by name, in the types that the file declares."""

        def argument(name: str) -> Any:
            value = values[name] if name in values else self._constants[name]
            return value.float() if isinstance(value, Tensor) and value.dtype == torch.float16 else value

        arguments = {
            parameter: [argument(name) for name in names] if parameter == "values" else argument(names[0])
            for parameter, names in operation.inputs.items()
        }
        try:
            result = OPS[operation.kind](**arguments)
        except Unknown as error:
            raise _refusal(operation, str(error)) from None
        results = result if isinstance(result, tuple) else (result,)
        return {
            declared.name: _as_declared(operation, declared, value)
            for declared, value in zip(operation.outputs, results, strict=True)
        }


def _check(program: MilProgram) -> None:
    """Every op and parameter must be known here, and every result of the type that MIL's rules give it."""
    types = {program.input.name: program.input.dtype}
    types |= {name: np.asarray(value).dtype for name, value in program.constants.items()}
    for operation in program.operations:
        if operation.kind not in OPS:
            raise _refusal(operation, "the reference interpreter does not know this op")
        unbound = [name for names in operation.inputs.values() for name in names if name not in types]
        if unbound:
            raise _refusal(operation, f"it reads {unbound[0]!r}, which nothing gives")
        try:
            inspect.signature(OPS[operation.kind]).bind(**operation.inputs)
        except TypeError as error:
            raise _refusal(operation, str(error)) from None
        for declared in operation.outputs:
            types[declared.name] = declared.dtype
        read = {types[name] for parameter in _SAME_TYPE for name in operation.inputs.get(parameter, ())}
        given = {declared.dtype for declared in operation.outputs}
        if operation.kind not in _RETYPING and len(read | given) > 1:
            names = ", ".join(sorted(map(str, read)))
            raise _refusal(operation, f"it reads {names} and declares {', '.join(map(str, given))}")


def _refusal(operation: Operation, reason: str) -> WedepthError:
    return WedepthError(f"MIL op {operation.kind!r} that gives {operation.outputs[0].name!r} cannot be run: {reason}.")


def _last_reads(operations: list[Operation], output: str, constants: Container[str]) -> list[list[str]]:
    """For each op the computed values that nothing after it reads."""
    seen = {output}
    done = []
    for operation in reversed(operations):
        names = {*itertools.chain(*operation.inputs.values()), *(declared.name for declared in operation.outputs)}
        done.append([name for name in names - seen if name not in constants])
        seen |= names
    return done[::-1]


def _as_argument(value: NDArray[Any] | str) -> Any:
    """A constant as ops take it: numbers, text and integer lists as Python's own, arrays of floats as tensors."""
    if isinstance(value, str):
        return value
    if value.ndim == 0:
        return value.item()
    if value.dtype.kind == "f" or value.size > _LONGEST_LIST:
        return torch.from_numpy(value)
    return value.tolist()


def _as_declared(operation: Operation, declared: Declared, result: Tensor) -> Tensor:
    if tuple(result.shape) != declared.shape:
        raise _refusal(operation, f"it gives shape {tuple(result.shape)} and declares {declared.shape}")
    return result.to(_TORCH[declared.dtype])
