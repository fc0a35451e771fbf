"""Bias correction: what INT8 adds to log depth on calibration samples is taken off the heads' biases again.

Rounded weights and activations shift a network's output in one direction (Nagel et al., arXiv 1906.04721). A metric
network is held to its scale, so what is corrected is what matters: the mean of log depth, measured on the real artifact
in its real runtime.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from wedepth.errors import WedepthError

SAMPLES = 16
"""Calibration samples on which an artifact's own bias is measured."""
Values = NDArray[np.float32]


def log_bias(depths: Sequence[Values], reference: Sequence[Values]) -> float:
    """The mean difference of log depth between depths [H,W] in metres and what they should be."""
    return float(np.mean([np.log(depth / other).mean() for depth, other in zip(depths, reference, strict=True)]))


def scale_hub(hub: Path, out: Path, factor: float) -> None:
    """Write the hub with every depth multiplied by `factor`; beside it, for it shares its external data."""
    model = onnx.load(str(hub), load_external_data=False)
    makers = {name: node for node in model.graph.node for name in node.output}
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    heads = [makers.get(node.input[0]) for node in model.graph.node if node.op_type == "Exp"]
    places = [_bias(node, tensors) for node in heads]
    if not heads or None in places:
        raise WedepthError("The graph's depth is no exp of a sum with a constant: its scale cannot be corrected.")
    for node, place in zip(heads, places, strict=True):
        assert node is not None and place is not None
        bias = numpy_helper.to_array(tensors[node.input[place]], base_dir=str(hub.parent))
        node.input[place] = f"{node.name}~bias"  # its own: constants of one value are one tensor in the hub
        corrected = bias + np.float32(math.log(factor))
        model.graph.initializer.append(numpy_helper.from_array(corrected, node.input[place]))
    onnx.save(model, str(out))


def _bias(node: onnx.NodeProto | None, tensors: Mapping[str, onnx.TensorProto]) -> int | None:
    """Which input of a sum, or of a convolution with a bias, is constant and added to all that it gives."""
    if node is None or node.op_type not in ("Add", "Conv"):
        return None
    places = range(2) if node.op_type == "Add" else range(2, len(node.input))
    return next((i for i in places if node.input[i] in tensors), None)
