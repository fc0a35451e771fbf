"""The hub in INT8 for TFLite, by ai-edge-quantizer."""

import contextlib
import io
import math
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from calib.plan import Compiled, Plan
from calib.ranges import Range
from export.tflite.file import TfliteFile
from export.tflite.lower import Lowered, lower
from wedepth.errors import WedepthError

INTERFACES = ("float32", "int8")
INPUT, OUTPUT, LOG_OUTPUT = "image", "depth", "log_depth"
# The nearest metre that an int8 output tells from nearer ones.
NEAREST = 0.2
# Names of ai-edge-quantizer that are not the schema's.
_NAMES = {"TRANSPOSE_CONV": "CONV_2D_TRANSPOSE"}
_MULTIPLYING = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "BATCH_MATMUL")
_MOVING = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "CONCATENATION", "PAD", "CAST")


def convert(hub: Path, out: Path, *, plan: Plan, metadata: dict[str, str], interface: str = "float32") -> Compiled:
    """Write the graph with the operators of `plan.int8` static in int8: weights symmetric, one scale an output channel;
    activations asymmetric, one scale a tensor, in the plan's ranges.

    All else computes in float32, between QUANTIZE and DEQUANTIZE; its weights and tables are stored as float16. With
    `interface` "int8" the image goes in as int8 (0…255 less 128) and log depth comes out as int8 `log_depth`: of its
    256 values each is the same part farther than the last, as 256 steps of metres would not be.
    """
    if interface not in INTERFACES:
        raise WedepthError(f"TFLite's interface can be {' or '.join(INTERFACES)}, not {interface!r}.")
    model = onnx.load(str(hub))
    ends: dict[str, Range] = {}
    if interface == "int8":
        ends = {INPUT: Range(0.0, 255.0, "given"), LOG_OUTPUT: _log_range(plan)}
        _end_in_logs(model)
    weights = {f"{name}/weight" for op in plan.int8 for name in op.chain}
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".tflite-") as folder:
        whole = Path(folder) / "float.tflite"
        operators, names = write_float(model, whole, metadata, half=lambda name: name not in weights)
        ranges = tensor_ranges(operators, names, plan)
        outputs = {names[operators[op.node].tensor] for op in plan.int8}
        quantised = Path(folder) / out.name
        quantised.write_bytes(_quantise(whole, outputs, ranges, ends))
        compiled = read_back(quantised, operators, names, plan)
        quantised.replace(out)
    return compiled


def _log_range(plan: Plan) -> Range:
    """From the nearest metre that is told apart to a quarter beyond the farthest that was seen, in logarithms."""
    return Range(math.log(NEAREST), math.log(1.25 * plan.ranges[OUTPUT].high), "given")


def _end_in_logs(model: onnx.ModelProto) -> None:
    graph = model.graph
    graph.node.append(onnx.helper.make_node("Log", [OUTPUT], [LOG_OUTPUT], LOG_OUTPUT))
    graph.output[0].name = LOG_OUTPUT


def write_float(
    model: onnx.ModelProto, out: Path, metadata: dict[str, str], half: Callable[[str], bool]
) -> tuple[dict[str, Lowered], dict[int, str]]:
    """Write the float model that is quantised; its operators by hub node, and the names of their tensors.

    `half` says by name which weights and tables are stored as float16.
    """
    file = TfliteFile(half)
    inputs, outputs, operators = lower(model, file)
    file.save(out, inputs, outputs, metadata)
    tensors = {tensor for op in operators.values() for tensor in (op.tensor, *(read for read, _ in op.inputs))}
    return operators, {tensor: file.name(tensor) for tensor in tensors}


def tensor_ranges(operators: dict[str, Lowered], names: Mapping[int, str], plan: Plan) -> dict[str, Range]:
    """The range of every tensor that an int8 operator reads or gives, by its name in the file."""
    found = {}
    for op in plan.int8:
        lowered = operators[op.node]
        for tensor, value in lowered.inputs:
            if value in plan.ranges:  # else a constant
                found[names[tensor]] = plan.ranges[value]
        result = plan.ranges[lowered.output]
        low, high = sorted((result.low * lowered.factor, result.high * lowered.factor))
        found[names[lowered.tensor]] = Range(low, high, result.rule)
    return found


def _quantise(model: Path, outputs: set[str], ranges: Mapping[str, Range], ends: Mapping[str, Range]) -> bytes:
    """The model with the operators that give `outputs` in int8, and so the tensors `ends` that it takes and gives."""
    from ai_edge_quantizer import quantizer
    from ai_edge_quantizer.qtyping import TFLOperationName

    with quiet():
        quantiser = quantizer.Quantizer(str(model))
        scope = f"^({'|'.join(re.escape(name) for name in sorted(outputs))});?$"
        for kind in _MULTIPLYING:
            quantiser.add_static_config(scope, TFLOperationName[_NAMES.get(kind, kind)], 8, 8)
        for name, kind in zip(ends, ("INPUT", "OUTPUT"), strict=False):
            quantiser.add_static_config(f"^{name};?$", TFLOperationName[kind], 8, 8)
        limits = {
            name: {"min": np.array([r.low], np.float32), "max": np.array([r.high], np.float32)}
            for name, r in (*ranges.items(), *ends.items())
        }
        return bytes(
            quantiser.quantize(limits, enable_progress_bar=False, enable_progress_report=False).quantized_model
        )


def read_back(path: Path, operators: dict[str, Lowered], names: Mapping[int, str], plan: Plan) -> Compiled:
    """Which of the plan's operators have two int8 operands in a file, and what else computes there."""
    from ai_edge_litert import schema_py_generated as schema

    model: Any = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graph = model.subgraphs[0]
    kinds = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
    integer, floats = {}, Counter[str]()
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = kinds[max(code.builtinCode, code.deprecatedBuiltinCode)]
        types = [graph.tensors[i].type for i in operator.inputs if i >= 0]
        if kind in _MULTIPLYING:
            pair = types[1:3] if kind == "TRANSPOSE_CONV" else types[:2]
            result = graph.tensors[operator.outputs[0]]
            integer[_base(result.name)] = pair == [schema.TensorType.INT8] * 2
            if not integer[_base(result.name)]:
                floats[kind] += 1
        elif kind not in _MOVING and schema.TensorType.FLOAT32 in types:
            floats[kind] += 1
    int8 = {op.node for op in plan.ops if integer.get(names[operators[op.node].tensor], False)}
    weights = {op.node for op in plan.ops if op.node in int8 and op.weight}
    return Compiled(frozenset(int8), frozenset(weights), dict(floats.most_common()))


def _base(name: bytes | str) -> str:
    """A tensor's own name, without what the quantiser put behind it."""
    text = name.decode() if isinstance(name, bytes) else name
    return text.removesuffix("_quantized")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The quantiser's report stays off the screen."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
