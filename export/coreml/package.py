"""From a graph to an .mlpackage: interface, precision, metadata."""

import contextlib
import io
import tempfile
from pathlib import Path
from typing import Any

import onnx

from export.weights import Constants, read_hub
from runtimes.mil_program import import_coremltools
from wedepth.errors import WedepthError

PREVIEW = {"com.apple.coreml.model.preview.type": "depthEstimation"}
"""By which Xcode shows what the model makes of an image dropped on it."""
# Metadata for which Core ML has fields of its own; all other is shown as user-defined.
FIELDS = {"author": "author", "description": "short_description", "license": "license", "version": "version"}


def convert(
    hub: Path,
    out: Path,
    *,
    precision: str,
    metadata: dict[str, str],
    input_name: str = "image",
    output_name: str = "depth",
) -> None:
    """Write the package `out` (`….mlpackage`, replaced if there) for iOS 17 and macOS 14 or later.

    It takes an RGB image of H×W pixels and gives a float32 array in the shape of the hub's output ([1,1,H,W],
    metres). `precision`, fp32 or fp16, is that of weights and arithmetic; in fp16 the last `exp` and what follows
    stay float32. Raises WedepthError for an op, or a form of one, that Core ML does not have, and for a graph that
    is not one image in and one tensor out.
    """
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".coreml-") as folder:
        model, constants = read_hub(hub)
        package = build_package(model, Path(folder), precision, input_name, output_name, constants)
        del constants
        describe(package, metadata)
        save(package, out)


def build_package(
    model: onnx.ModelProto,
    folder: Path,
    precision: str,
    input_name: str = "image",
    output_name: str = "depth",
    constants: Constants | None = None,
) -> Any:
    """The graph as an MLModel that is not loaded, its files in `folder`. Raises as `convert` does."""
    shape = _image_shape(model.graph, input_name, output_name)
    ct = import_coremltools()
    from export.coreml.precision import HalfPrecision
    from export.coreml.program import build_program

    program = build_program(model, input_name, output_name, constants)
    half = ct.transform.FP16ComputePrecision(op_selector=HalfPrecision())
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # progress bars
            package = ct.convert(
                program,
                source="milinternal",
                convert_to="mlprogram",
                minimum_deployment_target=ct.target.iOS17,
                compute_precision={"fp32": ct.precision.FLOAT32, "fp16": half}[precision],
                inputs=[ct.ImageType(name=input_name, shape=shape, color_layout=ct.colorlayout.RGB)],
                skip_model_load=True,
                package_dir=str(folder / "model.mlpackage"),
            )
    except ValueError as error:  # above all, a tensor of more than 5 axes that no pass could rewrite
        raise WedepthError(f"coremltools cannot finish the program: {str(error).strip().rstrip('.')}.") from None
    package.input_description[input_name] = f"RGB image, {shape[3]} pixels wide and {shape[2]} high"
    package.output_description[output_name] = "Depth in metres, [1, 1, height, width]"
    return package


def save(package: Any, out: Path) -> None:
    """Write an MLModel, in the place of what is there."""
    package.save(str(out))
    for path in out.rglob("*"):  # coremltools leaves the model readable for its owner alone
        path.chmod(0o755 if path.is_dir() else 0o644)


def _image_shape(graph: onnx.GraphProto, input_name: str, output_name: str) -> list[int]:
    """The shape [1,3,H,W] of the image; raises for any other interface."""
    constants = {t.name for t in graph.initializer}
    inputs = {i.name: i for i in graph.input if i.name not in constants}
    outputs = [o.name for o in graph.output]
    if list(inputs) != [input_name] or outputs != [output_name]:
        raise WedepthError(
            f"The graph takes {', '.join(inputs)} and gives {', '.join(outputs)}; for Core ML it has to take "
            f"{input_name!r} and give {output_name!r}, and nothing else."
        )
    shape = [d.dim_value for d in inputs[input_name].type.tensor_type.shape.dim]
    if len(shape) != 4 or shape[:2] != [1, 3] or 0 in shape:
        raise WedepthError(f"Core ML needs an image of fixed shape [1,3,H,W], and {input_name!r} has {shape}.")
    return shape


def describe(package: Any, metadata: dict[str, str]) -> None:
    """Enter metadata in an MLModel, with what is said of its input and output."""
    for key, value in (metadata | PREVIEW).items():
        if key in FIELDS:
            setattr(package, FIELDS[key], value)
        else:
            package.user_defined_metadata[key] = value
    for described, key in ((package.input_description, "input"), (package.output_description, "output")):
        for name in described if key in metadata else ():
            described[name] = metadata[key]
