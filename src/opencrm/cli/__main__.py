"""`python -m opencrm.cli`."""

from opencrm.cli import main

main()
