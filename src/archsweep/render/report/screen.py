"""A report for a terminal, in as many columns as it has. Knows nothing of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archsweep.analysis.report import Report
from archsweep.contract import VERIFYING
from archsweep.render.report import parts
from archsweep.render.report.parts import CODE, LONG, NUMBER, Block, Field, Table
from archsweep.render.words import STYLES

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_BAR = 24  # columns of a bar of coverage
_NAMES = 3  # lines of architectures of a cause
_INDENT = "    "


def show(report: Report, top: int, out: Console) -> None:
    """Prints the report with the first `top` root causes."""
    from rich.text import Text

    out.print(Text.assemble((parts.title(report), "bold"), ("  ", ""), parts.headline(report)))
    for name, text in parts.facts(report):
        out.print(_hanging(name, text, 10, out))
    _head("Coverage", out)
    _coverage(report, out)
    if len(report.checks) > len(VERIFYING) * len(report.platforms):
        out.print()
        _table(parts.checks(report), out)
    _head("What changed", out)
    out.print(Text(parts.changed(report)))
    for table in parts.changes(report):
        out.print()
        out.print(Text(table.title, style="bold"))
        _table(table, out)
    _head("Root causes", out)
    out.print(Text(parts.causes_told(report, top), style="dim"))
    for block in parts.causes(report, top):
        out.print()
        _block(block, report, out)
    if len(report.causes) > top:
        out.print(Text(f"\n{len(report.causes) - top:,} more: {parts.rest_of_causes(report)}", style="dim"))
    for table in (parts.slowest(report), parts.heaviest(report)):
        if table.rows:
            _head(table.title, out)
            _table(table, out)
    _head("Environments", out)
    for row in parts.environments(report).rows:
        fingerprint, platforms, results, system, versions = (item.text for item in row)
        out.print(Text.assemble((fingerprint, "bold"), f"  {platforms}, {results} results"))
        for text in (system, versions):
            out.print(_hanging("", text, len(_INDENT) - 2, out))


def _head(title: str, out: Console) -> None:
    from rich.text import Text

    out.print()
    out.print(Text(title, style="bold underline"))


def _hanging(name: str, text: str, width: int, out: Console) -> Text:
    """`name  text`, whose further lines begin below its first."""
    from rich.text import Text

    lines = _wrapped(text, out.width - width - 2)
    gap = "\n" + " " * (width + 2)
    return Text.assemble((f"{name:<{width}}  ", "dim"), gap.join(lines))


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, max(20, width), break_on_hyphens=False) or [""]


def _coverage(report: Report, out: Console) -> None:
    """A line for each platform: a bar, verified of applicable, the worst ending, the evidence, what stands apart."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 2, 0, 0))
    for number in range(7):
        grid.add_column(justify="right" if number in (2, 3) else "left", no_wrap=number < 6)
    table = parts.platforms(report)
    for cell, row in zip(report.platforms, table.rows, strict=True):
        name, verified, applicable, share, worst, ground, *apart = row
        filled = int(_BAR * cell.verified / cell.applicable) if cell.applicable else 0
        bar = Text.assemble(("█" * filled, "green"), ("░" * (_BAR - filled), "dim"))
        words = zip(("unexecuted", "unavailable", ""), apart, strict=True)
        told = ", ".join(f"{item.text} {word}".rstrip() for word, item in words if item.text != "–")
        ended = Text(worst.text, style=STYLES.get(worst.kind, ""))
        counted = f"{verified.text}/{applicable.text}"
        grid.add_row(
            Text(name.text, style="bold"), bar, counted, share.text, ended, ground.text, Text(told, style="dim")
        )
    out.print(grid)


def _table(table: Table, out: Console) -> None:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in table.heads:
        right = head.kind == NUMBER
        grid.add_column(Text(head.text), justify="right" if right else "left", no_wrap=right, overflow="fold")
    for row in table.rows:
        grid.add_row(*map(_field, row))
    out.print(grid)
    if table.left_out:
        out.print(Text(f"{table.left_out:,} more: {table.rest}", style="dim"))


def _field(item: Field) -> Text:
    from rich.text import Text

    return Text(item.text, style=STYLES.get(item.kind, ""), overflow="fold", no_wrap=item.kind not in ("", CODE, LONG))


def _block(block: Block, report: Report, out: Console) -> None:
    from rich.text import Text

    head = Text.assemble((f"{block.rank:>2}  ", "dim"), (block.gain, "bold"))
    for item in block.statuses:
        head.append("  ").append(item.text, style=STYLES.get(item.kind, ""))
    out.print(head)
    operators = f"operators: {block.operators}" if block.operators else ""
    for text, style in ((block.where, "dim"), (block.message, ""), (operators, "dim")):
        if text:
            out.print(_indented(_wrapped(text, out.width - 4)[:4], style))
    names = _wrapped(", ".join(block.architectures), out.width - 4)
    if len(names) > _NAMES or block.left_out:
        kept = ", ".join(names[: _NAMES - 1]).count(",") + 1
        left = len(block.architectures) + block.left_out - kept
        names = [*names[: _NAMES - 1], f"and {left:,} more: {parts.whole(report)}"]
    out.print(_indented(names, "cyan"))
    for text in block.commands:
        out.print(Text(f"{_INDENT}{text}"), soft_wrap=True)


def _indented(lines: list[str], style: str) -> Text:
    from rich.text import Text

    return Text("\n".join(f"{_INDENT}{text}" for text in lines), style=style)
