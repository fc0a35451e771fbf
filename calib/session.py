"""The hub in ONNX Runtime, with a change made to its graph: a copy beside it for the moment of loading."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray


def open_hub(
    hub: Path, change: Callable[[onnx.ModelProto], None] | None = None, optimise: bool = True
) -> onnxruntime.InferenceSession:
    """A session on the CPU with the graph of `hub` after `change`; weights that stand beside the hub stay there."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    providers = ["CPUExecutionProvider"]
    if change is None:
        return onnxruntime.InferenceSession(str(hub), options, providers=providers)
    model = onnx.load(str(hub), load_external_data=False)
    change(model)
    handle, name = tempfile.mkstemp(suffix=".onnx", prefix=".calib-", dir=hub.parent)
    os.close(handle)
    try:
        onnx.save_model(model, name)
        del model
        return onnxruntime.InferenceSession(name, options, providers=providers)
    finally:
        os.unlink(name)


def to_hub(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An RGB image [H,W,3] of the hub's size as its input [1,3,H,W]."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)


def weight_array(tensor: onnx.TensorProto, hub: Path) -> NDArray[np.float32]:
    """A weight of a graph that was loaded without its external data, which stands beside `hub`."""
    return onnx.numpy_helper.to_array(tensor, base_dir=str(hub.parent))
