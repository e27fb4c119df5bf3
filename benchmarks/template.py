"""How much faster a compiled template is than Jinja, and how near to the floor.

    python benchmarks/template.py

Ratios of CPU time in one process on one run: they travel between machines, nanoseconds
do not.  The floor is `concat_str` over the same columns, which checks nothing.
"""

from __future__ import annotations

import datetime as dt
import random
import resource
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
from jinja2 import Environment, StrictUndefined

from bulksend.prepare.template import compile_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROWS = 1_000_000
JINJA_ROWS = 20_000
FIRST = ["Anna", "Bob", "Christopher", "Élodie", "Jean-Luc", "Maria", "O'Neil", "Zoë"]
CITIES = ["Oslo", "Raleigh", "San Francisco", "Łódź", "Durham", "New York"]

TEMPLATES = {
    "three names": "Hi {{ first_name }} of {{ city }}, your code is {{ code }}. "
    "Reply STOP to end.",
    "names with defaults": "Hi {{ first_name | default('there') }} of "
    "{{ city | default('your city') }}, your code is {{ code }}. Reply STOP to end.",
    "if, filters, dates, numbers": "{% if points > 1000 %}Gold{% elif points > 100 %}"
    "Silver{% else %}Dear{% endif %} {{ first_name | upper }}, you have "
    "{{ points }} points worth {{ '%.2f' | format(price) }} until "
    "{{ '%02d' | format(points % 28 + 1) }}.{{ day }}. {{ city | default('-') }}",
}


def frame(rows: int) -> pl.DataFrame:
    rng = random.Random(1)
    start = dt.date(2026, 1, 1)
    return pl.DataFrame(
        {
            "first_name": [rng.choice(FIRST) for _ in range(rows)],
            "city": [rng.choice(CITIES) for _ in range(rows)],
            "code": [f"{rng.randrange(10**8):08d}" for _ in range(rows)],
            "points": [rng.randrange(2000) for _ in range(rows)],
            "price": [rng.randrange(10**6) / 100 for _ in range(rows)],
            "day": [start + dt.timedelta(days=rng.randrange(365)) for _ in range(rows)],
        }
    )


def cpu_per_row(work: Callable[[], object], rows: int, *, times: int = 5) -> float:
    """Nanoseconds, the best of *times*."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    best = float("inf")
    for _ in range(times):
        before = spent()
        work()
        best = min(best, spent() - before)
    return best / rows * 1e9


def floor_of(names: list[str]) -> pl.Expr:
    parts: list[pl.Expr] = []
    for name in names:
        parts += [pl.lit("some text, "), pl.col(name).cast(pl.String)]
    return pl.concat_str([*parts, pl.lit(" Reply STOP to end.")])


def by_polars(data: pl.LazyFrame, columns: Mapping[str, pl.Expr]) -> pl.DataFrame:
    return data.select(**columns).collect(engine="streaming")


def by_jinja(source: str, rows: list[dict[str, Any]]) -> list[str]:
    template = Environment(undefined=StrictUndefined, autoescape=False).from_string(
        source
    )
    return [template.render(row) for row in rows]


def main() -> None:
    data = frame(ROWS)
    rows = data.head(JINJA_ROWS).to_dicts()
    print(
        f"{'template':30}{'ours':>8}{'floor':>8}{'Jinja':>9}{'J/ours':>9}{'ours/fl':>9}"
    )
    for name, source in TEMPLATES.items():
        compiled = compile_template(source, data.schema)
        ours = {"text": compiled.text, "missing": compiled.missing}
        some = by_polars(compiled.over(data.head(2000).lazy()), ours)
        assert some["text"].to_list() == by_jinja(source, rows[:2000])
        used = [column for column in data.columns if column in compiled.names]
        base = {"text": floor_of(used)}

        took = cpu_per_row(partial(by_polars, compiled.over(data.lazy()), ours), ROWS)
        least = cpu_per_row(partial(by_polars, data.lazy(), base), ROWS)
        slow = cpu_per_row(partial(by_jinja, source, rows), JINJA_ROWS, times=3)
        print(
            f"{name:30}{took:8.0f}{least:8.0f}{slow:9.0f}"
            f"{slow / took:8.0f}x{took / least:8.2f}x"
        )


if __name__ == "__main__":
    main()
