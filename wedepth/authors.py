"""The names that the authors' training code gives to a checkpoint's entries (spec: "Checkpoints").

Ours are shorter and counted from 0, coarse-to-fine lists included; theirs are counted from 1. The VFM there follows
Hugging Face, with separate query, key and value; ours follows timm, with one fused `qkv`.
"""

import re
from collections.abc import Iterator

import torch
from torch import Tensor

_N = r"(\d+)"


def _up(text: str) -> str:
    return str(int(text) + 1)


# (our name, their name): a number in ours stands where {0}, {1}… stand in theirs; {0+} counts from 1.
_RULES: tuple[tuple[str, str], ...] = tuple(
    (ours.replace(".", r"\.").replace("#", _N), theirs)
    for ours, theirs in (
        ("encoder.", "encoder."),
        ("split.project.#.", "sf.fc{0+}."),
        ("split.depthwise.", "sf.dwconv1."),
        ("prompted.vfm.patch_embed.proj.", "partition_enhance.model_hf.embeddings.patch_embeddings.projection."),
        ("prompted.vfm.cls_token", "partition_enhance.model_hf.embeddings.cls_token"),
        ("prompted.vfm.pos_embed", "partition_enhance.model_hf.embeddings.position_embeddings"),
        ("prompted.vfm.blocks.#.attn.proj.", "partition_enhance.model_hf.encoder.layer.{0}.attention.output.dense."),
        ("prompted.vfm.blocks.#.ls1.gamma", "partition_enhance.model_hf.encoder.layer.{0}.layer_scale1.lambda1"),
        ("prompted.vfm.blocks.#.ls2.gamma", "partition_enhance.model_hf.encoder.layer.{0}.layer_scale2.lambda1"),
        ("prompted.vfm.blocks.#.", "partition_enhance.model_hf.encoder.layer.{0}."),
        ("prompted.stages.#.prompt.embedding", "partition_enhance.prompt_embeddings_{0+}"),
        ("prompted.stages.#.extraction.cross.#.", "partition_enhance.extra_pat_{0+}.cross_attn_{1+}."),
        ("prompted.stages.#.extraction.self.#.", "partition_enhance.extra_pat_{0+}.self_attn_{1+}."),
        ("prompted.stages.#.extraction.gamma.#", "partition_enhance.extra_pat_{0+}.gamma_{1+}"),
        ("prompted.stages.#.extraction.project.", "partition_enhance.extra_pat_{0+}.proj."),
        ("prompted.stages.#.pattern.", "partition_enhance.down_pat_{0+}."),
        ("prompted.features.", "partition_enhance.down_feat_4."),
        ("inject.#.self.", "inject_pt.head_{0+}.self_attn_enc."),
        ("inject.#.cross.#.", "inject_pt.head_{0+}.cross_attn_enc_{1+}."),
        ("inject.#.mlp.#.", "inject_pt.head_{0+}.mlp_attn_enc_{1+}.mlp."),
        ("fuse.levels.#.depthwise.", "inject_it.conv_fuse_{0+}."),
        ("fuse.levels.#.project.", "inject_it.liner_{0+}."),
        ("fuse.levels.#.depthwise_fused.", "inject_it.conv_fuse_v_{0+}."),
        ("fuse.levels.#.norm.", "inject_it.norm_{0+}."),
        ("fuse.project.", "inject_it.conv_all."),
        ("decoder.level_embedding", "decoder.transformer.level_embed"),
        ("decoder.layers.#.attention.", "decoder.transformer.encoder.layer_{0+}.self_attn."),
        ("decoder.layers.#.ffn.0.", "decoder.transformer.encoder.layer_{0+}.linear1."),
        ("decoder.layers.#.ffn.2.", "decoder.transformer.encoder.layer_{0+}.linear2."),
        ("decoder.layers.#.", "decoder.transformer.encoder.layer_{0+}."),
        ("decoder.levels.#.adapt.", "decoder.input_adapter_{0+}."),
        ("decoder.levels.#.out.0.", "decoder.out_conv_{0+}."),
        ("decoder.levels.#.out.1.", "decoder.out_conv_{0+}.norm."),
        ("decoder.levels.#.lateral.0.", "decoder.lateral_fpn_conv_{0+}."),
        ("decoder.levels.#.lateral.1.", "decoder.lateral_fpn_conv_{0+}.norm."),
        ("decoder.levels.#.fpn.0.", "decoder.fpn_conv_{0+}."),
        ("decoder.levels.#.fpn.1.", "decoder.fpn_conv_{0+}.norm."),
        ("heads.heads.#.layers.", "project.proj_output_{0+}."),
    )
)
_ATTENTION_NORMS = (
    (re.compile(r"((?:cross_attn|self_attn)(?:_enc)?(?:_\d+)?)\.norm_context\."), r"\1.layernorm2."),
    (re.compile(r"((?:cross_attn|self_attn)(?:_enc)?(?:_\d+)?)\.norm\."), r"\1.layernorm1."),
)
_QKV = re.compile(r"(prompted\.vfm\.blocks\.(\d+)\.attn)\.qkv\.(weight|bias)")

# Entries that the authors' code writes and inference never reads.
_DEAD = re.compile(
    r"sf\.dwconv[234]\.(weight|bias)"
    r"|partition_enhance\.down_feat_[123]\..*"
    r"|partition_enhance\.model_hf\.(layernorm\.(weight|bias)|embeddings\.mask_token)"
    r"|encoder\..*\.relative_position_index"
)


def their_names(our_name: str) -> list[str]:
    """The authors' entry that holds our tensor; three, to be stacked along the first axis, for a fused qkv."""
    if qkv := _QKV.fullmatch(our_name):
        layer = f"partition_enhance.model_hf.encoder.layer.{qkv[2]}.attention.attention"
        return [f"{layer}.{part}.{qkv[3]}" for part in ("query", "key", "value")]
    for ours, theirs in _RULES:
        if match := re.match(ours, our_name):
            for index, number in enumerate(match.groups()):
                theirs = theirs.replace(f"{{{index}}}", number).replace(f"{{{index}+}}", _up(number))
            name = theirs + our_name[match.end() :]
            for pattern, replacement in _ATTENTION_NORMS:
                name = pattern.sub(replacement, name)
            return [name]
    raise KeyError(our_name)


def from_authors(state: dict[str, Tensor], our_names: Iterator[str]) -> tuple[dict[str, Tensor], list[str]]:
    """Their state dict under our names, and the entries of theirs that no network has.

    `module.` in front of a name (DDP) and dead weights are dropped. What is missing is simply not in the result.
    """
    theirs = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    used: set[str] = set()
    ours: dict[str, Tensor] = {}
    for name in our_names:
        sources = their_names(name)
        used.update(sources)
        if all(source in theirs for source in sources):
            parts = [theirs[source] for source in sources]
            ours[name] = parts[0] if len(parts) == 1 else torch.cat(parts)
    extra = [name for name in theirs if name not in used and not _DEAD.fullmatch(name)]
    return ours, extra
