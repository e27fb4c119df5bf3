"""`python -m bulksend`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (pip asks too, a clone does not)
    sys.exit(f"bulksend needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

from bulksend.cli import main

main()
