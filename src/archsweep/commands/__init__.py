"""The command line: one verb a file, imported when it is called. Holds no logic."""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Any

import click

import archsweep
from archsweep.errors import EXIT_BROKEN, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, ArchsweepError


class ReaderLeft(Exception):
    """Whoever read the output has gone. No OSError: click answers such a one with 1, which here means findings."""


@contextlib.contextmanager
def _reader_watched() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderLeft from error
    except SystemExit as ending:  # rich's answer
        if isinstance(ending.__context__, BrokenPipeError):
            raise ReaderLeft from ending
        raise


class Verbs(click.Group):
    """A group whose commands are the modules of this package; each defines `command`."""

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        with _reader_watched():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _reader_watched():
            value = super().invoke(ctx)
            sys.stdout.flush()
            return value

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(found.name.rstrip("_") for found in pkgutil.iter_modules(__path__) if found.name[0] != "_")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        files = {found.name for found in pkgutil.iter_modules(__path__) if found.name[0] != "_"}
        name = next((name for name in (cmd_name, f"{cmd_name}_") if name in files), None)
        if name is None:  # a file's trailing underscore keeps a verb off Python's own words
            return None
        module = importlib.import_module(f"{__name__}.{name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from archsweep.errors import nearest

        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.list_commands(ctx):
            near = nearest(name, self.list_commands(ctx))
            raise click.UsageError(f"no verb {name!r}." + (f" Nearest: {', '.join(near)}." if near else ""), ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(archsweep.__version__, prog_name="archsweep")
def cli() -> None:
    """Does every Hugging Face architecture run, and correctly, on the hardware you have?

    \b
    archsweep run --base                 sweep every base type on the CPU
    archsweep matrix                     what works, what does not, and on what evidence
    archsweep show bert/BertModel:cpu:parity
    """


def main() -> None:
    """Run the command line; print an ArchsweepError as one clear message and end with its exit code.

    What nobody expects keeps its traceback and ends as a broken harness does: 1, Python's own code, means findings.
    """
    sys.excepthook = _crashed
    try:
        code = _ended()
    except (BrokenPipeError, ReaderLeft):
        _hush(sys.stdout, sys.stderr)
        code = EXIT_OK
    sys.exit(code)


def _ended() -> int:
    try:
        code = cli.main(prog_name="archsweep", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except ArchsweepError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.next_step:
            click.echo(error.next_step, err=True)
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:
        _explain(error)
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    return code if isinstance(code, int) else EXIT_OK


def _explain(error: OSError) -> None:
    reason = error.strerror or str(error)
    if error.filename is None:
        click.echo(f"error: {reason}", err=True)
        click.echo("No file is to blame by name: look at where the output goes, and whether it takes any.", err=True)
        _hush(sys.stdout)
        return
    click.echo(f"error: {error.filename}: {reason}", err=True)
    click.echo("Name a file or folder that is there, and that you may read and write.", err=True)


def _hush(*streams: IO[str]) -> None:
    """What is still to be printed goes nowhere: flushed when Python ends, it would fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.__excepthook__(kind, error, trace)
    sys.exit(EXIT_BROKEN)
