import pytest

from wedepth.training.config import TrainConfig
from wedepth.training.schedule import learning_rate

CONFIG = TrainConfig((64, 96), 80, epochs=20, warmup_epochs=3, lr=2e-4)


def test_a_line_up_and_a_cosine_down() -> None:
    rates = [learning_rate(CONFIG, step) for step in range(CONFIG.total_steps)]
    assert rates[0] == pytest.approx(2e-5)
    assert rates[15] == pytest.approx(2e-4 * 0.55)
    assert rates[30] == max(rates) == pytest.approx(2e-4)
    assert rates[114] == pytest.approx(2e-4 * 0.55, rel=0.02)
    assert rates[-1] == min(rates[30:]) == pytest.approx(2e-5)
    assert rates[:31] == sorted(rates[:31]) and rates[30:] == sorted(rates[30:], reverse=True)


def test_without_a_warm_up_it_starts_at_the_rate() -> None:
    assert learning_rate(TrainConfig((64, 96), 8, epochs=1, warmup_epochs=0), 0) == 2e-4
