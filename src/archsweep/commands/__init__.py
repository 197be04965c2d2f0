"""The command line: one verb a file, imported when it is called. Holds no logic."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import click

import archsweep
from archsweep.errors import EXIT_INTERRUPTED, ArchsweepError


class Verbs(click.Group):
    """A group whose commands are the modules of this package; each defines `command`."""

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
    """Does every Hugging Face architecture run, correctly and fast, on the hardware you have?

    \b
    archsweep run --base                 sweep every base type on the CPU
    archsweep matrix                     what works, what does not, and on what evidence
    archsweep show bert/BertModel:cpu:parity
    """


def main() -> None:
    """Run the command line; print an ArchsweepError as one clear message and end with its exit code."""
    try:
        code = cli.main(prog_name="archsweep", standalone_mode=False)
    except click.exceptions.Exit as ending:
        sys.exit(ending.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except ArchsweepError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.next_step:
            click.echo(error.next_step, err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # whoever read the output has gone
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"error: {error.filename}: {error.strerror}", err=True)
        click.echo("Name a file or folder that is there, and that you may read and write.", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)
