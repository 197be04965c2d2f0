"""From a default configuration to tiny ones, by rules over fields. Knows no architecture, and never builds a model.

The idea. A configuration is a tree of numbers with unwritten laws between them: heads divide widths, a projector's
output equals the language model's width, a list has one entry a layer, a special token lies inside the vocabulary.
No one wrote these laws down, but the default configuration obeys them. So numbers are not chosen, they are *moved*, by
functions that keep such laws whatever they are: one divisor for all widths keeps equalities, sums, products and
ratios; one map for all token ids keeps who equals whom; one set of kept layers shortens every per-layer list alike.

Where that is not enough, `candidates` yields further moves in a fixed order. The search that tries them is bounded by
their number, so that it ends alike on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from archsweep.archs.shrink import blanks, kinds, layers, lessons, relations, sizes, tokens, tree, uses, widths, wrapped

repaired = lessons.repaired
kinds_lost = kinds.kinds_lost
told = uses.told


@dataclass(frozen=True, kw_only=True)
class Move:
    """One way to shrink.

    `least` is the smallest main width aimed at; `floor` what every width is a multiple of; `coupled` gives each part of
    the tree a divisor of its own; `each` is how many layers of a kind are kept; `prefix` keeps the first layers rather
    than picking kinds; `filled` switches on what empty fields leave off; `divisor` overrules the choice.
    """

    name: str
    least: int = 32
    floor: int = 8
    coupled: bool = False
    filled: bool = False
    prefix: bool = False
    each: int = 1
    divisor: int | None = None
    largest_side: int = sizes.LARGEST_SIDE


MOVES = (
    Move(name="even", coupled=True),
    Move(name="filled", coupled=True, filled=True),
    Move(name="twice", coupled=True, each=2),
    Move(name="prefix", prefix=True),
    Move(name="wide", least=64, prefix=True, filled=True),
    Move(name="floor32", floor=32, prefix=True, coupled=True),
    Move(name="quarter", divisor=4, floor=4, prefix=True),
    Move(name="whole", divisor=1),
)


def candidates(default: Any) -> Iterator[tuple[Move, tree.Node]]:
    """Each move applied to a fresh tree of the default configuration `default`."""
    for move in in_order(default):
        yield move, shrunk(default, move)


def in_order(default: Any) -> tuple[Move, ...]:
    """The moves, with the one that keeps the first layers in front where picking layers loses a kind or a relation."""
    if not kinds.lost_in_edits(shrunk(default, MOVES[0])):
        return MOVES
    deeper = replace(MOVES[0], name="deep", prefix=True)
    return MOVES if kinds.lost_in_edits(shrunk(default, deeper)) else (deeper, *MOVES)


def shrunk(default: Any, move: Move) -> tree.Node:
    """The tree of `default` with the edits of one move."""
    root = tree.read(default)
    blanks.add_modalities(root)
    widths.shrink_widths(root, move.divisor, move.least, move.floor, move.coupled)
    layers.shrink_depths(root, move.prefix, move.each)
    blanks.fill_plain(root)
    if move.filled:
        blanks.fill_switches(root)
    tokens.shrink_vocabularies(root)
    tokens.shrink_experts(root)
    sizes.shrink_images(root, move.largest_side)
    sizes.fit_folds(root)
    sizes.fit_tokens(root)
    sizes.shrink_queries(root)
    sizes.shrink_clips(root)
    sizes.shrink_contexts(root)
    sizes.shrink_branches(root)
    sizes.shrink_windows(root)
    sizes.shrink_positions(root)
    sizes.shrink_features(root)
    sizes.shrink_ratios(root)
    sizes.open_thresholds(root)
    wrapped.shrink_wrapped(root)
    relations.join_widths(root)
    relations.align_experts(root)
    relations.fit_sections(root)
    relations.fit_groups(root)
    return root
