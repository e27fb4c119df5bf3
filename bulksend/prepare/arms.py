"""Whether the texts of an experiment make use of its arms.

Both slips are silent: everybody gets a text, and in the end the arms do not differ.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bulksend.define.document import clipped, suggestion
from bulksend.errors import Problem
from bulksend.prepare.names import ARM

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bulksend.define.load import Loaded

_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_COMPARED = re.compile(
    rf"\b{ARM}\s*[!=]=\s*(['\"])(.*?)\1|(['\"])([^'\"]*)\3\s*[!=]=\s*{ARM}\b"
)


def unused_arms(loaded: Loaded, texts: Sequence[tuple[str, str]]) -> list[Problem]:
    """What is odd of how the texts speak of the arms.

    Args:
        texts: Each text's key in the campaign file, and the text.

    Returns:
        E126 for an arm that there is none of; W126 where nothing speaks of them.
    """
    experiment = loaded.campaign.experiment
    if experiment is None:
        return []
    message = loaded.campaign.message
    every = [*texts, *((f"message.media[{n}]", u) for n, u in enumerate(message.media))]
    code = {key: " ".join(_CODE.findall(source)) for key, source in every}
    found = list(_strangers(loaded, code, tuple(experiment.arms)))
    told_apart = len(experiment.arms) - (experiment.holdout is not None)
    if told_apart > 1 and not any(
        re.search(rf"\b{ARM}\b", one) for one in code.values()
    ):
        what = "no text and no picture says `arm`, so all arms get the same"
        found.append(_problem(loaded, "W126", what, "experiment.arms"))
    return found


def _strangers(
    loaded: Loaded, code: dict[str, str], arms: tuple[str, ...]
) -> Iterator[Problem]:
    for key, said in code.items():
        words = [one[2] or one[4] or "" for one in _COMPARED.finditer(said)]
        for word in dict.fromkeys(words):
            if word in arms:
                continue
            what = f"`{clipped(word)}` is compared with `arm`, and no arm is called so"
            fix = suggestion(word.lower(), arms) or f"The arms are {', '.join(arms)}."
            yield _problem(loaded, "E126", what, key, fix)


def _problem(loaded: Loaded, code: str, what: str, key: str, fix: str = "") -> Problem:
    file, line = str(loaded.path), loaded.line_of(key)
    return Problem(code, what, fix=fix, file=file, line=line, column=key)
