from dataclasses import replace

import numpy as np
import pytest
import torch

import wedepth
from runtimes.parity import measure
from runtimes.torch import TorchSession
from wedepth.data import open_dataset, resize_image
from wedepth.training.frames import read_val_frames
from wedepth.training.sources import Source
from wedepth.training.validation import mean_abs_rel, predictor, rounded, validate


def test_it_measures_what_parity_does() -> None:
    network = wedepth.load("nano")
    source = read_val_frames(Source("rooms:3"), (64, 96), lambda: None, workers=1)
    found = validate(predictor(network, torch.device("cpu")), [source], batch=2)
    frames = list(open_dataset("rooms:3"))
    session = TorchSession(network)
    depths = [
        session.run(resize_image(f.image, (64, 96)).transpose(2, 0, 1)[None].astype(np.float32))[0, 0] for f in frames
    ]
    expected = measure(depths, frames)
    assert found["rooms:3"] == pytest.approx(expected, rel=1e-4)


def test_sources_count_the_same() -> None:
    source = read_val_frames(Source("rooms:2"), (64, 96), lambda: None, workers=1)
    always = validate(
        lambda images: np.full((len(images), 64, 96), 2.0, np.float32), [source, replace(source, label="b")]
    )
    assert mean_abs_rel(always) == pytest.approx(always["b"]["abs_rel"])
    assert mean_abs_rel({}) is None
    assert rounded({"a": {"b": 1.23456789}, "c": "d"}) == {"a": {"b": 1.234568}, "c": "d"}
