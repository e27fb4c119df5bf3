"""The link from a task to what it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey

KEY = "results"


class ReportLink(BaseOperatorLink):
    """Where the results of this task are."""

    name = "Results"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        return str(XCom.get_value(key=KEY, ti_key=ti_key) or "")
