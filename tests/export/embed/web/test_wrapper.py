"""The project as an app engineer has it: its types, its self-test, and what that says of mistakes in the wrapper."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest


def project(bundle: Path, node_modules: Path) -> Path:
    """The bundle's project, with its packages."""
    folder = bundle / "web"
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(node_modules, target_is_directory=True)
    return folder


def run(folder: Path, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    entry = {"tsc": "typescript/bin/tsc", "vitest": "vitest/vitest.mjs"}[tool]
    command = ["node", f"node_modules/{entry}", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module", params=["onnx", "tflite"])
def embedded(request: pytest.FixtureRequest, site: Path, bundles: list[Path], node_modules: Path) -> Path:
    return project(next(bundle for bundle in bundles if request.param in bundle.name), node_modules)


def test_types_hold(embedded: Path) -> None:
    for arguments in ((), ("-p", "src/sw")):
        done = run(embedded, "tsc", *arguments)
        assert done.returncode == 0, done.stdout


def test_its_own_tests_pass(embedded: Path) -> None:
    done = run(embedded, "vitest", "run")
    assert done.returncode == 0, done.stdout
    assert re.search(r"Tests .*1\d\d passed", done.stdout)


VALUE, GRID, PUT = "Math.floor(row[x + c]! + 0.5)", "offset, step: 4, stride }", "whole.set(row,"
LAST_ROW, LAST_PIXEL = "offset: offset + (source.height - 1) * stride", "offset: offset + 4 * (source.width - 1)"
# By name: what is right in geometry.ts, what is written in its place, and what the test has to say.
MISTAKES = {
    "bgr": (VALUE, "Math.floor(row[x + 2 - c]! + 0.5)", "in the order BGR"),
    "range": (VALUE, "row[x + c]! / 255", "0…1, or normalised"),
    "flipped": (GRID, f"{LAST_ROW}, step: 4, stride: -stride }}", "is upside down"),
    "mirrored": (GRID, f"{LAST_PIXEL}, step: -4, stride }}", "is mirrored"),
    "scale": (PUT, "whole.set(row.map((metres) => 1000 * metres),", "in millimetres"),
    "log": (PUT, "whole.set(row.map(Math.log),", "the logarithm of metres"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_wrapper_fails_in_words(
    name: str, site: Path, bundles: list[Path], node_modules: Path, tmp_path: Path
) -> None:
    right, wrong, said = MISTAKES[name]
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    shutil.copy(bundles[0] / "model.onnx", bundle)
    ignored = shutil.ignore_patterns("node_modules")
    folder = project(Path(shutil.copytree(bundles[0] / "web", bundle / "web", ignore=ignored)).parent, node_modules)
    source = folder / "src" / "wedepth" / "geometry.ts"
    text = source.read_text()
    assert right in text
    source.write_text(text.replace(right, wrong))
    done = run(folder, "vitest", "run", "test/golden.test.ts", "-t", "golden image")
    assert done.returncode == 1
    assert re.search(rf"The mean relative difference is .* is what it is where [^.]*{re.escape(said)}", done.stderr)
