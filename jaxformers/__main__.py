"""`python -m jaxformers` is the command line."""

import sys

from jaxformers.cli import main

sys.exit(main())
