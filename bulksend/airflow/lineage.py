"""What OpenLineage is told: which lists went in, which results came out; no numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable


def lineage(inputs: Iterable[str], outputs: Iterable[str]) -> Any:
    """An `OperatorLineage`; None where the provider is not installed."""
    try:
        from airflow.providers.common.compat.openlineage.facet import Dataset
        from airflow.providers.openlineage.extractors import OperatorLineage
    except ImportError:
        return None

    def dataset(where: str) -> Any:
        parts = urlsplit(where)
        space = f"{parts.scheme}://{parts.netloc}" if parts.netloc else "file"
        return Dataset(namespace=space, name=parts.path.lstrip("/") or where)

    return OperatorLineage(
        inputs=[dataset(one) for one in inputs],
        outputs=[dataset(one) for one in outputs if one],
    )
