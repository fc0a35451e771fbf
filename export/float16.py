"""The hub in half precision, for runtimes that read ONNX."""

from pathlib import Path

import onnx

# exp overflows half precision above 11.09; what follows it is metres, where half a per mille is not to be lost again.
KEEP_FLOAT = ("Exp", "GridSample", "Resize")


def to_float16(hub: Path, out: Path) -> None:
    """Write the graph with float16 weights and arithmetic; `image` and `depth` stay float32."""
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    model = onnx.load(str(hub))
    blocked = [*DEFAULT_OP_BLOCK_LIST, *KEEP_FLOAT]
    half = OnnxModel(convert_float_to_float16(model, keep_io_types=True, op_block_list=blocked))
    half.topological_sort()  # the converter leaves its casts at the end
    onnx.save_model(half.model, out)
    onnx.checker.check_model(str(out), full_check=True)
