"""`archsweep serve`: the dashboard while a sweep is going on."""

from __future__ import annotations

from typing import Any

import click

from archsweep.commands._reading import database_option, database_path
from archsweep.commands._selection import catalog, universe_options
from archsweep.errors import ArchsweepError, SettingsError

INSTALL = "Install: pip install 'archsweep[serve]'"


@click.command(short_help="The dashboard and a JSON API on this machine, while a sweep is going on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8_377, show_default=True, help="0 takes a free one.")
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
@database_option
@universe_options
def command(
    *, port: int, opened: bool, database: str | None, imports: tuple[str, ...], trust_remote_code: bool
) -> None:
    """The pages of `archsweep dashboard`, live: cells fill in while a sweep writes. Read-only, on 127.0.0.1 alone.

    \b
    archsweep run --base &                 a sweep in the background
    archsweep serve --open                 and how it goes
    \b
    The API is read-only, too, and describes itself:
    curl http://127.0.0.1:8377/api/openapi.json
    curl 'http://127.0.0.1:8377/api/matrix?by=architecture&platform=cpu'
    """
    path = database_path(database)
    try:
        from archsweep.commands import _serving
    except ImportError as error:
        raise ArchsweepError(f"the server needs fastapi and uvicorn: {error}", INSTALL) from error
    listening = _listening(_serving, port)
    with listening:
        from archsweep.commands._live import Watcher

        watcher = Watcher(path, catalog(imports, trust_remote_code=trust_remote_code))
        address = f"http://{_serving.HOST}:{listening.getsockname()[1]}/"
        click.echo(f"{address}   (Ctrl-C ends it)")
        if opened:
            click.launch(address)
        _serving.serve(watcher, listening)


def _listening(serving: Any, port: int) -> Any:
    try:
        return serving.bound(port)
    except OSError as error:
        raise SettingsError(
            f"port {port} of {serving.HOST} cannot be had: {error.strerror}",
            "Another one: --port NUMBER; 0 takes a free one.",
        ) from error
