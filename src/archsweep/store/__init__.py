"""The results database: the only package that imports duckdb. Opens the file for the moment of one call, and closes it.

`append` writes, `read` reads, `exchange` carries results between machines, `database` opens and migrates.
"""
