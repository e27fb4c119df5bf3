"""What is wrong, said with its code; and tried again only where that can help."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from bulksend.airflow import (
    BulksendOperator,
    PlanOperator,
    ResultsOperator,
    SendShardOperator,
)
from bulksend.storage.objects import Objects
from tests.airflow.here import Run, Ti, use
from tests.storage.refusing import LEAK, Answer, refusing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.flow.conftest import Bandwidth
    from tests.flow.desk import Desk

pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]

SECRET = "t0p-s3cret"


@dataclass
class Site:
    """A campaign and connections that are right, before a case makes one of them wrong."""

    desk: Desk
    bandwidth: Bandwidth
    patch: pytest.MonkeyPatch
    stack: ExitStack = field(default_factory=ExitStack)

    def connection(self, name: str, **said: Any) -> str:
        said = {"password": SECRET} | said
        self.patch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(said))
        return name

    def one(self, **changes: Any) -> BulksendOperator:
        return BulksendOperator(task_id="send", **self._said(changes))

    def _said(self, changes: dict[str, Any]) -> dict[str, Any]:
        said = {"journal_conn_id": "journal"} | changes
        return said if "campaign" in said else said | {"campaign": self.campaign()}

    def campaign(self, **changes: Any) -> str:
        return str(self.desk.campaign(**changes))

    def plan(self) -> str:
        return str(self._planned().execute({"dag_run": Run(), "ti": Ti()})["plan"])

    def _planned(self, **changes: Any) -> PlanOperator:
        return PlanOperator(task_id="plan", shards=2, **self._said(changes))

    def shard(self, number: int, plan: str = "") -> SendShardOperator:
        return SendShardOperator(
            task_id="send",
            plan=plan or self.plan(),
            shard=number,
            journal_conn_id="journal",
        )

    def of_another_version(self, **changes: Any) -> str:
        """A plan that says *changes*; those of its campaign by ``send``."""
        plan = self.plan()
        about = json.loads(pl.read_parquet_metadata(plan)["bulksend"])
        about["campaign"]["send"] |= changes.pop("send", {})
        said = json.dumps(about | changes)
        pl.read_parquet(plan).write_parquet(plan, metadata={"bulksend": said})
        return plan

    def stored(self, status: int, code: str) -> PlanOperator:
        """Its list is in a store that says nothing but this."""
        pytest.importorskip("obstore")
        self.patch.setattr("bulksend.home.Objects", partial(Objects, retries=0))
        url = self.stack.enter_context(refusing(Answer(status, code)))
        extra = {"endpoint_url": url}
        self.connection("crm", conn_type="aws", login="AKIA", extra=extra)
        campaign = self.campaign(recipients={"path": "s3://crm/list.csv"})
        return self._planned(campaign=campaign, storage_conn_id="crm")

    def without(self, library: str, *ours: str) -> None:
        for name in ours:
            self.patch.delitem(sys.modules, name, raising=False)
        self.patch.setitem(sys.modules, library, None)

    def without_psycopg(self) -> BulksendOperator:
        self.without("psycopg", "bulksend.journal.postgres")
        return self.one()

    def without_obstore(self) -> BulksendOperator:
        self.without("obstore")
        campaign = self.campaign(recipients={"path": "s3://crm/list.csv"})
        return self.one(campaign=campaign)

    def signed_in_as(self, login: str, password: str, **more: Any) -> BulksendOperator:
        """By the connection; the worker's own secret is for another id."""
        simulator = self.bandwidth(credentials=frozenset([("id-7", SECRET)]))
        use(self.desk, self.patch, BW_CLIENT_ID="worker", BW_CLIENT_SECRET="w0rker")
        extra = {"account_id": "1", "application_id": "a"}
        extra |= {"token_url": simulator.token_url} | more
        self.connection(
            "bw",
            conn_type="bulksend",
            login=login,
            password=password,
            host=simulator.url,
            extra=extra,
        )
        return self.one(bulksend_conn_id="bw")

    def forbidden(self) -> BulksendOperator:
        """The sign-in is right, and the account is another's."""
        self.bandwidth(forbidden=frozenset({"1"}))
        use(self.desk, self.patch)
        return self.one()

    def left_over(self) -> ResultsOperator:
        """Results are asked for before anything was sent."""
        plan = self.plan()
        self.shard(0, plan).execute({"dag_run": Run(), "ti": Ti()})
        return ResultsOperator(
            task_id="results",
            run_name=Path(plan).stem,
            plan=plan,
            journal_conn_id="journal",
        )


class Wrong(NamedTuple):
    """A case: what it says, whether Airflow shall try it again, and how it comes about."""

    code: str
    is_retried: bool
    begin: Callable[[Site], Any]


