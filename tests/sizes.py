"""How much the heavier tests do: a sample of it in `make test`, all of it in `make test-long`."""

import os

LONG = bool(os.environ.get("LONG"))
