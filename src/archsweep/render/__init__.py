"""Rows to text: terminal, tables, scripts. Decides nothing."""
