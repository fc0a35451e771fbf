"""Openers: a model made ready to run, as a function of its input. Imports when called.

Naive models are opened as their runtimes' documentation opens them, but for what makes times comparable: the number of
threads, and for OpenVINO to compute fp32 as fp32 (left to itself it takes bfloat16 where the CPU has it).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from export.bench.contenders import ARTIFACTS
from export.bench.making import load_network

if TYPE_CHECKING:
    from export.bench.worker import Opening

Values = NDArray[np.float32]
Run = Callable[[Values], Values]


def torch_eager(opening: "Opening") -> Run:
    """The network as `wedepth.load` gives it."""
    return _torch(load_network(opening.preset, opening.vfm))


def torch_compile(opening: "Opening") -> Run:
    """The same through `torch.compile`; the first run compiles."""
    import torch

    return _torch(torch.compile(load_network(opening.preset, opening.vfm)))


def _torch(network: Any) -> Run:
    import torch

    @torch.inference_mode()
    def run(image: Values) -> Values:
        return network(torch.from_numpy(image)).numpy()

    return run


def onnx_naive(opening: "Opening") -> Run:
    """An ONNX file in a plain session."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = opening.threads
    session = onnxruntime.InferenceSession(opening.artifact, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(image: Values) -> Values:
        return session.run(None, {name: image})[0]

    return run


def openvino_naive(opening: "Opening") -> Run:
    """An IR compiled for the CPU."""
    import openvino

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": opening.threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = openvino.compile_model(opening.artifact, "CPU", settings)

    def run(image: Values) -> Values:
        return compiled(image)[0]

    return run


def tflite_naive(opening: "Opening") -> Run:
    """A TFLite file in LiteRT's interpreter, which takes XNNPACK of itself."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(opening.artifact, num_threads=opening.threads)
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(image: Values) -> Values:
        interpreter.set_tensor(taken, image)
        interpreter.invoke()
        return interpreter.get_tensor(given)

    return run


def ours(opening: "Opening") -> Run:
    """An artifact of ours in the project's own session."""
    from pathlib import Path

    from runtimes.registry import open_session, runtime_for

    target = ARTIFACTS[opening.spec.artifact].target
    return open_session(runtime_for(target), Path(opening.artifact), "cpu", opening.threads).run
