"""One DAG for each campaign file, by its schedule."""

from __future__ import annotations

import logging
import re
from collections import Counter
from datetime import UTC, datetime
from glob import glob
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import DAG

from bulksend import InputError, load_schedule
from bulksend.airflow.group import RETRIES, BulksendTaskGroup
from bulksend.airflow.operators import BulksendOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence

try:
    from airflow.sdk import CronTriggerTimetable
except ImportError:  # Airflow 2
    from airflow.timetables.trigger import CronTriggerTimetable

logger = logging.getLogger(__name__)

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def campaign_dags(
    module: MutableMapping[str, Any], pattern: str, *, shards: int = 1, **task: Any
) -> None:
    """Put a DAG for each campaign file into *module*, a DAG file's ``globals()``.

    Only name and schedule are read here; the campaign is checked when its task runs.  A
    file that cannot be read becomes a DAG without a schedule, tagged `broken`, whose runs
    fail with what is wrong: the others are untouched.  Its text is in no DAG: Airflow
    hands what a DAG says of itself to whoever takes its lineage.

    Args:
        pattern: Such as ``campaigns/*.yaml``, from the DAG file's folder.

        shards: More than 1: several tasks beside each other, by `BulksendTaskGroup`.

        task: Keywords for the operators.
    """
    folder = Path(str(module.get("__file__", "."))).absolute().parent
    found = sorted(map(Path, glob(str(folder / pattern), recursive=True)))  # noqa: PTH207  (the pattern may be absolute)
    for dag_id, file in _named(found):
        module[f"dag_{dag_id}"] = _dag(dag_id, file, shards, task)


def _named(files: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Each file with the id of its DAG; two of one name are two DAGs."""
    names = [re.sub(r"[^\w.-]+", "_", file.stem)[:200] for file in files]
    shared = {name for name, times in Counter(names).items() if times > 1}
    for name, file in zip(names, files, strict=True):
        mark = blake2b(str(file).encode(), digest_size=3).hexdigest()
        yield f"bulksend_{name}_{mark}" if name in shared else f"bulksend_{name}", file


def _dag(dag_id: str, path: Path, shards: int, task: dict[str, Any]) -> DAG:
    tags, about = ["bulksend"], f"The campaign in `{path}`."
    try:
        known = load_schedule(path)
    except InputError as error:
        logger.warning("bulksend: %s", error)
        known, tags = None, [*tags, "broken"]
        about += "  Nothing starts it: `bulksend check` says what is wrong with it."
    timetable = CronTriggerTimetable(known.cron, timezone=known.zone) if known else None
    # A path is no template, whatever is in its name.
    campaign = f"{{% raw %}}{path}{{% endraw %}}" if "{" in str(path) else str(path)
    with DAG(
        dag_id=dag_id,
        schedule=timetable,
        start_date=_BEGIN,
        catchup=False,
        max_active_runs=1,
        tags=tags,
        doc_md=about,
    ) as dag:
        if shards > 1:
            BulksendTaskGroup(campaign=campaign, shards=shards, **task)
        else:
            task = {"retries": RETRIES} | task
            BulksendOperator(task_id="send", campaign=campaign, **task)
    return dag
