"""NPU readiness for eyes: a row for each NPU, then what keeps the rest off each, with the worst modules."""

from collections.abc import Iterable, Sequence
from itertools import islice

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from runtimes.formats import NONE
from runtimes.npu.report import Amount, Blocker, Readiness, Report
from runtimes.npu.vela import Placement

KINDS, MODULES = 5, 3
WIDTH = 150
_STYLES = {"refused": "red", "unknown": "yellow"}


def print_reports(reports: Sequence[Report]) -> None:
    """Each artifact's tables, and at the end where the statements are from."""
    console = Console(width=max(WIDTH, Console().width))
    sources: dict[str, str] = {}
    for found in reports:
        sizes = "sizes fixed" if found.static else "[bold red]sizes open[/]"
        console.print(
            f"[bold]{escape(found.artifact)}[/]: {found.format}, {found.ops} ops, {found.macs / 1e6:.1f} M multiply-"
            f"accumulates (MACs), at most {found.rank} axes, {sizes}",
            highlight=False,
        )
        console.print(_summary(found.npus))
        for npu in found.npus:
            if npu.blockers:
                console.print(_blockers(npu))
            for note in npu.notes:
                console.print(f"{npu.title}: {note}", highlight=False, markup=False)
            sources |= npu.sources
        if found.vela:
            _print_vela(console, found.vela)
        if found.refused:
            console.print(f"[bold red]Vela: refused[/]: {escape(found.refused)}", highlight=False)
        if found.not_run:
            console.print(f"Vela: not run: {found.not_run.rstrip('.')}.", highlight=False, markup=False)
        console.print()
    console.print("Nothing was run on an NPU. Sources:", highlight=False)
    for key, words in sources.items():
        console.print(f"  {key}: {words}", highlight=False, markup=False)


def _summary(npus: Sequence[Readiness]) -> Table:
    table = Table()
    for name in ("NPU", "", "of MACs", "ops", "certain by"):
        table.add_column(name, justify="right" if name in ("of MACs", "ops") else "left", overflow="fold")
    for npu in npus:
        for outcome, amount in npu.amounts.items():
            certain = ""
            if outcome == "ready":
                parts = [(name, own) for name, own in npu.certainty.items() if own.ops]
                certain = ", ".join(f"{_share(own)} of MACs {name}" for name, own in parts)
                certain += f"; in {npu.stretches} stretches" if npu.stretches > 1 else ""
            style = _STYLES.get(outcome, "green") if amount.ops else "dim"
            first = npu.title if outcome == "ready" else ""
            table.add_row(escape(first), outcome, _share(amount), str(amount.ops), certain, style=style)
    return table


def _blockers(npu: Readiness) -> Table:
    table = Table(title=f"What {escape(npu.title)} does not take, or is not known to", title_justify="left")
    for name in ("", "why", "certain", "of MACs", "ops", "kinds", "most in"):
        table.add_column(name, justify="right" if name in ("of MACs", "ops") else "left", overflow="fold")
    for blocker in npu.blockers:
        verdict = blocker.verdict
        table.add_row(
            verdict.outcome,
            escape(f"{verdict.reason} [{verdict.source}]"),
            verdict.certainty,
            _share(blocker.amount),
            str(blocker.amount.ops),
            escape(_listed((f"{kind} {count}" for kind, count in blocker.kinds.items()), len(blocker.kinds), KINDS)),
            escape(_modules(blocker)),
            style=_STYLES[verdict.outcome],
        )
    return table


def _modules(blocker: Blocker) -> str:
    return _listed((f"{module.name} {module.ops}" for module in blocker.modules), len(blocker.modules), MODULES)


def _listed(words: Iterable[str], count: int, most: int) -> str:
    shown = "\n".join(islice(words, most))
    return f"{shown}\n… {count - most} more" if count > most else shown


def _print_vela(console: Console, found: Placement) -> None:
    kinds = ", ".join(f"{kind} {count}" for kind, count in found.cpu.items()) or "none"
    reasons = ", ".join(f"{reason} {count}" for reason, count in found.reasons.items())
    share = NONE if found.share is None else f"{found.share:.2%}"
    console.print(
        f"Vela {found.version} for {found.accelerator} ({found.system}, {found.memory}): {share} of MACs and "
        f"{found.npu_ops} ops on the NPU, in {found.commands} command streams; {sum(found.cpu.values())} ops on the "
        f"CPU: {kinds}." + (f" Its reasons: {reasons}." if reasons else ""),
        highlight=False,
        markup=False,
    )
    if found.estimate_ms is not None and found.estimate_cycles is not None:
        console.print(
            f"Vela's estimate of the NPU's part: {found.estimate_cycles / 1e6:.1f} M cycles, {found.estimate_ms:.1f} "
            f"ms. {found.proves}",
            highlight=False,
            markup=False,
        )


def _share(amount: Amount) -> str:
    return NONE if amount.share is None else f"{amount.share:.2%}"
