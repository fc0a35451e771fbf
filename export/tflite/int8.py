"""The hub in INT8 for TFLite, by ai-edge-quantizer."""

import contextlib
import importlib
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
from export.tflite.convert import read_hub
from export.tflite.file import TfliteFile, write_whole
from export.tflite.lower import Lowered, lower
from export.tflite.metadata import attach_licence
from wedepth.errors import WedepthError

INTERFACES = ("float32", "int8")
INPUT, OUTPUT, LOG_OUTPUT = "image", "depth", "log_depth"
# The nearest metre that an int8 output tells from nearer ones.
NEAREST = 0.2
# Half of what int32 holds; the other half is for the products that are summed onto a bias.
LARGEST_BIAS = 2**30
# Names of ai-edge-quantizer that are not the schema's.
_NAMES = {"TRANSPOSE_CONV": "CONV_2D_TRANSPOSE"}
_MULTIPLYING = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "BATCH_MATMUL")
_MOVING = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "CONCATENATION", "PAD", "CAST")


def convert(hub: Path, out: Path, *, plan: Plan, metadata: dict[str, str], interface: str = "float32") -> Compiled:
    """Write the graph with the operators of `plan.int8` static in int8: weights symmetric, one scale an output channel,
    constants that are multiplied with activations one for all; activations asymmetric, one scale a tensor, in the
    plan's ranges.

    All else computes in float32, between QUANTIZE and DEQUANTIZE; its weights and tables are stored as float16. With
    `interface` "int8" the image goes in as int8 (0…255 less 128) and log depth comes out as int8 `log_depth`: of its
    256 values each is the same part farther than the last, as 256 steps of metres would not be.

    Raises WedepthError where the quantiser is missing or fails, and what `export.tflite.convert` raises. Nothing is
    written then.
    """
    if interface not in INTERFACES:
        raise WedepthError(f"TFLite's interface can be {' or '.join(INTERFACES)}, not {interface!r}.")
    model = read_hub(hub)
    ends: dict[str, Range] = {}
    if interface == "int8":
        ends = {INPUT: Range(0.0, 255.0, "given"), LOG_OUTPUT: _log_range(plan)}
        _end_in_logs(model)
    # What is multiplied in int8 is rounded from float32: weights, and constants on the left of a product.
    rounded = {f"{name}/weight" for op in plan.int8 for name in op.chain} | {f"{op.node}/constant" for op in plan.int8}
    file = TfliteFile(half=lambda name: name not in rounded)
    # A scale by channel stays outside: rounded after LayerScale, channels with a large one take the levels of all the
    # others (on the trained edge, 1.13 % mean difference of depth instead of 0.94 %).
    inputs, outputs, operators = lower(model, file, {op.node: op.output for op in plan.int8})
    planned = [operators[op.node] for op in plan.int8 if op.node in operators]
    ranges = tensor_ranges(planned, plan)
    raise_weights(file, planned, ranges)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".tflite-") as folder:
        whole, quantised = Path(folder) / "float.tflite", Path(folder) / out.name
        file.save(whole, inputs, outputs, metadata)
        results = {file.name(op.tensor) for op in planned}
        limits = {file.name(tensor): bounds for tensor, bounds in ranges.items()}
        write_whole(_quantise(whole, results, limits, ends), quantised)
        attach_licence(quantised, metadata)
        compiled = read_back(quantised, operators, file.name, plan)
        quantised.replace(out)
    return compiled


def _log_range(plan: Plan) -> Range:
    """From the nearest metre that is told apart to a quarter beyond the farthest that was seen, in logarithms."""
    if OUTPUT not in plan.ranges:
        raise WedepthError("The calibration has no range of depth, which an int8 output needs; calibrate again.")
    return Range(math.log(NEAREST), math.log(1.25 * plan.ranges[OUTPUT].high), "given")


def _end_in_logs(model: onnx.ModelProto) -> None:
    graph = model.graph
    graph.node.append(onnx.helper.make_node("Log", [OUTPUT], [LOG_OUTPUT], LOG_OUTPUT))
    graph.output[0].name = LOG_OUTPUT


def tensor_ranges(planned: list[Lowered], plan: Plan) -> dict[int, Range]:
    """The range of every tensor that the operators read or give."""
    found = {}
    for op in planned:
        for tensor, value in op.inputs:
            if value in plan.ranges:  # else a constant
                found[tensor] = plan.ranges[value]
        result = plan.ranges[op.output]
        low, high = sorted((result.low * op.factor, result.high * op.factor))
        found[op.tensor] = Range(low, high, result.rule)
    return found


