"""A run's progress through OpenTelemetry, where that is installed.

Whoever has set up a meter provider (Airflow, `opentelemetry-instrument`) gets the
instruments below.  Where nobody has and the usual variable names a collector
(``OTEL_EXPORTER_OTLP_ENDPOINT``), bulksend sets one up for the run, with the exporter of
the extra ``bulksend[otel]``.

A collector that hangs keeps nobody waiting: results come first, and what it did not take
in `LAST_WORD_SECONDS` is lost, and said.
"""

from __future__ import annotations

import logging
import math
import os
import sys
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol

from bulksend.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

    from bulksend.journal.records import Run
    from bulksend.settle.hurry import Hurry

ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

LAST_WORD_SECONDS = 1.0
"""For the collector to take what stood at the end, at most."""


class Progress(Protocol):
    """What is told of a run; `underway.Progress` is one."""

    @property
    def total(self) -> int: ...
    @property
    def done(self) -> int: ...
    @property
    def refused(self) -> int: ...
    @property
    def unknown(self) -> int: ...
    @property
    def rate(self) -> float: ...


GAUGES: tuple[tuple[str, str, str, Callable[[Progress], float]], ...] = (
    ("bulksend.run.total", "{message}", "Messages to send.", lambda p: p.total),
    ("bulksend.run.done", "{message}", "Messages with an outcome.", lambda p: p.done),
    ("bulksend.run.refused", "{message}", "Refused so far.", lambda p: p.refused),
    ("bulksend.run.unknown", "{message}", "Unknown so far.", lambda p: p.unknown),
    ("bulksend.run.pace", "{segment}/s", "The pace now allowed.", lambda p: p.rate),
)


@contextmanager
def observed(
    run: Run, progress: Callable[[], Progress | None], hurry: Hurry | None = None
) -> Iterator[None]:
    """Tell of *progress* until the block ends; the last of it is told then.

    Of a run that was stopped it takes a quarter of what *hurry* has left at most.
    Where OpenTelemetry is not installed, or nobody has set it up, nothing happens.
    """
    if "opentelemetry.metrics" not in sys.modules and not _is_asked(os.environ):
        yield  # to import it takes longer than to begin a run
        return
    try:
        from opentelemetry import metrics
    except ImportError:
        yield
        return
    own = _own_provider(os.environ)
    provider = own or metrics.get_meter_provider()
    _, _, campaign = run.campaign.partition("/")
    named = {"run": run.run, "campaign": campaign, "provider": run.provider}
    over = _observe(provider, progress, named)
    try:
        yield
    finally:
        if own is not None:
            left = math.inf if hurry is None else max(hurry.seconds_left, 0)
            _end(own, min(LAST_WORD_SECONDS, left / 4))
        over.append(True)


def _end(own: Any, seconds: float) -> None:
    """Give it the last of it; a thread that is left waits for the collector alone."""
    last = Thread(target=own.shutdown, name="bulksend-last-metrics", daemon=True)
    last.start()
    last.join(seconds)
    if last.is_alive():
        _trouble.say()


def _is_asked(environment: Mapping[str, str]) -> bool:
    return any(name.startswith("OTEL_") for name in environment)


def _observe(
    provider: MeterProvider,
    progress: Callable[[], Progress | None],
    named: Mapping[str, str],
) -> list[bool]:
    from opentelemetry.metrics import Observation

    meter, over = provider.get_meter("bulksend"), list[bool]()

    def observing(
        value: Callable[[Progress], float],
    ) -> Callable[[CallbackOptions], list[Observation]]:
        def observe(_: CallbackOptions) -> list[Observation]:
            seen = None if over else progress()
            return [] if seen is None else [Observation(value(seen), dict(named))]

        return observe

    for name, unit, about, value in GAUGES:
        meter.create_observable_gauge(
            name, [observing(value)], unit=unit, description=about
        )
    return over


def _own_provider(environment: Mapping[str, str]) -> Any:
    """A provider with an exporter, where a collector is named and nobody has set one up."""
    if not any(environment.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry import metrics
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
            OTLPMetricExporter,
        )
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    except ImportError:
        log.warning("no exporter", fix="pip install 'bulksend[otel]'")
        return None
    if isinstance(metrics.get_meter_provider(), MeterProvider):
        return None
    _trouble.listen()
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    return MeterProvider([reader], shutdown_on_exit=False)


class _Trouble(logging.Handler):
    """Says once a run, in our words, that a collector is in trouble.

    OpenTelemetry's own words may hold an address with its key, and with no handler Python
    would write them as they are among lines of JSON.
    """

    is_said = False

    def listen(self) -> None:
        """Hear OpenTelemetry's log, unless the program around us does."""
        self.is_said = False
        theirs = logging.getLogger("opentelemetry")
        if not theirs.hasHandlers():
            theirs.addHandler(self)

    def emit(self, _: logging.LogRecord) -> None:
        self.say()

    def say(self) -> None:
        if not self.is_said:
            self.is_said = True
            log.warning("metrics not exported", fix=f"Look at the collector: {_NAMES}")


_NAMES = " or ".join(ENDPOINTS)
_trouble = _Trouble(logging.WARNING)
