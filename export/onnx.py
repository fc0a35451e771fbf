"""The hub: one prepared, fixed-size fp32 ONNX graph that is the source of every other target."""

import contextlib
import io
import logging
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import onnx_ir as ir
import torch
from onnx_ir.passes import common as passes
from onnxscript import optimizer, rewriter
from onnxscript.rewriter.rules import common as rules

from export.blocks import block_tokens
from export.fold import fold
from export.lookup import looked_up
from export.names import name_by_module
from export.narrow import narrow_splits
from export.prepare import REWRITES, Prepared, Rewrite, prepare
from export.weights import read_hub
from wedepth.network import WEDepth

OPSET = 20  # the first with Gelu as one op; GroupNormalization (21) is not known to every frontend yet
# A protobuf holds at most 2 GB; above this the weights go to a file beside the graph.
EXTERNAL_ABOVE = 1_000_000_000
INLINE = 1024  # bytes of a tensor up to which it stays in the graph in any case: shapes and the like
# What ONNX's standard calls the image that a model takes, which Windows ML goes by.
IMAGE = {
    "Image.BitmapPixelFormat": "Rgb8",
    "Image.ColorSpaceGamma": "SRGB",
    "Image.NominalPixelRange": "NominalRange_0_255",
}
AXES = ("DATA_BATCH", "DATA_CHANNEL", "DATA_FEATURE", "DATA_FEATURE")
# onnxscript's rewrites that find something in our graphs, and those that could. With all 46 of them, as torch applies
# them, tracing edge took 48 and 57 s of CPU, with these and our folding 32 and 38, in turns on a loaded machine. Run
# alone, the one that joins slices to a split took 1.65 s of edge, each of the others under 0.1.
RULES = (
    rules.mul_by_1_rule,
    rules.add_0_rule,
    rules.sub_0_rule,
    rules.div_by_1_rule,
    rules.no_op_cast_rule,
    rules.no_op_expand_rule,
    rules.no_op_transpose_rule,
    rules.reshape_reshape_rule,
    rules.transpose_transpose_rule,
    rules.unsqueeze_unsqueeze_rule,
    rules.fuse_pad_into_conv_rule,
    rules.fuse_batchnorm_into_conv_rule,
)


def export_onnx(network: WEDepth, size: tuple[int, int], path: Path, *, rewrites: Sequence[Rewrite] = REWRITES) -> None:
    """Write the hub of `network` for images of `size` (height, width) to `path`.

    Input `image`: float32 [1,3,H,W], RGB 0…255. Output `depth`: float32 [1,1,H,W], metres. Weights of more than
    1 GB stand beside the graph in `<name>.data`.
    """
    model = _trace(prepare(network, size, rewrites), size)
    traced = list(model.graph.initializers.values())
    tidy(model)
    _save(model, path)
    for value in (*traced, *model.graph.initializers.values()):
        value.const_value = None  # onnxscript's rules keep the last graph that they saw, and with it the network
    onnx.checker.check_model(str(path), full_check=True)


def _trace(network: Prepared, size: tuple[int, int]) -> ir.Model:
    """The graph as torch gives it; its weights are the network's own."""
    with torch.no_grad(), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.getLogger("onnxscript").setLevel(logging.ERROR)
        program = torch.onnx.export(
            network,
            (torch.zeros(1, 3, *size),),
            dynamo=True,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["depth"],
            verbose=False,
            optimize=False,
        )
    assert program is not None
    return program.model


def tidy(model: ir.Model) -> None:
    """Fold constants and take out, in place, what computes nothing. No number of the output changes by it but by
    rounding."""
    optimizer.inline(model)
    optimizer.fold_constants(
        model, onnx_shape_inference=True
    )  # shapes, casts of known types, sequences: what needs no value
    passes.RemoveUnusedNodesPass()(model)
    for rule in RULES:
        rewriter.rewrite(model, [rule])
    passes.IdentityEliminationPass()(model)
    passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    fold(model)
    for step in (
        passes.RemoveUnusedNodesPass(),
        passes.RemoveUnusedOpsetsPass(),
        passes.DeduplicateInitializersPass(),
        passes.CommonSubexpressionEliminationPass(),
        passes.OutputFixPass(),
        passes.NameFixPass(),
    ):
        step(model)


def _save(model: ir.Model, path: Path) -> None:
    """Write the graph with names and shapes; tensor after tensor goes to the disk, so that no weight is held twice."""
    weights = _weights_file(path)
    ir.save(model, path, external_data=weights.name, size_threshold_bytes=INLINE)
    graph = onnx.load(path, load_external_data=False)
    name_by_module(graph)
    graph = onnx.shape_inference.infer_shapes(graph, data_prop=True)
    if weights.stat().st_size <= EXTERNAL_ABOVE:
        onnx.load_external_data_for_model(graph, str(path.parent))
        weights.unlink()
    onnx.save_model(graph, path)


def convert(hub: Path, out: Path, *, precision: str, metadata: dict[str, str]) -> None:
    """The ONNX target from the hub, with `metadata` in the file: in fp32 with its sampling by lookups, which are the
    faster on CPUs; rewritten in fp16, which is for GPUs, with GridSample, since fp16 counts to 2 048 and no further."""
    weights = _weights_file(hub)
    if precision == "fp16":
        from export.float16 import to_float16

        to_float16(hub, out)
        model = onnx.load(str(out), load_external_data=False)
    else:
        with looked_up(hub) as graph:
            model, constants = read_hub(graph)
            block_tokens(model, constants)
        if weights.is_file():
            shutil.copyfile(weights, _weights_file(out))
        else:
            model = _simplified(model)
        narrow_splits(model)
    describe(model, metadata)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = _weights_file(out).name
    onnx.save_model(model, out)


def describe(model: onnx.ModelProto, metadata: dict[str, str]) -> None:
    """Enter metadata in a model, and that its input is an RGB image, as ONNX writes that of images."""
    onnx.helper.set_model_props(model, metadata | IMAGE)
    model.producer_name, model.producer_version = "wedepth", metadata.get("version", "")
    model.doc_string = metadata.get("description", "")
    image = model.graph.input[0]
    image.doc_string, image.type.denotation = metadata.get("input", ""), "IMAGE"
    for axis, denotation in zip(image.type.tensor_type.shape.dim, AXES, strict=False):
        axis.denotation = denotation
    model.graph.output[0].doc_string = metadata.get("output", "")


def _simplified(model: onnx.ModelProto) -> onnx.ModelProto:
    """What targets' rewrites left to fold, folded by onnxsim, which needs the graph as one protobuf; as it was where
    onnxsim's own check fails. Its fusions wrap every linear layer in a pair of reshapes and gain no time: off."""
    import onnxsim

    result, same = onnxsim.simplify(model, perform_optimization=False)
    return result if same else model


def _weights_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.data")
