"""The npm packages that a page is made of: exact versions with integrity hashes, installed once by npm.

`python -m runtimes.web.packages` installs those of the page that runs artifacts for parity (`npm/`), or of another.
"""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import click

from runtimes.errors import DeviceUnavailable
from wedepth.cache import cache_folder
from wedepth.commands import guarded
from wedepth.errors import WedepthError

SETUP = "python -m runtimes.web.packages"
PARITY = Path(__file__).with_name("npm")
_NPM = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def modules_folder(lists: Path = PARITY) -> Path:
    """Where the packages are, once installed, that package.json and package-lock.json in `lists` name. Another lock
    file has another folder, so that none is ever stale."""
    lock = hashlib.sha256((lists / "package-lock.json").read_bytes()).hexdigest()
    return cache_folder() / f"web-{lock[:12]}" / "node_modules"


def find_modules(lists: Path = PARITY, setup: str = SETUP) -> Path:
    """The folder of the installed packages; DeviceUnavailable where there is none, with what sets them up."""
    if not (folder := modules_folder(lists)).is_dir():
        raise DeviceUnavailable(f"the page's npm packages are not installed here ({setup}, which needs npm)")
    return folder


def version_of(package: str) -> str:
    """The version of an installed package."""
    return json.loads((find_modules() / package / "package.json").read_text())["version"]


def install(lists: Path = PARITY) -> Path:
    """Have npm fetch and check the packages, and put them in their place, whole or not at all; gives the place."""
    folder = modules_folder(lists)
    if folder.is_dir():
        return folder
    if shutil.which("npm") is None:
        raise WedepthError("The page's packages are installed by npm, which is not here; it comes with Node.js.")
    whole = folder.parent
    beside = whole.with_name(f".{whole.name}.{os.getpid()}.partial")
    try:
        whole.parent.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(lists / name, beside)
        done = subprocess.run(_NPM, cwd=beside, capture_output=True, text=True)
        if done.returncode:
            raise WedepthError(f"npm cannot install the page's packages: {_reason(done.stderr)}.")
        beside.replace(whole)
    except OSError as error:
        raise WedepthError(f"Cannot keep the page's packages in {whole}: {error.strerror}.") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def _reason(errors: str) -> str:
    lines = [line.removeprefix("npm error ").strip() for line in errors.splitlines()]
    return next((line.rstrip(".") for line in lines if " " in line), "it does not say why")


@click.command()
@click.argument("lists", type=click.Path(path_type=Path, exists=True, file_okay=False), default=PARITY)
def _install(lists: Path) -> None:
    """Install the npm packages that package-lock.json in the folder LISTS names; by default those of the page that runs
    artifacts in a browser."""
    click.echo(f"{install(lists)}")


if __name__ == "__main__":
    guarded(_install)
