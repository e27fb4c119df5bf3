"""What OpenLineage is told: which lists went in, which results came out; no numbers."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bulksend.storage.location import is_address

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAGIC = re.compile(r"[*?\[]")


def lists_of(loaded: Any) -> list[str]:
    """The places of a campaign's lists, as its file names them; of a pattern the folder."""
    said = loaded.campaign.recipients
    paths = (*said.path, *said.suppress, *said.only)
    folder = loaded.folder.absolute()
    return [_fixed(path if is_address(path) else str(folder / path)) for path in paths]


def _fixed(path: str) -> str:
    found = _MAGIC.search(path)
    return path[: found.start()].rpartition("/")[0] if found else path


def lineage(inputs: Iterable[str], outputs: Iterable[str]) -> Any:
    """An `OperatorLineage`; None where the provider is not installed.

    Names are those of OpenLineage's specification: of a file its path, of an object its
    key in the bucket's namespace.
    """
    try:
        from airflow.providers.common.compat.openlineage.facet import Dataset
        from airflow.providers.openlineage.extractors import OperatorLineage
    except ImportError:
        return None

    def dataset(where: str) -> Any:
        if not is_address(where):
            return Dataset(namespace="file", name=str(PurePosixPath(where)))
        parts = urlsplit(where)
        space = f"{parts.scheme}://{parts.netloc}"
        return Dataset(namespace=space, name=parts.path.strip("/") or "/")

    return OperatorLineage(
        inputs=[dataset(one) for one in inputs if one],
        outputs=[dataset(one) for one in outputs if one],
    )
