"""Swift for Linux, with its package manager, XCTest and formatter, from Debian: in a root of its own, which a command
sees as the whole machine (chroot in a user namespace)."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from export.embed.compilers import SETUP
from runtimes.debian import extract, fetch_packages
from runtimes.errors import DeviceUnavailable
from wedepth.errors import WedepthError

ROOT = Path(sys.prefix) / "swift"
SUITE = "trixie"
"""The first release of Debian that has Swift."""
PACKAGES = ("swiftlang", "libc6-dev", "libstdc++-14-dev", "libncurses6", "coreutils", "dash", "libc-bin")
INSIDE = "/mnt"
"""Where a command sees the folder that it is run in."""
# Debuggers, editors' servers and static libraries: half of the 2.4 GB.
UNUSED = (
    *(f"bin/{name}" for name in ("lldb", "lldb-dap", "lldb-server", "clangd", "sourcekit-lsp", "docc")),
    *(f"lib/{name}" for name in ("swift_static", "libsourcekitdInProc.so", "liblldb.so.17.0.0", "libLTO.so.17")),
)
_DONE = ROOT / "complete"
_ENTER = f"""\
mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && mount --bind "$2" "$1{INSIDE}" || exit 125
root=$1; shift 2
exec chroot "$root" /usr/bin/env -i PATH=/usr/libexec/swift/bin:/usr/bin HOME=/tmp LANG=C.UTF-8 \\
    sh -c 'cd {INSIDE} && exec "$@"' sh "$@"
"""


def find() -> None:
    """Nothing, where Swift runs here; DeviceUnavailable where it does not."""
    if not (_DONE.is_file() and _DONE.read_text().split() == list(PACKAGES)):
        raise DeviceUnavailable(f"Swift is not set up here ({SETUP})")
    with tempfile.TemporaryDirectory(prefix="wedepth-") as folder:
        if run(Path(folder), "true").returncode:
            raise DeviceUnavailable("Swift is run in a root of its own, and this machine allows no user namespaces")


def set_up() -> Path:
    """Unpack Swift where it is not; returns its root."""
    if _DONE.is_file() and _DONE.read_text().split() == list(PACKAGES):
        return ROOT
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise WedepthError(f"Swift is set up on Linux on x86-64 only; this is {sys.platform} on {platform.machine()}.")
    beside = ROOT.with_name(f".{ROOT.name}.{os.getpid()}.partial")
    try:
        with tempfile.TemporaryDirectory(prefix="wedepth-", dir=ROOT.parent) as folder:
            for package in fetch_packages(Path(folder), PACKAGES, "amd64", SUITE):
                extract(package, beside)
        _finish(beside)
        shutil.rmtree(ROOT, ignore_errors=True)
        beside.rename(ROOT)
    except OSError as error:
        raise WedepthError(f"Cannot write {beside}: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return ROOT


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the root in `folder`, which it sees as INSIDE and may write to."""
    enter = ("unshare", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c", _ENTER, "sh")
    return subprocess.run([*enter, str(ROOT), str(folder), *command], capture_output=True, text=True, check=False)


def _finish(root: Path) -> None:
    """What Debian's packages do when they are installed, as far as it is needed."""
    for name in ("bin", "lib", "lib64"):
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    for name in (INSIDE[1:], "tmp", "dev", "proc"):
        (root / name).mkdir(exist_ok=True)
    for name in UNUSED:
        path = root / "usr/libexec/swift" / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (root / _DONE.name).write_text("\n".join(PACKAGES))
