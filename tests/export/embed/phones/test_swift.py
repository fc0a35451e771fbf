"""The iOS package in Swift's compiler and package manager on Linux: what needs no framework of Apple's runs, and all of
it fits what they declare."""

import re
import shutil
from pathlib import Path

from export.embed.compilers import swift

# Those that need no Core ML.
SUITES = (
    "WEDepthGeometryTests.PlacementTests",
    "WEDepthGeometryTests.ResamplingTests",
    "WEDepthSelfTestTests.VerdictTests",
)
TESTS = "WEDepthKit/.build/debug/WEDepthKitPackageTests.xctest"


def test_xctest_tests_pass(work: Path) -> None:
    done = swift.run(work, TESTS, ",".join(SUITES))
    assert re.search(r"Executed \d\d tests, with 0 failures", done.stdout), done.stdout


def test_every_suite_without_core_ml_is_run(ios: Path) -> None:
    tests = ios / "WEDepthKit/Tests"
    suites = {f"{path.parent.name}.{path.stem}" for path in tests.rglob("*Tests.swift")}
    assert suites == {*SUITES, "WEDepthKitTests.GoldenTests"}


def test_the_sample_fits_what_the_platform_declares(work: Path) -> None:
    assert _typecheck(work, "WEDepthSample/WEDepthSample") == ""


def test_a_wrong_type_is_refused(work: Path) -> None:
    wrong = Path(shutil.copytree(work / "WEDepthSample/WEDepthSample", work / "wrong", dirs_exist_ok=True))
    live = wrong / "LiveDepth.swift"
    live.write_text(live.read_text().replace("model.predict(frame.pixels)", "model.predict(frame)"))
    assert "in call to instance method 'predict'" in _typecheck(work, "wrong")


def test_sources_are_formatted(work: Path) -> None:
    folders = [f"WEDepthKit/{name}" for name in ("Package.swift", "Sources", "Tests")]
    command = ("swift-format", "lint", "--strict", "--recursive", "--configuration", "WEDepthKit/.swift-format")
    done = swift.run(work, *command, *folders, "WEDepthSample/WEDepthSample")
    assert done.stderr == ""


def _typecheck(work: Path, folder: str) -> str:
    files = [f"{folder}/{path.name}" for path in sorted((work / folder).glob("*.swift"))]
    modules = ("-I", f"{swift.INSIDE}/apple", "-I", f"{swift.INSIDE}/WEDepthKit/.build/debug/Modules")
    command = ("swiftc", "-typecheck", "-swift-version", "5", "-warnings-as-errors", "-parse-as-library")
    return swift.run(work, *command, *modules, *files).stderr
