"""A task that writes the results, when the receipts are there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

import bulksend
from bulksend import BulksendError, Home
from bulksend.airflow.link import KEY, ReportLink, web_address
from bulksend.airflow.task import Judge, counted, guarded
from bulksend.airflow.trigger import Receipts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta


class Reporter(Judge):
    """A task that writes a run's results and its report, and links to that.

    Args:
        wait_for_receipts: How long after the end of the sending the receipts of all
            accepted messages are waited for, without a worker; None: not at all.  They
            come into the journal by `bulksend listen` or `poll`.
    """

    operator_extra_links: Sequence[Any] = (ReportLink(),)

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
        """Write the results and the report; counts and places, as XCom has them.

        Raises:
            AirflowFailException: Messages are left, which is not for this task to send;
                or outcomes are unknown, and that shall fail.
        """
        environment = self.environment()
        home = Home.find(beside, environment)
        ended = bulksend.write_run(run, home=home)
        self.wrote = [ended.results]
        said = self.with_report(counted(ended), home, context)
        if ended.left:
            left = f"{ended.left:,} messages are left"
            raise AirflowFailException(f"{left}: clear the tasks that failed")
        self.refuse_unknown(said)
        return self.tell_outlets(said, context)

    def with_report(
        self, said: dict[str, Any], home: Home, context: Any
    ) -> dict[str, Any]:
        """*said* with where the report of its run is, which the task's link opens.

        Results are what a campaign is for: a report that cannot be written fails nothing.
        """
        try:
            place = bulksend.report_run(said["run"], home=home)
        except BulksendError as error:
            self.log.warning("bulksend: no report: %s", error)
            return said
        link = web_address(place, home.objects.environment)
        context["ti"].xcom_push(key=KEY, value=link)
        return said | {"report": str(place)}

    def tell_outlets(self, said: dict[str, Any], context: Any) -> dict[str, Any]:
        """*said*, which whoever runs by this task's assets finds as their event's extra."""
        for asset in self.outlets:
            context["outlet_events"][asset].extra = said
        return said
