"""What every command of the project shares: how it ends, and how sizes are written."""

import signal
import sys
from collections.abc import Callable
from typing import Any

import click

from wedepth.config import check_size
from wedepth.errors import WedepthError


def guarded(command: Callable[[], Any]) -> None:
    """Run a click command: an expected failure is one sentence and exit code 1, anything else is a bug and 2.

    SIGTERM, by which CI ends a job, ends it as Ctrl-C does: nothing half-written is left, what was measured is kept.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = command.main(standalone_mode=False)  # type: ignore[attr-defined]
    except WedepthError as error:
        click.echo(f"Error: {error}", err=True)
        code = 1
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = 1
    except Exception:
        import traceback

        traceback.print_exc()
        click.echo("This is a bug in wedepth; please report it with the lines above.", err=True)
        code = 2
    sys.exit(code)


class Size(click.ParamType):
    """HxW in pixels, both multiples of 32."""

    name = "HxW"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        height, _, width = str(value).lower().partition("x")
        if not (height.isdecimal() and width.isdecimal()):
            self.fail(f"{value!r} is not a size such as 288x384.", param, ctx)
        return check_size((int(height), int(width)))
