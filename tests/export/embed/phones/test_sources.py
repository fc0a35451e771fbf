"""The projects for phones as text: every file in a grammar, generated numbers, and what files say of each other."""

import json
import re
import shutil
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtimes.bundle import open_bundle

PROJECT = "WEDepthSample/WEDepthSample.xcodeproj/project.pbxproj"


@pytest.fixture(params=("ios", "android"))
def project(request: pytest.FixtureRequest) -> Path:
    """Either project."""
    return request.getfixturevalue(request.param)


def test_every_source_is_of_its_grammar(project: Path) -> None:
    sources = [*project.rglob("*.swift"), *project.rglob("*.kt"), *project.rglob("*.kts")]
    assert len(sources) >= 15
    assert [error for source in sources for error in errors_of(source)] == []


def test_every_xml_file_is_well_formed(project: Path) -> None:
    files = [*project.rglob("*.xml"), *project.rglob("*.xcscheme")]
    assert files
    for file in files:
        ElementTree.parse(file)


@pytest.mark.parametrize("name", ("Placement.swift", "Placement.kt"))
def test_a_syntax_error_is_found(ios: Path, android: Path, tmp_path: Path, name: str) -> None:
    source = next(path for root in (ios, android) for path in root.rglob(name))
    broken = tmp_path / name
    broken.write_text(source.read_text().replace("{", "", 1))
    assert list(errors_of(broken))


def test_nothing_is_left_of_the_templates(project: Path) -> None:
    for file in project.rglob("*"):
        if file.is_file() and file.suffix not in (".png", ".f32"):
            assert not re.search(r"\{\{|\{%|\bjinja\b", file.read_text()), file


def test_numbers_are_the_manifests(project: Path) -> None:
    manifest = open_bundle(project.parent).manifest
    facts = next(path for path in project.rglob("ModelFacts.*") if "build" not in path.parts).read_text()
    height, width = manifest.size
    strings = (manifest.name, manifest.checkpoint.weights, manifest.precision.name, manifest.artifact.path)
    assert all(json.dumps(value, ensure_ascii=False) in facts for value in strings)
    assert re.search(rf"width\W+{width}, height\W+{height}\b", facts)


def test_the_golden_sample_is_where_the_tests_look(ios: Path, android: Path) -> None:
    for folder in (ios / "WEDepthKit/Sources/WEDepthSelfTest", android / "wedepth/src/sharedTest/resources"):
        assert {path.name for path in (folder / "golden").iterdir()} == {"image.png", "depth.f32", "golden.json"}


def test_the_readme_says_what_was_not_run(project: Path) -> None:
    text = (project / "README.md").read_text()
    assert "What has not been run" in text
    assert "untrained" in text
    assert open_bundle(project.parent).manifest.artifact.path in text


def test_ios_hashes_are_the_manifests(ios: Path) -> None:
    facts = next(ios.rglob("ModelFacts.swift")).read_text()
    listed = dict(re.findall(r'"(model[^"]*)": "([0-9a-f]{64})"', facts))
    assert listed == open_bundle(ios.parent).manifest.artifact.files


def test_android_refuses_another_model(android: Path) -> None:
    script = (android / "wedepth/build.gradle.kts").read_text()
    artifact = open_bundle(android.parent).manifest.artifact
    assert f'file("../{artifact.path}")' in script
    assert f'sha256 = "{artifact.sha256}"' in script


def test_xcode_finds_every_object(ios: Path) -> None:
    objects = pbxproj(ios)["objects"]
    named = {value for entry in objects.values() for value in references(entry)}
    assert named <= objects.keys()
    assert objects.keys() <= named | {pbxproj(ios)["rootObject"]}


def test_xcode_finds_every_file(ios: Path) -> None:
    objects, root = pbxproj(ios)["objects"], (ios / PROJECT).parent.parent
    group = next(entry for entry in objects.values() if entry.get("path") == "WEDepthSample" and "children" in entry)
    files = [objects[child]["path"] for child in group["children"]]
    assert sorted(files) == sorted(path.name for path in (root / "WEDepthSample").iterdir())
    model = next(entry for entry in objects.values() if entry.get("lastKnownFileType") == "folder.mlpackage")
    assert (root / model["path"]).resolve() == open_bundle(ios.parent).artifact.resolve()
    package = next(entry for entry in objects.values() if entry["isa"] == "XCLocalSwiftPackageReference")
    assert (root / package["relativePath"] / "Package.swift").is_file()


def test_xcode_compiles_every_file(ios: Path) -> None:
    objects = pbxproj(ios)["objects"]
    phase = next(entry for entry in objects.values() if entry["isa"] == "PBXSourcesBuildPhase")
    built = {objects[objects[file]["fileRef"]]["path"] for file in phase["files"]}
    kinds = ("sourcecode.swift", "folder.mlpackage")
    assert built == {entry["path"] for entry in objects.values() if entry.get("lastKnownFileType") in kinds}


