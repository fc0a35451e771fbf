"""What a WEDepth network is made of: frozen dataclasses that travel as JSON, and the named presets."""

import dataclasses
import json
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from wedepth.errors import WedepthError

# The encoder's coarsest map is at 1/32; on other sizes the top-down path would have to resize by a fraction,
# which converters get wrong without a word.
SIZE_MULTIPLE = 32


@dataclass(frozen=True, slots=True)
class VFMConfig:
    """The frozen vision foundation model, a DINOv2 ViT (spec: "Sizes used by the paper")."""

    width: int
    depth: int
    heads: int
    patch_size: int
    grid: int
    """Patches along a side of the image it was pretrained on: its position table is grid × grid + 1."""
    stage_ends: tuple[int, ...]
    """Index of the last block of each of the four stages."""


@dataclass(frozen=True, slots=True)
class SwinConfig:
    """A Swin image encoder in its detection form."""

    kind: str
    dims: tuple[int, ...]
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    window: int


@dataclass(frozen=True, slots=True)
class ResNetConfig:
    """A ResNet image encoder: features after layer1…layer4. `depth` is timm's: 18, 34, 50, 101, 152."""

    kind: str
    depth: int


@dataclass(frozen=True, slots=True)
class TimmConfig:
    """Any timm `features_only` model with maps at ¼, ⅛, 1⁄16 and 1⁄32."""

    kind: str
    name: str


EncoderConfig = SwinConfig | ResNetConfig | TimmConfig
_ENCODERS: dict[str, type] = {"swin": SwinConfig, "resnet": ResNetConfig, "timm": TimmConfig}


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """The multi-scale deformable decoder."""

    dim: int
    layers: int
    heads: int
    points: int
    ffn_dim: int


