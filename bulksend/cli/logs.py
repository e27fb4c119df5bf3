"""How events look: pretty on a terminal, JSON lines anywhere else; always on stderr."""

from __future__ import annotations

import sys

import structlog

from bulksend.logs import masked


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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
