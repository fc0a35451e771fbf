"""A whole run put together: network, frames, floors, and the loop over them."""

import dataclasses
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wedepth import vfm_weights
from wedepth.checkpoint import load, shipped_file, training_record, untrained, without_vfm
from wedepth.config import SHIPPED, Config
from wedepth.encoder_weights import load_encoder_weights
from wedepth.errors import WedepthError
from wedepth.network import WEDepth
from wedepth.training.config import TrainConfig, merged
from wedepth.training.distributed import Ranks, ranks
from wedepth.training.finish import CARD, finish
from wedepth.training.floor import floors
from wedepth.training.frames import (
    Known,
    TrainFrames,
    ValFrames,
    data_hash,
    read_train_frames,
    read_val_frames,
    refuse_overlap,
)
from wedepth.training.interrupt import Interrupt
from wedepth.training.loop import Options, Trainer
from wedepth.training.report import Report
from wedepth.training.sources import Source
from wedepth.training.state import BEST, LAST, STATE, check_setup, load_state, open_folder
from wedepth.training.validation import rounded

SCHEMA = 1
STOPPED = 130


@dataclass(frozen=True, slots=True)
class Request:
    """What the command was asked for."""

    data: tuple[Source, ...]
    val: tuple[Source, ...]
    out: Path
    settings: dict[str, Any]
    """TrainConfig's entries that were given; the rest have their defaults."""
    preset: str | None = None
    config: Path | None = None
    init: tuple[Path, ...] = ()
    vfm: str | None = None
    encoder_weights: str = "auto"
    size: tuple[int, int] | None = None
    accumulate: int = 1
    workers: int | None = None
    device: str = "auto"
    save_minutes: float = 10.0
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """The network a run starts from, and what its record says of that."""

    network: WEDepth
    encoder: str
    frozen_norms: bool
    before: dict[str, Any]
    """The training record of the checkpoint it goes on from; empty where it goes on from none."""


def train(request: Request, report: Report) -> tuple[int, dict[str, Any]]:
    """Do the run; the exit code and a summary of plain JSON types (empty but in the first process)."""
    with ranks(request.device) as group:
        return _train(request, group, report if group.first else Report(quiet=True))


def _train(request: Request, group: Ranks, report: Report) -> tuple[int, dict[str, Any]]:
    if group.first:
        open_folder(request.out, request.resume)
    state = load_state(request.out / STATE) if request.resume else None
    start = _start(request, report)
    network = start.network
    size = request.size or (network.config.image_size[0], network.config.image_size[1])
    network.config = dataclasses.replace(network.config, image_size=size)
    config = _config(request, size, state.setup["training"]["images"] if state else 1)
    setup = _setup(request, start, config, group)
    if state:
        check_setup({name: state.setup.get(name) for name in setup}, setup)  # before frames are read
    frames, validation = _read(request, size, group, report)
    config = _config(request, size, len(frames.known))
    setup |= {"training": config.to_dict(), **_hashes(request, frames, validation)}
    if state and group.first:
        check_setup(state.setup, setup)
    floor = floors(frames, validation, config.seed)
    record = {
        "schema": SCHEMA,
        "setup": setup,
        "frozen_encoder_norms": start.frozen_norms,
        "images_before": int(start.before.get("images", 0)),
        "before": start.before or None,
    }
    workers = request.workers if request.workers is not None else 4 * (group.device.type == "cuda")
    options = Options(request.accumulate, workers, request.save_minutes * 60)
    trainer = Trainer(network, frames, validation, floor, config, group, options, request.out, record, report)
    report.say(
        f"{config.epochs} epochs of {config.steps_per_epoch} steps, batch {config.batch}, {size[0]}x{size[1]}, "
        f"on {group.world} × {group.device.type}; {sum(p.numel() for p in trainer.trained) / 1e6:.1f} M of "
        f"{sum(p.numel() for p in network.parameters()) / 1e6:.1f} M parameters are trained"
    )
    if state:
        trainer.resume(state)
        report.say(f"going on after step {state.step} of {config.total_steps}")
    with Interrupt() as interrupt:
        finished = trainer.train(interrupt)
    if not finished:
        report.say(f"stopped after step {trainer.state.step}; --resume goes on from there")
    elif group.first:
        weights = request.out / (BEST if validation else LAST)
        made = finish(start.network, weights, training_record(weights) or {}, frames, validation, request.out)
        report.say(f"{made}: the adapters in half precision; {CARD} beside it has their metrics")
    return 0 if finished else STOPPED, _summary(trainer, finished) if group.first else {}


def _start(request: Request, report: Report) -> Start:
    if request.init:
        return _go_on(request, report)
    source = Config.read(request.config) if request.config else request.preset or "edge"
    network = untrained(source, vfm=request.vfm, say=report.say)
    report.say(f"VFM, frozen: {network.provenance.vfm}")
    loaded = load_encoder_weights(network, report.say) if request.encoder_weights == "auto" else None
    words = loaded or "encoder starts from random weights"
    if not loaded:
        report.say(words)
    return Start(network, words, loaded is not None, {})


