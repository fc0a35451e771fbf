"""The projects for phones, made once from the nano network's bundles, and what real compilers make of them."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from export.embed import embed
from export.embed.compilers import kotlin, swift
from runtimes.errors import DeviceUnavailable

HERE = Path(__file__).parent
# Of the Android library, what needs Android or LiteRT; the rest needs Kotlin alone.
PLATFORM = ("Bitmaps.kt", "CameraFrames.kt", "DepthModel.kt", "Processor.kt")
# Apple's frameworks, in the order in which they need each other.
FRAMEWORKS = (
    *("CoreGraphics", "CoreVideo", "VideoToolbox", "ImageIO", "CoreML", "CryptoKit"),
    *("AVFoundation", "Combine", "SwiftUI"),
)
APPLE = f"{swift.INSIDE}/apple"
LINK = ("-Xswiftc", f"-I{APPLE}", "-Xlinker", f"-L{APPLE}", "-Xlinker", "-rpath", "-Xlinker", APPLE)
Driver = Callable[[Path], str]
"""Does what the file `tasks` in a folder says, and returns what it printed."""


@pytest.fixture(scope="session")
def ios(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Core ML bundle's folder `ios`."""
    return _embedded(exported / "nano-coreml-fp32", tmp_path_factory.mktemp("ios"), "ios")


@pytest.fixture(scope="session")
def android(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TFLite bundle's folder `android`."""
    return _embedded(exported / "nano-tflite-fp32", tmp_path_factory.mktemp("android"), "android")


@pytest.fixture(scope="session")
def classes(android: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Library, self-test and driver in Kotlin, compiled without any declaration of Android."""
    _require(kotlin.find)
    source = android / "wedepth/src"
    pure = [path for path in sorted((source / "main").rglob("*.kt")) if path.name not in PLATFORM]
    tests = [source / "sharedTest/kotlin", source / "test/kotlin", HERE / "driver/Driver.kt"]
    out = tmp_path_factory.mktemp("classes")
    assert kotlin.compile([*pure, *tests], out) == ""
    return out


@pytest.fixture(scope="session")
def work(ios: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Swift package, built with its tests, the sample's sources, and Apple's declared frameworks."""
    _require(swift.find)
    folder = tmp_path_factory.mktemp("work")
    for project in ("WEDepthKit", "WEDepthSample"):
        shutil.copytree(ios / project, folder / project)
    for name in ("apple", "driver"):
        shutil.copytree(HERE / name, folder / name)
    for name in FRAMEWORKS:
        _done(swift.run(folder, "sh", "-c", _framework(name)))
    _done(swift.run(folder, "swift-build", "--package-path", "WEDepthKit", "--build-tests", *LINK))
    return folder


@pytest.fixture(scope="session")
def kotlin_driver(android: Path, classes: Path) -> Driver:
    """The driver in Kotlin."""

    def drive(folder: Path) -> str:
        places = [classes, android / "wedepth/src/sharedTest/resources"]
        return _done(kotlin.run("DriverKt", places, str(folder / "tasks")))

    return drive


@pytest.fixture(scope="session")
def swift_driver(work: Path) -> Driver:
    """The driver in Swift."""
    _done(swift.run(work, "swift-build", "--package-path", "driver", "-c", "release"))

    def drive(folder: Path) -> str:
        shutil.copytree(folder, work / "driven", dirs_exist_ok=True)
        golden = "WEDepthKit/Sources/WEDepthSelfTest/golden"
        printed = _done(swift.run(work, "driver/.build/release/Driver", "driven/tasks", golden))
        shutil.copytree(work / "driven", folder, dirs_exist_ok=True)
        return printed

    return drive


def _embedded(bundle: Path, folder: Path, platform: str) -> Path:
    return embed(Path(shutil.copytree(bundle, folder / bundle.name)), platform)


def _require(find: Callable[[], None]) -> None:
    try:
        find()
    except DeviceUnavailable as absent:
        pytest.skip(str(absent))


def _framework(name: str) -> str:
    """What makes a module and a library of a declared framework."""
    module = f"-emit-module -emit-module-path {name}.swiftmodule -module-name {name} -module-link-name {name}"
    return f"cd apple && swiftc -swift-version 5 {module} -emit-library -o lib{name}.so -I . -L . {name}.swift"


def _done(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
