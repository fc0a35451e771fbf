"""From the numbers of an epoch's frames to the tensors of its steps."""

import sys
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from wedepth.network import MEAN, STD
from wedepth.training.augment import augment
from wedepth.training.config import TrainConfig
from wedepth.training.frames import TrainFrames

Batch = tuple[Tensor, Tensor]


class EpochFrames(TorchDataset[Batch]):
    """The frames of one epoch by position: normalised image [3,H,W], depth [H,W] in metres (0 = unknown).

    What is done to a frame follows from (seed, epoch, position), whichever process or run does it.
    """

    def __init__(self, frames: TrainFrames, order: NDArray[np.int64], config: TrainConfig, epoch: int) -> None:
        self._frames, self._order, self._config, self._epoch = frames, order, config, epoch

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, position: int) -> Batch:
        # + 1, since a last 0 changes nothing of a seed, and (seed, epoch) drew the order
        rng = np.random.default_rng((self._config.seed, self._epoch, position + 1))
        image, depth = augment(*self._frames.pair(int(self._order[position])), self._config.augment, rng)
        return normalised(image), torch.from_numpy(np.ascontiguousarray(depth))


def normalised(image: NDArray[np.float32]) -> Tensor:
    """RGB [H,W,3] in 0…1 as the network takes it: [3,H,W] with ImageNet's mean and deviation."""
    scaled = (image - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32))


def positions(config: TrainConfig, step: int, rank: int, world: int, parts: int) -> list[list[int]]:
    """The positions of one rank's part of a step's batch: a contiguous slice, in `parts` of equal length."""
    own = config.batch // world
    start = step * config.batch + rank * own
    part = own // parts
    return [list(range(start + i * part, start + (i + 1) * part)) for i in range(parts)]


def batches(
    frames: EpochFrames, plan: list[list[int]], workers: int, pin_memory: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """Images [n,3,H,W] and depths [n,H,W] of each list of positions, in order."""
    # Forked workers share the frames that are kept in memory; spawned ones would each be sent a copy.
    context = "fork" if workers and sys.platform == "linux" else None
    return iter(
        DataLoader(
            frames, batch_sampler=plan, num_workers=workers, pin_memory=pin_memory, multiprocessing_context=context
        )
    )
