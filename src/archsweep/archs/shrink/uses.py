"""What a configuration is told of the use that is made of it: one clean pass, of a class that may be one of two."""

from __future__ import annotations

from collections.abc import Collection

from archsweep.archs.shrink.tree import Node

CAUSAL = "CAUSAL_LM"  # mapping


def told(root: Node, mappings: Collection[str]) -> Node:
    """The tree for a class of these auto mappings: it decodes where it goes on with a text, and keeps no cache.

    A body of two uses that is a language model sees none of what comes. A single pass has no use for a cache, and
    exporters do not take one.
    """
    if CAUSAL in mappings and root.values.get("is_decoder") is False and not root.values.get("is_encoder_decoder"):
        root.set("is_decoder", True)
    for node in root.walk():
        if node.values.get("use_cache"):
            node.set("use_cache", False)
    return root
