"""Plan, send in shards side by side, write the results: a campaign as a task group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Asset, TaskGroup

from bulksend.airflow.operators import PlanOperator, ResultsOperator, SendShardOperator

if TYPE_CHECKING:
    from datetime import timedelta

RETRIES = 5
"""A retry waits for the lease of the try before it; each gets as far as it gets."""


class BulksendTaskGroup(TaskGroup):
    """``plan → send (one task a shard) → results``.

    Args:
        campaign: The campaign file's path.

        shards: How many senders; they share the campaign's rate.  4 to 100.

        retry_delay: Between the tries of a task.

        wait_for_receipts: How long after the sending ``results`` waits for receipts,
            without a worker; None: not at all.

        on_unknown: ``fail``: unknown outcomes fail the shard and, once the results are
            written, ``results``.

        deferrable: A shard waits without a worker: for another sender, and for the hour.

        replan: Begin a new run although an unfinished one has other input (E622).

        outlet: The name of an asset ``bulksend://campaign/NAME`` to update at the end,
            its event's extra being counts and places; empty for none.

        task: Keywords for all its operators, such as ``journal_conn_id`` and ``slot``.
    """

    def __init__(  # noqa: PLR0913  (a task group's keywords)
        self,
        *,
        campaign: str,
        shards: int = 4,
        group_id: str = "campaign",
        retry_delay: timedelta | None = None,
        wait_for_receipts: timedelta | None = None,
        outlet: str = "",
        on_unknown: str = "warn",
        deferrable: bool = False,
        replan: bool = False,
        **task: Any,
    ) -> None:
        super().__init__(group_id=group_id)
        task = {"retries": RETRIES} | task
        if retry_delay is not None:
            task["retry_delay"] = retry_delay
        with self:
            plan = PlanOperator(
                task_id="plan", campaign=campaign, shards=shards, **task
            )
            said = f"(ti.xcom_pull(task_ids='{plan.task_id}') or {{}})"
            path = f"{{{{ {said}.get('plan', '') }}}}"
            run = f"{{{{ {said}.get('run', '') }}}}"
            send = SendShardOperator.partial(
                task_id="send",
                plan=path,
                on_unknown=on_unknown,
                deferrable=deferrable,
                replan=replan,
                **task,
            ).expand(shard=list(range(shards)))
            outlets = [Asset(f"bulksend://campaign/{outlet}")] if outlet else []
            results = ResultsOperator(
                task_id="results",
                plan=path,
                run_name=run,
                on_unknown=on_unknown,
                wait_for_receipts=wait_for_receipts,
                trigger_rule="all_done",
                outlets=outlets,
                **task,
            )
            plan >> send >> results
