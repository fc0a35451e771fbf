"""The TFLite target: a prepared ONNX graph → one `.tflite` file."""

from pathlib import Path

import onnx

from export import weights
from export.blocks import block_tokens
from export.lookup import looked_up
from export.tflite.file import TfliteFile
from export.tflite.lower import lower
from export.tflite.metadata import attach_licence
from wedepth.errors import WedepthError


def convert(hub: Path, out: Path, *, precision: str, metadata: dict[str, str]) -> None:
    """Write the graph of `hub` (float32, fixed sizes) to `out`.

    Images go in and out as TFLite has them, channels last: `image` float32 [1,H,W,3], `depth` float32 [1,H,W,1]. Names
    of the signature `serving_default` and of tensors are the graph's. "fp16" stores weights and large tables as
    float16; they are computed in float32 on CPUs. `metadata` is kept as JSON in the model's metadata buffer `wedepth`,
    and in TFLite's own form; its `description` also as the model's.

    Raises WedepthError for a graph that cannot be read, an op without lowering and a form of an op that TFLite has no
    exact counterpart of. Nothing is written then.
    """
    if precision not in ("fp32", "fp16"):
        raise WedepthError(f"TFLite weights are fp32 or fp16, not {precision!r}.")
    file = TfliteFile(half=lambda name: precision == "fp16")
    with looked_up(hub) as graph:
        model, constants = weights.read_hub(graph)
        block_tokens(model, constants)
    inputs, outputs, _ = lower(model, file, constants=constants)
    file.save(out, inputs, outputs, metadata)
    attach_licence(out, metadata)


def read_hub(hub: Path) -> onnx.ModelProto:
    """The graph in a file with all its weights, its sampling by lookups; WedepthError for one that cannot be read."""
    try:
        with looked_up(hub) as graph:
            return onnx.load(graph)
    except WedepthError:
        raise
    except Exception as error:
        raise WedepthError(f"Cannot read {hub} as an ONNX graph: {str(error).splitlines()[0]}.") from None
