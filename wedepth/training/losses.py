"""What training minimises, image by image, over pixels whose depth is known."""

import torch
from torch import Tensor

from wedepth.training.config import LossConfig

TERMS = ("silog", "l1", "gradient")
SCALES = 4
# Keeps the slope of the square root finite where prediction and truth agree; 0.001 at a loss of zero.
EPSILON = 1e-6
# Below any depth in metres that is meant; keeps the logarithm of an exp that underflowed finite.
SMALLEST = 1e-6


def image_losses(pred: Tensor, truth: Tensor, config: LossConfig) -> tuple[Tensor, Tensor]:
    """The loss [B] of every image, and its TERMS unweighted [B,3].

    `pred` and `truth` are depths [B,H,W] in metres; where `truth` is 0 nothing is known. An image without one known
    depth has a loss of zero. Terms: the scale-invariant log loss √(mean(d²) − λ·mean(d)²) with d = log truth − log pred
    (Eigen et al. 2014), the mean |pred − truth| in metres, and the gradient term on d of MiDaS (Ranftl et al. 2020).
    """
    known = truth > 0
    zero = pred.new_zeros(())
    # torch.where twice: a NaN of the branch not taken would come back through the gradient.
    logs = torch.log(torch.where(known, truth, 1.0)) - torch.log(torch.where(known, pred, 1.0).clamp_min(SMALLEST))
    terms = torch.stack(
        (
            silog(logs, known, config.silog_lambda),
            _mean(torch.where(known, (pred - truth).abs(), zero), known),
            gradient(logs, known),
        ),
        dim=1,
    )
    weights = terms.new_tensor([config.silog, config.l1, config.gradient])
    return terms @ weights, terms


def silog(logs: Tensor, known: Tensor, share: float) -> Tensor:
    """√(mean(d²) − share·mean(d)²) of every image [B]; `logs` [B,H,W] are zero where `known` is not."""
    mean = _mean(logs, known)
    variance = _mean(torch.where(known, logs - mean[:, None, None], 0.0) ** 2, known)
    # mean(d²) = variance + mean(d)², in a form that never rounds below zero
    return torch.sqrt(variance + (1 - share) * mean**2 + EPSILON) * known.flatten(1).any(dim=1)


def gradient(logs: Tensor, known: Tensor) -> Tensor:
    """Of every image [B], how d changes from neighbour to neighbour where both are known, at strides 1, 2, 4 and 8.

    As in MiDaS: at each scale the sum of |∂x d| + |∂y d| over the number of known pixels; the scales are added.
    """
    total = logs.new_zeros(logs.shape[0])
    for scale in range(SCALES):
        d, m = logs[:, :: 2**scale, :: 2**scale], known[:, :: 2**scale, :: 2**scale]
        across = torch.where(m[:, :, 1:] & m[:, :, :-1], (d[:, :, 1:] - d[:, :, :-1]).abs(), 0.0)
        down = torch.where(m[:, 1:] & m[:, :-1], (d[:, 1:] - d[:, :-1]).abs(), 0.0)
        total = total + (across.sum(dim=(1, 2)) + down.sum(dim=(1, 2))) / _count(m)
    return total


def _count(known: Tensor) -> Tensor:
    return known.sum(dim=(1, 2)).clamp_min(1)


def _mean(values: Tensor, known: Tensor) -> Tensor:
    return values.sum(dim=(1, 2)) / _count(known)
