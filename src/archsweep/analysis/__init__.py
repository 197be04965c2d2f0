"""Rows in, rows out: what the results say. Pure; knows no database, no torch and no terminal."""
