"""``python -m cycloid``: the demonstration on real data, and fits of the user's own files."""

import sys

from cycloid._cli.main import main

if __name__ == "__main__":
    sys.exit(main())
