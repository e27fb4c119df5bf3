"""Many small campaigns, each killed several times and resumed until it is done."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import count
from typing import TYPE_CHECKING

from tests.crash.ground import FAULTS, Ground, Hung, Nursery, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = 60
KILLS = 5
"""A campaign."""

LONGEST_LIFE = 0.7
"""Seconds after which a sender is killed at the latest: about its whole life."""

FIELDS = 3
"""Campaigns at once: a sender mostly waits, for its pace, for answers that do not come."""

ENDS = 40
"""So often a campaign is run again before the barrage gives up on it."""

DONE = {0, 5}


def bombard(folder: Path, nursery: Nursery, seed: int) -> Verdict:
    """One campaign: killed `KILLS` times at random moments, then run to its end."""
    rng = random.Random(seed)
    rate = rng.choice(["150/s", "400/s", "1000/s"])
    ground = Ground(folder, ROWS, rate=rate, keeps_hours=rng.random() < 0.5)
    weather = FAULTS | {"slow_seconds": 0.3, "latency": (0.0, rng.choice([0.0, 0.05]))}
    if rng.random() < 0.5:  # an account that is too slow for the pace: 429s
        weather |= {"rate": 100.0, "queue_seconds": 0.1}
    kills = starts = 0
    with ground.served(rng, **weather):
        for turn in range(ENDS):
            ground.begin(nursery)
            starts += 1
            if turn < KILLS:
                time.sleep(rng.uniform(0, LONGEST_LIFE))
                nursery.kill()
            try:
                code = nursery.wait()
            except Hung as hung:
                raise AssertionError(
                    f"seed {seed}: {hung}\n{ground.printed()}"
                ) from hung
            kills += code == -9
            ground.note_orphans()
            if code in DONE and turn >= KILLS:
                break
            assert code in {-9, 4, 3, *DONE}, (code, ground.printed())
        verdict = ground.judge()
    verdict.kills, verdict.starts = kills, starts
    return verdict


def barrage(
    folder: Path,
    kills: int,
    seed: int,
    note: Callable[[int, Verdict], None] = lambda _seed, _verdict: None,
) -> Verdict:
    """Campaigns until *kills* senders were killed; *note* sees each one's seed and verdict.

    Where one of them fails, the others end what they are about, and begin no more.
    """
    total, seeds, one_at_a_time = Verdict(), count(seed + 1), threading.Lock()
    is_over = threading.Event()

    def fight() -> None:
        nonlocal total
        with Nursery() as nursery:
            while total.kills < kills and not is_over.is_set():
                with one_at_a_time:
                    mine = next(seeds)
                verdict = bombard(folder / f"{mine}", nursery, mine)
                with one_at_a_time:
                    note(mine, verdict)
                    total += verdict

    with ThreadPoolExecutor(FIELDS) as pool:
        fields = [pool.submit(fight) for _ in range(FIELDS)]
        try:
            for field in as_completed(fields):
                field.result()
        finally:
            is_over.set()
    return total
