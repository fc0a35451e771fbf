import numpy as np
import pytest
import torch

from wedepth.network import MEAN, STD
from wedepth.training.batches import EpochFrames, batches, normalised, positions
from wedepth.training.config import TrainConfig
from wedepth.training.frames import TrainFrames, read_train_frames
from wedepth.training.sources import Source

CONFIG = TrainConfig((64, 96), 8, batch=4)


@pytest.fixture(scope="module")
def frames() -> TrainFrames:
    return read_train_frames([Source("rooms:2")], (64, 96), lambda: None, workers=1)


def test_the_network_is_fed_as_it_was_pretrained() -> None:
    found = normalised(np.full((2, 3, 3), 0.5, np.float32))
    assert found.shape == (3, 2, 3)
    assert torch.allclose(found[:, 0, 0], (0.5 - torch.tensor(MEAN)) / torch.tensor(STD))


def test_ranks_take_contiguous_slices_in_equal_parts() -> None:
    assert positions(CONFIG, 1, rank=0, world=1, parts=2) == [[4, 5], [6, 7]]
    assert positions(CONFIG, 1, rank=1, world=2, parts=1) == [[6, 7]]
    assert positions(CONFIG, 0, rank=1, world=2, parts=2) == [[2], [3]]


def test_content_depends_on_seed_epoch_and_position_alone(frames: TrainFrames) -> None:
    order = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    plan = [[0, 1], [2, 3], [6, 7]]
    here, there = (list(batches(EpochFrames(frames, order, CONFIG, 3), plan, n, False)) for n in (0, 2))
    for (image, depth), (other, other_depth) in zip(here, there, strict=True):
        assert image.shape == (2, 3, 64, 96) and depth.shape == (2, 64, 96)
        assert torch.equal(image, other) and torch.equal(depth, other_depth)
    late = next(batches(EpochFrames(frames, order, CONFIG, 3), [[6, 7]], 0, False))
    assert torch.equal(late[0], here[2][0])
    assert not torch.equal(here[0][0][0], here[1][0][0])  # the same frame at another position
    assert not torch.equal(EpochFrames(frames, order, CONFIG, 4)[0][0], here[0][0][0])
