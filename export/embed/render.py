"""Templates to files: those that end in .jinja are rendered with a bundle's facts, all others are copied."""

import json
import shutil
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from export.embed.facts import Facts
from export.embed.platforms import Platform

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".jinja"
MARKUP = (".html", ".xml", ".plist", ".svg")
# What tools leave in a template's folder where somebody works on it.
LEFT = frozenset({"node_modules", "dist", "build", ".gradle", ".build", "__pycache__"})


def render(platform: Platform, facts: Facts, out: Path) -> None:
    """Write every file of the platform's templates below `out`, which is made.

    Templates see `facts` alone; a name that it does not have is a bug, and raises jinja2.UndefinedError. The filter
    `quoted` writes a string as a literal of TypeScript and Swift, `kotlin` as one of Kotlin.
    """
    folder = TEMPLATES / platform.name
    environment = environment_of(folder)
    for source in sorted(folder.rglob("*")):
        name = source.relative_to(folder)
        if source.is_dir() or LEFT & set(name.parts):
            continue
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.suffix == SUFFIX:
            target.with_suffix("").write_text(rendered(environment, name.as_posix(), facts), encoding="utf-8")
        else:
            shutil.copy(source, target)  # with its mode: gradlew is a program
    out.mkdir(parents=True, exist_ok=True)


def rendered(environment: Environment, name: str, facts: Facts) -> str:
    """One template's text."""
    try:
        return environment.get_template(name).render(facts=facts)
    except TemplateError as error:
        error.add_note(f"in the template {name}")
        raise


def environment_of(folder: Path) -> Environment:
    """How the templates in a folder are read."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=lambda name: (name or "").removesuffix(SUFFIX).endswith(MARKUP),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"quoted": _quoted, "kotlin": lambda value: _quoted(value).replace("$", "\\$")}
    return environment


def _quoted(value: Any) -> str:
    return json.dumps(str(value), ensure_ascii=False)
