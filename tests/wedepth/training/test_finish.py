from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from wedepth import load
from wedepth.checkpoint import half, training_record
from wedepth.errors import WedepthError
from wedepth.training.batches import normalised
from wedepth.training.frames import read_val_frames
from wedepth.training.sources import Source
from wedepth.training.validation import predictor, rounded, validate


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_run: Callable[..., dict[str, Any]]) -> Path:
    """A run, and a second one that goes on from what the first one left."""
    out = tmp_path_factory.mktemp("finish")
    tiny_run(out / "one")
    tiny_run(out / "two", init=(out / "one" / "adapters.safetensors",), preset=None, vfm="random")
    return out


def test_the_metrics_are_those_of_the_weights_in_half_precision(finished: Path) -> None:
    made = finished / "one" / "adapters.safetensors"
    network = load(made, vfm="random")
    record = training_record(made)
    assert record is not None
    source = read_val_frames(Source("rooms:2"), (64, 96), lambda: None, 1)
    assert rounded(validate(predictor(network, torch.device("cpu")), [source])) == record["val"]


def test_only_tables_and_filters_are_stored_in_half(finished: Path) -> None:
    state = load_file(finished / "one" / "adapters.safetensors")
    assert {t.dtype for t in state.values() if t.ndim > 1} == {torch.float16}
    assert torch.float16 not in {t.dtype for t in state.values() if t.ndim < 2}
    best = load_file(finished / "one" / "best.safetensors")
    for name, tensor in state.items():
        if not (name.startswith("heads.") and tensor.shape == (1,)):  # the biases that scale the depth
            assert torch.allclose(tensor.float(), best[name].float(), rtol=1e-3, atol=1e-6), name


def test_the_depth_is_scaled_by_what_the_record_and_the_card_say(finished: Path) -> None:
    made, best = (load(finished / "one" / f"{name}.safetensors", vfm="random") for name in ("adapters", "best"))
    record = training_record(finished / "one" / "adapters.safetensors")
    assert record is not None and abs(record["depth_scale"] - 1) > 0.01
    image = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        factor = made(image) / best(image)
    assert torch.allclose(factor, torch.tensor(record["depth_scale"]), rtol=2e-2)  # weights in half precision
    assert factor.mean().item() == pytest.approx(record["depth_scale"], rel=2e-3)
    card = (finished / "one" / "model-card.md").read_text()
    assert f"All depths are multiplied by {record['depth_scale']:.3f}" in card


def test_what_half_precision_cannot_hold_is_refused_by_name() -> None:
    with pytest.raises(WedepthError, match=r"cannot hold decoder\.x"):
        half({"decoder.x": torch.full((2, 2), 1e5), "fine": torch.full((2,), 1e5)})


def test_the_card_has_the_numbers_of_the_record_and_every_stage(finished: Path) -> None:
    card = (finished / "two" / "model-card.md").read_text()
    record = training_record(finished / "two" / "adapters.safetensors")
    assert record is not None
    for metrics in (record["val"]["rooms:2"], record["floors"]["constant"]["rooms:2"]):
        assert f"| {metrics['abs_rel']:.3f} | {metrics['rmse']:.3f} |" in card
    for stage, run in enumerate((record["before"], record), 1):
        assert f"| {stage} | 64×96 | {run['epochs'] * 6} |" in card
    assert record["images"] == 6 * (record["before"]["epochs"] + record["epochs"]) and str(finished) not in card
    assert f"epoch {record['epochs']} of 2" in card


def test_a_run_without_validation_says_so(tmp_path: Path, tiny_run: Callable[..., dict[str, Any]]) -> None:
    tiny_run(tmp_path / "run", val=(), settings={"epochs": 1})
    assert "Not validated" in (tmp_path / "run" / "model-card.md").read_text()
    assert not (tmp_path / "run" / "frames.png").exists()
    assert (tmp_path / "run" / "adapters.safetensors").exists()


def test_the_picture_shows_what_the_network_says(finished: Path) -> None:
    picture = np.asarray(Image.open(finished / "one" / "frames.png"))
    assert picture.shape[0] > 2 * 144 and picture.shape[1] > 4 * 192
    frame = read_val_frames(Source("rooms:2"), (64, 96), lambda: None, 1).frames[0]
    assert normalised(frame.image / np.float32(255)).shape == (3, 64, 96)
    shown = picture[24:168, 6:198].astype(int)
    expected = np.asarray(Image.fromarray(frame.image).resize((192, 144))).astype(int)
    assert np.abs(shown - expected).max() == 0