@dataclass(frozen=True, slots=True)
class Config:
    """A whole network. Sizes are (height, width) in pixels."""

    image_size: tuple[int, ...]
    vfm: VFMConfig
    encoder: EncoderConfig
    prompts: int
    prompt_dim: int
    extraction_depth: int
    injection_depth: int
    decoder: DecoderConfig

    def __post_init__(self) -> None:
        """Refuse what no network can be built from, naming the field."""
        checks = (
            (len(self.image_size) == 2, "image_size must be [height, width]"),
            (len(self.vfm.stage_ends) == 4, "vfm.stage_ends must name the last block of four stages"),
            (
                list(self.vfm.stage_ends) == sorted(set(self.vfm.stage_ends))
                and self.vfm.stage_ends[-1:] == (self.vfm.depth - 1,),
                f"vfm.stage_ends must rise and end with the last block, {self.vfm.depth - 1}",
            ),
            (self.vfm.width % self.vfm.heads == 0, "vfm.width must be a multiple of vfm.heads"),
            (self.prompt_dim % 8 == 0, "prompt_dim must be a multiple of 8, the number of attention heads"),
            (self.decoder.dim % (4 * self.decoder.heads) == 0, "decoder.dim must be a multiple of 4 × decoder.heads"),
        )
        for holds, sentence in checks:
            if not holds:
                raise WedepthError(f"The config is not usable: {sentence}.")

    def to_dict(self) -> dict[str, Any]:
        """The config as plain JSON types."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @staticmethod
    def from_dict(data: Any) -> "Config":
        """A config from its JSON form; missing, unknown or wrongly typed entries are named in a WedepthError."""
        return from_json(Config, data, "config")

    @staticmethod
    def read(path: Path) -> "Config":
        """A config from a JSON file."""
        try:
            data = json.loads(path.read_text())
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise WedepthError(f"Cannot read the config {path}: {error}.") from None
        return Config.from_dict(data)


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """Refuse an input size (height, width) that no export could have, naming the nearest that can."""
    nearest = tuple(max(SIZE_MULTIPLE, round(side / SIZE_MULTIPLE) * SIZE_MULTIPLE) for side in size)
    if size != nearest:
        raise WedepthError(
            f"Size {size[0]}x{size[1]} is not usable: both sides must be multiples of {SIZE_MULTIPLE}; "
            f"the nearest that fits is {nearest[0]}x{nearest[1]}."
        )
    return size


def from_json(kind: Any, data: Any, where: str) -> Any:
    """An instance of `kind` (a dataclass, an int, a float, a str or a tuple of one of them) from JSON types.

    What does not fit is named in a WedepthError, with `where` in front.
    """
    if isinstance(kind, types.UnionType):
        name = data.get("kind") if isinstance(data, dict) else None
        if name not in _ENCODERS:
            raise WedepthError(f"{where}.kind is {name!r}; it must be one of {', '.join(_ENCODERS)}.")
        kind = _ENCODERS[name]
    if get_origin(kind) is tuple:
        if not isinstance(data, list) or not data:
            raise WedepthError(f"{where} must be a list of numbers, not {data!r}.")
        return tuple(from_json(get_args(kind)[0], item, where) for item in data)
    if kind is float and type(data) is int:
        return float(data)
    if not dataclasses.is_dataclass(kind):
        if type(data) is not kind or (kind is int and data < 0):
            wanted = {int: "a whole number", float: "a number", bool: "true or false"}.get(kind, "a text")
            raise WedepthError(f"{where} must be {wanted}, not {data!r}.")
        return data
    if not isinstance(data, dict):
        raise WedepthError(f"{where} must be an object, not {data!r}.")
    record: Any = kind
    hints = get_type_hints(record)
    missing, unknown = sorted(hints.keys() - data.keys()), sorted(data.keys() - hints.keys())
    if missing or unknown:
        parts = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has unknown {', '.join(unknown)}"] * bool(unknown)
        raise WedepthError(f"{where} {' and '.join(parts)}.")
    return record(**{name: from_json(hint, data[name], f"{where}.{name}") for name, hint in hints.items()})


def _dinov2(width: int, depth: int, heads: int, stage_ends: tuple[int, ...]) -> VFMConfig:
    return VFMConfig(width, depth, heads, patch_size=14, grid=37, stage_ends=stage_ends)


def _swin(dim: int, depths: tuple[int, ...], heads: int) -> SwinConfig:
    scales = (1, 2, 4, 8)
    return SwinConfig("swin", tuple(dim * s for s in scales), depths, tuple(heads * s for s in scales), window=7)


_DINOV2_S = _dinov2(384, 12, 6, (2, 5, 8, 11))
_DINOV2_B = _dinov2(768, 12, 12, (2, 5, 8, 11))
_DINOV2_L = _dinov2(1024, 24, 16, (4, 11, 17, 23))
_PAPER_DECODER = DecoderConfig(dim=256, layers=4, heads=4, points=4, ffn_dim=512)

PRESETS: dict[str, Config] = {
    "paper": Config((480, 640), _DINOV2_L, _swin(128, (2, 2, 18, 2), 4), 50, 384, 2, 1, _PAPER_DECODER),
    "base": Config((480, 640), _DINOV2_B, _swin(96, (2, 2, 18, 2), 3), 50, 384, 2, 1, _PAPER_DECODER),
    "small": Config((480, 640), _DINOV2_S, _swin(96, (2, 2, 6, 2), 3), 50, 256, 2, 1, _PAPER_DECODER),
    # For phones: at ¼ resolution the decoder, not the ViT, is what costs, so it is half as wide and half as deep.
    "edge": Config(
        (288, 384),
        _DINOV2_S,
        TimmConfig("timm", "tf_efficientnet_lite0"),
        prompts=16,
        prompt_dim=192,
        extraction_depth=2,
        injection_depth=1,
        decoder=DecoderConfig(dim=128, layers=2, heads=4, points=4, ffn_dim=256),
    ),
    # For tests: every kind of layer, 0.2 M parameters; its VFM is random, since no DINOv2 is this small.
    "nano": Config(
        (64, 96),
        VFMConfig(width=32, depth=4, heads=2, patch_size=14, grid=5, stage_ends=(0, 1, 2, 3)),
        _swin(8, (2, 1, 1, 1), 1),
        prompts=4,
        prompt_dim=16,
        extraction_depth=2,
        injection_depth=1,
        decoder=DecoderConfig(dim=32, layers=1, heads=2, points=2, ffn_dim=64),
    ),
}

# Trained adapters that come with the project, by preset: SHA-256 of the file in wedepth/weights. What they are, and are
# not, is in docs/model-card.md.
SHIPPED: dict[str, str] = {
    "edge": "2226e6287f1a8aa70d01e749c3642516a667a58d23855f912dc9fcfce18d1fee",
}


def preset(name: str) -> Config:
    """The preset of that name; an unknown one is refused with the list of those there are."""
    if name not in PRESETS:
        raise WedepthError(f"There is no preset {name!r}; the presets are {', '.join(PRESETS)}.")
    return PRESETS[name]
