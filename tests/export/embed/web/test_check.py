"""What is not embedded for the web."""

import dataclasses
from pathlib import Path

import pytest

from export.embed import embed
from export.embed.web import check_page
from runtimes.bundle import Bundle, open_bundle
from wedepth.errors import WedepthError


@pytest.fixture
def bundle(exported: Path) -> Bundle:
    return open_bundle(exported / "nano-tflite-fp32")


def test_a_bundle_that_a_page_runs(bundle: Bundle) -> None:
    check_page(bundle)


def test_int8_at_an_end(bundle: Bundle) -> None:
    ends = dataclasses.replace(bundle.manifest.input, dtype="int8")
    with pytest.raises(WedepthError, match=r"takes or gives int8, which LiteRT\.js does not; .* --io float32"):
        check_page(dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, input=ends)))


def test_weights_beside_the_model(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"1")
    (tmp_path / "model.tflite.data").write_bytes(b"1")
    with pytest.raises(WedepthError, match=r"model\.tflite does not fit into a page"):
        check_page(dataclasses.replace(bundle, folder=tmp_path))


def test_embedding_asks(bundles: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from runtimes.web import session

    monkeypatch.setattr(session, "SHARE", 1 << 20)
    with pytest.raises(WedepthError, match="does not fit into a page"):
        embed(bundles[1], "web")
