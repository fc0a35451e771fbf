"""What LiteRT's log tells that its interface does not: how many ops a delegate took, and why not the others."""

import re

_COUNTS = (
    re.compile(r"Replacing (?P<taken>\d+) out of (?P<whole>\d+) node\(s\) with delegate (?!\(\w*XNNPack)"),
    re.compile(r"(?P<taken>\d+) operations will run on the GPU, and the remaining (?P<left>\d+) operations"),
    re.compile(r"No operations will run on the GPU, and all (?P<left>\d+) operations"),
)
_STARTED = re.compile(r"Initializing \S+ API from graph")
_REFUSED = re.compile(r"not supported by GPU delegate:\s*\n(.*?)(?=\n\s*\n|\n[^\n]* operations will run|\Z)", re.DOTALL)
_FAILURE = re.compile(r"^(?:ERROR: \[[^]]*\]|E\d{4} [^]]*\]) (.+)$", re.MULTILINE)
_ADAPTER = re.compile(r"Selected adapter: (.+)")


def failure(log: str) -> str | None:
    """What the log says went wrong, without its source file and line."""
    return found[1].partition(";")[0].rstrip(".") if (found := _FAILURE.search(log)) else None


def delegated(log: str, device: str, ops: int) -> dict[str, int] | None:
    """How many of a model's ops a delegate took, None where the log does not tell.

    Where it took all the log has no numbers, only that it started; `is_fully_accelerated` is true of models of which it
    took none.
    """
    for pattern in _COUNTS:
        if found := pattern.search(log):
            numbers = {name: int(number) for name, number in found.groupdict().items()}
            taken = numbers.get("taken", 0)
            left = numbers.get("left", numbers.get("whole", 0) - taken)
            return {name: count for name, count in ((device, taken), ("cpu", left)) if count}
    return {device: ops} if _STARTED.search(log) else None


def refused(log: str) -> str | None:
    """The kinds of ops that the GPU's delegate refused, with its reasons; None where it took all."""
    if not (found := _REFUSED.search(log)):
        return None
    lines = (line.strip().rstrip(".") for line in found[1].splitlines())
    return f"the delegate refused {'; '.join(filter(None, lines))}"


def adapter(log: str) -> str | None:
    """The WebGPU adapter that was chosen, in its own words."""
    return found[1].strip() if (found := _ADAPTER.search(log)) else None
