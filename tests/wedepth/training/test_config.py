import json
from pathlib import Path

import pytest

from wedepth.errors import WedepthError
from wedepth.training.config import LossConfig, TrainConfig, merged, read_recipe

CONFIG = TrainConfig((64, 96), 100)


def test_it_travels_as_json() -> None:
    config = TrainConfig((64, 96), 100, lr=1e-3, loss=LossConfig(l1=0.0), betas=(0.8, 0.99))
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_whole_numbers_are_numbers_too() -> None:
    assert TrainConfig.from_dict(CONFIG.to_dict() | {"clip_norm": 2}).clip_norm == 2.0


def test_an_epoch_is_whole_batches() -> None:
    assert (CONFIG.steps_per_epoch, CONFIG.total_steps) == (13, 260)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": [60, 96]}, "multiples of 32"),
        ({"size": [64]}, r"must be \[height, width\]"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"images": 0}, "images must be at least 1"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"epochs": 1}, r"warmup_epochs must be from 0 to epochs \(1\)"),
        ({"lr": 0.0}, "lr must be above 0"),
        ({"lr": "fast"}, "lr must be a number"),
        ({"loss": {"silog": -1.0}}, "loss must be weights of 0 or more"),
        ({"loss": {"silog": 0.0, "l1": 0.0, "gradient": 0.0}}, "not all zero"),
        ({"loss": {"silog_lambda": 1.5}}, "at most 1"),
        ({"augment": {"flip": 2.0}}, "a probability"),
        ({"augment": {"scale": 1.0}}, "fractions"),
        ({"augment": {"cover": "no"}}, "cover must be true or false, not 'no'"),
        ({"augment": {"zoom": 1.0}}, "has unknown zoom"),
    ],
)
def test_what_cannot_be_run_is_a_sentence(change: dict, said: str) -> None:
    with pytest.raises(WedepthError, match=said):
        TrainConfig.from_dict(merged(CONFIG.to_dict(), change))


def test_a_recipe_names_what_it_changes(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"loss": {"l1": 0.2}}')
    config = TrainConfig.from_dict(merged(CONFIG.to_dict(), read_recipe(tmp_path / "recipe.json")))
    assert (config.loss.l1, config.loss.silog) == (0.2, 1.0)
    (tmp_path / "recipe.json").write_text("[]")
    with pytest.raises(WedepthError, match="must be an object"):
        read_recipe(tmp_path / "recipe.json")
    with pytest.raises(WedepthError, match="Cannot read the recipe"):
        read_recipe(tmp_path / "none.json")
