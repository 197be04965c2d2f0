"""Every command's help has an example and fits a terminal, and no list of commands is cut."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from archsweep.commands import cli


def walk(group: click.Group, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from walk(command, *words, name)
        else:
            yield (*words, name), command


COMMANDS = dict(walk(cli))


def printed(*words: str) -> str:
    done = CliRunner().invoke(cli, [*words, "--help"], prog_name="archsweep", terminal_width=80)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_has_an_example_and_fits(words: tuple[str, ...]) -> None:
    lines = printed(*words).splitlines()
    assert any(line.strip().startswith(f"archsweep {' '.join(words)}".strip()) for line in lines)
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("words", [words for words, command in COMMANDS.items() if isinstance(command, click.Group)])
def test_no_list_of_commands_is_cut(words: tuple[str, ...]) -> None:
    text = printed(*words)
    listed = text.partition("Commands:")[2]
    assert len(listed.splitlines()) > 1
    assert "..." not in listed
    assert "…" not in listed


def test_the_help_of_run_says_what_scripts_rely_on() -> None:
    text = " ".join(printed("run").split())
    for part in (
        "0 no findings, 1 findings, 2 wrong usage, 3 a harness is broken, 130 interrupted",
        "A finding is a case",
        "--only failed",
        "--only new",
        "--only stale",
        "1 (the four most wanted types) to 6 (all the rest)",
        "ARCHSWEEP_DB",
        "archsweep list platforms",
    ):
        assert part in text
    assert "of the cpu platform" in " ".join(printed("repro").split())
