import dataclasses
import functools
import hashlib
import json
from pathlib import Path

import onnx
import pytest

from calib.calibrate import ALONE, RANGES, RECIPE, Calibration, calibrate
from calib.ops import find_ops, modules_of, tensors_of
from calib.recipe import measure, search
from calib.samples import choose
from calib.session import to_hub
from calib.simulate import Simulation
from wedepth.errors import WedepthError
from wedepth.rooms import rooms


@pytest.fixture(scope="module")
def sha256(nano_hub: Path) -> str:
    return hashlib.sha256(nano_hub.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def kept(nano_hub: Path, sha256: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What calibration on eight rooms found, some modules in float, and weights that do any harm at all with them."""
    said: list[str] = []
    samples = choose(rooms(8, (64, 96), seed=50), (64, 96))
    folder = tmp_path_factory.mktemp("calibration")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("calib.calibrate.search", functools.partial(search, aim=1e-5))
        patch.setattr("calib.calibrate.WEIGHT_HARM", 0.0)
        calibrate(nano_hub, sha256, samples, said.append).write(folder)
    assert any("8 of 8" in words for words in said) and any("modules in float" in words for words in said)
    return folder


def test_what_was_kept_makes_the_same_plan(kept: Path, nano_hub: Path, sha256: str) -> None:
    found = Calibration.read(kept)
    plan = found.plan(nano_hub, sha256)
    assert set(tensors_of(plan.ops)) <= set(found.ranges)
    assert found.recipe.modules.keys() == modules_of(plan.ops).keys()
    assert len(found.samples) == 8
    assert plan.int8_share == pytest.approx(found.recipe.int8_share, abs=1e-4)


def test_weights_are_int8_where_they_alone_do_no_harm(kept: Path, nano_hub: Path) -> None:
    found = Calibration.read(kept)
    ops = find_ops(onnx.load(str(nano_hub)))
    images = [to_hub(sample.image) for sample in choose(rooms(8, (64, 96), seed=50), (64, 96))]
    not_int8 = [name for name, module in found.recipe.modules.items() if module.precision != "int8"]
    simulation = Simulation(nano_hub, ops, found.ranges)
    harm = measure(simulation, images[:ALONE], not_int8, lambda _: None, activations=False)
    chosen = {name: found.recipe.modules[name].precision for name in not_int8}
    assert chosen == {name: "float" if harm[name] > 0 else "weights" for name in not_int8}
    assert set(chosen.values()) == {"float", "weights"}


def test_an_edited_recipe_is_obeyed(kept: Path, nano_hub: Path, sha256: str, tmp_path: Path) -> None:
    (tmp_path / RANGES).write_text((kept / RANGES).read_text())
    data = json.loads((kept / RECIPE).read_text())
    data["modules"]["vfm.blocks.0.mlp"]["precision"] = "float"
    (tmp_path / RECIPE).write_text(json.dumps(data))
    plan = Calibration.read(tmp_path).plan(nano_hub, sha256)
    assert "vfm.blocks.0.mlp" in {op.module for op in plan.kept}


def test_another_graph_is_refused(kept: Path, nano_hub: Path) -> None:
    with pytest.raises(WedepthError, match="another network, size or version"):
        Calibration.read(kept).plan(nano_hub, "0" * 64)


@pytest.mark.parametrize("lost", ["ranges", "modules"])
def test_what_is_missing_is_named(kept: Path, nano_hub: Path, sha256: str, lost: str) -> None:
    found = Calibration.read(kept)
    if lost == "ranges":
        name = find_ops(onnx.load(str(nano_hub)))[0].inputs[0]
        found = dataclasses.replace(found, ranges={k: v for k, v in found.ranges.items() if k != name})
    else:
        name = "vfm.blocks.0.mlp"
        modules = {k: v for k, v in found.recipe.modules.items() if k != name}
        found = dataclasses.replace(found, recipe=dataclasses.replace(found.recipe, modules=modules))
    with pytest.raises(WedepthError, match=name):
        found.plan(nano_hub, sha256)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"schema": 1}'])
def test_what_is_no_file_of_ranges_is_a_sentence(tmp_path: Path, text: str | None) -> None:
    if text:
        (tmp_path / RANGES).write_text(text)
    with pytest.raises(WedepthError, match="ranges"):
        Calibration.read(tmp_path)
