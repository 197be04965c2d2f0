"""`archsweep list`: what there is to sweep, and what with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from archsweep.commands._selection import catalog, selection_options, universe_options

if TYPE_CHECKING:
    from archsweep.archs.selection import Selection

KINDS = ("models", "classes", "families", "categories", "platforms", "checks")


class _Listings(click.Group):
    """Names the nearest listing for an unknown one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from archsweep.errors import nearest

        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in KINDS:
            near = nearest(name, KINDS) or KINDS
            raise click.UsageError(f"cannot list {name!r}. Nearest: {', '.join(near)}.", ctx)
        return super().resolve_command(ctx, args)


@click.group(name="list", cls=_Listings, short_help="What there is to sweep, and what with.")
def command() -> None:
    """Models, classes, families, categories, platforms and checks, with counts.

    \b
    archsweep list models --category vision --architecture encoder-only
    archsweep list models --phase 1,2 --json
    archsweep list classes --category audio --exported
    archsweep list families --priority critical
    archsweep list platforms
    archsweep list checks
    """


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], title: str, as_json: bool) -> None:
    from archsweep.render.listing import json_text, show

    if as_json:
        click.echo(json_text(rows))
    else:
        show(rows, columns, title)


_json = click.option("--json", "as_json", is_flag=True, help="One JSON array on standard output.")


@command.command()
@selection_options
@universe_options
@_json
def models(selection: Selection, imports: tuple[str, ...], trust_remote_code: bool, as_json: bool) -> None:
    """Model types with a base model, most wanted first. A filter on classes or tasks keeps types that have one.

    \b
    archsweep list models --modality audio
    archsweep list models --task fill-mask --priority critical
    archsweep list models --import my_package.modeling
    """
    from archsweep.archs.listing import model_rows

    found = model_rows(catalog(imports, trust_remote_code=trust_remote_code), selection)
    columns = (
        "model_type",
        "base_class",
        "classes",
        "category",
        "architecture",
        "role",
        "modality",
        "phase",
        "priority",
    )
    _print(found, columns, "model types", as_json)


@command.command(short_help="Classes of the auto mappings, and others.")
@selection_options
@universe_options
@_json
def classes(selection: Selection, imports: tuple[str, ...], trust_remote_code: bool, as_json: bool) -> None:
    """Classes of the auto mappings; with --exported also classes in no mapping.

    \b
    archsweep list classes --architecture encoder-decoder
    archsweep list classes --role detector --json
    """
    from archsweep.archs.listing import class_rows

    found = class_rows(catalog(imports, trust_remote_code=trust_remote_code), selection)
    columns = ("id", "category", "architecture", "role", "modality", "mappings", "tasks", "phase")
    _print(found, columns, "classes", as_json)


@command.command(short_help="The types that share a folder of transformers.")
@selection_options
@universe_options
@_json
def families(selection: Selection, imports: tuple[str, ...], trust_remote_code: bool, as_json: bool) -> None:
    """Families: the types that share a folder of transformers, or a package that registers its own.

    \b
    archsweep list families --category audio
    """
    from archsweep.archs.listing import family_rows

    found = family_rows(catalog(imports, trust_remote_code=trust_remote_code), selection)
    _print(found, ("family", "models", "classes", "categories", "phase"), "families", as_json)


@command.command(short_help="The seven categories, and how much each holds.")
@selection_options
@universe_options
@_json
def categories(selection: Selection, imports: tuple[str, ...], trust_remote_code: bool, as_json: bool) -> None:
    """The seven categories, with their priority and how much each holds.

    \b
    archsweep list categories
    archsweep list categories --exported --json
    """
    from archsweep.archs.listing import category_rows

    found = category_rows(catalog(imports, trust_remote_code=trust_remote_code), selection)
    _print(found, ("category", "priority", "models", "classes", "architectures"), "categories", as_json)


@command.command(short_help="Where models can run, and what each platform can do.")
@_json
def platforms(as_json: bool) -> None:
    """Where models can run; says what each platform can do, and probes none (archsweep doctor does).

    Of the dtypes, and of each option's values, the first is the default: --dtype float16, --option KEY=VALUE.

    \b
    archsweep list platforms
    archsweep list platforms --json      what a platform promises to checks and workers as well
    """
    from archsweep.archs.listing import platform_lines, platform_rows

    columns = ("platform", "title", "priority", "dtypes", "options", "quantizes", "trains", "generates")
    _print(platform_rows() if as_json else platform_lines(), columns, "platforms", as_json)


@command.command()
@_json
def checks(as_json: bool) -> None:
    """What can be asked of a model on a platform.

    \b
    archsweep list checks
    """
    from archsweep.archs.listing import check_rows

    _print(check_rows(), ("check", "question", "needs"), "checks", as_json)
