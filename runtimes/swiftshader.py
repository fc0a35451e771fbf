"""TFLite artifacts in LiteRT's GPU delegate on SwiftShader, the Vulkan device in software that comes with Chromium."""

import os
from pathlib import Path

from runtimes.errors import DeviceUnavailable
from runtimes.process import Launch
from runtimes.tflite import CompiledSession

# Of Debian's Chromium and of Google's Chrome. Mesa's lavapipe will not do: LiteRT does not run on Debian 12's.
FOLDERS = (Path("/usr/lib/chromium"), Path("/opt/google/chrome"))
DRIVER = "vk_swiftshader_icd.json"


class SwiftShaderSession(CompiledSession):
    """One model on the delegate, and on the CPU where that refuses an op: `placed` tells how many, `details` why."""

    runtime = "tflite-swiftshader"
    beside = ("cpu",)

    def __init__(self, artifact: Path) -> None:
        """DeviceUnavailable where another adapter than SwiftShader was chosen, or none."""
        super().__init__(artifact, "gpu")
        if "swiftshader" not in (found := self.details.get("adapter", "none")).lower():
            raise DeviceUnavailable(f"LiteRT chose another adapter than SwiftShader: {found}")


def find_driver() -> Path:
    """SwiftShader's driver file; DeviceUnavailable where there is none."""
    found = next((folder / DRIVER for folder in FOLDERS if (folder / DRIVER).is_file()), None)
    if found is None:
        raise DeviceUnavailable("SwiftShader is not here; it comes with Chromium (on Debian: apt-get install chromium)")
    return found


def launch() -> Launch:
    """The environment in which Vulkan has SwiftShader alone; its loader comes with Chromium, too."""
    driver = find_driver()
    libraries = os.pathsep.join(filter(None, (str(driver.parent), os.environ.get("LD_LIBRARY_PATH"))))
    return Launch(environment={"VK_ICD_FILENAMES": str(driver), "LD_LIBRARY_PATH": libraries})


def open_session(artifact: Path, *, device: str, threads: int | None) -> SwiftShaderSession:
    """The session; DeviceUnavailable where SwiftShader is absent."""
    return SwiftShaderSession(artifact)
