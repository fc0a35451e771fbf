from pathlib import Path

from calib.exceptions import KINDS, measure_exceptions
from calib.session import to_hub
from wedepth.rooms import rooms


def test_every_kind_is_rounded_and_costs_something(nano_hub: Path) -> None:
    steps: list[None] = []
    images = [to_hub(frame.image) for frame in rooms(2, (64, 96))]
    found = measure_exceptions(nano_hub, images, lambda: steps.append(None))
    assert list(found) == list(KINDS)
    assert all(0 < cost.mean_rel < 0.2 for cost in found.values())
    assert len(steps) == len(images) + len(KINDS)
