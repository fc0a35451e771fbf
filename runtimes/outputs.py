"""The files that a command leaves: all are written anew after every row, so that what was measured outlives the run."""

import functools
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtimes.bundle import Bundle
from runtimes.formats import to_junit, to_markdown
from runtimes.page import to_html
from runtimes.panels import make_panels
from runtimes.picture import to_png
from runtimes.results import Report, Run
from wedepth.data import Frame
from wedepth.errors import WedepthError
from wedepth.files import write_beside

Form = Callable[[Report, Sequence[Run]], bytes | None]
"""A file's content; None where there is nothing to write yet."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The files that are wanted, each by its form; `kept` always is, as JSON."""

    kept: Path
    junit: Path | None = None
    markdown: Path | None = None
    html: Path | None = None
    picture: Path | None = None

    def forms(
        self, bundles: Sequence[Bundle], allowed: Collection[str], read: Callable[[int], Frame]
    ) -> Mapping[Path, Form]:
        """What makes each file; `read` gives a frame by its number. WedepthError where two are one file, or a folder is
        not there: a file that cannot be written would be missed hours later."""
        read = functools.cache(read)
        forms: list[tuple[Path | None, Form]] = [
            (self.kept, lambda report, _: json.dumps(report.to_json(), indent=1).encode()),
            (self.junit, lambda report, _: to_junit(report, allowed).encode()),
            (self.markdown, lambda report, _: to_markdown(report, allowed).encode()),
            (self.html, lambda report, runs: to_html(report, allowed, make_panels(runs, bundles, read)).encode()),
            (self.picture, lambda _, runs: to_png(runs, read)),
        ]
        found: dict[Path, Form] = {}
        for path, form in forms:
            if path is None:
                continue
            if path in found:
                raise WedepthError(f"{path} is named twice; each file needs a name of its own.")
            if not path.parent.is_dir():
                raise WedepthError(f"Cannot write {path}: there is no folder {path.parent}.")
            found[path] = form
        return found


@dataclass(slots=True)
class Outputs:
    """Writes files. One that cannot be written is told with `say`, once, is in `failed`, and is tried again."""

    forms: Mapping[Path, Form]
    say: Callable[[str], None]
    failed: dict[Path, str] = field(default_factory=dict)

    def write(self, report: Report, runs: Sequence[Run]) -> None:
        """Write each file, whole or not at all; one that cannot be written keeps no other from it."""
        for path, form in self.forms.items():
            try:
                content = form(report, runs)
                if content is not None:
                    write_beside(path, functools.partial(Path.write_bytes, data=content))
            except WedepthError as error:
                if path not in self.failed:
                    self.say(str(error))
                self.failed[path] = str(error)
            else:
                self.failed.pop(path, None)
