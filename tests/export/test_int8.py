"""INT8 end to end on `nano`: every target's own quantiser, its artifact in its own runtime, the budget, the bundle."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from calib.budget import Budget
from calib.correct import log_bias
from calib.samples import choose
from calib.session import to_hub
from export.cli import export
from export.int8 import Int8Options
from export.pipeline import Exported, run
from export.targets import TARGETS
from runtimes.bundle import find_bundles, open_bundle
from runtimes.cli import parity
from runtimes.registry import open_session, predict, runtime_for
from runtimes.torch import TorchSession
from wedepth import load
from wedepth.errors import WedepthError
from wedepth.training.sources import parse_source

CALIB, EVAL = "rooms:100-108", "rooms:2"
LOOSE = Budget(delta1=0.95, abs_rel=1.05, bias=0.05)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("int8")


@pytest.fixture(scope="module")
def made(out: Path) -> dict[str, Exported]:
    """`nano` in INT8 for all four targets, by one calibration."""
    options = Int8Options(CALIB, evaluation=EVAL, budget=LOOSE)
    made, failed = run(load("nano"), list(TARGETS.values()), ["int8"], (64, 96), out, lambda _: None, options)
    assert failed == []
    return {item.target: item for item in made}


def again(out: Path, target: str, kept: Path, **options: Any) -> tuple[list[Exported], list[str]]:
    chosen = dataclasses.replace(Int8Options(CALIB, evaluation=EVAL, budget=LOOSE, calibrated=kept), **options)
    return run(load("nano"), [TARGETS[target]], ["int8"], (64, 96), out, lambda _: None, chosen)


@pytest.mark.parametrize("target", TARGETS)
def test_the_manifest_says_what_is_int8(made: dict[str, Exported], out: Path, target: str) -> None:
    bundle = open_bundle(out / f"nano-{target}-int8")
    record = bundle.manifest.int8
    assert record is not None and record.static is (target != "coreml")
    if target == "coreml":
        assert record.int8_share == 0 and bundle.manifest.precision.activations == "float16"
    else:
        assert record.int8_share > 0.9 and record.weight_share > 0.8
    assert len(record.samples) == 8 and len(set(record.samples)) == 8
    assert list(record.errors) == ["prepare", "onnx", "fp16", "simulated", "native"]
    assert record.errors["onnx"] < 1e-5 < record.errors["simulated"] < 0.02
    assert record.errors["native"] < 0.02
    assert record.float_ops and record.instruction_set


@pytest.mark.parametrize("target", TARGETS)
def test_the_artifact_gives_the_depth_of_its_golden_sample(made: dict[str, Exported], out: Path, target: str) -> None:
    bundle = open_bundle(out / f"nano-{target}-int8")
    image, depth = bundle.sample()
    session = open_session(runtime_for(target), bundle.artifact, "cpu")
    difference = np.abs(predict(session, bundle, image) / depth - 1)
    assert 0 < difference.mean() < 0.01


@pytest.mark.parametrize("target", TARGETS)
def test_what_int8_does_to_the_scale_is_corrected(made: dict[str, Exported], out: Path, target: str) -> None:
    bundle = open_bundle(out / f"nano-{target}-int8")
    assert bundle.manifest.int8 is not None
    before = abs(math.log(bundle.manifest.int8.correction))
    samples = choose(parse_source(CALIB, weighted=False).open(), (64, 96))
    network = TorchSession(load("nano"))
    session = open_session(runtime_for(target), bundle.artifact, "cpu")
    depths = [predict(session, bundle, sample.image) for sample in samples]
    after = abs(log_bias(depths, [network.run(to_hub(sample.image))[0, 0] for sample in samples]))
    # Half precision holds the bias to 1e-4, and there may be nothing to correct.
    assert before > 0 and after < max(before / 5, 1e-4)


def test_parity_runs_int8_bundles(made: dict[str, Exported], out: Path) -> None:
    result = CliRunner().invoke(
        parity, ["--bundle", str(out / "nano-onnx-int8"), "--runtime", "onnxruntime", "--data", EVAL, "--json"],
        standalone_mode=False,
    )  # fmt: skip
    (row,) = json.loads(result.stdout)["rows"]
    assert row["status"] == "pass" and row["precision"] == "int8"
    assert 1e-5 < row["vs_torch"]["mean_rel"] < 0.02


def test_onnx_weights_are_per_channel_and_activations_in_the_ranges(made: dict[str, Exported], out: Path) -> None:
    model = onnx.load(str(out / "nano-onnx-int8" / "model.onnx"))
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    scale = tensors["prompted.vfm.blocks.0.mlp.fc1/MatMul.constant_scale"]
    assert scale.shape == (128,)
    assert (tensors["prompted.vfm.blocks.0.mlp.fc1/MatMul.constant_zero_point"] == 128).all()
    assert tensors["prompted.vfm.blocks.0.mlp.fc1/MatMul.constant_quantized"].dtype == np.uint8
    ranges = json.loads((out / "nano-calibration" / "ranges.json").read_text())["ranges"]
    name = "prompted.vfm.blocks.0.norm2/LayerNormalization"
    found = tensors["prompted.vfm.blocks.0.mlp.fc1/MatMul~rows_scale"]
    assert float(found) == pytest.approx((ranges[name]["high"] - ranges[name]["low"]) / 255, rel=1e-5)


def test_a_module_set_to_float_stays_float(made: dict[str, Exported], out: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    for name in ("ranges.json", "precision.json"):
        (kept / name).write_text((out / "nano-calibration" / name).read_text())
    data = json.loads((kept / "precision.json").read_text())
    data["modules"]["decoder.layers.0.ffn"]["precision"] = "float"
    (kept / "precision.json").write_text(json.dumps(data))
    (item,), failed = again(tmp_path, "onnx", kept)
    assert failed == [] and item.int8 is not None
    before = made["onnx"].int8
    assert before is not None and item.int8.int8_share < before.int8_share
    assert "decoder.layers.0.ffn" in item.int8.float_modules


def test_an_unmet_budget_is_said_and_the_best_is_kept_aside(
    made: dict[str, Exported], out: Path, tmp_path: Path
) -> None:
    items, failed = again(tmp_path, "tflite", out / "nano-calibration", budget=Budget(delta1=2.0))
    assert items == []
    (sentence,) = failed
    assert "delta1=2" in sentence and "move the depth most" in sentence and "%" in sentence
    assert not (tmp_path / "nano-tflite-int8").exists()
    assert open_bundle(tmp_path / "nano-tflite-int8.unmet").manifest.int8 is not None
    with pytest.raises(WedepthError, match="holds no bundle"):
        find_bundles(tmp_path)


def test_the_int8_interface_of_tflite(made: dict[str, Exported], out: Path, tmp_path: Path) -> None:
    (item,), failed = again(tmp_path, "tflite", out / "nano-calibration", tflite_io="int8")
    assert failed == [] and item.int8 is not None and item.int8.errors["native"] < 0.02
    manifest = open_bundle(tmp_path / "nano-tflite-int8-io").manifest
    assert (manifest.input.dtype, manifest.output.dtype, manifest.output.unit) == ("int8", "int8", "ln(metre)")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--calib", "nowhere"], "There is no nowhere"),
        (["--calib", "rooms:100-105"], "at least 8 samples; there are 5"),
        (["--calib-size", "200"], "200 samples were asked for, but there are only 64"),
        (["--calib", "rooms:0-8", "--eval", "rooms:2"], "among the evaluation frames too"),
        (["--budget", "rmse=1"], "no budget for 'rmse'"),
        (["--calibrated", "nowhere"], "Cannot read the calibrated ranges"),
    ],
)
def test_what_cannot_be_calibrated_is_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    command = ["--preset", "nano", "--precision", "int8", "--eval", "rooms:1", "-o", str(tmp_path / "out"), *arguments]
    with pytest.raises(WedepthError, match=sentence):
        CliRunner().invoke(export, command, standalone_mode=False, catch_exceptions=False)
    assert not list(tmp_path.glob("out/*"))
