"""The targets as data: what each is made of and what making it needs. Imports nothing heavy."""

import importlib.util
from dataclasses import dataclass

from wedepth.errors import WedepthError

FLOATS = ("fp32", "fp16")
PRECISIONS = (*FLOATS, "int8")


@dataclass(frozen=True, slots=True)
class Target:
    """A target: its artifact, the module whose `convert` makes it from the hub, and what that module needs.

    `weights` and `activations` say, by precision, what the artifact stores and asks its runtime to compute in.
    """

    name: str
    artifact: str
    module: str
    needs: tuple[str, ...]
    extra: str
    layout: str
    weights: dict[str, str]
    activations: dict[str, str]
    int8: str
    int8_default: str
    """The modules that make the artifact in INT8: `convert` by our recipe, `convert_default` by its quantiser's own."""
    int8_needs: tuple[str, ...]
    takes: str
    """What conversion of `edge` took on two cores, for people who wait."""


_FLOATS = {"fp32": "float32", "fp16": "float16", "int8": "int8, symmetric, per output channel"}
_INT8 = {"int8": "int8, asymmetric, per tensor, static; float32 between"}
_ASKED = {"fp32": "float32", "fp16": "float16"} | _INT8
_DEVICE_CHOICE = {"fp32": "float32", "fp16": "float32 on CPU, float16 where the device prefers it"} | _INT8
_FLOAT32 = {"fp32": "float32", "fp16": "float32"} | _INT8

TARGETS = {
    target.name: target
    for target in (
        Target(
            "onnx", "model.onnx", "export.onnx", ("onnx", "onnx_ir", "onnxscript", "onnxsim", "onnxruntime"),
            "export", "NCHW", _FLOATS, _ASKED, "export.onnx_int8", "export.onnx_int8", (), "under a minute",
        ),
        Target(
            "openvino", "model.xml", "export.openvino", ("openvino",),
            "openvino", "NCHW", _FLOATS, _DEVICE_CHOICE,
            "export.openvino_int8", "export.openvino_int8", ("nncf",), "seconds",
        ),
        Target(
            "coreml", "model.mlpackage", "export.coreml", ("coremltools",),
            "coreml", "NCHW", _FLOATS, _ASKED, "export.coreml.int8", "export.coreml.int8_default", (), "under a minute",
        ),
        Target(
            "tflite", "model.tflite", "export.tflite", ("ai_edge_litert",),
            "tflite", "NHWC", _FLOATS, _FLOAT32,
            "export.tflite.int8", "export.tflite.int8_default", ("ai_edge_quantizer",), "seconds",
        ),
    )
}  # fmt: skip

_HUB = ("torch", "timm", "safetensors")


def require(targets: list[Target], int8: bool = False) -> None:
    """Refuse at once when a package that these targets need is not installed, naming the extra that brings it."""
    for target in (TARGETS["onnx"], *targets):
        for package in (*_HUB, *target.needs):
            if importlib.util.find_spec(package) is None:
                extras = "export" if target.extra == "export" else f"export,{target.extra}"
                raise WedepthError(
                    f"Exporting to {target.name} needs {package}, which is not installed: "
                    f"pip install 'wedepth[{extras}]'."
                )
        for package in target.int8_needs if int8 and target in targets else ():
            if importlib.util.find_spec(package) is None:
                raise WedepthError(
                    f"INT8 for {target.name} needs {package}, which is not installed: pip install 'wedepth[int8]'."
                )
