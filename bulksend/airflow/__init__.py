"""bulksend in Airflow 3.3 and 2.11: hook, operators, task group, notifier, DAG factory.

    from bulksend.airflow import BulksendTaskGroup, campaign_dags

Names are imported when they are first used: Airflow parses DAG files all day.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulksend.airflow.dags import campaign_dags
    from bulksend.airflow.group import BulksendTaskGroup
    from bulksend.airflow.hook import BulksendHook
    from bulksend.airflow.notifier import BulksendNotifier
    from bulksend.airflow.operators import (
        BulksendOperator,
        PlanOperator,
        ResultsOperator,
        SendShardOperator,
    )

_HOME_OF = {
    "BulksendHook": "hook",
    "BulksendNotifier": "notifier",
    "BulksendOperator": "operators",
    "BulksendTaskGroup": "group",
    "PlanOperator": "operators",
    "ResultsOperator": "operators",
    "SendShardOperator": "operators",
    "campaign_dags": "dags",
}

__all__ = [
    "BulksendHook",
    "BulksendNotifier",
    "BulksendOperator",
    "BulksendTaskGroup",
    "PlanOperator",
    "ResultsOperator",
    "SendShardOperator",
    "campaign_dags",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value
