"""A run's progress through OpenTelemetry: to whoever listens, and never in the way."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any, NamedTuple

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricsData,
    NumberDataPoint,
)

from bulksend.view import telemetry
from bulksend.view.telemetry import ENDPOINTS, GAUGES, observed
from tests.settle.test_notice import listening_for_bytes
from tests.suites.scene import RUN


class Seen(NamedTuple):
    total: int = 10
    done: int = 7
    refused: int = 1
    unknown: int = 2
    rate: float = 50.0


@pytest.fixture(autouse=True)
def _no_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENDPOINTS:
        monkeypatch.delenv(name, raising=False)


def values(data: MetricsData | None) -> dict[str, tuple[float, dict[str, Any]]]:
    assert data is not None
    return {
        metric.name: (point.value, dict(point.attributes or {}))
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
        if isinstance(point, NumberDataPoint)
    }


def test_a_provider_that_is_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every gauge with the run's name; nothing before it begins, nothing after its end."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: provider)
    progress: list[Seen | None] = [None]
    with observed(RUN, lambda: progress[0]):
        assert reader.get_metrics_data() is None
        progress[0] = Seen()
        found = values(reader.get_metrics_data())
    assert {name: value for name, (value, _) in found.items()} == dict(
        zip((name for name, *_ in GAUGES), Seen(), strict=True)
    )
    assert found["bulksend.run.done"][1] == {
        "run": RUN.run,
        "campaign": "spring-sale",
        "provider": "bandwidth",
    }
    assert reader.get_metrics_data() is None
    provider.shutdown()


def test_a_collector_that_is_named_gets_the_last_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over the network, by OTLP: what stood at the end arrives before the run is left."""
    with listening_for_bytes() as (address, heard):
        monkeypatch.setenv(ENDPOINTS[1], address)
        with observed(RUN, Seen):
            pass
    assert any(path.endswith("/v1/metrics") for path, _ in heard)
    assert any(b"bulksend.run.done" in body for _, body in heard)


def test_without_opentelemetry_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no dependency."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with observed(RUN, Seen):
        pass


class Stopped(NamedTuple):
    seconds_left: float


@pytest.mark.parametrize(
    ("silent", "limit", "hurry"),
    [(True, 0.2, None), (False, 0.2, None), (True, 600, Stopped(-1.0))],
    ids=["it hangs", "it is not there", "it hangs, and there is no time left"],
)
def test_a_collector_in_trouble_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    silent: bool,
    limit: float,
    hurry: Stopped | None,
) -> None:
    """Results come first: it has its second, and one line of ours says what is lost."""
    monkeypatch.setattr(telemetry, "LAST_WORD_SECONDS", limit)
    ours = logging.getLogger("opentelemetry")
    monkeypatch.setattr(ours, "propagate", False)  # pytest listens at the root
    monkeypatch.setattr(ours, "handlers", [])
    with listening_for_bytes(silent=True) as (address, _):
        there = address if silent else "http://127.0.0.1:9/key-77"
        monkeypatch.setenv(ENDPOINTS[1], there)
        with observed(RUN, Seen, hurry):
            began = time.monotonic()
        assert time.monotonic() - began < 5, "the exporter itself gives up after ten"
    logging.getLogger("opentelemetry.exporter").error("to %s failed", there)
    said = capsys.readouterr().err
    assert said.count("metrics not exported") == 1
    assert "key-77" not in said
    assert len(said.splitlines()) == 1
