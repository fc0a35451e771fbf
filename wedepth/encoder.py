"""The image encoders: Swin, ResNet and any timm backbone, behind one form: [B,3,H,W] → four maps at ¼…1⁄32."""

import timm
from timm.models import FeatureListNet
from torch import nn

from wedepth.config import EncoderConfig, ResNetConfig, SwinConfig
from wedepth.errors import WedepthError
from wedepth.swin import SwinEncoder

REDUCTIONS = (4, 8, 16, 32)


def build_encoder(config: EncoderConfig) -> tuple[nn.Module, tuple[int, ...]]:
    """The encoder with random weights, and the channels of its four maps, fine to coarse."""
    if isinstance(config, SwinConfig):
        return SwinEncoder(config), config.dims
    return _timm_encoder(f"resnet{config.depth}" if isinstance(config, ResNetConfig) else config.name)


def _timm_encoder(name: str) -> tuple[FeatureListNet, tuple[int, ...]]:
    if not timm.is_model(name):
        raise WedepthError(f"timm has no model named {name!r}; timm.list_models() shows those there are.")
    try:
        every = timm.create_model(name, features_only=True).feature_info.reduction()
        indices = [len(every) - 1 - every[::-1].index(reduction) for reduction in REDUCTIONS]
    except (ValueError, RuntimeError, AttributeError) as error:
        raise WedepthError(f"timm's {name!r} cannot be the encoder, which needs maps at ¼…1⁄32: {error}.") from None
    encoder = timm.create_model(name, features_only=True, out_indices=tuple(indices))
    return encoder, tuple(encoder.feature_info.channels())
