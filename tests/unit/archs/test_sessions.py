"""Sessions: plain data in, a fresh object for every pass out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from archsweep.archs import sessions

VIDEO = SimpleNamespace(device="cpu", dtype="float64")


class Session:
    def __init__(self, video: Any = None, dtype: str = "float32", storage_device: str = "meta") -> None:
        self.video, self.dtype, self.storage_device = video, dtype, storage_device
        self.asked: list[int] = []
        self.texts: dict[int, str] = {}

    def add(self, number: int) -> None:
        self.asked.append(number)


class Model:
    def forward(self, session: Session, frame: int | None = None) -> int:
        return len(session.asked)


class Plain:
    def forward(self, table: dict[str, Any]) -> None: ...


DATA = {"video": VIDEO, "calls": [["add", {"number": 3}]], "held": {"asked": [4], "texts": {0: "a"}}}


def test_a_parameter_of_the_modules_own_class_with_a_video_is_a_session() -> None:
    assert sessions.classes(Model) == {"session": Session}
    assert sessions.classes(Plain) == {}


def test_every_pass_gets_an_object_of_its_own() -> None:
    first = sessions.assembled(Model(), {"session": DATA, "frame": 0})
    second = sessions.assembled(Model(), {"session": DATA, "frame": 0})
    assert first["session"] is not second["session"]
    assert (first["session"].asked, first["session"].texts, first["frame"]) == ([3, 4], {0: "a"}, 0)
    first["session"].add(5)
    assert second["session"].asked == [3, 4]


def test_the_object_works_where_and_in_what_its_video_is() -> None:
    made = sessions.assembled(Model(), {"session": DATA})["session"]
    assert (made.dtype, made.storage_device) == ("float64", "cpu")


def test_other_mappings_stay_as_they_are() -> None:
    table = {"a": 1}
    assert sessions.assembled(Plain(), {"table": table})["table"] is table
