"""The command lines that README and docs print are such that the program takes: their verbs, options and choices."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from archsweep.commands import cli

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/figures.md")


def lines(page: str) -> list[str]:
    """What begins with the program's name in backticks, or on a line of a shell block."""
    text = (ROOT / page).read_text(encoding="utf-8").replace("\\|", "|")
    blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`(archsweep\s[^`]*)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    shell = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [" ".join(line.split()) for line in spans] + [line for line in shell if line.startswith("archsweep ")]


def parse(line: str) -> None:
    """Read a command line, and run nothing. Raises click.UsageError where it is wrong; a verb alone may be its name."""
    command: click.Command | None = cli
    words = [word for word in shlex.split(line.replace('\\"', "'"), comments=True)[1:] if word != "--help"]
    context = click.Context(cli, info_name="archsweep")
    while isinstance(command, click.Group) and words:
        _, command, words = command.resolve_command(context, words)
        assert command is not None
        context = click.Context(command, parent=context, info_name=command.name)
    if words and command is not None:
        command.make_context(command.name, words, parent=context.parent)


@pytest.mark.parametrize("line", sorted({line for page in PAGES for line in lines(page)}))
def test_a_printed_command_line_is_one_that_the_program_takes(line: str) -> None:
    parse(line)


def test_the_readme_shows_the_verbs_and_wrong_ones_are_noticed() -> None:
    verbs = {line.split()[1] for line in lines("README.md")}
    assert verbs >= {"run", "matrix", "show", "repro", "list", "query", "doctor", "setup"}
    for line in ("archsweep run --bsae", "archsweep lits models", "archsweep matrix --by nothing"):
        with pytest.raises(click.UsageError):
            parse(line)


def test_the_targets_and_loose_options_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^make (\w+)", text, re.MULTILINE)) | set(re.findall(r"`make (\w+)`", text))
    assert targets >= {"sweep", "test"}
    known = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert targets <= known
    options = {option for verb in cli.list_commands(click.Context(cli)) for option in _options(verb)}
    assert set(re.findall(r"`(--[\w-]+)", text)) <= options


def _options(verb: str) -> set[str]:
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    return {name for parameter in command.params for name in parameter.opts} | {"--help"}
