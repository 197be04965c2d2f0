from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

import pytest
from making import case, lot

from archsweep.contract import Status
from archsweep.run import reuse
from archsweep.run.reuse import Earlier

SOURCE = reuse.source_hash(lot().subject)
FORWARD, PARITY = case().id, case(check="parity").id


def before(status: Status = Status.PASS, fingerprint: str = "f1", source: str | None = SOURCE) -> Earlier:
    return Earlier(status=status, fingerprint=fingerprint, source=source)


@pytest.mark.parametrize(
    ("only", "earlier", "runs", "kept"),
    [
        (None, {FORWARD: [before()]}, [FORWARD, PARITY], []),
        ("new", {FORWARD: [before(Status.FAIL, "old")]}, [PARITY], [FORWARD]),
        ("new", {}, [FORWARD, PARITY], []),
        ("failed", {FORWARD: [before(Status.ERROR)], PARITY: [before()]}, [FORWARD], [PARITY]),
        ("failed", {FORWARD: [before(Status.UNAVAILABLE)]}, [], [FORWARD]),
        ("failed", {FORWARD: [before(Status.BROKEN)]}, [FORWARD], []),
        ("new", {FORWARD: [before(Status.UNAVAILABLE)], PARITY: [before(Status.BROKEN)]}, [FORWARD, PARITY], []),
        ("new", {FORWARD: [before(Status.UNAVAILABLE, "other"), before()]}, [PARITY], [FORWARD]),
        ("stale", {FORWARD: [before(Status.UNAVAILABLE)], PARITY: [before(Status.BROKEN)]}, [FORWARD, PARITY], []),
        ("stale", {FORWARD: [before(Status.CRASH)], PARITY: [before(Status.ERROR, source=None)]}, [PARITY], [FORWARD]),
        ("stale", {FORWARD: [before()], PARITY: [before(fingerprint="old")]}, [PARITY], [FORWARD]),
        ("stale", {FORWARD: [before(source="edited")], PARITY: [before(source=None)]}, [FORWARD, PARITY], []),
        ("stale", {FORWARD: [before(fingerprint="other"), before()]}, [PARITY], [FORWARD]),
    ],
)
def test_only(only: str | None, earlier: dict[str, list[Earlier]], runs: list[str], kept: list[str]) -> None:
    lots, reused = reuse.restrict([lot()], only, earlier)
    assert [item.id for single in lots for item in single.cases] == runs
    assert list(reused) == kept


def test_the_ending_that_stands_is_the_one_under_the_own_fingerprint() -> None:
    earlier = {FORWARD: [before(Status.FAIL, "other"), before(Status.PASS)]}
    assert reuse.restrict([lot()], "new", earlier)[1][FORWARD][1].status is Status.PASS


def test_sources_are_found_without_importing_their_package() -> None:
    import sys

    assert SOURCE
    for name in ("no.such.module", ""):
        assert reuse.source_hash(dataclasses.replace(lot().subject, class_module=name)) == ""
    file = reuse.source_file("xml.etree.ElementTree")
    assert file is not None
    assert file.name == "ElementTree.py"
    assert reuse.source_file("wsgiref.handlers") is not None
    assert "wsgiref" not in sys.modules


@pytest.mark.parametrize("edited", ["modeling", "configuration", "shared/roots", "unrelated"])
def test_an_edited_class_configuration_or_base_of_theirs_is_seen(
    edited: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = f"made_{edited.replace('/', '_')}"
    files = {
        "__init__": "", "shared/__init__": "", "unrelated": "",
        "modeling": "from torch import nn\nfrom .shared.roots import (\n    Other,\n    Root,\n)\n"
        "class Middle(Root, nn.Module):\n    pass\n\n\nclass Model(Middle):\n    pass\n",
        "configuration": f"from {package}.shared.roots import Root\n\n\nclass Config(Root):\n    pass\n",
        "shared/roots": "class Root:\n    pass\n",
    }  # fmt: skip
    for name, text in files.items():
        file = tmp_path / package / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    subject = dataclasses.replace(
        lot().subject, class_module=f"{package}.modeling", class_name="Model",
        config_class=f"{package}.configuration:Config",
    )  # fmt: skip
    first = reuse.source_hash(subject)
    with (tmp_path / package / f"{edited}.py").open("a") as file:
        file.write("# edited\n")
    reuse.source_hash.cache_clear()
    reuse._read.cache_clear()
    assert first
    assert (reuse.source_hash(subject) != first) is (edited != "unrelated")
