"""A report of one run: for a terminal, as Markdown, as one HTML page and as JUnit XML."""
