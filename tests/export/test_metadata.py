"""What artifacts say of themselves, each read back by its platform's own reader."""

import hashlib
import importlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from export.metadata import metadata
from runtimes.bundle import open_bundle, read_manifest, record_files

DESCRIPTION = "WEDepth metric depth in metres from RGB 0..255. Untrained: adapters from seed 0."
INPUT = (
    "RGB image, 96 pixels wide and 64 high, upright, values 0 to 255 as they are: the network normalises them itself"
)
OUTPUT = "Depth of every pixel along the camera's axis, in metres"
LICENCE = "VFM: random numbers."


@pytest.fixture(scope="module")
def version() -> str:
    return importlib.metadata.version("wedepth")


def checkpoint(folder: Path) -> str:
    return read_manifest(folder).checkpoint.sha256


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_onnx_runtime_reads_onnx(exported: Path, version: str, precision: str) -> None:
    import onnxruntime

    folder = exported / f"nano-onnx-{precision}"
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta()
    assert (meta.producer_name, meta.description) == ("wedepth", DESCRIPTION)
    found = meta.custom_metadata_map
    assert found["name"] == folder.name and found["version"] == version and found["precision"] == precision
    assert found["checkpoint_sha256"] == checkpoint(folder) and LICENCE in found["license"]
    assert (found["input"], found["output"]) == (INPUT, OUTPUT)
    assert (found["Image.BitmapPixelFormat"], found["Image.NominalPixelRange"]) == ("Rgb8", "NominalRange_0_255")


def test_onnx_says_which_input_is_an_image(exported: Path) -> None:
    import onnx

    graph = onnx.load(exported / "nano-onnx-fp32" / "model.onnx").graph
    assert graph.input[0].type.denotation == "IMAGE" and graph.input[0].doc_string == INPUT
    axes = [axis.denotation for axis in graph.input[0].type.tensor_type.shape.dim]
    assert axes == ["DATA_BATCH", "DATA_CHANNEL", "DATA_FEATURE", "DATA_FEATURE"]
    assert graph.output[0].doc_string == OUTPUT


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_openvino_reads_ir(exported: Path, version: str, precision: str) -> None:
    import openvino

    folder = exported / f"nano-openvino-{precision}"
    model = openvino.Core().read_model(str(folder / "model.xml"))
    info = {key: model.get_rt_info(["model_info", key]).astype(str) for key in model.get_rt_info(["model_info"]).value}
    assert info == {
        "model_type": "metric_depth",
        "reverse_input_channels": "True",
        "resize_type": "fit_to_window_letterbox",
        "pad_value": "128",
        "mean_values": "0 0 0",
        "scale_values": "1 1 1",
        "output_unit": "metre",
    }
    ours = {key: model.get_rt_info(["wedepth", key]).astype(str) for key in ("version", "license", "checkpoint_sha256")}
    assert ours["version"] == version and ours["checkpoint_sha256"] == checkpoint(folder) and LICENCE in ours["license"]
    assert [end.node.layout.to_string() for end in (*model.inputs, *model.outputs)] == ["[N,C,H,W]"] * 2


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_coremltools_reads_the_package(exported: Path, version: str, precision: str) -> None:
    import coremltools as ct

    folder = exported / f"nano-coreml-{precision}"
    model = ct.models.MLModel(str(folder / "model.mlpackage"), skip_model_load=True)
    assert (model.author, model.short_description, model.version) == ("wedepth", DESCRIPTION, version)
    assert LICENCE in model.license
    own = model.user_defined_metadata
    assert own["checkpoint_sha256"] == checkpoint(folder) and own["trained"] == "no"
    assert own["com.apple.coreml.model.preview.type"] == "depthEstimation"
    assert (model.input_description["image"], model.output_description["depth"]) == (INPUT, OUTPUT)
    image = model.get_spec().description.input[0].type.imageType
    assert (image.width, image.height, image.colorSpace) == (96, 64, image.ColorSpace.Value("RGB"))


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_litert_reads_the_signature(exported: Path, precision: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(exported / f"nano-tflite-{precision}" / "model.tflite"))
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["image"], "outputs": ["depth"]}}


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_licence_file_is_inside_the_tflite_model(exported: Path, precision: str) -> None:
    with zipfile.ZipFile(exported / f"nano-tflite-{precision}" / "model.tflite") as archive:
        (file,) = archive.infolist()
        assert file.filename == "LICENCES.txt" and file.compress_type == zipfile.ZIP_STORED
        assert LICENCE in archive.read(file).decode()


