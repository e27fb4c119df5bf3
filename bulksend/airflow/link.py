"""The link from a task to its run's report.

An object's address is nothing that a browser opens: the link is to where its store shows
it to whoever may read it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.models.taskinstancekey import TaskInstanceKey

    from bulksend.storage.location import Where

KEY = "report"
"""Of the XCom that has the link."""

_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT",),
}


class ReportLink(BaseOperatorLink):
    """Where the report of this task's run is."""

    name = "Report"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        return str(XCom.get_value(key=KEY, ti_key=ti_key) or "")


def web_address(place: Where, environment: Mapping[str, str]) -> str:
    """Where a browser finds *place*; of a file its ``file://`` address."""
    if isinstance(place, Path):
        return place.absolute().as_uri()
    path = f"{place.bucket}/{quote(place.key)}"
    for name in _ENDPOINTS[place.scheme]:
        if own := environment.get(name, "").strip():
            return f"{own.rstrip('/')}/{path}"
    if place.scheme == "s3":
        key = quote(place.key, safe="")
        return (
            f"https://s3.console.aws.amazon.com/s3/object/{place.bucket}?prefix={key}"
        )
    if place.scheme == "gs":
        return f"https://storage.cloud.google.com/{path}"
    account = environment.get("AZURE_STORAGE_ACCOUNT_NAME", "")
    return f"https://{account}.blob.core.windows.net/{path}"
