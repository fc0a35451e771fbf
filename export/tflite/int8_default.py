"""INT8 by ai-edge-quantizer's own static recipe, to hold the calibrated file against."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from calib.plan import Compiled, Plan
from export.tflite.file import SIGNATURE
from export.tflite.int8 import quiet, read_back, write_float


def convert_default(
    hub: Path, out: Path, *, plan: Plan, images: Sequence[NDArray[np.float32]], metadata: dict[str, str]
) -> Compiled:
    """Write the graph by `static_wi8_ai8` as it comes: every operator that can be, in ranges it calibrates itself.

    `images` are hub inputs [1,3,H,W].
    """
    from ai_edge_quantizer import quantizer, recipe

    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".tflite-") as folder:
        whole = Path(folder) / "float.tflite"
        # Widened float16 tables go through its recipe, and make a file that crashes LiteRT.
        operators, names = write_float(onnx.load(str(hub)), whole, metadata, half=lambda name: False)
        samples = [{"image": np.ascontiguousarray(image.transpose(0, 2, 3, 1))} for image in images]
        with quiet():
            quantiser = quantizer.Quantizer(str(whole), recipe.static_wi8_ai8())
            found = quantiser.calibrate({SIGNATURE: samples}, num_threads=2)
            result = quantiser.quantize(found, enable_progress_bar=False, enable_progress_report=False)
        out.write_bytes(result.quantized_model)
    return read_back(out, operators, names, plan)
