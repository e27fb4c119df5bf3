"""Tasks: a whole campaign, or its plan, a shard of it, and its results.

A task that is cleared, retried or started twice resumes: what was sent stands in the
journal.  A wrong input fails at once, since no retry can help; what may pass by itself
is tried again.  The campaign file is a path: Airflow never renders what is in it, so
``{{ first_name }}`` stays bulksend's.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

import bulksend
from bulksend import Home, InputError
from bulksend.airflow.lineage import lists_of
from bulksend.airflow.reporter import Reporter
from bulksend.airflow.sender import Sender
from bulksend.airflow.task import Task, guarded
from bulksend.storage.location import is_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend import Ended, Options

    _Sent = tuple[dict[str, Any], Path]  # what is told, and the campaign's folder


class BulksendOperator(Sender, Reporter):
    """Plan a campaign, send it, write its results: one task.

    Args:
        plan: The path of a plan that was made before, instead of `campaign`: it is sent
            as it stands.
    """

    template_fields: Sequence[str] = (*Task.template_fields, "plan")

    def __init__(self, *, plan: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if bool(plan) == bool(self.campaign):
            raise ValueError("name either a campaign or a plan")
        if self.as_planned and not plan:
            raise ValueError("as_planned is for a plan that was made before")
        self.plan = plan

    def execute(self, context: Any) -> dict[str, Any]:
        return guarded(lambda: self._send_and_tell(context))

    def _send_and_tell(self, context: Any) -> dict[str, Any]:
        environment = self.environment()
        begin = self._send_plan if self.plan else self._send_campaign
        said, beside = begin(environment, context)
        self.await_receipts(said["run"], beside)
        said = self.with_report(said, Home.find(beside, environment), context)
        self.refuse_unknown(said)
        return self.tell_outlets(said, context)

    def _send_plan(self, environment: dict[str, str], _context: Any) -> _Sent:
        self.read = [self.plan]
        said = self.send(
            lambda options: bulksend.send_plan(
                self.plan,
                environment=environment,
                options=replace(options, slot=self.slot),
            )
        )
        return said, _beside(self.plan, environment)

    def _send_campaign(self, environment: dict[str, str], context: Any) -> _Sent:
        loaded = bulksend.load_campaign(self.campaign, environment=environment)
        self.read = [self.campaign, *lists_of(loaded)]
        due = self.due_slot(context, loaded)

        def send(options: Options) -> Ended:
            return bulksend.run_campaign(
                loaded,
                environment=environment,
                options=replace(options, slot=self.slot, due=due),
            )

        return self.send(send), loaded.folder.absolute()

    def report(self, run: str, beside: Path, context: Any) -> dict[str, Any]:
        self.read = [self.campaign or self.plan]
        return super().report(run, beside, context)


class PlanOperator(Task):
    """Freeze a campaign and its list into a plan of *shards* parts; sends nothing."""

    def __init__(self, *, shards: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shards = shards

    def execute(self, context: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            environment = self.environment()
            loaded = bulksend.load_campaign(self.campaign, environment=environment)
            self.read = [self.campaign, *lists_of(loaded)]
            due = self.due_slot(context, loaded)
            checked = bulksend.plan_campaign(
                loaded,
                environment=environment,
                slot=self.slot,
                due=due,
                shards=self.shards,
            )
            if checked.gates:
                raise InputError(checked.gates)
            self.wrote, summary = [checked.plan.place], checked.summary
            return {
                "plan": checked.plan.place,
                "run": checked.plan.run,
                "rows": summary.rows,
                "sendable": summary.sendable,
                "segments": summary.segments,
            }

        return guarded(work)


class SendShardOperator(Sender):
    """Send one part of a plan; to be mapped over its shards.

    Args:
        plan: The plan's path.

        shard: Which part of it, from 0.
    """

    template_fields: Sequence[str] = (*Task.template_fields, "plan")

    def __init__(self, *, plan: str, shard: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan = plan
        self.shard = shard

    def execute(self, context: Any) -> dict[str, Any]:  # noqa: ARG002  (as Airflow calls it)
        def work() -> dict[str, Any]:
            environment = self.environment()

            def send(options: Options) -> Ended:
                return bulksend.send_plan(
                    self.plan,
                    environment=environment,
                    options=replace(options, shard=self.shard, slot=self.slot),
                )

            self.read = [self.plan]
            said = self.send(send)
            self.refuse_unknown(said)
            return said

        return guarded(work)


class ResultsOperator(Reporter):
    """Write a run's results and report, as plan and journal have it; fails where rows are left.

    Args:
        run_name: The run's name.

        plan: The plan's path.
    """

    template_fields: Sequence[str] = (*Task.template_fields, "run_name", "plan")

    def __init__(self, *, run_name: str, plan: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_name = run_name
        self.plan = plan

    def execute(self, context: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            if not self.run_name:  # the rule is `all_done`, for a shard that failed
                raise AirflowFailException("nothing was planned: see the task `plan`")
            beside = _beside(self.plan, self.environment())
            self.await_receipts(self.run_name, beside)
            return self.report(self.run_name, beside, context)

        return guarded(work)

    def report(self, run: str, beside: Path, context: Any) -> dict[str, Any]:
        self.read = [self.plan]
        return super().report(run, beside, context)


def _beside(plan: str, environment: dict[str, str]) -> Path:
    """A plan's campaign's folder; one at an address was made beside something elsewhere."""
    if is_address(plan):
        return Path()
    return Path(bulksend.load_plan(plan, environment=environment).about["folder"])
