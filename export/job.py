"""One artifact to make: of which network, for which target, in which precision."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.int8 import Quantiser
from export.targets import Target
from runtimes.bundle import PreparedRecord
from runtimes.results import Depth
from wedepth.config import Config


@dataclass(frozen=True, slots=True)
class Samples:
    """Verification frames at the network's size, RGB [H,W,3], and torch's depth [H,W] of each."""

    images: list[NDArray[np.uint8]]
    depths: list[Depth]


@dataclass(frozen=True, slots=True)
class Subject:
    """A network as its artifacts know it: without its weights, which take 1.7 GB of `paper`."""

    config: Config
    record: dict[str, Any]
    """Where it comes from, and its hashes: what `wedepth.checkpoint.describe` says."""
    training: dict[str, Any] | None
    """How it was trained, where that is known."""
    samples: Samples
    prepared: PreparedRecord


@dataclass(frozen=True, slots=True)
class Job:
    """One artifact to make: of what, and from which hub."""

    subject: Subject
    target: Target
    precision: str
    hub: Path
    out: Path
    quantiser: Quantiser | None

    @property
    def narrow(self) -> bool:
        """Whether the artifact takes and gives int8."""
        return self.precision == "int8" and self.quantiser is not None and self.quantiser.int8_interface(self.target)
