"""Tasks: a whole campaign, or its plan, a shard of it, and its results.

A task that is cleared, retried or started twice resumes: what was sent stands in the
journal.  A wrong input fails at once, since no retry can help; what may pass by itself
is tried again.  The campaign file is a path: Airflow never renders what is in it, so
``{{ first_name }}`` stays bulksend's.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    BaseOperator,
)

from bulksend import (
    BulksendError,
    Home,
    InputError,
    Options,
    Problem,
    due_slot,
    load_campaign,
    plan_campaign,
    run_campaign,
    send_plan,
    write_run,
)
from bulksend.airflow.drain import Drain
from bulksend.airflow.hook import BulksendHook
from bulksend.airflow.lineage import lineage
from bulksend.airflow.link import KEY, ReportLink
from bulksend.airflow.trigger import Until
from bulksend.storage.location import is_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bulksend import Ended

MAY_PASS = frozenset({"E610", "E563", "E502", "E510", "E511", "E512", "E697"})
"""Codes that a later try may not meet any more."""

LEASE_WAIT_SECONDS = 20.0


class _Task(BaseOperator):
    """What all of them share.

    Args:
        campaign: The campaign file's path.

        slot: Which of a recurring campaign's sends this is.  Without, it is the slot of
            the campaign's `schedule` that was due when the DAG run began; a campaign
            without a schedule sends the same text to nobody twice, however often the DAG
            is run.

        variables: What ``${NAME}`` in the campaign file stands for.

        bulksend_conn_id: A connection of type `bulksend`; empty for the worker's own
            environment.

        journal_conn_id: A connection of type Postgres, for the journal.

        storage_conn_id: A connection for object storage; empty for the worker's own role.

        allow_local_journal: Keep the journal on the worker's disk: for one machine only.
    """

    template_fields: Sequence[str] = ("campaign", "slot", "variables")
    template_fields_renderers: ClassVar[dict[str, str]] = {"variables": "json"}
    operator_extra_links: Sequence[Any] = (ReportLink(),)
    ui_color = "#d8ecff"

    def __init__(  # noqa: PLR0913  (an operator's keywords)
        self,
        *,
        campaign: str = "",
        slot: str = "",
        variables: dict[str, str] | None = None,
        bulksend_conn_id: str = "",
        journal_conn_id: str = "",
        storage_conn_id: str = "",
        allow_local_journal: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.campaign = campaign
        self.slot = slot
        self.variables = variables
        self.bulksend_conn_id = bulksend_conn_id
        self.journal_conn_id = journal_conn_id
        self.storage_conn_id = storage_conn_id
        self.allow_local_journal = allow_local_journal

    @cached_property
    def hook(self) -> BulksendHook:
        return BulksendHook(
            self.bulksend_conn_id, self.journal_conn_id, self.storage_conn_id
        )

    def environment(self) -> dict[str, str]:
        """What bulksend reads here.

        Raises:
            InputError: E690, where the journal is on the worker's own disk.
        """
        found = self.hook.environment() | dict(self.variables or {})
        home = Home.find(Path(), found)
        if isinstance(home.journal, Path) and not self.allow_local_journal:
            raise InputError(Problem("E690", "no other worker would find it"))
        return found

    def slot_of(self, context: Any, loaded: Any) -> str:
        if self.slot:
            return str(self.slot)
        run = context["dag_run"]
        moment = run.data_interval_end or getattr(run, "run_after", None)
        slot = due_slot(loaded, now=moment or run.logical_date)
        return slot.name if slot else ""


def guarded(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What *work* returns; its problems as Airflow means them.

    Raises:
        AirflowFailException: No retry can help.
        AirflowException: A later try may get further.
    """
    try:
        return work()
    except BulksendError as error:
        said = str(error)
        if error.exit_code == 4 or {one.code for one in error.problems} & MAY_PASS:
            raise AirflowException(said) from None
        raise AirflowFailException(said) from None