def described(path: Path) -> bytes:
    """The TFLite Metadata in a model."""
    from runtimes.tflite_file import read_model, text

    model = read_model(path.read_bytes())
    places = {text(entry.name): entry.buffer for entry in model.metadata}
    assert {"TFLITE_METADATA", "wedepth"} <= places.keys()
    return model.buffers[places["TFLITE_METADATA"]].data.tobytes()


def googles(module: str) -> Any:
    """A module of Google's reader of TFLite Metadata."""
    return pytest.importorskip(
        f"tensorflow_lite_support.metadata.{module}",
        reason="Google's reader is not here (pip install --no-deps tflite-support==0.4.4; it needs libusb)",
        exc_type=ImportError,
    )


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_googles_schema_reads_tflite_metadata(exported: Path, version: str, precision: str) -> None:
    schema = googles("metadata_schema_py_generated")
    content = described(exported / f"nano-tflite-{precision}" / "model.tflite")
    assert schema.ModelMetadata.ModelMetadataBufferHasIdentifier(content, 0)
    model = schema.ModelMetadataT.InitFromObj(schema.ModelMetadata.GetRootAs(content, 0))
    assert (model.name, model.description) == (f"nano-tflite-{precision}".encode(), DESCRIPTION.encode())
    assert (model.author, model.version) == (b"wedepth", version.encode()) and LICENCE.encode() in model.license
    (graph,), (file,) = model.subgraphMetadata, model.associatedFiles
    assert file.name == b"LICENCES.txt"
    (image,), (depth,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    assert (image.name, image.description, depth.name, depth.description) == (
        b"image", INPUT.encode(), b"depth", OUTPUT.encode(),
    )  # fmt: skip
    assert image.content.contentProperties.colorSpace == schema.ColorSpaceType.RGB
    size = image.content.contentProperties.defaultSize
    assert (size.width, size.height) == (96, 64)
    (unit,) = image.processUnits
    assert (list(unit.options.mean), list(unit.options.std)) == ([0.0], [1.0])
    assert (list(image.stats.min), list(image.stats.max)) == ([0.0], [255.0])
    assert depth.content.contentPropertiesType == schema.ContentProperties.FeatureProperties


def test_googles_reader_reads_the_model_and_the_file_inside(exported: Path) -> None:
    reader = googles("python.metadata").MetadataDisplayer
    opened = reader.with_model_file(str(exported / "nano-tflite-fp32" / "model.tflite"))
    assert json.loads(opened.get_metadata_json())["description"] == DESCRIPTION
    assert opened.get_packed_associated_file_list() == ["LICENCES.txt"]
    assert LICENCE.encode() in opened.get_associated_file_buffer("LICENCES.txt")


# OpenVINO numbers constants on and on: its files are the same from one process to the next, not within one.
@pytest.mark.parametrize("target", ["onnx", "tflite"])
def test_the_same_network_is_the_same_file_whenever_it_is_written(
    exported: Path, nano_hub: Path, tmp_path: Path, monkeypatch, target: str
) -> None:
    from export.targets import TARGETS

    bundle = open_bundle(exported / f"nano-{target}-fp32")
    checked = bundle.manifest.checkpoint
    record = {"weights": checked.weights, "trained": checked.trained, "vfm": checked.vfm}
    record |= {"sha256": checked.sha256, "vfm_sha256": checked.vfm_sha256}
    given = metadata(bundle.folder.name, "fp32", record, "Code: none.\n", (64, 96), "metre")
    monkeypatch.setattr("time.time", lambda: 2e9)  # zip files tell the time
    hashes = []
    for turn in ("first", "second"):
        (tmp_path / turn).mkdir()
        out = tmp_path / turn / TARGETS[target].artifact
        importlib.import_module(TARGETS[target].module).convert(nano_hub, out, precision="fp32", metadata=given)
        hashes.append(record_files(tmp_path / turn, ".").files)
        monkeypatch.undo()
    assert hashes[0] == hashes[1] != {}


def test_the_manifest_covers_what_is_said_in_the_file(exported: Path) -> None:
    for target in ("onnx", "tflite"):
        bundle = open_bundle(exported / f"nano-{target}-fp32")
        content = bundle.artifact.read_bytes()
        assert DESCRIPTION.encode() in content and LICENCE.encode() in content
        assert hashlib.sha256(content).hexdigest() == bundle.manifest.artifact.sha256
