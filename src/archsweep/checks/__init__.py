"""One question a file. A check knows its bench and nothing else of its layer."""
