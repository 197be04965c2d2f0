"""`python -m archsweep`: the command line, where no script of its own is on the path."""

from archsweep.commands import main

if __name__ == "__main__":
    main()
