"""A task that sends: the engine in a thread, and what its end means for Airflow."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

import bulksend
from bulksend import BulksendError
from bulksend.airflow.drain import Drain
from bulksend.airflow.link import KEY
from bulksend.airflow.task import Task, counted
from bulksend.airflow.trigger import Until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bulksend import Ended, Options

LEASE_WAIT_SECONDS = 20.0


class Sender(Task):
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
        """Send in a thread; how it ended, as XCom has it.

        Raises:
            AirflowException: It was stopped, or messages are left.
            BulksendError: What stopped it.
        """
        drain = self._drain = Drain()
        options = bulksend.Options(
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
        self.wrote = [said["results"]]
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
        return said

    def refuse_unknown(self, said: Mapping[str, Any]) -> None:
        """Raises AirflowFailException where outcomes are unknown, and that shall fail."""
        if said["unknown"] and self.on_unknown == "fail":
            found = f"{said['unknown']:,} outcomes are unknown"
            raise AirflowFailException(f"{found}: see `bulksend settle`")

    def _wait_until(self, moment: float) -> None:
        """Without a worker; the lease has ended by now."""
        self.defer(trigger=Until(moment), method_name="execute_again")
