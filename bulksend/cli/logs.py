"""How events look: pretty on a terminal, JSON lines anywhere else; always on stderr."""

from __future__ import annotations

import logging
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
        # A person has the progress line and the summary; only trouble is worth a line.
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.WARNING if pretty else logging.INFO
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
