"""A task that sends: the engine in a thread, and what its end means for Airflow."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException

import bulksend
from bulksend import BulksendError
from bulksend.airflow.drain import Drain
from bulksend.airflow.task import Judge, counted
from bulksend.airflow.trigger import Until

if TYPE_CHECKING:
    from collections.abc import Callable

    from bulksend import Checked, Ended, Options

LEASE_WAIT_SECONDS = 20.0


class Sender(Judge):
    """A task that sends.

    Args:
        deferrable: Wait without a worker: while another sender has the campaign, and
            while nobody may be texted at this hour.

        replan: Begin a new run although an unfinished one has other input (E622).

        as_planned: Send a plan although a list changed since it was made (E626).
    """

    def __init__(
        self,
        *,
        deferrable: bool = False,
        replan: bool = False,
        as_planned: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable
        self.replan = replan
        self.as_planned = as_planned
        self._drain: Drain | None = None
        self._begun = ""

    def on_kill(self) -> None:
        if self._drain is not None:
            self._drain.stop()

    def execute_again(
        self,
        context: Any,
        event: Any = None,  # noqa: ARG002
        plan: str = "",
    ) -> dict[str, Any]:
        """After a wait; what was begun is finished by its *plan*: a list may be another."""
        if plan:
            self.plan = plan
        again: dict[str, Any] = self.execute(context)
        return again

    def send(self, send: Callable[[Options], Ended]) -> dict[str, Any]:
        """Send in a thread; how it ended, as XCom has it.

        Raises:
            AirflowException: It was stopped, or messages are left.
            BulksendError: What stopped it.
        """
        drain = self._drain = Drain()
        options = bulksend.Options(
            confirm=self._keep_plan,
            with_parent=True,
            wait=not self.deferrable,
            until_closed=self.deferrable,
            replan=self.replan,
            as_planned=self.as_planned,
        )
        try:
            ended = drain.run(lambda beside: send(replace(options, beside=beside)))
        except BulksendError as error:
            if self.deferrable and {one.code for one in error.problems} == {"E610"}:
                self._wait_until(time.time() + LEASE_WAIT_SECONDS)
            raise
        self.log.info("bulksend: %s %s", ended.run, ended.counts)
        said = counted(ended)
        self.wrote = [said["results"]]
        if drain.was_stopped:
            raise AirflowException("stopped while sending; a retry resumes")
        if ended.stopped is not None:
            opens = getattr(ended.stopped, "resumes_at", None)
            if self.deferrable and opens is not None:
                self._wait_until(opens / 1000, plan=self._begun)
            raise ended.stopped
        if ended.left:
            raise AirflowException(f"{ended.left:,} messages are left")
        return said

    def _keep_plan(self, checked: Checked) -> bool:
        self._begun = checked.plan.place
        return True

    def _wait_until(self, moment: float, **again: str) -> None:
        """Without a worker; the lease has ended by now."""
        self.defer(trigger=Until(moment), method_name="execute_again", kwargs=again)
