"""The trained adapters that come with the project."""

import hashlib
from pathlib import Path

import pytest
import torch

from wedepth import checkpoint, load
from wedepth.checkpoint import save_adapters, shipped_file, training_record
from wedepth.config import SHIPPED, preset
from wedepth.errors import WedepthError
from wedepth.network import build

MOST_BYTES = 20_000_000


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose `nano` is shipped, with adapters of another seed than untrained ones have."""
    folder = tmp_path / "weights"
    folder.mkdir()
    network = build(preset("nano"), 0)
    with torch.no_grad():
        network.heads.heads[0].layers[-1].bias.add_(1)
    file = folder / "nano.safetensors"
    save_adapters(network, file, training={"images": 5000, "val_abs_rel": 0.2}, in_half=True)
    monkeypatch.setitem(SHIPPED, "nano", hashlib.sha256(file.read_bytes()).hexdigest())
    monkeypatch.setattr(checkpoint, "__file__", str(tmp_path / "checkpoint.py"))
    return file


def test_a_presets_name_loads_what_is_shipped(weights: Path) -> None:
    network = load("nano")
    assert network.provenance.trained and network.provenance.source == "nano"
    assert network.provenance.weights == "trained: 5000 images, val AbsRel 0.200"
    untrained = build(preset("nano"), 0)
    assert not torch.equal(network.heads.heads[0].layers[-1].bias, untrained.heads.heads[0].layers[-1].bias)


def test_with_a_random_vfm_it_is_untrained(weights: Path) -> None:
    network = load("nano", vfm="random")
    assert not network.provenance.trained and "untrained" in network.provenance.weights


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_what_was_damaged_is_a_sentence(weights: Path, damage: str) -> None:
    if damage == "gone":
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(WedepthError, match="missing or damaged: install wedepth again"):
        load("nano")


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_what_is_shipped_is_small_and_says_what_it_is(name: str) -> None:
    file = shipped_file(name)
    assert file.stat().st_size <= MOST_BYTES
    record = training_record(file)
    assert record is not None and record["images"] > 1000 and record["val"] and record["floors"]
    card = (Path(__file__).parents[2] / "docs" / "model-card.md").read_text()
    for metrics in record["val"].values():
        assert f"| {metrics['abs_rel']:.3f} | {metrics['rmse']:.3f} |" in card
    assert SHIPPED[name][:16] in card
