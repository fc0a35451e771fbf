"""Set the compilers up: `python -m export.embed.compilers`."""

import click

from export.embed.compilers import kotlin, swift
from wedepth.commands import guarded


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
def set_up() -> None:
    """Fetch the Kotlin compiler (npm, checked by hash) and Swift (Debian, checked by signature; x86-64)."""
    for compiler in (kotlin, swift):
        click.echo(f"{compiler.set_up()}")


if __name__ == "__main__":
    guarded(set_up)
