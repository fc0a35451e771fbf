"""Set up an Arm 64-bit Python with ONNX Runtime and LiteRT, and QEMU to run it: `python -m runtimes.arm_root`.

Nothing on the machine is changed and no administrator is needed: Debian's packages are unpacked into a folder of the
virtual environment (`runtimes.debian`); the wheels are pinned by hash.
"""

import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import click

from runtimes.arm import DONE, QEMU, ROOT, SITE, WHEELS, is_complete
from runtimes.debian import extract, fetch_packages, run_tool
from wedepth.commands import guarded
from wedepth.errors import WedepthError

# Bookworm's Python is the 3.11 that wheels are pinned for.
PACKAGES = ("python3.11", "libstdc++6", "qemu-user-static:amd64")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64")
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
    _require_machine()
    beside = ROOT.with_name(f".{ROOT.name}.{os.getpid()}.partial")
    try:
        with tempfile.TemporaryDirectory(prefix="wedepth-") as folder:
            packages = fetch_packages(Path(folder), PACKAGES, "arm64")
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


def unpack(package: Path, root: Path) -> None:
    """A package's files into `root`; of QEMU's 40 emulators the one."""
    if not package.name.startswith("qemu-user-static"):
        extract(package, root)
        return
    with tempfile.TemporaryDirectory(prefix="wedepth-") as folder:
        extract(package, Path(folder))
        shutil.copy(Path(folder) / QEMU.relative_to(ROOT), root / QEMU.relative_to(ROOT))


def install_wheels(site: Path) -> None:
    """The pinned wheels for Arm, checked by hash."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--python-version=3.11", "--implementation=cp"]
    command += [f"--platform={platform}" for platform in PLATFORMS]
    run_tool(*command, f"--target={site}", f"--requirement={WHEELS}")


def describe_processors(root: Path, count: int) -> None:
    """What /proc and /sys are to say of `count` processors, which have to agree."""
    folder = root / "sys/devices/system/cpu"
    for made in (root / "proc", folder):
        made.mkdir(parents=True)
    (root / "proc/cpuinfo").write_text("".join(_PROCESSOR.format(number=number) for number in range(count)))
    for name in ("possible", "present"):
        (folder / name).write_text(f"0-{count - 1}\n" if count > 1 else "0\n")


def _require_machine() -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise WedepthError(f"QEMU is set up on Linux on x86-64 only; this is {sys.platform} on {platform.machine()}.")


if __name__ == "__main__":
    guarded(set_up)
