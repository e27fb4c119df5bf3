"""One campaign, sent by four tasks beside each other at one common rate."""

from datetime import timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from bulksend.airflow import BulksendTaskGroup

with DAG("reminder_in_shards", schedule=None) as dag:
    BulksendTaskGroup(
        campaign=str(Path(__file__).parent / "campaigns" / "reminder.yaml"),
        shards=4,
        slot="{{ run_id }}",  # each run of the DAG is a send of its own
        retry_delay=timedelta(minutes=1),
        journal_conn_id="bulksend_journal",
        outlet="reminder",
    )
