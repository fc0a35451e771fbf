import numpy as np
import pytest
import torch

from wedepth.config import preset
from wedepth.network import build
from wedepth.training.frames import TrainFrames
from wedepth.training.sampling import Groups
from wedepth.training.scale import best_scale, scale_depth

IMAGE = np.zeros((8, 8, 3), np.uint8)


def test_the_best_scale_has_the_least_abs_rel() -> None:
    rng = np.random.default_rng(0)
    truths = [rng.uniform(0.5, 9, (8, 8)).astype(np.float32) for _ in range(4)]
    truths[0][:3] = 0
    guess = rng.uniform(1, 6, (8, 8)).astype(np.float32)
    groups = Groups(1.0, tuple((number,) for number in range(4)))
    train = TrainFrames((8, 8), [], [None] * 4, [(IMAGE, truth) for truth in truths], (groups,), 0)
    found = best_scale(lambda images: np.broadcast_to(guess, (len(images), 8, 8)), train, seed=0)

    def abs_rel(scale: float) -> float:
        return float(np.mean([np.mean(np.abs(scale * guess[t > 0] / t[t > 0] - 1)) for t in truths]))

    assert abs_rel(found) <= min(abs_rel(s) for s in np.arange(0.1, 4, 0.001)) + 1e-6


def test_every_depth_is_multiplied() -> None:
    network, image = build(preset("nano"), 0), torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        before = network(image)
        scale_depth(network, 1.25)
        assert torch.allclose(network(image), 1.25 * before, rtol=1e-5)
    with pytest.raises(ValueError, match="math domain"):
        scale_depth(network, 0.0)
