"""What a report says besides its rows: on which machine, with which command and limits, of which bundles."""

import datetime
import shlex
from collections.abc import Mapping, Sequence

from runtimes.bundle import Bundle
from runtimes.limits import Limit, limit_for
from runtimes.machine import describe
from runtimes.results import Origin, Report


def begin(data: str, bundles: Sequence[Bundle], limits: Mapping[str, Limit], command: Sequence[str]) -> Report:
    """The report of a command that begins now, without rows; WedepthError where a bundle's precision has no limit."""
    precisions = dict.fromkeys(bundle.manifest.precision.name for bundle in bundles)
    return Report(
        data,
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=describe(),
        rows=[],
        unread={},
        notes=_notes(bundles),
        command=shlex.join(command),
        limits={precision: limit_for(precision, limits) for precision in precisions},
        origins=[_origin(bundle) for bundle in bundles],
    )


def _notes(bundles: Sequence[Bundle]) -> list[str]:
    untrained = [
        f"{bundle.manifest.checkpoint} Its depth metrics say nothing of WEDepth; the differences from torch do."
        for bundle in bundles
        if not bundle.manifest.checkpoint.trained
    ]
    return list(dict.fromkeys(untrained))


def _origin(bundle: Bundle) -> Origin:
    manifest = bundle.manifest
    artifact, record = manifest.artifact, manifest.checkpoint
    return Origin(
        manifest.name, artifact.path, artifact.bytes, artifact.sha256,
        record.source, record.sha256, record.weights, record.vfm, record.vfm_sha256, manifest.versions,
    )  # fmt: skip
