"""What `archsweep show` says of an error: its class once, and nothing that the message above says already."""

from __future__ import annotations

from typing import Any

import pytest

from archsweep.render.cell import _facts

EMPTY: dict[str, Any] = {
    "operators": [], "blame": None, "outlook": None, "metrics": {}, "details": {}, "device": "", "processor": "",
    "fingerprint": "f1", "versions": {}, "python": "3.11.7", "system": "", "driver": "", "notes": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "message", "shown"),
    [
        ("ValueError", "wrong", "it ended badly", "ValueError: wrong"),
        ("NotImplementedError", "NotImplementedError: no", "it ended badly", "NotImplementedError: no"),
        ("NotImplementedError", "NotImplementedError: no", "NotImplementedError: no", "NotImplementedError"),
        ("ValueError", "wrong", "wrong", "ValueError"),
        ("SIGSEGV", None, "the worker was killed by SIGSEGV", "SIGSEGV"),
    ],
)
def test_an_error_is_said_once(name: str, text: str | None, message: str, shown: str) -> None:
    facts = dict(_facts({**EMPTY, "error_class": name, "error_message": text, "message": message}))
    assert facts["error"] == shown
    assert facts["message"] == message