def raise_weights(file: TfliteFile, planned: list[Lowered], ranges: Mapping[int, Range]) -> None:
    """Raise the largest weight of every channel whose weights are too small for its bias.

    A bias is an int32 number of input steps times weight steps, and the quantiser clips it in silence: a channel of
    zeros with bias 0.7 gave 0. A channel raised is wrong by at most 3e-5 of its bias or of one step of the output.
    """
    for op in planned:
        if op.weight is None:
            continue
        (tensor, _), output = op.inputs[0], ranges[op.tensor].scale
        weight = file.value(op.weight)
        bias = np.zeros(1, np.float32) if op.bias is None else np.abs(file.value(op.bias))
        depthwise = len(weight) == 1 < bias.size  # [1,h,w,C]; all others have output channels first
        channels = weight.reshape(-1, bias.size).T if depthwise else weight.reshape(len(weight), -1)
        least = 127 * np.maximum(bias, output) / (ranges[tensor].scale * LARGEST_BIAS)
        small = np.abs(channels).max(1) < least
        if small.any():
            raised = channels.copy()
            largest = np.abs(raised).argmax(1)
            raised[small, largest[small]] = np.broadcast_to(least, small.shape)[small]
            file.replace(op.weight, raised.T if depthwise else raised)


def _quantise(model: Path, outputs: set[str], ranges: Mapping[str, Range], ends: Mapping[str, Range]) -> bytes:
    """The model with the operators that give `outputs` in int8, and so the tensors `ends` that it takes and gives."""
    kinds = library("qtyping").TFLOperationName
    with quantising():
        quantiser = library("quantizer").Quantizer(str(model))
        # It would look for empty ranges, of which there is none, with all tensors in memory at once: more than the 2 GB
        # that an arena holds, of `small` at 480×640.
        quantiser._ensure_model_qsv_sufficient = lambda ranges: None
        scope = f"^({'|'.join(re.escape(name) for name in sorted(outputs))});?$"
        granularities = library("qtyping").QuantGranularity
        for kind in _MULTIPLYING:
            # LiteRT knows one scale only of a product's constant operand; given one a channel, it gave zeros.
            whole = kind == "BATCH_MATMUL"
            granularity = granularities.TENSORWISE if whole else granularities.CHANNELWISE
            quantiser.add_static_config(scope, kinds[_NAMES.get(kind, kind)], 8, 8, granularity)
        for name, kind in zip(ends, ("INPUT", "OUTPUT"), strict=False):
            quantiser.add_static_config(f"^{name};?$", kinds[kind], 8, 8)
        limits = {
            name: {"min": np.array([r.low], np.float32), "max": np.array([r.high], np.float32)}
            for name, r in (*ranges.items(), *ends.items())
        }
        return bytes(
            quantiser.quantize(limits, enable_progress_bar=False, enable_progress_report=False).quantized_model
        )


def read_back(path: Path, operators: Mapping[str, Lowered], name: Callable[[int], str], plan: Plan) -> Compiled:
    """Which of the plan's operators have two int8 operands and an int8 result in a file, and what else computes there.

    `name` gives what a tensor of `operators` is called.
    """
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
            integer[_base(result.name)] = [*pair, result.type] == [schema.TensorType.INT8] * 3
            if not integer[_base(result.name)]:
                floats[kind] += 1
        elif kind not in _MOVING and schema.TensorType.FLOAT32 in types:
            floats[kind] += 1
    known = [op for op in plan.ops if op.node in operators]
    int8 = {op.node for op in known if integer.get(name(operators[op.node].tensor), False)}
    weights = {op.node for op in plan.ops if op.node in int8 and op.weight}
    return Compiled(frozenset(int8), frozenset(weights), dict(floats.most_common()))


def _base(name: bytes | str) -> str:
    """A tensor's own name, without what the quantiser put behind it."""
    text = name.decode() if isinstance(name, bytes) else name
    return text.removesuffix("_quantized")


def library(module: str) -> Any:
    """A module of ai-edge-quantizer."""
    try:
        return importlib.import_module(f"ai_edge_quantizer.{module}")
    except ImportError:
        raise WedepthError(
            "INT8 for tflite needs ai_edge_quantizer, which is not installed: pip install 'wedepth[int8]'."
        ) from None


@contextlib.contextmanager
def quantising() -> Iterator[None]:
    """The quantiser's report stays off the screen, and what it refuses is a WedepthError."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    except (ValueError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise WedepthError(f"ai-edge-quantizer cannot quantise the graph: {reason}.") from None
