"""What templates know of a bundle: its manifest, flat, and its golden sample."""

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass

from export.embed.golden import DEPTH, FACTS, IMAGE, Golden
from export.embed.platforms import Platform
from export.embed.sizes import Size, to_markdown
from runtimes.bundle import LOG_METRES, Bundle


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a template may say of the bundle. Sizes are in pixels and bytes, depth in metres."""

    platform: str
    name: str
    """The bundle's, such as edge-onnx-fp32."""
    target: str
    preset: str | None
    precision: str
    runtime: str
    """What ran the golden sample: onnxruntime, tflite, coreml, or coreml-reference."""
    model: str
    """The artifact's file or folder, in the bundle: the folder above the platform's."""
    model_sha256: str
    model_bytes: int
    files: dict[str, str]
    """Every file of the artifact, below the bundle, with its SHA-256. More than one for .mlpackage, and for ONNX with
    weights beside it."""
    height: int
    width: int
    input_name: str
    input_layout: str
    input_shape: list[int]
    input_dtype: str
    """float32, or int8; for Core ML, whose input is an image, float32 stands for its pixels' values."""
    input_low: float
    input_high: float
    input_scale: float | None
    input_zero_point: int | None
    """For an int8 input: value = (stored - zero point) * scale. None for float32."""
    output_name: str
    output_layout: str
    output_shape: list[int]
    output_dtype: str
    output_unit: str
    """metre, or ln(metre)."""
    output_log: bool
    """Whether the output is the logarithm of metres: depth is then its exp."""
    output_scale: float | None
    output_zero_point: int | None
    trained: bool
    weights: str
    """What the weights are, as a sentence without a full stop."""
    vfm: str
    checkpoint_sha256: str
    verified_runtime: str
    verified_max_rel: float
    verified_mean_rel: float
    verified_data: str
    golden: str
    """The golden sample's folder in the platform's project."""
    golden_image: str
    golden_depth: str
    golden_facts: str
    tolerance_max_rel: float | None
    tolerance_mean_rel: float
    versions: dict[str, str]
    wedepth: str
    """The version of wedepth that embedded it."""
    size_table: str
    """Markdown: the artifact's files, as they are and compressed, and what that is worth."""


def read_facts(bundle: Bundle, platform: Platform, golden: Golden, sizes: Sequence[Size]) -> Facts:
    """What the bundle says of itself, for a platform's templates."""
    manifest = bundle.manifest
    height, width = manifest.size
    scales = _scales(bundle)
    return Facts(
        platform=platform.name,
        name=manifest.name,
        target=manifest.target,
        preset=manifest.preset,
        precision=manifest.precision.name,
        runtime=golden.runtime,
        model=manifest.artifact.path,
        model_sha256=manifest.artifact.sha256,
        model_bytes=manifest.artifact.bytes,
        files=dict(manifest.artifact.files),
        height=height,
        width=width,
        input_name=manifest.input.name,
        input_layout=manifest.input.layout,
        input_shape=manifest.input.shape,
        input_dtype=manifest.input.dtype,
        input_low=manifest.input.range[0] or 0.0,
        input_high=manifest.input.range[1] or 255.0,
        input_scale=scales.input[0],
        input_zero_point=scales.input[1],
        output_name=manifest.output.name,
        output_layout=manifest.output.layout,
        output_shape=manifest.output.shape,
        output_dtype=manifest.output.dtype,
        output_unit=manifest.output.unit,
        output_log=manifest.output.unit == LOG_METRES,
        output_scale=scales.output[0],
        output_zero_point=scales.output[1],
        trained=manifest.checkpoint.trained,
        weights=manifest.checkpoint.weights,
        vfm=manifest.checkpoint.vfm,
        checkpoint_sha256=manifest.checkpoint.sha256,
        verified_runtime=manifest.verified.runtime,
        verified_max_rel=manifest.verified.max_rel,
        verified_mean_rel=manifest.verified.mean_rel,
        verified_data=manifest.verified.data,
        golden=platform.golden,
        golden_image=IMAGE,
        golden_depth=DEPTH,
        golden_facts=FACTS,
        tolerance_max_rel=golden.tolerance.max_rel,
        tolerance_mean_rel=golden.tolerance.mean_rel,
        versions=dict(manifest.versions),
        wedepth=importlib.metadata.version("wedepth"),
        size_table=to_markdown(sizes),
    )


Scale = tuple[float, int] | tuple[None, None]


@dataclass(frozen=True, slots=True)
class Scales:
    """Scale and zero point of what an artifact takes and gives; None of what is float32."""

    input: Scale = (None, None)
    output: Scale = (None, None)


def _scales(bundle: Bundle) -> Scales:
    """Read from the artifact: a manifest does not have them."""
    manifest = bundle.manifest
    if manifest.target != "tflite" or "int8" not in (manifest.input.dtype, manifest.output.dtype):
        return Scales()
    from runtimes.tflite_file import read_model

    graph = read_model(bundle.artifact.read_bytes()).subgraphs[0]

    def of(tensor: int) -> Scale:
        stored = graph.tensors[tensor].quantization
        return float(stored.scale[0]), int(stored.zeroPoint[0])

    return Scales(of(graph.inputs[0]), of(graph.outputs[0]))
