"""How a command ends."""

import signal
import subprocess
import sys

import pytest

# A shell that runs tests in the background has SIGINT ignored, and what they start inherits it.
COMMAND = """
import signal
import time
import click
from wedepth.commands import guarded

signal.signal(signal.SIGINT, signal.default_int_handler)

@click.command()
def wait():
    try:
        click.echo("waiting")
        time.sleep(60)
    finally:
        click.echo("tidied up")

guarded(wait)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_ended_tidies_up(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "waiting\n"
        process.send_signal(number)
        assert process.stdout.read() == "tidied up\n"
        assert process.wait() == 130
