"""Each step's own share of an artifact's error is told apart."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from runtimes.bundle import Bundle, Int8Record, open_bundle
from runtimes.results import Depth
from runtimes.split import Stage, split_error
from runtimes.worker import Opening
from wedepth.rooms import rooms

IMAGE = rooms(1, (48, 64))[0].image


def split(bundle: Bundle, **options: str) -> dict[str, Stage]:
    stages = split_error(bundle, IMAGE, lambda name, done: None, **options)
    return {stage.step: stage for stage in stages}


def test_the_steps_to_an_fp16_bundle(exported: Path) -> None:
    found = split(open_bundle(exported / "nano-openvino-fp16"))
    assert list(found) == ["torch, as trained", "prepared", "onnx fp32", "openvino fp32", "openvino fp16"]
    assert {stage.reason for stage in found.values()} == {None}
    prepared, onnx, full, half = list(found.values())[1:]
    assert prepared.recorded == "at export, on the bundle's sample"
    assert prepared.from_torch is not None and 0 < prepared.from_torch.mean_rel < 1e-5
    for stage in (onnx, full, half):
        assert stage.from_torch is not None and stage.from_before is not None
    assert onnx.from_before == onnx.from_torch  # torch is what was run before it
    assert full.from_torch.mean_rel < 1e-5 < half.from_torch.mean_rel < 1e-2
    assert half.from_before.mean_rel == pytest.approx(half.from_torch.mean_rel, rel=0.1)
    assert half.from_torch.max_rel is not None and half.from_torch.max_rel > half.from_torch.mean_rel


def test_what_is_not_there_is_said(exported: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copytree(exported / "nano-tflite-fp16", tmp_path / "nano-tflite-fp16"))
    found = split(open_bundle(alone), checkpoint=str(tmp_path / "gone.safetensors"))
    assert "There is no checkpoint" in str(found["torch, as trained"].reason)
    for step in ("onnx fp32", "tflite fp32"):
        assert found[step] == Stage(step, reason="there is no such bundle beside nano-tflite-fp16")
    ran = found["tflite fp16"]
    assert (ran.bundle, ran.from_torch, ran.from_before, ran.reason) == ("nano-tflite-fp16", None, None, None)


def test_each_step_is_held_against_torch_and_the_step_before(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = open_bundle(exported / "nano-tflite-fp16")
    empty = dict.fromkeys((field.name for field in dataclasses.fields(Int8Record)), None)
    record = Int8Record(**{**empty, "evaluation": "4 frames of rooms:4", "errors": {"simulated": 0.012}})  # type: ignore[arg-type]
    precision = dataclasses.replace(bundle.manifest.precision, name="int8")
    manifest = dataclasses.replace(bundle.manifest, target="openvino", precision=precision, int8=record)
    bundle = dataclasses.replace(bundle, manifest=manifest)
    depths = iter([1.0, 1.01, None, 1.03, 1.06])  # OpenVINO's fp32 does not run

    def depth(opening: Opening, pixels: NDArray[np.uint8]) -> tuple[Depth | None, str | None]:
        value = next(depths)
        found = None if value is None else np.full((2, 2), value, np.float32)
        return found, "it crashed" if value is None else None

    monkeypatch.setattr("runtimes.split._depth", depth)
    found = split(bundle)
    assert list(found)[2:] == [
        "onnx fp32",
        "openvino fp32",
        "openvino fp16",
        "int8, simulated in float",
        "openvino int8",
    ]
    means = {
        step: [None if one is None else round(one.mean_rel, 4) for one in (stage.from_torch, stage.from_before)]
        for step, stage in list(found.items())[2:]
    }
    assert means == {
        "onnx fp32": [0.01, 0.01],
        "openvino fp32": [None, None],
        "openvino fp16": [0.03, 0.0198],  # from ONNX, the last that ran
        "int8, simulated in float": [0.012, None],
        "openvino int8": [0.06, 0.0291],
    }
    assert found["openvino fp32"].reason == "it crashed"
    assert found["int8, simulated in float"].recorded == "at export, on the first of 4 frames of rooms:4"
