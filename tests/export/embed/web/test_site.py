"""Building a page: of which packages, on which Node.js, of which bundles."""

import json
import re
from pathlib import Path

import pytest

from export.embed import site as building
from export.embed.site import LISTS, build, check_node
from runtimes.web.packages import PARITY
from wedepth.errors import WedepthError


def locked(lists: Path) -> dict[str, dict]:
    return json.loads((lists / "package-lock.json").read_text())["packages"]


def test_every_package_is_of_one_version_with_its_hash_from_whatever_registry() -> None:
    asked = json.loads((LISTS / "package.json").read_text())
    packages = locked(LISTS)
    assert packages[""]["dependencies"] == asked["dependencies"]
    assert packages[""]["devDependencies"] == asked["devDependencies"]
    for name, entry in packages.items():
        assert not name or entry["integrity"].startswith("sha512-")
        assert "resolved" not in entry
    for name, version in (asked["dependencies"] | asked["devDependencies"]).items():
        assert packages[f"node_modules/{name}"]["version"] == version


def test_what_ships_is_what_parity_is_run_with() -> None:
    for name, entry in locked(PARITY).items():
        if name in ("node_modules/onnxruntime-web", "node_modules/@litertjs/core"):
            assert locked(LISTS)[name]["integrity"] == entry["integrity"]


@pytest.mark.parametrize(("version", "fits"), [
    ("v18.20.4", False), ("v20.18.9", False), ("v20.19.0", True), ("v21.7.3", False), ("v22.11.0", False),
    ("v22.12.0", True), ("v24.1.0", True),
])  # fmt: skip
def test_node_that_is_too_old_is_a_sentence(
    version: str, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "node").write_text(f"#!/bin/sh\necho {version}\n")
    (tmp_path / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if fits:
        return check_node()
    with pytest.raises(WedepthError, match=rf"20\.19, 22\.12 or later; {re.escape(version)} is here"):
        check_node()
    return None


def test_no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(WedepthError, match=r"built by Node\.js, which is not here"):
        check_node()


def test_a_page_offers_the_bundles_in_their_order_and_holds_the_files_of_their_runtimes(site: Path) -> None:
    assert [Path(name).name for name in json.loads((site / "bundles.json").read_text())] == [
        "nano-onnx-fp32", "nano-onnx-fp16", "nano-tflite-fp32",
    ]  # fmt: skip
    built = [file.name for file in (site / "dist" / "assets").iterdir()]
    assert sum(name.startswith("model-") for name in built) == 3
    worker = (site / "dist" / "sw.js").read_text()
    assert all(name in worker for name in built)
    assert all(re.search(r"-[\w-]{8}\.", name) for name in built)
    index = (site / "dist" / "index.html").read_text()
    assert "Content-Security-Policy" in index and "http://" not in index and "https://" not in index


def test_one_bundle_has_its_own_runtime_alone(bundles: list[Path], site: Path, tmp_path: Path) -> None:
    build([bundles[2]], tmp_path / "one")
    built = [file.name for file in (tmp_path / "one" / "dist" / "assets").iterdir()]
    assert any(name.startswith("litert_wasm") for name in built)
    assert not any(name.startswith("ort") for name in built)


def test_what_vite_refuses_is_a_sentence_and_leaves_nothing(
    bundles: list[Path], site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = ["node", "-e", "console.error('Error: no.'); process.exit(1)"]
    monkeypatch.setattr(building, "command_of", lambda *command: refusing)
    with pytest.raises(WedepthError, match=r"^Vite cannot build the page: Error: no\.$"):
        build(bundles[:1], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
