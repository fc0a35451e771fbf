import math

import pytest

from calib.budget import Budget, Cost
from wedepth.errors import WedepthError

FP32 = {"delta1": 0.8, "abs_rel": 0.2, "scale_bias": -0.1}


def test_a_cost_is_what_int8_loses() -> None:
    cost = Cost.of({"delta1": 0.76, "abs_rel": 0.21, "scale_bias": 0.103}, FP32)
    assert (cost.delta1, cost.abs_rel, cost.bias) == pytest.approx((0.95, 1.05, 0.003))


@pytest.mark.parametrize(
    ("cost", "holds"),
    [
        (Cost(0.99, 1.01, 0.005), True),
        (Cost(1.2, 0.8, -0.1), True),
        (Cost(0.989, 1.0, 0.0), False),
        (Cost(1.0, 1.011, 0.0), False),
        (Cost(1.0, 1.0, 0.0051), False),
        (Cost(math.nan, 1.0, 0.0), False),
    ],
)
def test_every_part_of_a_budget_has_to_hold(cost: Cost, holds: bool) -> None:
    assert Budget().holds(cost) is holds


def test_a_depth_that_is_not_a_number_has_no_cost() -> None:
    with pytest.raises(WedepthError, match="not a number everywhere"):
        Cost.of(FP32 | {"abs_rel": None}, FP32)


def test_a_budget_is_read_as_it_is_shown() -> None:
    assert Budget.parse(str(Budget())) == Budget()
    assert Budget.parse("abs_rel=1.005") == Budget(abs_rel=1.005)


@pytest.mark.parametrize(("text", "sentence"), [("delta1", "is no budget"), ("rmse=1", "no budget for 'rmse'")])
def test_what_is_no_budget_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(WedepthError, match=sentence):
        Budget.parse(text)
