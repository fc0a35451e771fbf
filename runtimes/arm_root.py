"""Set up an Arm 64-bit Python with ONNX Runtime and LiteRT, and QEMU to run it: `python -m runtimes.arm_root`.

Nothing on the machine is changed and no administrator is needed: Debian's packages are fetched from the machine's own
sources by an apt with a state of its own, which checks their signatures, and unpacked into a folder of the virtual
environment; the wheels are pinned by hash.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import click

from runtimes.arm import DONE, QEMU, ROOT, SITE, WHEELS, is_complete
from wedepth.commands import guarded
from wedepth.errors import WedepthError

# Bookworm's Python is the 3.11 that wheels are pinned for.
PACKAGES = ("python3.11", "libstdc++6", "qemu-user-static:amd64")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64")
_APT = """\
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; "amd64"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::Etc::Parts "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "{folder}/state";
Dir::State::status "{folder}/state/status";
Dir::Cache "{folder}/cache";
"""
# What an Arm kernel says of a Cortex-A76. Libraries that read it of an x86 crash.
_PROCESSOR = """\
processor\t: {number}
BogoMIPS\t: 100.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1

"""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
def set_up() -> int:
    """Fetch an Arm 64-bit Python, ONNX Runtime and LiteRT, and QEMU, into the virtual environment (Debian, x86-64)."""
    if is_complete():
        click.echo(f"{ROOT} is complete.")
        return 0
    _require_debian()
    beside = ROOT.with_name(f".{ROOT.name}.{os.getpid()}.partial")
    try:
        with tempfile.TemporaryDirectory(prefix="wedepth-") as folder:
            packages = fetch_packages(Path(folder))
            for package in packages:
                unpack(package, beside)
        install_wheels(beside / SITE.name)
        describe_processors(beside, os.cpu_count() or 1)
        shutil.copy(WHEELS, beside / DONE.name)
        shutil.rmtree(ROOT, ignore_errors=True)
        beside.rename(ROOT)
    except OSError as error:
        raise WedepthError(f"Cannot write {beside}: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    click.echo(f"{ROOT}: {len(packages)} Debian packages and the wheels of {WHEELS.name}.")
    return 0


def fetch_packages(folder: Path) -> list[Path]:
    """Debian's packages and all that they depend on, in `folder`."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "state/status").touch()
    (folder / "apt.conf").write_text(_APT.format(folder=folder))
    apt = partial(_run, environment={"APT_CONFIG": str(folder / "apt.conf")})
    apt("apt-get", "--quiet", "update")
    apt("apt-get", "--quiet", "--yes", "--download-only", "install", *PACKAGES)
    return sorted((folder / "cache/archives").glob("*.deb"))


def unpack(package: Path, root: Path) -> None:
    """A package's files into `root`; of QEMU's 40 emulators the one."""
    root.mkdir(exist_ok=True)
    if not package.name.startswith("qemu-user-static"):
        _run("dpkg", "--extract", str(package), str(root))
        return
    with tempfile.TemporaryDirectory(prefix="wedepth-") as folder:
        _run("dpkg", "--extract", str(package), folder)
        shutil.copy(Path(folder) / QEMU.relative_to(ROOT), root / QEMU.relative_to(ROOT))


def install_wheels(site: Path) -> None:
    """The pinned wheels for Arm, checked by hash."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--python-version=3.11", "--implementation=cp"]
    command += [f"--platform={platform}" for platform in PLATFORMS]
    _run(*command, f"--target={site}", f"--requirement={WHEELS}")


def describe_processors(root: Path, count: int) -> None:
    """What /proc and /sys are to say of `count` processors, which have to agree."""
    folder = root / "sys/devices/system/cpu"
    for made in (root / "proc", folder):
        made.mkdir(parents=True)
    (root / "proc/cpuinfo").write_text("".join(_PROCESSOR.format(number=number) for number in range(count)))
    for name in ("possible", "present"):
        (folder / name).write_text(f"0-{count - 1}\n" if count > 1 else "0\n")


def _require_debian() -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise WedepthError(f"QEMU is set up on Linux on x86-64 only; this is {sys.platform} on {platform.machine()}.")
    for name in ("apt-get", "dpkg"):
        if not shutil.which(name):
            raise WedepthError(f"Debian's packages are fetched with {name}, which is not here.")


def _run(*command: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | (environment or {}))
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        raise WedepthError(f"{Path(command[0]).name} failed: {lines[-1]}")


if __name__ == "__main__":
    guarded(set_up)
