"""What is wrong, as a value; and the exceptions that carry it.

The terminal text, the JSON and docs/errors.md all come from one table, `kinds.KINDS`,
so they cannot disagree.  A `Problem` is one thing that is wrong: where it is, what is
there, what is expected and what to do.  Code that finds problems collects them all and
raises one `BulksendError`, so that a person sees everything at once.

    BulksendError              stops the program; carries problems and an exit code
    ├── InputError      (2)    the input is wrong; nothing was sent
    ├── GateRefused     (3)    a gate said no: nothing was sent, or nothing more
    └── Stopped         (4)    stopped half-way; run again to resume

What happened to a single message is never an exception: see `send/verdict.py`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from bulksend.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bulksend.kinds import Kind

DONE, SOME_FAILED, BAD_INPUT, REFUSED_BY_GATE, RESUMABLE, SOME_UNKNOWN = range(6)
"""Exit codes, as docs/operations.md lists them."""


def counted(count: int, one: str, many: str = "") -> str:
    """``1 row``, ``1,204 rows``, ``1 person``, ``2 people``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Args:
        code: A key of `KINDS`; ``W...`` shares its number's row and is a warning.

        found: What is there, as a clause without a full stop: ``"5551234" has 7 digits``.

        expected: What is expected instead, as a clause; empty where *found* says it.

        fix: What to do; the kind's usual way out when empty.

        file: The file as the user wrote it.

        line: 1-based line of a text file (campaign, template).

        row: Spreadsheet row; the header is row 1.

        column: Column name, or the key's path in a campaign file.

        more: How many further places have the same problem.
    """

    code: str
    found: str
    expected: str = ""
    fix: str = ""
    file: str = ""
    line: int | None = None
    row: int | None = None
    column: str = ""
    more: int = 0

    @property
    def kind(self) -> Kind:
        return KINDS["E" + self.code[1:]]

    @property
    def is_warning(self) -> bool:
        return self.code.startswith("W")

    @property
    def where(self) -> str:
        """``campaign.yaml:9: message.text`` or ``list.csv row 7, column "phone"``."""
        place = self.file
        if self.line is not None:
            place += f":{self.line}"
        if self.row is not None:
            place += f" row {self.row}"
        if not self.column:
            return place
        if self.row is not None or not place:
            return f'{place}, column "{self.column}"'.lstrip(", ")
        return f"{place}: {self.column}"

    def __str__(self) -> str:
        parts = [f"{self.code} "]
        if self.where:
            parts.append(f"{self.where}: ")
        parts.append(self.found)
        if self.expected:
            parts.append(f"; expected {self.expected}")
        parts.append(f". {self.fix or self.kind.fix}")
        if self.more:
            parts.append(f" {self.more:,} more like this.")
        return "".join(parts)

    def as_dict(self) -> dict[str, object]:
        """The same for machines; keys with nothing to say are left out."""
        shown = asdict(replace(self, fix=self.fix or self.kind.fix))
        shown = {
            key: value for key, value in shown.items() if value not in ("", None, 0)
        }
        return shown | {"title": self.kind.title}


class BulksendError(Exception):
    """Stops the program.  ``problems`` says why; ``exit_code`` is the process's."""

    exit_code: ClassVar[int] = BAD_INPUT

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[Any, ...]:
        """From one process to another: made of its problems, not of its words."""
        return type(self), (self.problems,), vars(self)


class InputError(BulksendError):
    """The input is wrong; nothing was sent."""


class GateRefused(BulksendError):  # noqa: N818  (it says what happened)
    """A gate said no (budget, breaker, credentials, another sender)."""

    exit_code = REFUSED_BY_GATE


class Stopped(BulksendError):  # noqa: N818  (it says what happened)
    """Stopped half-way with every row in a true state; run again to resume.

    ``resumes_at`` is when there will be something to send again (milliseconds since
    1970), where that is known.
    """

    exit_code = RESUMABLE
    resumes_at: int | None = None
