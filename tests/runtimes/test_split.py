"""Each step's own share of an artifact's error is told apart."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from runtimes.bundle import Bundle, Int8Record, open_bundle
from runtimes.split import Stage, split_error
from wedepth.rooms import rooms

IMAGE = rooms(1, (48, 64))[0].image


def split(bundle: Bundle, **options: str) -> dict[str, Stage]:
    stages = split_error(bundle, IMAGE, lambda name, done: None, **options)
    return {stage.step: stage for stage in stages}


def test_the_steps_to_an_fp16_bundle(exported: Path) -> None:
    found = split(open_bundle(exported / "nano-coreml-fp16"))
    assert list(found) == ["torch, as trained", "prepared", "onnx fp32", "coreml fp32", "coreml fp16"]
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


def test_int8_has_its_simulation_before_it(exported: Path) -> None:
    bundle = open_bundle(exported / "nano-onnx-fp16")
    empty = dict.fromkeys((field.name for field in dataclasses.fields(Int8Record)), None)
    record = Int8Record(**{**empty, "evaluation": "4 frames of rooms:4", "errors": {"simulated": 0.012}})  # type: ignore[arg-type]
    precision = dataclasses.replace(bundle.manifest.precision, name="int8")
    manifest = dataclasses.replace(bundle.manifest, precision=precision, int8=record)
    found = split(dataclasses.replace(bundle, manifest=manifest))
    assert list(found)[2:] == ["onnx fp32", "onnx fp16", "int8, simulated in float", "onnx int8"]
    simulated = found["int8, simulated in float"]
    assert simulated.from_torch is not None and simulated.from_torch.mean_rel == 0.012
    assert simulated.recorded == "at export, on the first of 4 frames of rooms:4"
    last = found["onnx int8"]
    assert last.from_before is not None and np.isclose(last.from_before.mean_rel, 0.0)
