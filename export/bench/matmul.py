"""What the machine can multiply at most: one square fp32 product in each runtime, the second factor constant as a
weight is. The best of them is the peak that shares are told of."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from export.bench.worker import Opening

Values = NDArray[np.float32]
Run = Callable[[Values], Values]


def size_of(name: str) -> int:
    """Rows of the square factors of the contender `matmul-RUNTIME-SIZE`."""
    return int(name.rpartition("-")[2])


def macs_of(name: str) -> int:
    """Its multiply-accumulates."""
    return size_of(name) ** 3


def factor(size: int, seed: int) -> Values:
    """A square matrix; its values do not matter."""
    return np.random.default_rng(seed).standard_normal((size, size), np.float32)


def torch(opening: "Opening") -> Run:
    """`torch.matmul`."""
    import torch

    size = size_of(opening.contender)
    weight, out = torch.from_numpy(factor(size, 1)), torch.empty(size, size)

    @torch.inference_mode()
    def run(first: Values) -> Values:
        return torch.matmul(torch.from_numpy(first), weight, out=out).numpy()

    return run


def onnxruntime(opening: "Opening") -> Run:
    """One MatMul in ONNX Runtime, which packs its constant."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    size = size_of(opening.contender)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [size, size]) for name in ("first", "product")]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["first", "weight"], ["product"])],
        "matmul",
        ends[:1],
        ends[1:],
        [numpy_helper.from_array(factor(size, 1), "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = opening.threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda first: session.run(None, {"first": first})[0]


def openvino(opening: "Opening") -> Run:
    """One MatMul in OpenVINO."""
    import openvino
    import openvino.opset13 as ops

    size = size_of(opening.contender)
    first = ops.parameter([size, size], np.float32)
    model = openvino.Model([ops.matmul(first, ops.constant(factor(size, 1)), False, False)], [first], "matmul")
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": opening.threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
    return lambda values: request.infer([values], share_inputs=True, share_outputs=True)[0]
