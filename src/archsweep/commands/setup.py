"""`archsweep setup`: installs what a platform needs and pip cannot bring."""

from __future__ import annotations

import json

import click


@click.group()
def command() -> None:
    """Install what some platforms need beside Python packages.

    \b
    archsweep setup web      a headless browser and onnxruntime-web, into the cache folder
    """


@command.command(short_help="A browser that computes, and onnxruntime-web.")
@click.option("--own", is_flag=True, help="Install a browser even where the machine has one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: what is installed, and where.")
def web(own: bool, as_json: bool) -> int:
    """A Chromium and onnxruntime-web: this machine's browser if it computes, else one from npm. Idempotent.

    \b
    archsweep setup web
    archsweep setup web --own      a browser of its own, though the machine has one
    """
    from archsweep.encoding import encode
    from archsweep.platforms import _browser_probe, _web_setup

    found = _web_setup.whole()
    if found is not None and _browser_probe.lacking(found):  # whole, and of no use: the system may have changed
        found = None
    done = found is None or (own and not found.installed)
    if found is None or done:
        found = _web_setup.install(lambda line: click.echo(line, err=True), _browser_probe.lacking, own=own)
    told = {key: value for key, value in encode(found).items() if key != "checksums"}
    if as_json:
        click.echo(json.dumps({**told, "changed": done}))
        return 0
    click.echo(f"{'installed' if done else 'already here'}: {found.browser_version} ({found.browser})")
    click.echo(f"onnxruntime-web {found.runtime_version} ({found.runtime})")
    return 0
