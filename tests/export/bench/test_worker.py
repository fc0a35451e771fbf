"""A worker in its own process."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="a worker of the benchmark is tested with ONNX Runtime")

from export.bench.contenders import CONTENDERS
from export.bench.worker import Opening, input_of
from export.bench.workers import Worker
from runtimes.process import ChildFailed


def test_it_measures_and_reports(tmp_path: Path) -> None:
    opening = Opening("matmul-onnxruntime-1024", "", "nano", None, "", 1)
    with Worker(opening, tmp_path / "log") as worker:
        times = worker.run(3)
        peak = worker.peak_bytes()
    assert len(times) == 3
    for wall, cpu in times:
        assert 0 < wall < 60
        assert 0 < cpu < 60
    assert worker.load > 0
    assert worker.first > 0
    assert 10e6 < peak < 2e9
    assert worker.depth is None


def test_what_cannot_be_opened_is_a_reason(tmp_path: Path) -> None:
    np.save(tmp_path / "room.npy", np.zeros((64, 96, 3), np.uint8))
    missing = str(tmp_path / "model.onnx")
    opening = Opening("onnxruntime-naive", missing, "nano", None, str(tmp_path / "room.npy"), 1)
    with pytest.raises(ChildFailed, match=r"model\.onnx"):
        Worker(opening, tmp_path / "log")


def test_one_that_gives_no_answer_is_given_up(tmp_path: Path) -> None:
    opening = Opening("matmul-onnxruntime-1024", "", "nano", None, "", 1)
    with pytest.raises(ChildFailed, match="no answer"):
        Worker(opening, tmp_path / "log", limit=0.01)


def test_a_room_as_each_contender_takes_it() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    plain = input_of(CONTENDERS["onnxruntime-fp32"], image)
    assert plain.shape == (1, 3, 64, 96)
    assert plain[0, 2, 5, 7] == image[5, 7, 2]
    assert input_of(CONTENDERS["tflite-fp32"], image).shape == (1, 64, 96, 3)
    normalised = input_of(CONTENDERS["tflite-naive"], image)
    assert normalised[0, 0, 5, 7] == pytest.approx((image[5, 7, 0] / 255 - 0.485) / 0.229, rel=1e-5)
    assert input_of(CONTENDERS["onnxruntime-dav2"], image).shape == (1, 3, 56, 84)
