"""How events look: pretty on a terminal, JSON lines anywhere else; always on stderr."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

import structlog

from bulksend.logs import masked


class _Patient(structlog.PrintLogger):
    """Goes on when nobody reads any more: a closed pipe must not stop a run."""

    def msg(self, message: str) -> None:
        with suppress(OSError, ValueError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def configure() -> None:
    """Set structlog up for the command line."""
    pretty = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            masked,
            structlog.dev.ConsoleRenderer()
            if pretty
            else structlog.processors.JSONRenderer(),
        ],
        # A person has the progress line and the summary; only trouble is worth a line.
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.WARNING if pretty else logging.INFO
        ),
        logger_factory=lambda *_: _Patient(sys.stderr),
        cache_logger_on_first_use=True,
    )
