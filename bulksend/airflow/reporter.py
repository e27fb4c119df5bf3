"""A task that writes the results, when the receipts are there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

import bulksend
from bulksend import Home
from bulksend.airflow.link import KEY
from bulksend.airflow.task import Task, counted, guarded
from bulksend.airflow.trigger import Receipts

if TYPE_CHECKING:
    from datetime import timedelta


class Reporter(Task):
    """A task that writes a run's results.

    Args:
        wait_for_receipts: How long after the end of the sending the receipts of all
            accepted messages are waited for, without a worker; None: not at all.  They
            come into the journal by `bulksend listen` or `poll`.
    """

    def __init__(
        self, *, wait_for_receipts: timedelta | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_receipts = wait_for_receipts

    def await_receipts(self, run: str, beside: Path) -> None:
        """Defer until all receipts are there; return where none is waited for.

        Args:
            beside: The folder of the campaign.
        """
        if self.wait_for_receipts is None:
            return
        home = Home.find(beside, self.environment())
        awaited = bulksend.awaited_receipt(run, home=home)
        if awaited is None:
            return
        ended = time.time() if awaited.since is None else awaited.since / 1000
        moment = ended + self.wait_for_receipts.total_seconds()
        if moment <= time.time():
            return
        self.log.info("bulksend: %s waits for receipts", run)
        self.defer(
            trigger=Receipts(
                run_name=run,
                moment=moment,
                beside=str(beside),
                bulksend_conn_id=self.bulksend_conn_id,
                journal_conn_id=self.journal_conn_id,
            ),
            method_name="execute_heard",
        )

    def execute_heard(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        """After the receipts; results are written whatever became of the waiting.

        The run is the one that was sent: the campaign's file is not read again, whose
        list may have grown meanwhile.
        """

        def work() -> dict[str, Any]:
            said = self.report(event["run"], Path(event["beside"]), context)
            if problem := event.get("problem"):
                raise AirflowFailException(f"receipts were not waited for: {problem}")
            return said

        return guarded(work)

    def report(self, run: str, beside: Path, context: Any) -> dict[str, Any]:
        """Write the results; counts and places, as XCom has them.

        Raises:
            AirflowException: Messages are left.
        """
        ended = bulksend.write_run(run, home=Home.find(beside, self.environment()))
        said = counted(ended)
        self.wrote = [said["results"]]
        context["ti"].xcom_push(key=KEY, value=said["results"])
        if ended.counts["not_sent"]:
            left = f"{ended.counts['not_sent']:,} messages are left"
            raise AirflowException(f"{left}: clear the tasks that failed")
        return said
