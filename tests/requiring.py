"""What a machine lacks is skipped with the reason, and is a failure where ARCHSWEEP_REQUIRE names the platform."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def required() -> tuple[str, ...]:
    """The platforms that have to be here."""
    return tuple(name for name in os.environ.get("ARCHSWEEP_REQUIRE", "").split(",") if name)


def absent(platform: str, reason: str) -> NoReturn:
    """End the test that needs `platform`."""
    if platform in required():
        pytest.fail(f"{platform} is required: {reason}")
    pytest.skip(f"{platform}: {reason}")
