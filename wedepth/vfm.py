"""The frozen vision foundation model: a DINOv2 ViT that is run stage by stage (spec: "VFM with prompts")."""

from functools import partial

import torch
from timm.models.vision_transformer import Block, PatchEmbed
from torch import Tensor, nn
from torch.nn import functional as F

from wedepth.config import VFMConfig


class FrozenViT(nn.Module):
    """DINOv2 up to, but without, its final LayerNorm. Entries are named as in timm's `vit_*_patch14_dinov2`.

    Blocks and patch embedding are timm's. The resize of the position table is ours: timm's resamples with
    antialiasing, WEDepth and Hugging Face's DINOv2 do not (token cosine 0.981 between the two).
    """

    def __init__(self, config: VFMConfig) -> None:
        super().__init__()
        self.grid = (config.grid, config.grid)
        self.patch_size = config.patch_size
        self.patch_embed = PatchEmbed(None, config.patch_size, embed_dim=config.width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + config.grid**2, config.width))
        norm = partial(nn.LayerNorm, eps=1e-6)
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, qkv_bias=True, init_values=1e-5, norm_layer=norm)
            for _ in range(config.depth)
        )
        starts = (0, *(end + 1 for end in config.stage_ends[:-1]))
        self.stages = tuple(zip(starts, (end + 1 for end in config.stage_ends), strict=True))
        self.requires_grad_(False)

    def patches(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of patches that an image of (height, width) gives."""
        return image_size[0] // self.patch_size, image_size[1] // self.patch_size

    def positions(self, grid: tuple[int, int]) -> Tensor:
        """The position table [1,1+rows·cols,T] for a grid of patches: CLS first, the rest resized, not antialiased."""
        if grid == self.grid:
            return self.pos_embed
        cls, table = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        table = table.transpose(1, 2).reshape(1, -1, *self.grid)
        table = F.interpolate(table, size=grid, mode="bicubic", align_corners=False)
        return torch.cat((cls, table.flatten(2).transpose(1, 2)), dim=1)

    def embed(self, image: Tensor) -> Tensor:
        """Tokens [B,1+rows·cols,T] of a normalised image [B,3,H,W] (H and W from 14 up, any number)."""
        rows, cols = self.patches((int(image.shape[-2]), int(image.shape[-1])))
        size = (rows * self.patch_size, cols * self.patch_size)
        image = F.interpolate(image, size=size, mode="bilinear", align_corners=False)
        tokens = self.patch_embed(image)
        cls = self.cls_token.expand(tokens.shape[0], -1, -1)
        return torch.cat((cls, tokens), dim=1) + self.positions((rows, cols))

    def run_stage(self, stage: int, tokens: Tensor, mask: Tensor) -> Tensor:
        """The blocks of one of the four stages over [B,N,T], with one additive attention mask [N,N]."""
        for index in range(*self.stages[stage]):
            tokens = self.blocks[index](tokens, attn_mask=mask)
        return tokens
