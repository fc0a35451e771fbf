"""What a finished run leaves for people: adapters in half precision, their model card, and a picture."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from wedepth.checkpoint import half, save_adapters, without_vfm
from wedepth.data import resize_depth
from wedepth.files import write_beside
from wedepth.network import WEDepth
from wedepth.picture import colour, depth_range, save, sheet
from wedepth.training.card import model_card
from wedepth.training.frames import TrainFrames, ValFrame, ValFrames
from wedepth.training.scale import best_scale, scale_depth
from wedepth.training.validation import mean_abs_rel, predictor, rounded, validate

ADAPTERS, CARD, PICTURE = "adapters.safetensors", "model-card.md", "frames.png"
SHOWN = 4
"""Frames of each validation source in the picture."""


def finish(
    network: WEDepth,
    weights: Path,
    record: dict[str, Any],
    frames: TrainFrames,
    validation: list[ValFrames],
    out: Path,
) -> Path:
    """Write the adapters of the checkpoint `weights`, scaled, in half precision, with the metrics of exactly these.

    Half precision is storage: 1-D tensors stay float32, and everything is computed in float32. The network is left with
    these weights.
    """
    network.load_state_dict(load_file(weights), strict=False)
    network.load_state_dict(half(without_vfm(network)), strict=False)
    network.eval()
    predict = predictor(network, next(network.parameters()).device)
    factor = best_scale(predict, frames, record["setup"]["training"]["seed"])
    scale_depth(network, factor)
    results = rounded(validate(predict, validation))
    record = {**record, "depth_scale": round(factor, 6), "val": results, "val_abs_rel": mean_abs_rel(results)}
    save_adapters(network, out / ADAPTERS, training=record, in_half=True)
    card = model_card(record, network.config)
    write_beside(out / CARD, lambda beside: beside.write_text(card))
    if validation:
        shown = [frame for source in validation for frame in _spread(source.frames)]
        rows = [_row(frame, predict([frame.image])[0]) for frame in shown]
        save(sheet(rows, (144, 192)), out / PICTURE)
    return out / ADAPTERS


def _spread(frames: tuple[ValFrame, ...]) -> list[ValFrame]:
    """A few of them, from the first to the last."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, SHOWN).round().astype(int))
    return [frames[index] for index in chosen]


def _row(frame: ValFrame, depth: NDArray[np.float32]) -> list[tuple[str, NDArray[np.uint8]]]:
    """Image, ground truth and prediction on one scale, and the relative error where the truth is known."""
    low, high = depth_range(frame.depth)
    predicted = resize_depth(depth, frame.depth.shape)
    known = frame.depth > 0
    error = np.where(known, np.abs(predicted - frame.depth) / np.where(known, frame.depth, 1) + 1e-9, 0)
    scale = f"{low:.1f}-{high:.1f} m"
    return [
        ("frame", frame.image),
        (f"ground truth, {scale}", colour(frame.depth, low, high)),
        (f"prediction, {scale}", colour(predicted, low, high)),
        (f"relative error 0-50 %, AbsRel {error[known].mean():.3f}", colour(error, 0, 0.5)),
    ]