def test_the_scheme_runs_the_projects_target(ios: Path) -> None:
    scheme = next(ios.rglob("*.xcscheme"))
    named = {entry.get("BlueprintIdentifier") for entry in ElementTree.parse(scheme).iter("BuildableReference")}
    targets = {key for key, entry in pbxproj(ios)["objects"].items() if entry["isa"] == "PBXNativeTarget"}
    assert named == targets


def test_xcode_links_products_of_the_package(ios: Path) -> None:
    products = re.findall(r'\.library\(name: "(\w+)"', (ios / "WEDepthKit/Package.swift").read_text())
    objects = pbxproj(ios)["objects"].values()
    linked = {entry["productName"] for entry in objects if entry["isa"] == "XCSwiftPackageProductDependency"}
    assert linked <= set(products)


def test_gradle_finds_every_alias(android: Path) -> None:
    catalogue = tomllib.loads((android / "gradle/libs.versions.toml").read_text())
    known = {f"libs.{name}".replace("-", ".") for name in catalogue["libraries"]}
    known |= {f"libs.{kind}.{name}".replace("-", ".") for kind in ("versions", "plugins") for name in catalogue[kind]}
    used = {
        alias.removesuffix(".get")
        for script in android.rglob("*.gradle.kts")
        for alias in re.findall(r"\blibs(?:\.\w+)+", script.read_text())
    }
    assert used <= known
    versions = {entry["version"]["ref"] for kind in ("libraries", "plugins") for entry in catalogue[kind].values()}
    assert versions <= catalogue["versions"].keys()


def test_android_has_every_string_that_it_shows(android: Path) -> None:
    values = ElementTree.parse(android / "app/src/main/res/values/strings.xml").getroot()
    used = {
        name
        for file in (android / "app").rglob("*")
        if file.suffix in (".kt", ".xml")
        for name in re.findall(r"(?:R\.|@)string[./](\w+)", file.read_text())
    }
    assert used == {entry.get("name") for entry in values}


def test_the_manifest_names_the_activity(android: Path) -> None:
    manifest = ElementTree.parse(android / "app/src/main/AndroidManifest.xml").getroot()
    name = next(manifest.iter("activity")).get("{http://schemas.android.com/apk/res/android}name")
    assert list((android / "app").rglob(f"{str(name).removeprefix('.')}.kt"))


def test_int8_ends_are_generated(android: Path, tmp_path: Path) -> None:
    facts = rendered_facts(android, tmp_path, input_dtype="int8", input_scale=1.0, input_zero_point=-128)
    assert "Encoding.Int8(scale = 1.0f, zeroPoint = -128)" in facts
    facts = rendered_facts(
        android, tmp_path, output_dtype="int8", output_scale=0.02, output_zero_point=7, output_log=True
    )
    assert "Encoding.Int8(scale = 0.02f, zeroPoint = 7)" in facts
    assert "DepthUnit.LOG_METRES" in facts


def rendered_facts(android: Path, folder: Path, **changes: Any) -> str:
    """ModelFacts.kt of a bundle of which the facts are changed."""
    import dataclasses

    from export.embed.facts import Facts
    from export.embed.platforms import PLATFORMS
    from export.embed.render import render

    fields = {field.name: "" for field in dataclasses.fields(Facts)}
    numbers = {"height": 64, "width": 96, "model_bytes": 1, "trained": False, "tolerance_mean_rel": 0.1}
    facts = Facts(**{**fields, **numbers, "files": {}, "tolerance_max_rel": None, "output_log": False, **changes})  # type: ignore[arg-type]
    shutil.rmtree(folder / "project", ignore_errors=True)
    render(PLATFORMS["android"], facts, folder / "project")
    return next((folder / "project").rglob("ModelFacts.kt")).read_text()


def errors_of(source: Path) -> Iterator[str]:
    """Where a file is not of its language's grammar: `name:line`."""
    language = "swift" if source.suffix == ".swift" else "kotlin"
    tree_sitter = pytest.importorskip("tree_sitter", reason="the grammars are in the extra `dev`")
    grammar = pytest.importorskip(f"tree_sitter_{language}", reason="the grammars are in the extra `dev`")
    tree = tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(source.read_bytes())
    nodes = [tree.root_node]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            yield f"{source.name}:{node.start_point[0] + 1}"
        elif node.has_error:
            nodes += node.children


def pbxproj(ios: Path) -> dict[str, Any]:
    """Xcode's project file, read."""
    parser = pytest.importorskip("openstep_parser", reason="the parser is in the extra `dev`")
    return parser.OpenStepDecoder.ParseFromString((ios / PROJECT).read_text())


def references(entry: Any) -> Iterator[str]:
    """The identifiers of objects that an object of Xcode's project names."""
    for value in entry.values() if isinstance(entry, dict) else entry:
        if isinstance(value, str):
            if re.fullmatch(r"5EDE[0-9A-F]{20}", value):
                yield value
        else:
            yield from references(value)
