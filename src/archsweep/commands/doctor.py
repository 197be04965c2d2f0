"""`archsweep doctor`: each platform, whether it is here, on what evidence, and what to install if not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from archsweep.run.plan import Ground


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object: environment, platforms, settings.")
def command(as_json: bool) -> int:
    """Probe every platform: each computes something real on its device.

    \b
    archsweep doctor
    archsweep doctor --json
    """
    from archsweep import machine, registry, settings
    from archsweep.encoding import encode
    from archsweep.run.session import Session

    with Session() as session:
        grounds = [session.ground(name) for name in registry.names("platforms")]
        notes = session.launcher.notes
    here = machine.environment(notes=notes)
    known = {name: {"value": _plain(item.value), "origin": item.origin} for name, item in settings.load().items()}
    if as_json:
        platforms = [
            {"name": ground.name, **encode(ground.probe), "fingerprint": ground.environment.id} for ground in grounds
        ]
        click.echo(json.dumps({"environment": encode(here), "platforms": platforms, "settings": known}))
        return 0
    click.echo(f"{here.processor}, {here.cores} cores, {here.system}, Python {here.python}")
    click.echo(", ".join(f"{name} {version}" for name, version in here.versions.items()))
    for note in here.notes:
        click.echo(note)
    for ground in grounds:
        for line in _lines(ground):
            click.echo(line)
    for name, item in known.items():
        if item["origin"] != "default":
            click.echo(f"setting {name} = {item['value']} ({item['origin']})")
    return 0


def _lines(ground: Ground) -> list[str]:
    probe = ground.probe
    versions = ", ".join(f"{name} {version}" for name, version in probe.versions.items()) or "no version to be found"
    parts = [probe.device, probe.driver, versions, f"evidence {probe.evidence}", f"fingerprint {ground.environment.id}"]
    told = ", ".join(part for part in parts if part)
    if probe.present:
        return [f"{ground.name:<10} present: {told}"]
    install = [f"{'':<10} install: {probe.install}"] if probe.install else []
    return [f"{ground.name:<10} absent: {probe.reason}", *install, f"{'':<10} {told}"]


def _plain(value: Any) -> Any:
    return [str(item) for item in value] if isinstance(value, list | tuple) else value if value is None else str(value)