NOWHERE = {"conn_type": "postgres", "login": "u", "host": "127.0.0.1", "port": 1}

CASES = {
    "no such campaign": Wrong("E100", False, lambda s: s.one(campaign="none.yaml")),
    "no such connection": Wrong(
        "E596", False, lambda s: s.one(bulksend_conn_id="nobody")
    ),
    "a connection of another type": Wrong(
        "E596",
        False,
        lambda s: s.one(bulksend_conn_id=s.connection("web", conn_type="http")),
    ),
    "a journal of another type": Wrong(
        "E596",
        False,
        lambda s: s.one(journal_conn_id=s.connection("db", conn_type="mysql")),
    ),
    "a store of another type": Wrong(
        "E694",
        False,
        lambda s: s.one(storage_conn_id=s.connection("web", conn_type="http")),
    ),
    "a connection without its secret": Wrong(
        "E500", False, lambda s: s.signed_in_as("id-7", "")
    ),
    "a wrong secret": Wrong(
        "E501", False, lambda s: s.signed_in_as("id-7", f"not-{SECRET}")
    ),
    "an account of somebody else's": Wrong("E503", False, Site.forbidden),
    "a sign-in that is away": Wrong(
        "E502",
        True,
        lambda s: s.signed_in_as("id-7", SECRET, token_url="http://127.0.0.1:1/x"),
    ),
    "a journal on one worker's disk": Wrong(
        "E690", False, lambda s: s.one(journal_conn_id="")
    ),
    "a journal that is away": Wrong(
        "E563",
        True,
        lambda s: s.one(journal_conn_id=s.connection("gone", **NOWHERE)),
    ),
    "a journal that lets nobody in": Wrong(
        "E561",
        False,
        lambda s: s.one(journal_conn_id=_renamed(s)),
    ),
    "without psycopg": Wrong("E560", False, Site.without_psycopg),
    "without obstore": Wrong("E691", False, Site.without_obstore),
    "expired storage": Wrong("E695", False, lambda s: s.stored(400, "ExpiredToken")),
    "refused storage": Wrong("E694", False, lambda s: s.stored(403, "AccessDenied")),
    "no such bucket": Wrong("E693", False, lambda s: s.stored(404, "NoSuchBucket")),
    "busy storage": Wrong("E698", True, lambda s: s.stored(503, "SlowDown")),
    "a shard that is none": Wrong("E565", False, lambda s: s.shard(2)),
    "a shard before the first": Wrong("E565", False, lambda s: s.shard(-1)),
    "a plan of another version": Wrong(
        "E620", False, lambda s: s.shard(0, s.of_another_version(format=77))
    ),
    "a plan with a key that is not ours": Wrong(
        "E620 .*send.haste", False, lambda s: s.shard(0, _hasty(s))
    ),
    "no plan": Wrong("E620", False, lambda s: s.shard(0, "list.csv")),
    "results of nothing": Wrong(
        "nothing was planned",
        False,
        lambda _: ResultsOperator(task_id="results", run_name="", plan=""),
    ),
    "a shard that was not sent": Wrong("messages are left", False, Site.left_over),
}


def _hasty(site: Site) -> str:
    return site.of_another_version(send={"haste": SECRET}, bulksend="9.9")


def _renamed(site: Site) -> str:
    """The journal's server, by a database that it does not have."""
    there = os.environ["AIRFLOW_CONN_JOURNAL"]
    head, _, tail = there.rpartition("/")
    query = tail.partition("?")[2]
    site.patch.setenv("AIRFLOW_CONN_OTHER", f"{head}/nothing?{query}")
    return "other"


@pytest.fixture
def site(
    desk: Desk, bandwidth: Bandwidth, journal: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """Its journal's connection is called `journal`."""
    assert journal == "journal"
    bandwidth()
    use(desk, monkeypatch)
    desk.people()
    with ExitStack() as stack:
        yield Site(desk, bandwidth, monkeypatch, stack)


@pytest.mark.parametrize("wrong", CASES.values(), ids=CASES)
def test_what_no_retry_can_help_fails_at_once(site: Site, wrong: Wrong) -> None:
    """A code, no secret, and AirflowFailException exactly where a retry is in vain."""
    operator = wrong.begin(site)

    with pytest.raises(AirflowException, match=wrong.code) as failed:
        operator.execute({"dag_run": Run(), "ti": Ti()})

    assert isinstance(failed.value, AirflowFailException) == (not wrong.is_retried)
    for secret in (SECRET, LEAK, "w0rker"):
        assert secret not in str(failed.value)
