"""Bias correction: what INT8 adds to log depth on calibration samples is taken off the heads' biases again.

Rounded weights and activations shift a network's output in one direction (Nagel et al., arXiv 1906.04721). A metric
network is held to its scale, so what is corrected is what matters: the mean of log depth, measured on the real artifact
in its real runtime.
"""

import math
from collections.abc import Sequence
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
    convolutions = [node for node in heads if node is not None and node.op_type == "Conv" and len(node.input) == 3]
    if not heads or len(convolutions) != len(heads):
        raise WedepthError("The graph's depth is no exp of a convolution with a bias: its scale cannot be corrected.")
    for node in convolutions:
        bias = numpy_helper.to_array(tensors[node.input[2]], base_dir=str(hub.parent)) + np.float32(math.log(factor))
        node.input[2] = f"{node.name}~bias"  # its own: biases of one value are one tensor in the hub
        model.graph.initializer.append(numpy_helper.from_array(bias, node.input[2]))
    onnx.save(model, str(out))
