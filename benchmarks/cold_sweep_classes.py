"""How long does a cold sweep of all classes of the auto mappings take? Baseline: the naive floor, per class."""

from sweeping import report

if __name__ == "__main__":
    report(__doc__, classes=True)
