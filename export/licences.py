"""The terms of what an artifact holds: the code that made it, its weights, and what they were trained on."""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wedepth.config import SHIPPED

_CODE = "none is stated: all rights are its authors'"
_DINOV2 = "DINOv2 by Meta AI, Apache-2.0"
# Where an encoder starts, by how timm names it.
_ENCODERS = {"tf_efficientnet_lite": "EfficientNet-Lite weights of timm, Apache-2.0, trained on ImageNet"}
_ROOMS = "rooms that the project draws itself, on which nobody else has rights"
_SHIPPED = (
    "the real frames are samples from public repositories, of NYU Depth v2 and SUN3D (for research), TUM RGB-D "
    "(CC BY 4.0), and others, of which some state no licence; none of them comes with the model"
)
_OTHERS = "other frames are under the terms of whoever gave them"


@dataclass(frozen=True, slots=True)
class Licences:
    """Terms of the code, of the frozen VFM, of all other weights, and of the data that they were trained on: each a
    phrase."""

    code: str
    vfm: str
    weights: str
    data: str

    def __str__(self) -> str:
        """A line for each, in ASCII, as formats keep it."""
        parts = (("Code", self.code), ("VFM", self.vfm), ("Other weights", self.weights), ("Data", self.data))
        return "".join(f"{name}: {terms}.\n" for name, terms in parts)


def licences(record: Mapping[str, Any], training: Mapping[str, Any] | None) -> Licences:
    """Those of a network: `record` is what `wedepth.checkpoint.describe` says of it, `training` its training record."""
    return Licences(code_licence(), _vfm(record), _weights(record, training), _data(record, training))


def code_licence() -> str:
    """What the installed package says of itself."""
    said = importlib.metadata.metadata("wedepth").json.get("license_expression")
    return f"wedepth, {said}" if said else _CODE


def _vfm(record: Mapping[str, Any]) -> str:
    if "dinov2" in record["vfm"]:
        return _DINOV2
    return "random numbers" if record["vfm"].startswith("random") else "as whoever published its file says"


def _weights(record: Mapping[str, Any], training: Mapping[str, Any] | None) -> str:
    if not record["trained"]:
        return "random numbers"
    if training is None:
        return "as whoever published the checkpoint says"
    encoder = _runs(training)[-1]["setup"]["encoder"]
    start = next((f", from {words}" for name, words in _ENCODERS.items() if name in encoder), "")
    return f"those of the code, trained with it{start}"


def _data(record: Mapping[str, Any], training: Mapping[str, Any] | None) -> str:
    if not record["trained"]:
        return "none"
    if training is None:
        return "not known here"
    sources = {name for run in _runs(training) for name in run["setup"]["data"]}
    drawn = [name for name in sources if name.split(":")[0] == "rooms"]
    others = _SHIPPED if record["source"] in SHIPPED else _OTHERS
    said = [*([_ROOMS] if drawn else []), *([others] if len(drawn) < len(sources) else [])]
    return "; ".join(said)


def _runs(training: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The run that made the weights, and those before it, the last one first."""
    runs: list[Mapping[str, Any]] = []
    run: Mapping[str, Any] | None = training
    while run:
        runs.append(run)
        run = run.get("before")
    return runs
