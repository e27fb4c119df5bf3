"""What every task is: from Airflow's connections to bulksend's environment, and back.

What bulksend raises becomes what Airflow means by it: fail at once, or try again.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    BaseOperator,
)

from bulksend import BulksendError, Home, InputError, Problem, due_slot
from bulksend.airflow.hook import BulksendHook
from bulksend.airflow.lineage import lineage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bulksend import Ended, ScheduledFor

MAY_PASS = frozenset({"E610", "E512"})
"""Codes that a later try may not meet any more, beside all that stop a run half-way."""

_ON_UNKNOWN = ("warn", "fail")


class Task(BaseOperator):
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
        self.read: list[str] = []
        self.wrote: list[str] = []

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

    def due_slot(self, context: Any, loaded: Any) -> ScheduledFor | None:
        """The slot of the campaign's schedule that was due when the DAG run was."""
        if self.slot:
            return None
        run = context["dag_run"]
        moment = run.data_interval_end or getattr(run, "run_after", None)
        return due_slot(loaded, now=moment or run.logical_date)

    def get_openlineage_facets_on_complete(self, _ti: Any) -> Any:
        """What this task read and wrote, as `lineage` has it."""
        return lineage(self.read, self.wrote)


class Judge(Task):
    """A task that knows how messages ended.

    Args:
        on_unknown: ``warn``: unknown outcomes are counted; ``fail``: they fail the task.
    """

    def __init__(self, *, on_unknown: str = "warn", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if on_unknown not in _ON_UNKNOWN:
            raise ValueError(f"on_unknown is {' or '.join(_ON_UNKNOWN)}")
        self.on_unknown = on_unknown

    def refuse_unknown(self, said: Mapping[str, Any]) -> None:
        """Raises AirflowFailException where outcomes are unknown, and that shall fail."""
        if said["unknown"] and self.on_unknown == "fail":
            found = f"{said['unknown']:,} outcomes are unknown"
            raise AirflowFailException(f"{found}: see `bulksend settle`")


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
        if error.exit_code == 4 or {one.code for one in error.problems} <= MAY_PASS:
            raise AirflowException(said) from None
        raise AirflowFailException(said) from None


def counted(ended: Ended) -> dict[str, Any]:
    """Counts and places; nothing of a person."""
    kept = ("run", "rows", "results", "absent")
    return {name: getattr(ended, name) for name in kept} | ended.counts
