"""Why a port cannot be opened, for whoever serves one: the listener, the live page."""

from __future__ import annotations

import os
import socket


def why_not_open(error: OSError | UnicodeError) -> str:
    """A resolver has numbers of its own, and a name of no host does not get that far."""
    if isinstance(error, UnicodeError):
        return "no name of a host"
    if isinstance(error, socket.gaierror):
        return str(error.strerror or error).lower()
    return os.strerror(error.errno or 0).lower()
