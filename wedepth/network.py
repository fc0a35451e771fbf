"""WEDepth (arXiv 2511.08036): the whole network."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wedepth.attention import map_size, to_map, to_tokens
from wedepth.config import Config
from wedepth.decoder import Decoder
from wedepth.encoder import build_encoder
from wedepth.errors import WedepthError
from wedepth.heads import DepthHeads
from wedepth.inject import Fusion, PatternInjection, Split
from wedepth.prompts import PromptedVFM

# ImageNet's statistics of RGB in 0…1.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
MIN_SIDE = 28


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a network's weights come from, in words that may stand beside its numbers."""

    source: str
    """The checkpoint's path, or the preset's name."""
    trained: bool
    weights: str
    """One phrase, such as "untrained: adapters from seed 0"."""
    vfm: str
    """One phrase, such as "vit_small_patch14_dinov2.lvd142m"."""


class WEDepth(nn.Module):
    """Metric depth in metres [B,1,H,W] from a normalised RGB image [B,3,H,W] of any size from 28×28 pixels up."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.provenance = Provenance("", trained=False, weights="untrained: random", vfm="random")
        dim = config.prompt_dim
        self.encoder, channels = build_encoder(config.encoder)
        self.split = Split(channels, dim)
        self.prompted = PromptedVFM(config)
        self.inject = nn.ModuleList(PatternInjection(dim, config.injection_depth) for _ in channels)
        self.fuse = Fusion(dim)
        self.decoder = Decoder(config)
        self.heads = DepthHeads(config.decoder.dim)

    def forward(self, image: Tensor) -> Tensor:
        size = map_size(image)
        if image.ndim != 4 or image.shape[1] != 3 or min(size) < MIN_SIDE:
            raise WedepthError(
                f"The network takes images [B,3,H,W] of {MIN_SIDE}x{MIN_SIDE} pixels or more, not {list(image.shape)}."
            )
        to_decode, context = self.split(self.encoder(image))
        patterns, features = self.prompted(image, [to_tokens(c) for c in context])
        injected = [inject(s, p) for inject, s, p in zip(self.inject, to_decode, patterns, strict=True)]
        fused = self.fuse(injected, to_map(features, self.prompted.vfm.patches(size)))
        maps = self.decoder(fused[::-1])
        return self.heads(maps, size)


def build(config: Config, seed: int = 0) -> WEDepth:
    """An untrained network in eval mode whose weights, VFM included, come from `seed` alone.

    Convolutions behind the encoder keep the scale of what they are given, and the heads start near 2.7 m: what an
    untrained network gives is at least a depth that varies with the image, so that parity has something to hold.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = WEDepth(config)
        vfm = network.prompted.vfm
        for table in (vfm.cls_token, vfm.pos_embed):
            nn.init.trunc_normal_(table, std=0.02)
        for part in (network.fuse, network.decoder, network.heads):
            part.apply(_keep_scale)
    for head in network.heads.heads:
        head.layers[-1].weight.data.mul_(0.5)
        nn.init.constant_(head.layers[-1].bias, math.log(2.7))
    return network.eval()


def _keep_scale(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
