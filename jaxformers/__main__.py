"""`python -m jaxformers` is the command line."""

import sys

from jaxformers.cli import main

if __name__ == "__main__":
    sys.exit(main())
