"""`python -m enas_inr`: the command line, as `enas-inr`."""

from enas_inr.cli.main import main

if __name__ == "__main__":
    main()
