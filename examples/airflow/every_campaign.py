"""A DAG for each campaign file of the folder beside this one, by its own schedule.

Put this file, `campaigns` and `people.csv` into Airflow's DAG folder.
"""

from bulksend.airflow import campaign_dags

campaign_dags(globals(), "campaigns/*.yaml", journal_conn_id="bulksend_journal")
