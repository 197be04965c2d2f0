"""A report as Markdown. Text from outside stays text."""

from __future__ import annotations

from collections.abc import Iterator

from archsweep.analysis.report import Report
from archsweep.contract import VERIFYING
from archsweep.render.markdown import escape
from archsweep.render.report import parts
from archsweep.render.report.parts import CODE, NUMBER, Block, Field, Table


def markdown(report: Report, top: int) -> str:
    """The whole report, with the first `top` root causes."""
    return "\n".join(_lines(report, top)).rstrip("\n") + "\n"


def _lines(report: Report, top: int) -> Iterator[str]:
    yield from (f"# {escape(parts.title(report))}", "", f"**{escape(parts.headline(report))}**", "")
    yield from (f"- {name}: {escape(text)}" for name, text in parts.facts(report))
    yield ""
    yield from _table(parts.platforms(report))
    if len(report.checks) > len(VERIFYING) * len(report.platforms):
        yield from _table(parts.checks(report))
    yield from ("## What changed", "", _words(parts.changed(report)), "")
    for table in parts.changes(report):
        yield from _table(table, "###")
    yield from ("## Root causes", "", _words(parts.causes_told(report, top)), "")
    for block in parts.causes(report, top):
        yield from _block(block, report)
    if len(report.causes) > top:
        yield from (_rest(len(report.causes) - top, parts.rest_of_causes(report)), "")
    yield from ("## Slowest and heaviest", "")
    for table in (parts.slowest(report), parts.heaviest(report)):
        if table.rows:
            yield from _table(table, "###")
    yield from _table(parts.environments(report))


def _table(table: Table, mark: str = "##") -> Iterator[str]:
    yield from (f"{mark} {escape(table.title)}", "")
    yield "| " + " | ".join(escape(head.text) for head in table.heads) + " |"
    yield "|" + "|".join(" ---: " if head.kind == NUMBER else " --- " for head in table.heads) + "|"
    yield from ("| " + " | ".join(map(_field, row)) + " |" for row in table.rows)
    yield ""
    if table.left_out:
        yield from (_rest(table.left_out, table.rest), "")


def _field(item: Field) -> str:
    return code(item.text, in_table=True) if item.kind == CODE and item.text else _words(item.text)


def _block(block: Block, report: Report) -> Iterator[str]:
    ended = ", ".join(item.text for item in block.statuses)
    yield from (f"### {block.rank}. {escape(block.gain)}", "", f"{escape(ended)} {_words(block.where)}", "")
    if block.message:
        yield from (f"> {code(block.message)}", "")
    if block.operators:
        yield f"- operators: {code(block.operators)}"
    yield f"- architectures: {', '.join(map(escape, block.architectures))}"
    if block.left_out:
        yield f"- {_rest(block.left_out, parts.whole(report))}"
    yield ""
    if block.commands:
        fence = "`" * max(3, 1 + max(_ticks(text) for text in block.commands))
        yield from (f"{fence}sh", *block.commands, fence, "")


def _rest(number: int, command: str) -> str:
    return f"{number:,} more: {code(command)}"


def _words(text: str) -> str:
    """`escape` for a text that `parts` has cut already."""
    return escape(text, limit=10_000)


def code(text: str, *, in_table: bool = False) -> str:
    """`text` as code, in more backticks than it holds; in a table a bar is a cell's end even there."""
    ticks = "`" * (1 + _ticks(text))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    body = text.replace("|", "\\|") if in_table else text
    return f"{ticks}{pad}{body}{pad}{ticks}"


def _ticks(text: str) -> int:
    """The longest row of backticks in it."""
    longest = run = 0
    for letter in text:
        run = run + 1 if letter == "`" else 0
        longest = max(longest, run)
    return longest
