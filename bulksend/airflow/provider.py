"""What Airflow reads about this package: the connection's form, links, classes."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """The entry point ``apache_airflow_provider``."""
    from importlib.metadata import version

    def text(label: str, about: str = "") -> dict[str, Any]:
        schema = {"type": ["string", "null"]}
        return {"label": label, "description": about, "schema": schema}

    return {
        "package-name": "bulksend",
        "name": "bulksend",
        "description": "Text campaigns through Bandwidth: each message once.",
        "versions": [version("bulksend")],
        "hooks": [
            {
                "integration-name": "bulksend",
                "python-modules": ["bulksend.airflow.hook"],
            }
        ],
        "operators": [
            {
                "integration-name": "bulksend",
                "python-modules": ["bulksend.airflow.operators"],
            }
        ],
        "integrations": [
            {
                "integration-name": "bulksend",
                "external-doc-url": "https://dev.bandwidth.com",
                "tags": ["service"],
            }
        ],
        "notifications": ["bulksend.airflow.notifier.BulksendNotifier"],
        "extra-links": ["bulksend.airflow.link.ReportLink"],
        "connection-types": [
            {
                "connection-type": "bulksend",
                "hook-class-name": "bulksend.airflow.hook.BulksendHook",
                "hook-name": "bulksend",
                "ui-field-behaviour": {
                    "hidden-fields": ["port", "schema"],
                    "relabeling": {
                        "login": "Client ID",
                        "password": "Client secret",
                        "host": "Messaging URL",
                    },
                    "placeholders": {"host": "leave empty for Bandwidth's own"},
                },
                "conn-fields": {
                    "account_id": text("Account ID"),
                    "application_id": text("Messaging application ID"),
                    "token_url": text("Token URL", "Leave empty for Bandwidth's own."),
                    "journal_conn_id": text(
                        "Journal connection", "A connection of type Postgres."
                    ),
                    "storage_conn_id": text(
                        "Storage connection",
                        "Of type aws, google_cloud_platform or wasb; empty for the "
                        "worker's own role.",
                    ),
                    "home": text(
                        "Home", "Where plans are: a folder of all workers, or s3://…"
                    ),
                },
            }
        ],
    }
