"""INT8 by ai-edge-quantizer's own static recipe, to hold the calibrated file against."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calib.plan import Compiled, Plan
from export.tflite.convert import read_hub
from export.tflite.file import SIGNATURE, TfliteFile, write_whole
from export.tflite.int8 import library, quantising, read_back
from export.tflite.lower import lower
from export.tflite.metadata import attach_licence


def convert_default(
    hub: Path, out: Path, *, plan: Plan, images: Sequence[NDArray[np.float32]], metadata: dict[str, str]
) -> Compiled:
    """Write the graph by `static_wi8_ai8` as it comes: every operator that can be, in ranges it calibrates itself.

    `images` are hub inputs [1,3,H,W]; of `plan` only the names of the operators are used.
    """
    quantizer, recipe = library("quantizer"), library("recipe")
    # Widened float16 tables go through its recipe, and make a file that crashes LiteRT.
    file = TfliteFile(half=lambda name: False)
    inputs, outputs, operators = lower(read_hub(hub), file)
    samples = [{"image": np.ascontiguousarray(image.transpose(0, 2, 3, 1))} for image in images]
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".tflite-") as folder:
        whole, quantised = Path(folder) / "float.tflite", Path(folder) / out.name
        file.save(whole, inputs, outputs, metadata)
        with quantising():
            quantiser = quantizer.Quantizer(str(whole), recipe.static_wi8_ai8())
            found = quantiser.calibrate({SIGNATURE: samples}, num_threads=2)
            result = quantiser.quantize(found, enable_progress_bar=False, enable_progress_report=False)
        write_whole(bytes(result.quantized_model), quantised)
        attach_licence(quantised, metadata)
        compiled = read_back(quantised, operators, file.name, plan)
        quantised.replace(out)
    return compiled
