"""timm's attention in the form that every runtime has a kernel for: four axes, one projection, no mask to add."""

import torch
from timm.layers import Attention
from timm.models.swin_transformer import WindowAttention
from torch import Tensor, nn

from export.rewrites.fold import linear
from wedepth.attention import HEADS, CrossAttention, SelfAttention, merge_heads, split_heads
from wedepth.network import WEDepth


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attention of scaled queries [B,heads,N,d] to [B,heads,M,d]; `bias` is added to the scores."""
    scores = query @ key.transpose(-2, -1)
    return (scores if bias is None else scores + bias).softmax(dim=-1) @ value


class PlainAttention(nn.Module):
    """Projections of timm's attention, the scale inside the query's."""

    def __init__(self, attention: Attention | WindowAttention) -> None:
        super().__init__()
        self.heads = attention.num_heads
        width = attention.qkv.out_features // 3
        scale = torch.ones(3 * width)
        scale[:width] = attention.scale
        self.qkv = nn.Linear(attention.qkv.in_features, 3 * width)
        self.qkv.weight = nn.Parameter(attention.qkv.weight * scale[:, None], requires_grad=False)
        self.qkv.bias = nn.Parameter(attention.qkv.bias * scale, requires_grad=False)
        self.proj = attention.proj

    def project(self, x: Tensor) -> tuple[Tensor, ...]:
        """Query, key and value [B,heads,N,d] of tokens [B,N,C]."""
        return tuple(split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))


class PromptedAttention(PlainAttention):
    """The VFM's, over prompts and tokens [B,P+M,T]. Prompts do not see prompts: they are given the other keys alone."""

    def __init__(self, attention: Attention, prompts: int) -> None:
        super().__init__(attention)
        self.prompts = prompts

    def forward(self, x: Tensor, attn_mask: Tensor, is_causal: bool = False) -> Tensor:
        query, key, value = self.project(x)
        prompts = attend(query[:, :, : self.prompts], key[:, :, self.prompts :], value[:, :, self.prompts :])
        tokens = attend(query[:, :, self.prompts :], key, value)
        return self.proj(merge_heads(torch.cat((prompts, tokens), dim=2)))


class PlainWindowAttention(PlainAttention):
    """Swin's over windows [windows,side²,C], its relative position bias looked up once."""

    def __init__(self, attention: WindowAttention) -> None:
        super().__init__(attention)
        self.register_buffer("bias", attention._get_rel_pos_bias())

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        bias = self.bias if mask is None else self.bias + mask[:, None]
        query, key, value = self.project(x)
        return self.proj(merge_heads(attend(query, key, value, bias)))


class PlainSelfAttention(nn.Module):
    """Extraction's and injection's, of tokens to themselves; the scale inside the query's projection."""

    def __init__(self, attention: SelfAttention) -> None:
        super().__init__()
        scale = (attention.query.out_features // HEADS) ** -0.5
        self.norm, self.key, self.value = attention.norm, attention.key, attention.value
        self.query = linear(attention.query.weight.double() * scale, attention.query.bias.double() * scale)

    def run(self, queries: Tensor, context: Tensor) -> Tensor:
        """Attention of normed queries [B,N,D] to [B,M,D]."""
        parts = (self.query(queries), self.key(context), self.value(context))
        query, key, value = (split_heads(part, HEADS) for part in parts)
        return merge_heads(attend(query, key, value))

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self.norm(x), x)


class PlainCrossAttention(PlainSelfAttention):
    """The same to a context that has a LayerNorm of its own."""

    def __init__(self, attention: CrossAttention) -> None:
        super().__init__(attention)
        self.norm_context = attention.norm_context

    def forward(self, x: Tensor, context: Tensor) -> Tensor:  # type: ignore[override]
        return self.run(self.norm(x), self.norm_context(context))


def scale_queries(network: WEDepth, size: tuple[int, int]) -> None:
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) in (SelfAttention, CrossAttention):
                plain = PlainCrossAttention if type(child) is CrossAttention else PlainSelfAttention
                setattr(module, name, plain(child))


def split_prompted_attention(network: WEDepth, size: tuple[int, int]) -> None:
    for block in network.prompted.vfm.blocks:
        block.attn = PromptedAttention(block.attn, network.prompted.prompts)


def flatten_window_attention(network: WEDepth, size: tuple[int, int]) -> None:
    for module in list(network.encoder.modules()):
        if isinstance(getattr(module, "attn", None), WindowAttention):
            module.attn = PlainWindowAttention(module.attn)
