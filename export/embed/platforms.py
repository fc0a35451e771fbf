"""The platforms as data: which artifacts each one runs, and where its project keeps what. Imports nothing heavy."""

from dataclasses import dataclass


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
