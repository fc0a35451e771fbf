"""The learning rate of every step (spec: "Training")."""

import math

from wedepth.training.config import TrainConfig


def learning_rate(config: TrainConfig, step: int) -> float:
    """Of step 0, 1, …: linear from `lr_floor` of the rate during the warm-up, then a cosine back down to it."""
    warmup = config.warmup_epochs * config.steps_per_epoch
    if step < warmup:
        return config.lr * (config.lr_floor + (1 - config.lr_floor) * step / warmup)
    done = (step - warmup) / max(config.total_steps - 1 - warmup, 1)
    return config.lr * (config.lr_floor + (1 - config.lr_floor) * (1 + math.cos(math.pi * min(done, 1))) / 2)
