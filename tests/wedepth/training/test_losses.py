import math

import pytest
import torch

from wedepth.training.config import LossConfig
from wedepth.training.losses import EPSILON, image_losses

CONFIG = LossConfig(silog=1.0, l1=0.1, gradient=0.5, silog_lambda=0.5)


def test_a_constant_factor() -> None:
    truth = torch.full((1, 8, 8), 2.0)
    loss, ((silog, l1, gradient),) = image_losses(truth * math.e, truth, CONFIG)
    # d = −1 everywhere: √(1 − 0.5), no slope, and metres
    assert silog == pytest.approx(math.sqrt(0.5 + EPSILON))
    assert l1 == pytest.approx(2 * (math.e - 1))
    assert gradient == 0
    assert float(loss) == pytest.approx(float(silog + 0.1 * l1))


def test_a_ramp_in_log_depth() -> None:
    d = torch.arange(8.0).expand(8, 8)[None] / 10
    truth = torch.full((1, 8, 8), 3.0)
    _, ((silog, _, gradient),) = image_losses(truth * torch.exp(-d), truth, CONFIG)
    assert silog == pytest.approx(math.sqrt(float((d**2).mean() - 0.5 * d.mean() ** 2) + EPSILON))
    # stride 1: 8 rows of 7 steps of 0.1 over 64 pixels; then 4 × 3 of 0.2 over 16; 2 × 1 of 0.4 over 4; none over 1
    assert gradient == pytest.approx(8 * 7 * 0.1 / 64 + 4 * 3 * 0.2 / 16 + 2 * 0.4 / 4, rel=1e-5)


def test_a_step_beside_an_unknown_column_is_no_gradient() -> None:
    truth = torch.full((1, 8, 8), 1.0)
    pred = truth.clone()
    pred[:, :, 4:] = 2.0
    assert image_losses(pred, truth, CONFIG)[1][0, 2] > 0
    truth[:, :, 4] = 0
    _, terms = image_losses(pred, truth, LossConfig(silog=0, l1=0, gradient=1))
    # strides 2, 4 and 8 start at column 0: 4 lies on them too, so no two known neighbours differ there
    assert terms[0, 2] == 0


def test_images_count_the_same_and_unknown_pixels_do_not() -> None:
    pred = torch.rand(2, 16, 16) + 1
    truth = torch.rand(2, 16, 16) + 1
    truth[1, :, 3:] = 0
    both, _ = image_losses(pred, truth, CONFIG)
    alone = [image_losses(p[None], t[None], CONFIG)[0][0] for p, t in zip(pred, truth, strict=True)]
    assert torch.allclose(both, torch.stack(alone))
    pred[1, :, 3:] = 77
    assert torch.equal(image_losses(pred, truth, CONFIG)[0], both)


def test_nothing_known_is_zero_and_so_is_its_gradient() -> None:
    pred = torch.rand(2, 8, 8).add(1).requires_grad_()
    truth = torch.zeros(2, 8, 8)
    truth[1] = 1.5
    losses, _ = image_losses(pred, truth, CONFIG)
    losses.sum().backward()
    assert losses[0] == 0 and losses[1] > 0
    assert (pred.grad[0] == 0).all() and pred.grad.isfinite().all()


def test_a_perfect_prediction_has_a_finite_gradient() -> None:
    pred = torch.full((1, 8, 8), 2.0, requires_grad=True)
    losses, _ = image_losses(pred, pred.detach().clone(), CONFIG)
    losses.sum().backward()
    assert float(losses) == pytest.approx(math.sqrt(EPSILON)) and (pred.grad == 0).all()


def test_a_prediction_that_underflowed_or_overflowed_is_noticed() -> None:
    truth = torch.ones(1, 8, 8)
    assert image_losses(torch.zeros(1, 8, 8), truth, CONFIG)[0].isfinite().all()
    assert not image_losses(torch.full((1, 8, 8), math.inf), truth, CONFIG)[0].isfinite().any()
