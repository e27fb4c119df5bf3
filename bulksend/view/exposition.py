"""A journal's runs as Prometheus reads them.

Runs that ended longer ago than `KEPT_MS` are left out: a series that no longer moves
costs whoever keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from bulksend.journal.store import Journal
from bulksend.send.clocks import wall_ms
from bulksend.view.now import look
from bulksend.whole import unwritable, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bulksend.home import Home
    from bulksend.view.now import Now

KEPT_MS = 24 * 3_600_000
LABELS = ("run", "campaign", "provider")


def metrics(home: Home, *, now: int | None = None) -> str:
    """Every run that goes on, or ended in the last day, in Prometheus' text format."""
    at = wall_ms() if now is None else now
    registry = CollectorRegistry()
    registry.register(_Runs(_looks(home, at)))
    return generate_latest(registry).decode()


def write_metrics(home: Home, path: Path) -> None:
    """The same as a file for node_exporter's textfile collector, whole at any time.

    Raises:
        InputError: E672, where it cannot be written.
    """
    try:
        with whole(path, mode=0o644) as unfinished:
            unfinished.write_text(metrics(home), encoding="utf-8")
    except OSError as error:
        elsewhere = "write elsewhere with --textfile PATH"
        raise unwritable("E672", error, path, elsewhere) from error


def _looks(home: Home, now: int) -> Iterator[Now]:
    home.refuse_lost_journal()
    if not home.journal.exists():
        return
    with Journal.open(home.journal, read_only=True) as journal:
        for run in journal.runs.all():
            if run.finished_at is None or run.finished_at >= now - KEPT_MS:
                yield look(journal, run, now=now)


class _Runs:
    """A collector: what `prometheus_client` asks."""

    def __init__(self, looks: Iterable[Now]) -> None:
        self.looks = tuple(looks)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        messages = _family("messages", "Rows of a run, by outcome.", "outcome")
        rows = _family("rows", "Rows of a run: the sum of its outcomes.")
        sending = _family("sending", "1 while a process has the run.")
        pace = _family(
            "posted_messages_per_second", "Messages posted a second, over ten seconds."
        )
        begun = _family("begun_timestamp_seconds", "When the run was begun.")
        ended = _family("finished_timestamp_seconds", "When the run was finished.")
        for one in self.looks:
            provider, _, campaign = one.run.campaign.partition("/")
            named = [one.run.run, campaign, provider]
            for outcome, count in one.counts.items():
                messages.add_metric([*named, outcome], count)
            rows.add_metric(named, one.run.rows)
            sending.add_metric(named, one.is_held)
            pace.add_metric(named, one.per_second)
            begun.add_metric(named, one.run.created_at / 1000)
            if one.run.finished_at is not None:
                ended.add_metric(named, one.run.finished_at / 1000)
        return [messages, rows, sending, pace, begun, ended]


def _family(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"bulksend_run_{name}", about, labels=[*LABELS, *labels])
