"""The platforms as data: which artifacts each one runs, and where its project keeps what. Imports nothing heavy."""

from collections.abc import Collection
from dataclasses import dataclass

from wedepth.errors import WedepthError

ALL = "all"


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform: its name, which is also that of its folders here and in a bundle, the targets that it embeds, and the
    folder of its project in which its tests find the golden sample."""

    name: str
    targets: tuple[str, ...]
    golden: str


PLATFORMS = {
    platform.name: platform
    for platform in (
        Platform("ios", ("coreml",), "WEDepthKit/Sources/WEDepthSelfTest/golden"),
        Platform("android", ("tflite",), "wedepth/src/sharedTest/resources/golden"),
        Platform("web", ("onnx", "tflite"), "public/golden"),
    )
}


def platforms_of(names: Collection[str], targets: Collection[str]) -> list[Platform]:
    """The platforms of these names, or for "all" those that run something of the targets.

    WedepthError where one that is named runs none of them, or all of them do not.
    """
    fitting = [platform for platform in PLATFORMS.values() if set(platform.targets) & set(targets)]
    chosen = fitting if ALL in names else [PLATFORMS[name] for name in PLATFORMS if name in names]
    idle = [platform for platform in chosen or PLATFORMS.values() if platform not in fitting]
    if idle:
        needed = "; ".join(f"{platform.name} embeds {' or '.join(platform.targets)}" for platform in idle)
        raise WedepthError(f"There is nothing to embed: {needed}, and this is {', '.join(dict.fromkeys(targets))}.")
    return chosen
