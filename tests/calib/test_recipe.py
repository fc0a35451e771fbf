import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from calib.ops import modules_of
from calib.plan import Plan
from calib.recipe import AIM, Difference, Module, Recipe, difference, measure, search
from calib.session import to_hub
from calib.simulate import Simulation
from wedepth.errors import WedepthError
from wedepth.rooms import rooms

MODULES = {"a.mlp": Module("int8", 0.7, 0.002), "b": Module("float", 0.2, 0.02), "c": Module("weights", 0.1, 0.01)}
RECIPE = Recipe(1, "abc", 8, 0.004, -0.001, MODULES)


class Known:
    """Stands in for a simulation whose modules do a known harm each: errors add in squares."""

    def __init__(self, harm: dict[str, float]) -> None:
        self.harm = harm

    def depth(self, image: np.ndarray, modules: frozenset[str], activations: bool = True) -> np.ndarray:
        size = sum(self.harm[name] ** 2 for name in modules) ** 0.5 / (1 if activations else 10)
        return np.array([[1 + size, 1 - size]], np.float32)


def run(
    harm: dict[str, float], shares: dict[str, float], weights: dict[str, float] | None = None
) -> tuple[frozenset[str], Difference]:
    images = [np.zeros((1, 3, 2, 2), np.float32)] * 2
    simulation = cast(Simulation, Known(harm))
    errors = measure(simulation, images, shares, lambda name: None)
    assert errors == pytest.approx(harm, rel=1e-3)
    alone = measure(simulation, images, shares, lambda name: None, activations=False)
    assert alone == pytest.approx({name: error / 10 for name, error in harm.items()}, rel=1e-2)
    return search(simulation, images, shares, weights or dict.fromkeys(shares, 0.0), errors, lambda words: None)


def test_what_harms_most_for_its_work_goes_back_to_float() -> None:
    kept, found = run({"a": 0.002, "b": 0.03, "c": 0.004}, {"a": 0.85, "b": 0.01, "c": 0.14})
    assert kept == {"b"}
    assert found.mean_rel == pytest.approx((0.002**2 + 0.004**2) ** 0.5, rel=1e-3)


def test_nothing_goes_back_where_the_aim_is_met() -> None:
    kept, found = run({"a": 0.002, "b": 0.003}, {"a": 0.5, "b": 0.5})
    assert kept == frozenset() and found.mean_rel <= AIM


def test_nine_tenths_stay_in_int8_even_if_the_aim_is_missed() -> None:
    kept, found = run({"a": 0.05, "b": 0.05, "c": 0.05}, {"a": 0.5, "b": 0.42, "c": 0.08})
    assert kept == frozenset({"c"}) and found.mean_rel > AIM


def test_nine_tenths_of_the_weights_stay_int8() -> None:
    kept, found = run(
        {"a": 0.05, "b": 0.05, "c": 0.05}, {"a": 0.9, "b": 0.05, "c": 0.05}, {"a": 0.0, "b": 0.2, "c": 0.08}
    )
    assert kept == frozenset({"c"}) and found.mean_rel > AIM


def test_where_the_aim_is_out_of_reach_the_best_choice_is_taken() -> None:
    class Worse(Known):
        """One whose last module does no harm in int8, and some in float."""

        def depth(self, image: np.ndarray, modules: frozenset[str], activations: bool = True) -> np.ndarray:
            depth = super().depth(image, modules, activations)
            return depth if "c" in modules or not modules else 1 + 2 * (depth - 1)

    simulation = cast(Simulation, Worse({"a": 0.05, "b": 0.03, "c": 0.0}))
    shares, errors = {"a": 0.9, "b": 0.05, "c": 0.01}, {"a": 0.05, "b": 0.03, "c": 0.01}
    images = [np.zeros((1, 3, 2, 2), np.float32)]
    kept, found = search(simulation, images, shares, dict.fromkeys(shares, 0.0), errors, lambda words: None)
    assert kept == frozenset({"b"}) and found.mean_rel == pytest.approx(0.05, rel=1e-3)


def test_on_the_network_float_modules_cost_nothing(nano_hub: Path, nano_plan: Plan) -> None:
    simulation = Simulation(nano_hub, nano_plan.ops, nano_plan.ranges)
    images = [to_hub(frame.image) for frame in rooms(2, (64, 96))]
    shares = modules_of(nano_plan.ops)
    reference = [simulation.depth(image, frozenset()) for image in images]
    assert difference(simulation, images, reference, frozenset()) == Difference(0, 0)
    whole = difference(simulation, images, reference, frozenset(shares))
    part = difference(simulation, images, reference, frozenset(list(shares)[:3]))
    assert 0 < part.mean_rel < whole.mean_rel < 0.2


def test_a_recipe_is_read_as_it_was_written(tmp_path: Path) -> None:
    RECIPE.write(tmp_path / "precision.json")
    assert Recipe.read(tmp_path / "precision.json") == RECIPE
    assert (
        RECIPE.float_modules == {"b", "c"} and RECIPE.float_weights == {"b"} and RECIPE.int8_share == pytest.approx(0.7)
    )
    lines = (tmp_path / "precision.json").read_text().splitlines()
    assert sum("precision" in line for line in lines) == len(RECIPE.modules)  # one line each, for people to edit


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"schema": 2}, "no precision recipe of schema 1"),
        ({"modules": {}}, "an entry for each module"),
        ({"modules": {"a": {"precision": "int4", "share": 1.0, "error": 0.1}}}, "a is 'int4'; it must be"),
        ({"modules": {"a": {"precision": "int8", "share": 1.0}}}, "modules.a lacks error"),
        ({"frames": "8"}, "frames must be a whole number"),
        ({"more": 1}, "no precision recipe"),
    ],
)
def test_what_is_no_recipe_is_a_sentence(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    file = tmp_path / "precision.json"
    RECIPE.write(file)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(WedepthError, match=sentence.replace(".", r"\.")):
        Recipe.read(file)


def test_a_file_that_is_not_there_or_not_json_is_a_sentence(tmp_path: Path) -> None:
    for text in (None, "{"):
        if text:
            (tmp_path / "p.json").write_text(text)
        with pytest.raises(WedepthError, match="Cannot read the precision recipe"):
            Recipe.read(tmp_path / "p.json")
