"""The hub in INT8 for ONNX Runtime and what else reads QDQ: QuantizeLinear and DequantizeLinear about each operator."""

import contextlib
import io
import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from calib.ops import Op
from calib.plan import Compiled, Plan
from export.lookup import looked_up
from export.onnx import describe

KINDS = ("Gemm", "MatMul", "Conv", "ConvTranspose")
# ONNX Runtime's integer kernels.
_INTEGER = ("QGemm", "QLinearMatMul", "QLinearConv", "MatMulIntegerToFloat", "ConvInteger", "MatMulInteger")
_MOVES = ("QuantizeLinear", "DequantizeLinear", "Reshape", "Transpose", "Cast", "Split", "Slice", "Concat", "Unsqueeze")
# Smooth tables of positions and the like; half precision holds them to 5e-4 of their size.
TABLE = 4096


def convert(hub: Path, out: Path, *, plan: Plan, metadata: dict[str, str]) -> Compiled:
    """Write the graph with the operators of `plan.int8` between QuantizeLinear and DequantizeLinear.

    Weights are uint8 about 128 (symmetric, one scale an output channel), activations uint8 with the plan's ranges:
    unsigned on both sides, because u8×s8 kernels saturate at 16 bits on CPUs with AVX2 and no VNNI. What leaves a
    matrix product stays float; what leaves a convolution is rounded, since no kernel of ONNX Runtime does without.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorData, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    with looked_up(hub) as graph:
        model = onnx.load(str(graph))
    ranges = dict(plan.ranges)
    nodes = {node.name: node for node in model.graph.node}
    for op in plan.int8:
        # The quantiser asks for what leaves the node itself, though Clip and Relu become part of the rounding.
        ranges[nodes[op.node].output[0]] = ranges[op.output]
    linear_as_gemm(model, plan.int8, ranges)
    found = {name: TensorData(lowest=np.float32(r.low), highest=np.float32(r.high)) for name, r in ranges.items()}
    with _quiet():
        quantizer = QDQQuantizer(
            model,
            per_channel=True,
            reduce_range=False,
            weight_qType=QuantType.QUInt8,
            activation_qType=QuantType.QUInt8,
            tensors_range=TensorsData(CalibrationMethod.MinMax, found),
            nodes_to_quantize=[op.node for op in plan.int8],
            nodes_to_exclude=[],
            op_types_to_quantize=list(KINDS),
            extra_options={
                "ActivationSymmetric": False,
                "WeightSymmetric": True,
                "ForceQuantizeNoInputCheck": True,
                "OpTypesToExcludeOutputQuantization": ["Gemm", "MatMul"],
                "TensorQuantOverrides": {name: [{"quant_type": QuantType.QUInt8}] for name in _left(model, plan.int8)},
            },
        )
        quantizer.quantize_model()
    model = quantizer.model.model
    halve_tables(model)
    describe(model, metadata)
    onnx.save_model(model, out)
    return read_back(model, plan)


def convert_default(
    hub: Path, out: Path, *, plan: Plan, images: Sequence[NDArray[np.float32]], metadata: dict[str, str]
) -> Compiled:
    """The same graph by ONNX Runtime's own recipe, `quantize_static` as it comes, for comparison."""
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._images = iter(images)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(({"image": image} for image in self._images), None)

    with _quiet():
        quantize_static(str(hub), str(out), Reader())
    model = onnx.load(str(out))
    describe(model, metadata)
    onnx.save_model(model, out)
    return read_back(model, plan)


