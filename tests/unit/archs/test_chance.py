"""What code asks for a package that is here by chance: its imports, and the functions of transformers that it calls."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from archsweep.archs import catalog_cache, chance

LOOKING = """
def is_spoon_available() -> bool:
    return _is_package_available("spoon")[0]


@lru_cache
def is_soup_available(min_version: str = "1") -> bool:
    return is_spoon_available() and _is_package_available("bowl")[0]


def is_fork_available() -> bool:
    return _is_package_available("fork")[0]


TABLE = {"spoon": is_spoon_available}
"""
WORDS = chance.known_by(["spoon"], LOOKING)


@pytest.mark.parametrize(
    ("code", "asks"),
    [
        ("import spoon", True),
        ("    import spoon.handle as handle", True),
        ("from spoon import handle", True),
        ("if is_spoon_available():", True),
        ("if is_soup_available():  # which asks for a spoon", True),
        ("found = importlib.util.find_spec('spoon')", True),
        ('requires_backends(self, ["spoon"])', True),
        ("import spoonful", False),
        ("from .kitchen import spoon", False),
        ("if is_fork_available():", False),
        ("spoon = 1", False),
    ],
)
def test_code_asks_by_import_by_name_and_by_functions_that_ask(code: str, asks: bool) -> None:
    assert chance.speaks(f"before\n{code}\nafter", WORDS) is asks


def test_where_nothing_is_here_by_chance_nothing_is_asked_for() -> None:
    assert chance.known_by([], LOOKING) == ()
    assert not chance.speaks("import spoon", ())
    assert not chance.asked(object(), ())  # type: ignore[arg-type]


def test_the_functions_of_the_installed_transformers_are_found() -> None:
    found = chance.known_by(["kernels"], catalog_cache.looking())
    assert "is_kernels_available" in found
    assert "is_torch_available" not in found


class Model:
    """Something with modules and a configuration that has another inside."""

    __module__ = "builtins"  # not this file, which speaks of spoons

    def __init__(self, parts: list[Any], config: Any) -> None:
        self.parts, self.config = parts, config

    def modules(self) -> Iterator[Any]:
        yield from (self, *self.parts)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Any]:
    """An instance of a class of a module with this source."""

    def make(name: str, text: str) -> Any:
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        module = ModuleType(name)
        module.__file__ = str(file)
        monkeypatch.setitem(sys.modules, name, module)
        kind = type("Part", (), {"__module__": name, "to_diff_dict": lambda self: {}})
        return kind()

    return make


def test_every_module_and_configuration_of_a_model_is_looked_at(made: Callable[[str, str], Any]) -> None:
    asking, silent = made("asking_kitchen", "import spoon"), made("silent_kitchen", "import fork")
    holding = made("holding_kitchen", "")
    assert not chance.asked(Model([silent], silent), WORDS)  # type: ignore[arg-type]
    assert chance.asked(Model([silent, asking], silent), WORDS)  # type: ignore[arg-type]
    assert chance.asked(Model([silent], asking), WORDS)  # type: ignore[arg-type]
    holding.inner = asking
    assert chance.asked(Model([silent], holding), WORDS)  # type: ignore[arg-type]
