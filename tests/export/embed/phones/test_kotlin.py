"""The Android project in JetBrains' compiler: its JUnit tests run, and all of it fits what the platform declares."""

import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from export.embed.compilers import kotlin

DECLARED = Path(__file__).parent / "android_api"


def test_junit_tests_pass(android: Path, classes: Path) -> None:
    names = [f"org.wedepth.{path.stem}" for path in sorted((android / "wedepth/src/test/kotlin").rglob("*Test.kt"))]
    done = kotlin.run("org.junit.runner.JUnitCore", [classes, _resources(android)], *names)
    assert re.search(r"OK \(\d\d tests\)", done.stdout), done.stdout


def test_another_geometry_fails_junit_in_words(android: Path, classes: Path, tmp_path: Path) -> None:
    resources = Path(shutil.copytree(_resources(android), tmp_path / "resources"))
    facts = resources / "golden/golden.json"
    facts.write_text(facts.read_text().replace('"source": [0,', '"source": [1,', 1))
    done = kotlin.run("org.junit.runner.JUnitCore", [classes, resources], "org.wedepth.PlacementTest")
    assert "part of the image" in done.stdout


def test_all_sources_fit_what_the_platform_declares(android: Path, classes: Path, tmp_path: Path) -> None:
    sources = [android / "wedepth/src", android / "app/src/main/kotlin", DECLARED, _resource_class(android, tmp_path)]
    assert kotlin.compile(sources, tmp_path / "out") == ""


def test_a_wrong_type_is_refused(android: Path, classes: Path, tmp_path: Path) -> None:
    library = Path(shutil.copytree(android / "wedepth/src/main", tmp_path / "main"))
    model = next(library.rglob("DepthModel.kt"))
    model.write_text(model.read_text().replace("inputs[0].writeFloat(pixels)", "inputs[0].writeFloat(pixels.size)"))
    assert "argument type mismatch" in kotlin.compile([library, DECLARED], tmp_path / "out")


def _resources(android: Path) -> Path:
    return android / "wedepth/src/sharedTest/resources"


def _resource_class(android: Path, folder: Path) -> Path:
    """R, as Android's tools make it of the app's strings."""
    strings = ElementTree.parse(android / "app/src/main/res/values/strings.xml").getroot()
    fields = " ".join(f"public static final int {entry.get('name')} = 1;" for entry in strings)
    file = folder / "r/org/wedepth/sample/R.java"
    file.parent.mkdir(parents=True)
    strings_class = f"public static class string {{ {fields} }}"
    file.write_text(f"package org.wedepth.sample;\npublic final class R {{ {strings_class} }}\n")
    return folder / "r"
