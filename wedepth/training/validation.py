"""How good a depth is on frames that are not trained on, and what predicting without looking gets on the same."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from wedepth.data import resize_depth
from wedepth.metrics import depth_metrics, mean_metrics
from wedepth.network import WEDepth
from wedepth.training.batches import normalised
from wedepth.training.frames import ValFrame, ValFrames

Depths = NDArray[np.float32]
Predict = Callable[[Sequence[NDArray[np.uint8]]], Depths]
Metrics = dict[str, float]


def predictor(network: WEDepth, device: torch.device) -> Predict:
    """What the network, which must be in eval mode, says in fp32 of uint8 images [h,w,3]: depths [n,h,w] in metres."""

    @torch.inference_mode()
    def predict(images: Sequence[NDArray[np.uint8]]) -> Depths:
        batch = torch.stack([normalised(np.divide(image, 255, dtype=np.float32)) for image in images])
        return network(batch.to(device))[:, 0].float().cpu().numpy()

    return predict


def validate(predict: Predict, sources: Sequence[ValFrames], batch: int = 8) -> dict[str, Metrics]:
    """The mean metrics of each source, by its label; every frame measured in its own size."""
    results = {}
    for source in sources:
        scored = []
        for start in range(0, len(source.frames), batch):
            frames = source.frames[start : start + batch]
            depths = predict([frame.image for frame in frames])
            scored += [measure(depth, frame) for depth, frame in zip(depths, frames, strict=True)]
        results[source.label] = mean_metrics(scored)
    return results


def measure(depth: NDArray[np.float32], frame: ValFrame) -> Metrics:
    """The metrics of one predicted depth [h,w] in metres, resized to the frame."""
    resized = resize_depth(depth, frame.depth.shape)
    return depth_metrics(resized, frame.depth, frame.depth > 0, frame.min_depth, frame.max_depth)


def mean_abs_rel(results: dict[str, Metrics]) -> float | None:
    """What the best checkpoint is chosen by: AbsRel, every source counting the same."""
    return float(np.mean([metrics["abs_rel"] for metrics in results.values()])) if results else None


def rounded(results: dict[str, Any]) -> dict[str, Any]:
    """The same with six decimals, for people and records."""
    return {
        name: rounded(value) if isinstance(value, dict) else round(value, 6) if isinstance(value, float) else value
        for name, value in results.items()
    }
