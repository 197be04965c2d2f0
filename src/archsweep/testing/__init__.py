"""What generated test files call: the data of an architecture, and the case that a test verifies."""

from archsweep.testing.architecture import Architecture
from archsweep.testing.case import Case

__all__ = ["Architecture", "Case"]
