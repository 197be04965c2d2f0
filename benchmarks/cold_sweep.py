"""How long does a cold sweep of the base types take? Baseline: the naive floor in the same run."""

from sweeping import report

if __name__ == "__main__":
    report(__doc__, classes=False)
