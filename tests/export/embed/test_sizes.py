import gzip
import importlib.util
from pathlib import Path

import pytest

from export.embed import sizes
from export.embed.sizes import Size, sizes_of, to_markdown, worth
from runtimes.bundle import open_bundle


def test_every_file_of_an_artifact_is_measured_and_all_together(exported: Path) -> None:
    bundle = open_bundle(exported / "nano-openvino-fp32")
    found = {size.name: size for size in sizes_of(bundle)}
    assert list(found) == ["model.bin", "model.xml", "together"]
    assert found["together"].bytes == bundle.manifest.artifact.bytes
    content = (bundle.folder / "model.xml").read_bytes()
    assert found["model.xml"].bytes == len(content) > 3 * found["model.xml"].gzip
    assert found["model.xml"].gzip == len(gzip.compress(content, sizes.GZIP_LEVEL, mtime=0))


def test_one_file_is_one_row(exported: Path) -> None:
    assert [size.name for size in sizes_of(open_bundle(exported / "nano-tflite-fp16"))] == ["model.tflite"]


@pytest.mark.skipif(importlib.util.find_spec("brotli") is None, reason="brotli is not installed here")
def test_brotli_is_what_a_browser_unpacks(exported: Path) -> None:
    import brotli

    bundle = open_bundle(exported / "nano-onnx-fp16")
    content = bundle.artifact.read_bytes()
    packed = brotli.compress(content, quality=sizes.BROTLI_QUALITY)
    assert brotli.decompress(packed) == content and sizes_of(bundle)[0].brotli == len(packed)


def test_without_brotli_the_table_says_so(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "_brotli", lambda: None)
    table = to_markdown(sizes_of(open_bundle(exported / "nano-onnx-fp16")))
    assert "| – |" in table and "pip install brotli" in table


def test_what_compressing_is_worth_is_said_by_the_best_of_both() -> None:
    assert worth([Size("a", 1000, 950, 930)]) == (
        "Compressing takes off 7%. Trained weights are nearly noise: serve them as they are."
    )
    assert worth([Size("a", 1000, 800, None)]).startswith("Compressing takes off 20%. It is worth it")
