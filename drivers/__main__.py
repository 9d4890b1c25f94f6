"""``presence-driver``, which is also ``python -m drivers``."""

import sys

from bridge.contract.garbage_collection import loading

with loading():
    from drivers.cli import main

if __name__ == "__main__":
    sys.exit(main())
