"""How a network is trained: frozen dataclasses that travel as JSON. Defaults are the paper's (spec: "Training")."""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wedepth.config import check_size, from_json
from wedepth.errors import WedepthError


@dataclass(frozen=True, slots=True)
class LossConfig:
    """Weights of the loss terms, and the λ of the scale-invariant log loss."""

    silog: float = 1.0
    l1: float = 0.1
    gradient: float = 0.5
    silog_lambda: float = 0.5


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How far each change of a frame may go; all are drawn uniformly. Zeros turn it off."""

    flip: float = 0.5
    """Probability of mirroring left and right."""
    rotation: float = 5.0
    """Degrees, either way."""
    cover: bool = False
    """Zoom in as far as rotation and shift need to leave no border: a network can read a scale off the border."""
    scale: float = 0.10
    """Zoom of 1 ± this; depth is divided by the zoom."""
    shift: float = 0.10
    """Of height and width, either way."""
    brightness: float = 0.10
    """Brightness, contrast and saturation are multiplied by 1 ± theirs."""
    contrast: float = 0.10
    saturation: float = 0.10
    gamma: float = 0.10
    """Exponent of 1 ± this on values of 0…1."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """A whole run. What the frames are is not here: a run keeps the hash of each source beside this."""

    size: tuple[int, ...]
    """(height, width) of what the network sees, multiples of 32."""
    images: int
    """Frames drawn in an epoch; rounded up to whole batches."""
    batch: int = 8
    """Frames of one step of the optimiser, over all processes."""
    epochs: int = 20
    warmup_epochs: float = 3.0
    """Linear from `lr_floor` of the rate to the rate; then a cosine down to `lr_floor` of it."""
    lr: float = 2e-4
    lr_floor: float = 0.1
    betas: tuple[float, ...] = (0.9, 0.999)
    weight_decay: float = 0.01
    """Of every trained tensor, norms and biases too, as the specification's plain AdamW has it."""
    clip_norm: float = 1.0
    norms_until: float = 1.0
    """The part of the run after which BatchNorms keep their statistics, in training as at inference; 0 keeps those of
    the checkpoint it starts from. Batches tell a network what kind of scenes they are of, and it learns to read the
    scale off them: on a mixed run, other statistics alone moved the scale of its depth by 13 %."""
    seed: int = 0
    loss: LossConfig = field(default_factory=LossConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        """Refuse what cannot be run, naming the entry."""
        if len(self.size) != 2:
            raise WedepthError("The training size must be [height, width].")
        check_size((self.size[0], self.size[1]))
        a = self.augment
        checks = (
            (self.images >= 1, "images", "at least 1"),
            (self.batch >= 1, "batch", "at least 1"),
            (self.epochs >= 1, "epochs", "at least 1"),
            (0 <= self.warmup_epochs <= self.epochs, "warmup_epochs", f"from 0 to epochs ({self.epochs})"),
            (0 < self.lr < math.inf, "lr", "above 0"),
            (0 <= self.lr_floor <= 1, "lr_floor", "from 0 to 1"),
            (len(self.betas) == 2 and all(0 <= b < 1 for b in self.betas), "betas", "two numbers from 0 to below 1"),
            (0 <= self.weight_decay < math.inf, "weight_decay", "0 or more"),
            (self.clip_norm > 0, "clip_norm", "above 0"),
            (self.seed >= 0, "seed", "0 or more"),
            (all(0 <= w < math.inf for w in dataclasses.astuple(self.loss)), "loss", "weights of 0 or more"),
            (self.loss.silog + self.loss.l1 + self.loss.gradient > 0, "loss", "weights that are not all zero"),
            (self.loss.silog_lambda <= 1, "loss.silog_lambda", "at most 1: the root of a negative number is none"),
            (0 <= a.flip <= 1, "augment.flip", "a probability"),
            (0 <= a.rotation <= 45, "augment.rotation", "from 0 to 45 degrees"),
            (all(0 <= x < 0.9 for x in dataclasses.astuple(a)[3:]), "augment", "fractions from 0 to below 0.9"),
        )
        for holds, name, wanted in checks:
            if not holds:
                raise WedepthError(f"The training config is not usable: {name} must be {wanted}.")

    @property
    def steps_per_epoch(self) -> int:
        """Steps of the optimiser in an epoch."""
        return math.ceil(self.images / self.batch)

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.epochs * self.steps_per_epoch

    def to_dict(self) -> dict[str, Any]:
        """The config as plain JSON types."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @staticmethod
    def from_dict(data: Any) -> "TrainConfig":
        """A config from its JSON form; missing, unknown or wrongly typed entries are named in a WedepthError."""
        return from_json(TrainConfig, data, "training config")


def read_recipe(path: Path) -> dict[str, Any]:
    """A JSON file with any of TrainConfig's entries."""
    try:
        data = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise WedepthError(f"Cannot read the recipe {path}: {error}.") from None
    if not isinstance(data, dict):
        raise WedepthError(f"The recipe {path} must be an object of training settings.")
    return data


def merged(defaults: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`defaults` with `changes` put over them, nested objects entry by entry; None changes nothing."""
    result = dict(defaults)
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        elif value is not None:
            result[name] = value
    return result