class _Sender(_Task):
    """A task that sends.

    Args:
        on_unknown: ``warn``: unknown outcomes are counted; ``fail``: they fail the task.

        deferrable: Wait without a worker: while another sender has the campaign, and
            while nobody may be texted at this hour.
    """

    def __init__(
        self, *, on_unknown: str = "warn", deferrable: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.on_unknown = on_unknown
        self.deferrable = deferrable
        self._drain: Drain | None = None

    def on_kill(self) -> None:
        if self._drain is not None:
            self._drain.stop()

    def execute_again(self, context: Any, event: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """After a wait."""
        again: dict[str, Any] = self.execute(context)
        return again

    def send(self, send: Callable[[Options], Ended], context: Any) -> dict[str, Any]:
        """Send in a thread; how it ended, as XCom has it."""
        drain = self._drain = Drain()
        options = Options(
            with_parent=True, wait=not self.deferrable, until_closed=self.deferrable
        )
        try:
            ended = drain.run(lambda beside: send(replace(options, beside=beside)))
        except BulksendError as error:
            if self.deferrable and {one.code for one in error.problems} == {"E610"}:
                self._wait_until(time.time() + LEASE_WAIT_SECONDS)
            raise
        self.log.info("bulksend: %s %s", ended.run, ended.counts)
        said = counted(ended)
        context["ti"].xcom_push(key=KEY, value=said["results"])
        if drain.was_stopped:
            raise AirflowException("stopped while sending; a retry resumes")
        if ended.stopped is not None:
            opens = getattr(ended.stopped, "resumes_at", None)
            if self.deferrable and opens is not None:
                self._wait_until(opens / 1000)
            raise ended.stopped
        if ended.counts["not_sent"]:
            raise AirflowException(f"{ended.counts['not_sent']:,} messages are left")
        if ended.counts["unknown"] and self.on_unknown == "fail":
            found = f"{ended.counts['unknown']:,} outcomes are unknown"
            raise AirflowFailException(f"{found}: see `bulksend settle`")
        return said

    def _wait_until(self, moment: float) -> None:
        """Without a worker; the lease has ended by now."""
        self.defer(trigger=Until(moment), method_name="execute_again")

    def get_openlineage_facets_on_complete(self, _ti: Any) -> Any:
        return lineage([self.campaign or str(getattr(self, "plan", ""))], [])


def counted(ended: Ended) -> dict[str, Any]:
    """Counts and places; nothing of a person."""
    said = ended.as_dict()
    return {"run": ended.run, "rows": ended.rows, "results": said["results"]} | (
        ended.counts
    )


class BulksendOperator(_Sender):
    """Plan a campaign, send it, write its results: one task."""

    def execute(self, context: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            environment = self.environment()
            loaded = load_campaign(self.campaign, environment=environment)
            slot = self.slot_of(context, loaded)

            def send(options: Options) -> Ended:
                return run_campaign(
                    loaded,
                    environment=environment,
                    options=replace(options, slot=slot),
                )

            return self.send(send, context)

        return guarded(work)


class PlanOperator(_Task):
    """Freeze a campaign and its list into a plan of *shards* parts; sends nothing."""

    operator_extra_links = ()  # it writes no results

    def __init__(self, *, shards: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shards = shards

    def execute(self, context: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            environment = self.environment()
            loaded = load_campaign(self.campaign, environment=environment)
            checked = plan_campaign(
                loaded,
                environment=environment,
                slot=self.slot_of(context, loaded),
                shards=self.shards,
            )
            if checked.gates:
                raise InputError(checked.gates)
            summary = checked.summary
            return {
                "plan": checked.plan.place,
                "run": checked.plan.run,
                "rows": summary.rows,
                "sendable": summary.sendable,
                "segments": summary.segments,
            }

        return guarded(work)


class SendShardOperator(_Sender):
    """Send one part of a plan; to be mapped over its shards.

    Args:
        plan: The plan's path.

        shard: Which part of it, from 0.
    """

    template_fields: Sequence[str] = (*_Task.template_fields, "plan")

    def __init__(self, *, plan: str, shard: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan = plan
        self.shard = shard

    def execute(self, context: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            environment = self.environment()

            def send(options: Options) -> Ended:
                return send_plan(
                    self.plan,
                    environment=environment,
                    options=replace(options, shard=self.shard),
                )

            return self.send(send, context)

        return guarded(work)


class ResultsOperator(_Task):
    """Write a run's results, as plan and journal have it; fails where rows are left.

    Args:
        run: The run's name.

        plan: The plan's path.
    """

    template_fields: Sequence[str] = (*_Task.template_fields, "run_name", "plan")

    def __init__(self, *, run_name: str, plan: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_name = run_name
        self.plan = plan

    def execute(self, context: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            beside = Path() if is_address(self.plan) else Path(self.plan).parents[1]
            home = Home.find(beside, self.environment())
            ended = write_run(self.run_name, home=home)
            said = counted(ended)
            context["ti"].xcom_push(key=KEY, value=said["results"])
            if ended.counts["not_sent"]:
                left = f"{ended.counts['not_sent']:,} messages are left"
                raise AirflowException(f"{left}: clear the shards that failed")
            return said

        return guarded(work)

    def get_openlineage_facets_on_complete(self, ti: Any) -> Any:
        return lineage([self.plan], [str(ti.xcom_pull(task_ids=ti.task_id, key=KEY))])
