"""Where values lie in a TFLite file, and the file read and written again."""

from pathlib import Path

import numpy as np
import pytest

from runtimes.tflite import run_once
from runtimes.tflite_file import Place, get_places, pack, put_places, read_model


@pytest.mark.parametrize(
    ("place", "stored"),
    [
        (Place("image", (3, 4, 2), ((), (2,), (0,), (1,))), (1, 3, 4, 2)),
        (Place("heads", (5, 2, 3), ((), (1,), (0,), (2,))), (5, 6)),
        (Place("tokens", (3, 4, 2), ((), (0, 1), (2,))), (1, 3, 4, 2)),
        (Place("number", (), ((), ())), (1,)),
    ],
)
def test_a_value_is_read_from_its_place_and_put_back(place: Place, stored: tuple[int, ...]) -> None:
    memory = np.arange(np.prod(stored), dtype=np.float32).reshape(stored)
    value = place.value(memory)
    assert value.shape == place.shape
    assert np.array_equal(place.stored(value, stored), memory)


def test_channels_last_is_told_from_channels_first() -> None:
    place = Place("image", (3, 4, 2), ((), (2,), (0,), (1,)))
    memory = np.arange(24).reshape(1, 3, 4, 2)
    assert np.array_equal(place.value(memory), memory.transpose(0, 3, 1, 2))


def test_a_file_keeps_what_it_computes_and_its_places(exported: Path) -> None:
    content = (exported / "nano-tflite-fp16" / "model.tflite").read_bytes()
    model = read_model(content)
    places = get_places(model)
    assert places["depth"].shape == (1, 1, 64, 96)
    assert len(places) > 100
    model.metadata = model.metadata[:1]
    assert get_places(model) == {}
    put_places(model, places)
    model.signatureDefs = []
    again = bytes(pack(model))
    assert get_places(read_model(again)) == places
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3)).astype(np.float32)
    assert np.array_equal(run_once(again, [image])[0], run_once(content, [image])[0])