def linear_as_gemm(model: onnx.ModelProto, ops: tuple[Op, ...], ranges: dict) -> None:
    """MatMul with a weight, and the Add of its bias, as Reshape → Gemm → Reshape: only Gemm has a bias in int8."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in (*graph.value_info, *graph.input)}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    wanted = {op.node for op in ops if op.kind == "MatMul" and op.weight}
    replaced: dict[str, list[onnx.NodeProto]] = {}
    dropped: set[str] = set()
    for node in graph.node:
        if node.name not in wanted:
            continue
        weight = weights[node.input[1]]
        result, bias, add = node.output[0], None, None
        after = readers.get(result, [])
        if len(after) == 1 and after[0].op_type == "Add":
            other = next(name for name in after[0].input if name != result)
            if other in weights and list(weights[other].dims) == [weight.dims[1]]:
                add, bias, result = after[0], other, after[0].output[0]
        name, (rows, columns) = node.name, weight.dims
        shape = [*shapes[node.input[0]][:-1], columns]
        for key, value in (("flat", [-1, rows]), ("shape", shape)):
            graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), f"{name}~{key}"))
        ranges[f"{name}~rows"] = ranges[node.input[0]]
        ranges[f"{name}~product"] = ranges.get(result) or ranges[node.output[0]]
        replaced[name] = [
            helper.make_node("Reshape", [node.input[0], f"{name}~flat"], [f"{name}~rows"], f"{name}~rows"),
            helper.make_node(
                "Gemm", [f"{name}~rows", weight.name, *([bias] if bias else [])], [f"{name}~product"], name
            ),
            helper.make_node("Reshape", [f"{name}~product", f"{name}~shape"], [result], f"{name}~product"),
        ]
        if add is not None:
            dropped.add(add.name)
    kept = [n for node in graph.node if node.name not in dropped for n in replaced.get(node.name, [node])]
    del graph.node[:]
    graph.node.extend(kept)


def _left(model: onnx.ModelProto, ops: tuple[Op, ...]) -> set[str]:
    """Constants on the left of a product: as activations, for no kernel has a scale for each of their channels."""
    constants, names = {tensor.name for tensor in model.graph.initializer}, {op.node for op in ops}
    return {node.input[0] for node in model.graph.node if node.name in names and node.input[0] in constants}


def halve_tables(model: onnx.ModelProto) -> None:
    """Constant tables that operators read in float are stored in half precision; runtimes widen them as they load."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < TABLE:
            continue
        values = numpy_helper.to_array(tensor)
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}~half"))
        casts.append(helper.make_node("Cast", [f"{name}~half"], [name], f"{name}~wide", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def read_back(model: onnx.ModelProto, plan: Plan) -> Compiled:
    """Which operators of the plan have both operands dequantised, and which of them ONNX Runtime computes in int8."""
    makers = {name: node for node in model.graph.node for name in node.output}
    names = {op.node for op in plan.ops}
    int8: set[str] = set()
    floats: Counter[str] = Counter()
    for node in model.graph.node:
        if node.op_type in KINDS and all(_is_dequantised(name, makers) for name in node.input[:2]):
            int8.add(node.name)
        elif node.op_type not in _MOVES:
            floats[node.op_type] += 1
    int8 &= names
    weights = {op.node for op in plan.ops if op.node in int8 and op.weight}
    return Compiled(frozenset(int8), frozenset(weights), dict(floats.most_common()), frozenset(_executed(model) & int8))


def _is_dequantised(name: str, makers: dict[str, onnx.NodeProto]) -> bool:
    node = makers.get(name)
    while node is not None and node.op_type in ("Reshape", "Transpose"):
        node = makers.get(node.input[0])
    return node is not None and node.op_type == "DequantizeLinear"


def _executed(model: onnx.ModelProto) -> set[str]:
    """Names of the nodes that ONNX Runtime's graph optimiser makes integer kernels of."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = f"{folder}/optimised.onnx"
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        optimised = onnx.load(f"{folder}/optimised.onnx")
    # Layout changes put `_token_` and a number behind a node's name.
    return {node.name.partition("_token_")[0] for node in optimised.graph.node if node.op_type in _INTEGER}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser warns of every channel whose weights are so small that it widens their scale, as is right."""
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.getLogger().setLevel(level)
