"""MODEL_CARD.md: what a bundle is, from what, how good, and under which terms, for people."""

from pathlib import Path
from typing import Any

from export.embed.render import TEMPLATES, environment_of
from export.licences import licences
from runtimes.bundle import Manifest
from wedepth.config import SHIPPED
from wedepth.training.card import metrics_table, stages_table

CARD = "MODEL_CARD.md"


def write_card(folder: Path, manifest: Manifest, training: dict[str, Any] | None) -> None:
    """Write the card of a bundle into its folder; `training` is its network's training record, if it is known."""
    (folder / CARD).write_text(card(manifest, training), encoding="utf-8")


def card(manifest: Manifest, training: dict[str, Any] | None) -> str:
    """The card in Markdown: every number of it from the manifest and the training record."""
    checkpoint = manifest.checkpoint
    record = {
        "source": checkpoint.source,
        "trained": checkpoint.trained,
        "vfm": checkpoint.vfm,
    }
    return (
        environment_of(TEMPLATES)
        .get_template(f"{CARD}.jinja")
        .render(
            m=manifest,
            shipped=checkpoint.trained and checkpoint.source in SHIPPED,
            training=training,
            metrics=metrics_table(training) if training else [],
            stages=stages_table(training) if training else [],
            licences=licences(record, training),
        )
    )
