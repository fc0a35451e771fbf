"""Debian's packages without installing them: fetched from the machine's own archive by an apt with a state of its own,
which checks their signatures, and unpacked into a folder. Nothing on the machine is changed, no administrator is
needed."""

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from wedepth.errors import WedepthError

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
_RELEASE = Path("/etc/os-release")
_APT = """\
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; "amd64"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::Etc::Parts "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "{folder}/state";
Dir::State::status "{folder}/state/status";
Dir::Cache "{folder}/cache";
"""
_SUITE = """\
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
"""


def fetch_packages(folder: Path, names: tuple[str, ...], architecture: str, suite: str | None = None) -> list[Path]:
    """Packages and all that they depend on, as files in `folder`, which is made; of another `suite` than the machine's
    if one is named. WedepthError where this is no Debian, and with apt's own words where it cannot."""
    require_debian()
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "state/status").touch()
    settings = _APT.format(folder=folder, architecture=architecture)
    if suite:
        (folder / "sources.list").write_text(f"deb [signed-by={KEYS}] {_archive()} {suite} main\n")
        settings += _SUITE.format(folder=folder)
    (folder / "apt.conf").write_text(settings)
    apt = partial(run_tool, environment={"APT_CONFIG": str(folder / "apt.conf")})
    apt("apt-get", "--quiet", "update")
    apt("apt-get", "--quiet", "--yes", "--download-only", "install", *names)
    return sorted((folder / "cache/archives").glob("*.deb"))


def extract(package: Path, root: Path) -> None:
    """A package's files into `root`, which is made."""
    root.mkdir(exist_ok=True)
    run_tool("dpkg", "--extract", str(package), str(root))


def require_debian() -> None:
    """Refuse a machine without Debian's tools."""
    if sys.platform != "linux":
        raise WedepthError(f"Debian's packages are fetched on Debian only; this is {sys.platform}.")
    for name in ("apt-get", "dpkg"):
        if not shutil.which(name):
            raise WedepthError(f"Debian's packages are fetched with {name}, which is not here.")


def run_tool(*command: str, environment: dict[str, str] | None = None) -> str:
    """What a command printed; WedepthError with its last line where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | (environment or {}))
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        raise WedepthError(f"{Path(command[0]).name} failed: {lines[-1]}")
    return done.stdout


def _archive() -> str:
    """The address of the archive that the machine's own release comes from."""
    release = dict(line.partition("=")[::2] for line in _RELEASE.read_text().splitlines()).get("VERSION_CODENAME")
    targets = run_tool("apt-get", "indextargets", "--format", "$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)")
    for line in targets.splitlines():
        kind, name, component, address = line.split()
        if (kind, component, name) == ("Packages", "main", release):
            return address
    raise WedepthError("apt knows no archive of this machine's own release, to fetch another release's packages from.")
