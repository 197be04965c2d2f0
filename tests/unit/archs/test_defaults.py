"""Default configurations composed of their parts, from classes that only look like a library's."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from archsweep.archs import defaults


class Inner:
    def __init__(self, width: int = 4) -> None:
        self.width = width

    def to_diff_dict(self) -> dict[str, Any]:
        return self.to_dict()

    def to_dict(self) -> dict[str, Any]:
        return {"width": self.width}


class Whole:
    sub_configs: ClassVar[dict[str, Any]] = {"left": Inner, "right": Inner}

    def __init__(self, left: Any = None, right: Any = None) -> None:
        if left is None or right is None:
            raise ValueError("both parts must be given")
        self.left, self.right = left, right


class Tabled(Whole):
    def __init__(self, left: Any = None, right: Any = None) -> None:
        if not isinstance(left, dict):
            raise TypeError("tables only")
        super().__init__(Inner(**left), Inner(**right))


def test_a_class_without_a_default_is_composed_of_the_parts_it_names() -> None:
    made = defaults.default(Whole)
    assert isinstance(made.left, Inner)
    assert made.right.width == 4


def test_a_class_that_refuses_objects_gets_tables() -> None:
    assert defaults.default(Tabled).right.width == 4


def test_a_class_that_names_no_parts_raises_its_own_error() -> None:
    class Lone:
        def __init__(self, needed: int) -> None: ...

    with pytest.raises(TypeError, match="needed"):
        defaults.default(Lone)