def _go_on(request: Request, report: Report) -> Start:
    """From trained adapters, or from the mean of several: what the last one was trained on is the run's past."""
    networks = [load(path, vfm=request.vfm, say=report.say) for path in request.init]
    for path, network in zip(request.init, networks, strict=True):
        report.say(f"starting from {path.name} ({network.provenance.weights})")
    last, network = request.init[-1], networks[-1]
    if len(networks) > 1:
        network.load_state_dict(_mean(request.init, networks), strict=False)
    before = training_record(shipped_file(str(last)) if str(last) in SHIPPED else last) or {}
    words = f"encoder goes on from {_names(request.init)}"
    return Start(network, words, bool(before.get("frozen_encoder_norms")), before)


def _mean(paths: Sequence[Path], networks: Sequence[WEDepth]) -> dict[str, Tensor]:
    """The mean of several networks' adapters (model soups, arXiv 2203.05482)."""
    states = [without_vfm(network) for network in networks]
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    for path, own in zip(paths, shapes, strict=True):
        if own != shapes[-1]:
            raise WedepthError(f"{path.name} and {paths[-1].name} are not of one network: they have no mean.")
    floats = [name for name, tensor in states[-1].items() if tensor.is_floating_point()]
    return {name: torch.stack([state[name] for state in states]).mean(dim=0) for name in floats}


def _names(paths: Sequence[Path]) -> str:
    return " and ".join(path.name for path in paths)


def _read(request: Request, size: tuple[int, int], group: Ranks, report: Report) -> tuple[TrainFrames, list[ValFrames]]:
    workers = max(1, (os.cpu_count() or 1) // group.world)
    total = sum(len(source.open()) for source in (*request.data, *request.val))
    with report.bar("reading frames", total) as advance:
        frames = read_train_frames(request.data, size, lambda: advance(""), workers)
        # The first process alone validates.
        wanted = request.val if group.first else ()
        validation = [read_val_frames(source, size, lambda: advance(""), workers) for source in wanted]
    refuse_overlap(frames, validation)
    kept = sum(pair is not None for pair in frames.pairs)
    report.say(
        f"{len(frames.known)} training frames in {sum(len(s.groups) for s in frames.sources)} scene groups, "
        f"{sum(len(v.frames) for v in validation)} to validate on"
        + (f"; {frames.left_out} have no depth to learn from and are left out" if frames.left_out else "")
        + (f"; {len(frames.known) - kept} do not fit in memory and are read again" if kept < len(frames.known) else "")
    )
    if not validation:
        report.say("no --val: nothing says how good the result is, and no best.safetensors is chosen")
    return frames, validation


def _config(request: Request, size: tuple[int, int], images: int) -> TrainConfig:
    defaults = TrainConfig(size, images).to_dict()
    settings = merged(defaults, request.settings | {"size": list(size)})
    if "warmup_epochs" not in request.settings:
        settings["warmup_epochs"] = defaults["warmup_epochs"] / defaults["epochs"] * settings["epochs"]
    return TrainConfig.from_dict(settings)


def _setup(request: Request, start: Start, config: TrainConfig, group: Ranks) -> dict[str, Any]:
    """What must not change when a run is resumed, as far as it is known before frames are read."""
    pieces = group.world * request.accumulate
    if config.batch % pieces:
        raise WedepthError(
            f"A batch of {config.batch} does not divide into {group.world} processes × {request.accumulate} parts."
        )
    return {
        "network": start.network.config.to_dict(),
        "training": config.to_dict(),
        "micro_batch": config.batch // pieces,  # what BatchNorm sees at once
        "vfm_sha256": vfm_weights.tensor_hash(start.network.prompted.vfm.state_dict()),
        "encoder": start.encoder,
        "init": _names(request.init) or None,
    }


def _hashes(request: Request, frames: TrainFrames, validation: list[ValFrames]) -> dict[str, Any]:
    members = [_members(frames, number) for number in range(len(request.data))]
    return {
        "data": {s.label: {"weight": s.weight, **_hashed(own)} for s, own in zip(request.data, members, strict=True)},
        "val": {source.label: _hashed(source.known) for source in validation},
    }


def _hashed(frames: Sequence[Known]) -> dict[str, Any]:
    return {"frames": len(frames), "sha256": data_hash(frames)}


def _members(frames: TrainFrames, source: int) -> list[Known]:
    return [frames.known[number] for group in frames.sources[source].groups for number in group]


def _summary(trainer: Trainer, finished: bool) -> dict[str, Any]:
    state, times = trainer.state, trainer.step_seconds
    middle = sorted(times)[len(times) // 2] if times else math.nan
    return {
        "schema": SCHEMA,
        "finished": finished,
        "out": str(trainer.out),
        "epochs": state.epoch,
        "steps": state.step,
        "images": trainer.record["images_before"] + state.step * trainer.config.batch,
        "best": state.best,
        "floors": rounded(trainer.floors),
        "seconds_per_image": round(middle / trainer.config.batch, 4) if times else None,
        "setup": state.setup,
    }
