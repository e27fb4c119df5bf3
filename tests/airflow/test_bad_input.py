"""What is wrong, said with its code; and tried again only where that can help."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from bulksend.airflow import BulksendOperator, PlanOperator
from bulksend.storage.objects import Objects
from tests.airflow.here import Run
from tests.storage.refusing import LEAK, Answer, refusing

if TYPE_CHECKING:
    from tests.flow.desk import Desk


pytestmark = [pytest.mark.usefixtures("airflow"), pytest.mark.slow]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"journal_conn_id": "nowhere"}, "E563"),
        ({"journal_conn_id": ""}, "E690"),
        ({"campaign": "none.yaml"}, "E100"),
    ],
)
def test_what_no_retry_can_help_fails_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], code: str
) -> None:
    """Wrong input is AirflowFailException; a server that is away is tried again."""
    desk.people()
    said: dict[str, Any] = {
        "campaign": str(desk.campaign(provider="simulator")),
        "allow_local_journal": code == "E100",
    } | changes
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", "postgres://u:t0p-s3cret@127.0.0.1:1/x")
    operator = BulksendOperator(task_id="send", **said)

    kind = AirflowException if code == "E563" else AirflowFailException
    with pytest.raises(kind, match=code) as failed:
        operator.execute({"dag_run": Run(), "ti": None})

    assert isinstance(failed.value, AirflowFailException) == (code != "E563")
    assert "t0p-s3cret" not in str(failed.value)


STORES = {
    "expired": (Answer(400, "ExpiredToken"), "E695", AirflowFailException),
    "refused": (Answer(403, "AccessDenied"), "E694", AirflowFailException),
    "no bucket": (Answer(404, "NoSuchBucket"), "E693", AirflowFailException),
    "busy": (Answer(503, "SlowDown"), "E698", AirflowException),
}


@pytest.mark.parametrize(("answer", "code", "kind"), STORES.values(), ids=STORES)
def test_a_store_is_asked_again_only_where_that_can_help(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    code: str,
    kind: type[Exception],
) -> None:
    """By the connection's credentials, which are in no message."""
    pytest.importorskip("obstore")
    monkeypatch.setattr("bulksend.home.Objects", partial(Objects, retries=0))
    desk.campaign(
        provider="simulator",
        recipients={"path": "s3://crm/list.csv", "phone": "mobile"},
    )
    with refusing(answer) as url:
        monkeypatch.setenv(
            "AIRFLOW_CONN_CRM",
            json.dumps(
                {
                    "conn_type": "aws",
                    "login": "AKIA",
                    "password": LEAK,
                    "extra": {"endpoint_url": url},
                }
            ),
        )
        operator = PlanOperator(
            task_id="plan",
            campaign=str(desk.folder / "hello.yaml"),
            storage_conn_id="crm",
            allow_local_journal=True,
        )
        with pytest.raises(kind, match=code) as failed:
            operator.execute({"dag_run": Run(), "ti": None})
    assert isinstance(failed.value, AirflowFailException) == (code != "E698")
    assert LEAK not in str(failed.value)
