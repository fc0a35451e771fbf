"""The hub: one prepared, fixed-size fp32 ONNX graph that is the source of every other target."""

import contextlib
import io
import logging
import multiprocessing
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from export.names import name_by_module
from export.prepare import prepare
from wedepth.errors import WedepthError
from wedepth.network import WEDepth

OPSET = 20  # the first with Gelu as one op; GroupNormalization (21) is not known to every frontend yet
# A protobuf holds at most 2 GB; above this the weights go to a file beside the graph.
EXTERNAL_ABOVE = 1_000_000_000
SIMPLIFY_SECONDS = 120


def export_onnx(network: WEDepth, size: tuple[int, int], path: Path) -> None:
    """Write the hub of `network` for images of `size` (height, width) to `path`.

    Input `image`: float32 [1,3,H,W], RGB 0…255. Output `depth`: float32 [1,1,H,W], metres. Weights of more than
    1 GB stand beside the graph in `<name>.data`.
    """
    model = _trace(network, size)
    name_by_module(model)
    model = simplify(model)
    large = model.ByteSize() > EXTERNAL_ABOVE
    onnx.save_model(model, path, save_as_external_data=large, location=_weights_file(path).name, size_threshold=1024)
    del model
    onnx.checker.check_model(str(path), full_check=True)


def _trace(network: WEDepth, size: tuple[int, int]) -> onnx.ModelProto:
    with torch.no_grad(), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.getLogger("onnxscript").setLevel(logging.ERROR)
        program = torch.onnx.export(
            prepare(network, size),
            (torch.zeros(1, 3, *size),),
            dynamo=True,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["depth"],
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def simplify(model: onnx.ModelProto, seconds: float = SIMPLIFY_SECONDS) -> onnx.ModelProto:
    """The graph with its constants folded by onnxsim, or as it was where onnxsim fails, is late or changes a number.

    Only its folding is used: its fusions wrap every linear layer in a pair of reshapes and gain no time.
    """
    if model.ByteSize() > EXTERNAL_ABOVE:
        return model
    folded = _in_time(_fold, model.SerializeToString(), seconds)
    if folded is None:
        return model
    result = onnx.load_model_from_string(folded)
    return result if _agree(model, result) else model


def _fold(data: bytes) -> bytes:
    import onnxsim

    result, ok = onnxsim.simplify(onnx.load_model_from_string(data), perform_optimization=False)
    if not ok:
        raise WedepthError("onnxsim's own check failed.")
    return result.SerializeToString()


def _in_time(function: Callable[[Any], bytes], argument: Any, seconds: float) -> bytes | None:
    """`function(argument)` in a process of its own; None where it fails or takes longer. A crash of it is not ours."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        try:
            return pool.apply_async(function, (argument,)).get(seconds)
        except Exception:
            return None


def _agree(before: onnx.ModelProto, after: onnx.ModelProto) -> bool:
    import onnxruntime

    shape = [d.dim_value for d in before.graph.input[0].type.tensor_type.shape.dim]
    image = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    first, second = (
        onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(
            None, {before.graph.input[0].name: image}
        )[0]
        for model in (before, after)
    )
    return bool(np.allclose(first, second, rtol=1e-5))


def convert(hub: Path, out: Path, *, precision: str, metadata: dict[str, str]) -> None:
    """The ONNX target from the hub: a copy in fp32, rewritten in fp16, with `metadata` in the file."""
    if precision == "fp16":
        from export.float16 import to_float16

        to_float16(hub, out)
        model = onnx.load(str(out), load_external_data=False)
    else:
        shutil.copyfile(hub, out)
        if (weights := _weights_file(hub)).is_file():
            shutil.copyfile(weights, _weights_file(out))
        model = onnx.load(str(out), load_external_data=False)
    onnx.helper.set_model_props(model, metadata)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = _weights_file(out).name
    onnx.save_model(model, out)


def _weights_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.data")
