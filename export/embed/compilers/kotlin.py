"""JetBrains' Kotlin compiler, from npm, and its tests' libraries, from Debian: JUnit, and Android's own org.json."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from export.embed.compilers import SETUP
from runtimes.debian import extract, fetch_packages
from runtimes.errors import DeviceUnavailable
from runtimes.web.packages import install, modules_folder

LISTS = Path(__file__).with_name("npm")
ROOT = Path(sys.prefix) / "java"
PACKAGES = ("junit4", "libhamcrest-java", "libandroid-json-java")
JARS = ("junit4.jar", "hamcrest.jar", "com.android.json.jar")


def find() -> None:
    """Nothing, where all is here; DeviceUnavailable where something is not."""
    if not shutil.which("java"):
        raise DeviceUnavailable("the Kotlin compiler runs on Java, which is not here (Debian's default-jre-headless)")
    if not _compiler().is_dir() or not all(jar.is_file() for jar in _jars()):
        raise DeviceUnavailable(f"the Kotlin compiler is not set up here ({SETUP})")


def set_up() -> Path:
    """Install compiler and libraries where they are not; returns the compiler's folder."""
    install(LISTS)
    if not all(jar.is_file() for jar in _jars()):
        with tempfile.TemporaryDirectory(prefix="wedepth-") as folder:
            for package in fetch_packages(Path(folder), PACKAGES, "amd64"):
                if package.name.partition("_")[0] in PACKAGES:  # Java itself is the machine's
                    extract(package, ROOT)
    return _compiler()


def compile(sources: Sequence[Path], out: Path) -> str:
    """Compile Kotlin files, and folders of them and of Java declarations, to class files in `out`. Returns what the
    compiler says, empty where it has neither an error nor a warning."""
    classpath = os.pathsep.join(map(str, _jars()))
    command = _java("org.jetbrains.kotlin.preloading.Preloader", [_lib("kotlin-preloader")])
    command += ["-cp", str(_lib("kotlin-compiler")), "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"]
    command += ["-kotlin-home", str(_compiler()), "-jvm-target", "17", "-Werror"]
    command += ["-classpath", classpath, "-d", str(out), *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    return said if done.returncode else ""


def run(main: str, places: Sequence[Path], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the class `main`, with classes and resources from `places`."""
    paths = [*places, *_jars(), _lib("kotlin-stdlib")]
    return subprocess.run([*_java(main, paths), *arguments], capture_output=True, text=True, check=False)


def _java(main: str, paths: Sequence[Path]) -> list[str]:
    return ["java", "-Xmx1g", "-cp", os.pathsep.join(map(str, paths)), main]


def _compiler() -> Path:
    return modules_folder(LISTS) / "kotlin-compiler"


def _lib(name: str) -> Path:
    return _compiler() / "lib" / f"{name}.jar"


def _jars() -> list[Path]:
    return [ROOT / "usr/share/java" / name for name in JARS]
