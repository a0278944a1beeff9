"""`python -m crude_link`: the same as the command `crude-link`."""

import sys

from crude_link.cli import main

if __name__ == "__main__":
    sys.exit(main())
