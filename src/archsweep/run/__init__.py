"""Plans, starts, watches and records work in processes of its own. Gets plugins by name; knows no database."""
