"""The ops of a Core ML package."""

from pathlib import Path

from runtimes.mil_program import Declared, MilProgram, Operation, load_program
from runtimes.npu import macs
from runtimes.npu.graph import Modules, Op, Tensor

_CAST = "_cast_fp16"


def read(artifact: Path) -> list[Op]:
    """The ops of its ML program, each called after the value that it gives."""
    program = load_program(artifact)
    tensors = {program.input.name: _tensor(program.input)}
    modules = Modules()
    found = []
    for operation in program.operations:
        read = _reads(operation, program, tensors)
        inputs = tuple(tensor for values in read.values() for tensor in values)
        constant = all(tensor.constant for tensor in inputs)  # weights that are unpacked
        outputs = tuple(_tensor(value, constant) for value in operation.outputs)
        tensors |= {tensor.name: tensor for tensor in outputs}
        if constant:
            continue
        name = outputs[0].name.removesuffix(_CAST)
        module = modules.find(name, inputs, outputs)
        found.append(Op(name, operation.kind, module, _macs(operation, read, outputs, program), inputs, outputs))
    return found


def _tensor(value: Declared, constant: bool = False) -> Tensor:
    return Tensor(value.name, value.dtype.name, tuple(size or None for size in value.shape), constant)


def _reads(operation: Operation, program: MilProgram, tensors: dict[str, Tensor]) -> dict[str, list[Tensor]]:
    """By parameter what an operation reads; what is text is not a tensor."""
    found: dict[str, list[Tensor]] = {}
    for parameter, names in operation.inputs.items():
        for name in names:
            constant = program.constants.get(name)
            if name in tensors:
                found.setdefault(parameter, []).append(tensors[name])
            elif constant is not None and not isinstance(constant, str):
                tensor = Tensor(name, constant.dtype.name, constant.shape, constant=True)
                found.setdefault(parameter, []).append(tensor)
    return found


def _macs(operation: Operation, read: dict[str, list[Tensor]], outputs: tuple[Tensor, ...], program: MilProgram) -> int:
    shapes = {name: [size or 1 for size in values[0].shape or ()] for name, values in read.items()}
    result = [size or 1 for size in outputs[0].shape or ()]
    match operation.kind:
        case "conv":
            return macs.convolution(result, shapes["weight"][1:])
        case "conv_transpose":
            return macs.transposed(shapes["x"], shapes["weight"][1:])
        case "linear":
            return macs.product(result, shapes["weight"][-1])
        case "matmul":
            return macs.product(result, shapes["x"][-2 if _flag(operation, "transpose_x", program) else -1])
        case "scaled_dot_product_attention":
            keys = shapes["key"][-2]
            return macs.product([*result[:-1], keys], shapes["query"][-1]) + macs.product(result, keys)
    return 0


def _flag(operation: Operation, name: str, program: MilProgram) -> bool:
    given = operation.inputs.get(name)
    return bool(given and program.constants[given[0]])
