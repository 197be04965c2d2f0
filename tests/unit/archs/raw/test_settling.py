"""What a setting of a processor may be changed to, by how many placeholders it wrote and how many were wanted."""

from __future__ import annotations

import inspect

import pytest

from archsweep.archs.raw import components, settling


@pytest.mark.parametrize(
    ("value", "tokens", "features", "wanted"),
    [
        (24, 24, 12, 12),  # as many as it says
        (73, 224, 152, 1),  # some beside the others
        (16, 256, 4, 2),  # a side
        (28, 36, 9, 56),  # what a side is divided by
    ],
)
def test_a_setting_follows_what_the_model_counts(value: int, tokens: int, features: int, wanted: int) -> None:
    found = settling.others(value, tokens, features)
    assert wanted in found
    assert value not in found
    assert min(found) > 0


def test_a_trial_settles_only_what_the_first_left_open() -> None:
    first = settling.Met(ids=(1,), tokens=4, features=9)
    assert settling.Met(ids=(1,), runs=True).settles(first)
    assert settling.Met(ids=(1,)).settles(first)
    assert not settling.Met(ids=(1,), tokens=5, features=9).settles(first)
    assert not settling.Met(refused=True).settles(first)
    assert not settling.Met(ids=(1,)).settles(settling.Met(refused=True))


class Written:
    """Reads <told> here, which no code writes."""

    def prompt(self, tokenizer: object) -> str:
        """And <told> there."""
        return f"<begin>{getattr(tokenizer, 'row_token', None)}|END|<col_{id(self)}>"


def test_tokens_are_read_off_the_code_and_not_off_what_is_told_of_it() -> None:
    assert sorted(components._spelt(inspect.getsource(Written))) == ["<begin>", "|END|"]
