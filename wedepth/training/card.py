"""A model card in Markdown, every number of it from the training record."""

from typing import Any

from wedepth.config import Config

COLUMNS = {
    "abs_rel": ("AbsRel", "{:.3f}"),
    "rmse": ("RMSE, m", "{:.3f}"),
    "silog": ("SILog", "{:.1f}"),
    "delta1": ("δ1", "{:.3f}"),
    "scale_bias": ("scale bias", "{:+.3f}"),
}


def model_card(record: dict[str, Any], config: Config) -> str:
    """The card of adapters with this training record (see wedepth.training.run)."""
    lines = ["# Model card", ""]
    height, width = config.image_size
    lines += [
        f"A WEDepth network for {height}×{width} images: metric depth in metres from one RGB image. The file holds "
        "what was trained (encoder, prompts, decoder, heads); the frozen VFM is found at load, by the hash below.",
        "",
        "## Metrics",
        "",
        "In unaligned metres, no scaling to the ground truth. Below each row, what predicting without looking at the "
        "image gets on the same frames: the one depth, and the depth map, that fit the training frames best.",
        "",
        *metrics_table(record),
        "",
        *_chosen(record),
        f"All depths are multiplied by {record['depth_scale']:.3f}: the factor with the least AbsRel on training "
        "frames, not augmented.",
        "",
        "## Training",
        "",
        *stages_table(record),
        "",
        f"Frozen VFM: SHA-256 of its tensors `{record['setup']['vfm_sha256']}`.",
    ]
    return "\n".join(lines) + "\n"


def metrics_table(record: dict[str, Any]) -> list[str]:
    """Lines of Markdown: the metrics on every source that was validated on, each above what not looking gets."""
    if not record["val"]:
        return ["Not validated: the run was given no frames for it."]
    heads = ["frames", "prediction", *(head for head, _ in COLUMNS.values())]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    floors = record["floors"]
    for source, metrics in record["val"].items():
        count = record["setup"]["val"][source]["frames"]
        rows = {
            "**this network**": metrics,
            f"always {floors['constant_metres']:.2f} m": floors["constant"][source],
            "mean depth map": floors["mean"][source],
        }
        for name, values in rows.items():
            numbers = [form.format(values[key]) for key, (_, form) in COLUMNS.items()]
            lines.append(f"| `{source}` ({count}) | {name} | {' | '.join(numbers)} |")
    return lines


def _chosen(record: dict[str, Any]) -> list[str]:
    epochs = record["setup"]["training"]["epochs"]
    if not record["val"] or epochs == 1:
        return []
    return [
        f"These weights are those of epoch {record['epochs']} of {epochs}, the one with the least mean AbsRel on these "
        "same frames: the numbers are optimistic by that choice.",
        "",
    ]


def stages_table(record: dict[str, Any]) -> list[str]:
    """A row for every run that led here, the first one first."""
    runs = []
    run: dict[str, Any] | None = record
    while run:
        runs.append(run)
        run = run.get("before")
    lines = ["| stage | size | images seen | batch | learning rate | frames, with their share |", f"|{'---|' * 6}"]
    means = []
    for stage, run in enumerate(reversed(runs), 1):
        init = run["setup"]["init"] or ""
        if " and " in init:
            means.append(f" Stage {stage} starts from the mean of the weights of {init}.")
        training, data = run["setup"]["training"], run["setup"]["data"]
        total = sum(source["weight"] for source in data.values())
        shares = [
            f"`{name}`: {source['frames']}, {100 * source['weight'] / total:.0f} %" for name, source in data.items()
        ]
        seen = run["images"] - run["images_before"]
        size = "×".join(str(side) for side in training["size"])
        lines.append(f"| {stage} | {size} | {seen} | {training['batch']} | {training['lr']:g} | {'; '.join(shares)} |")
    return [*lines, "", f"At the start the {runs[-1]['setup']['encoder']}.{''.join(means)}"]
