from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import archsweep.platforms
from archsweep import registry

HERE = Path(__file__).parent


@pytest.fixture(scope="package")
def trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the sweep; the trouble module and its platforms can be imported here and in workers."""
    folder = tmp_path_factory.mktemp("trouble")
    plugins = str(HERE / "plugins")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE), prepend=":")
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("TROUBLE_CHILDREN", str(folder / "children"))
        archsweep.platforms.__path__.append(plugins)
        registry.names.cache_clear()
        yield folder
        archsweep.platforms.__path__.remove(plugins)
        registry.names.cache_clear()
