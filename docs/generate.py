"""Writes the generated parts of the pages in this folder; ``--check`` only compares.

A page is prose with blocks in it: what stands between ``<!-- generated: NAME -->`` and
``<!-- /generated -->`` comes from the function NAME below, and so from the program's own
tables.  The prose is nobody's but its author's.
"""

from __future__ import annotations

import difflib
import re
import sqlite3
import sys
import tomllib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from bulksend import codes
from bulksend.cli import COMMANDS, cli
from bulksend.define.campaign import SECTIONS
from bulksend.define.schema import starter
from bulksend.define.section import keys_of
from bulksend.define.sending import Send
from bulksend.journal.sql import schema
from bulksend.journal.states import TRANSITIONS, Status
from bulksend.kinds import KINDS
from bulksend.prepare.reasons import REASONS
from bulksend.rules.changes import rules_in_force
from bulksend.rules.pack import shipped_rules
from bulksend.send.verdict import RULES, Reached, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bulksend.define.kinds import Key
    from bulksend.journal.states import Event

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
WIDTH = 88

BLOCK = re.compile(
    r"(?P<open><!-- generated: (?P<name>\w+) -->\n).*?(?P<close><!-- /generated -->)",
    re.DOTALL,
)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def fenced(text: str, language: str = "text") -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"


def campaign_keys() -> str:
    """One table a section, in the file's order."""
    parts = []
    for section, shape in SECTIONS.items():
        defaults = shape.model_fields.values()
        rows = [
            (
                code(f"{section}.{name}".removeprefix(".")),
                key.about,
                key.expected,
                code(_written(key.example)),
                _default(key, field),
            )
            for (name, key), field in zip(keys_of(shape).items(), defaults, strict=True)
        ]
        title = f"`{section}`" if section else "At the top"
        head = ("key", "what it is for", "what it may be", "example", "default")
        parts.append(f"### {title}\n\n{table(head, rows)}")
    return "\n".join(parts)


def _sentence(clause: str) -> str:
    return clause[0].upper() + clause[1:] + "."


def _written(value: object) -> str:
    """A value as one would write it into the file."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _default(key: Key, field: Any) -> str:
    if field.is_required():
        return "**needed**"
    if field.default_factory is not None:
        return code(field.default_factory({"name": "NAME", "send": Send()}))
    if field.default in (None, ()) or isinstance(key.example, dict):
        return ""
    value = field.default
    return code(str(value).lower() if isinstance(value, bool) else str(value))


def starter_campaign() -> str:
    return fenced(starter("hello"), "yaml")


def commands() -> str:
    return "\n".join(f"## {name}\n\n{fenced(help_of(name))}" for name in COMMANDS)


def help_of(name: str) -> str:
    """What ``bulksend NAME --help`` prints on a wide terminal; then its subcommands'."""
    top = click.Context(cli, info_name="bulksend", **cli.context_settings)
    command = cli.get_command(top, name)
    assert command is not None
    context = click.Context(command, top, info_name=name, terminal_width=WIDTH)
    below = [
        part.get_help(
            click.Context(part, context, info_name=each, terminal_width=WIDTH)
        )
        for each, part in getattr(command, "commands", {}).items()
    ]
    return "\n\n\n".join([command.get_help(context), *below])


GROUPS = {
    "E1": "The campaign file",
    "E2": "The recipients",
    "E3": "The template and the message",
    "E4": "Gates",
    "E5": "The provider and the sign-in",
    "E6": "Journal, plan and output",
}


def errors() -> str:
    parts = []
    for prefix, title in GROUPS.items():
        kinds = [kind for name, kind in sorted(KINDS.items()) if name[:2] == prefix]
        rows = [(code(kind.code), _sentence(kind.title), kind.fix) for kind in kinds]
        parts.append(f"### {title}\n\n{table(('code', 'what', 'what to do'), rows)}")
    return "\n".join(parts)


BILLED = {True: "yes", False: "no", None: "not said"}


def delivery_codes() -> str:
    rows = [
        (
            code(str(one.code)),
            code(one.name),
            one.group,
            BILLED[one.billed],
            one.retry,
            chosen_by(one.code),
            one.meaning,
            one.fix,
        )
        for one in codes.table().values()
    ]
    head = ("code", "name", "about", "billed", "again", "`--only`")
    return table((*head, "what happened", "what to do"), rows)


def chosen_by(number: int) -> str:
    """The words after `run --only` that send a message again which failed once so."""
    takes = {"failed": codes.may_fare_better, "retryable": codes.is_retryable}
    words = (word for word, does in takes.items() if does(str(number), by_carrier=0))
    return ", ".join(map(code, words))


def reasons() -> str:
    rows = [
        (code(one.code), one.sentence.replace("{detail}", "…"), one.fix)
        for one in REASONS.values()
    ]
    return table(("reason", "what", "what to do"), rows)


def state_diagram() -> str:
    arrows = [
        f"    {status} --> {then}: {', '.join(events)}"
        for status in TRANSITIONS
        for then, events in _arrows(status).items()
        if then is not status
    ]
    ends = [
        f"    {status} --> [*]" for status, moves in TRANSITIONS.items() if not moves
    ]
    lines = ["stateDiagram-v2", f"    [*] --> {Status.PLANNED}", *arrows, *ends]
    return fenced("\n".join(lines), "mermaid")


def transitions() -> str:
    rows = [
        (code(status), ", ".join(events), code(then))
        for status in TRANSITIONS
        for then, events in _arrows(status).items()
    ]
    return table(("a message that is", "on", "becomes"), rows)


def _arrows(status: Status) -> dict[Status, list[Event]]:
    """Where the events of a status lead, those with one end together."""
    found: dict[Status, list[Event]] = {}
    for event, then in TRANSITIONS[status].items():
        found.setdefault(then, []).append(event)
    return found


def journal_tables() -> str:
    columns = """
        select one.name, group_concat(its.name)
        from sqlite_master as one, pragma_table_info(one.name) as its
        where one.type = 'table' group by one.name order by one.rowid
    """
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(schema())
        found = database.execute(columns).fetchall()
    rows = [(code(name), ", ".join(map(code, its.split(",")))) for name, its in found]
    return table(("table", "columns"), rows)


def verdicts() -> str:
    rows = [
        (
            _sentence(rule.reached.value),
            _statuses(rule),
            _sentence(rule.body.value) if rule.body else "",
            code(TRANSITIONS[Status.CLAIMED][rule.event]),
            _sentence(rule.action),
        )
        for rule in RULES
    ]
    head = ("how far", "status", "body", "the message is", "and then")
    return table(head, rows)


def _statuses(rule: Rule) -> str:
    if rule.reached is not Reached.ANSWERED:
        return ""
    if rule.statuses is None:
        return "any other"
    if isinstance(rule.statuses, range):
        return f"any other {rule.statuses.start}–{rule.statuses.stop - 1}"  # noqa: RUF001
    return ", ".join(map(str, rule.statuses))


def tree() -> str:
    """One line a file: the first sentence that the file says about itself."""
    contracts = _settings()["importlinter"]["contracts"]
    core = next(one for one in contracts if one["name"] == "The core does no I/O")
    parts = []
    for folder in sorted({path.parent for path in _files()}):
        rows = [
            (code(path.name), _first_line(path), "pure" if _is_pure(path, core) else "")
            for path in _files()
            if path.parent == folder and path.name != "__init__.py"
        ]
        about = _first_line(folder / "__init__.py")
        name = folder.relative_to(ROOT).as_posix()
        parts.append(f"### `{name}/`\n\n{about}\n\n{table(('file', 'what', ''), rows)}")
    return "\n".join(parts)


def _files() -> list[Path]:
    found = (ROOT / "bulksend").rglob("*")
    return sorted(
        one for one in found if one.suffix in {".py", ".sql", ".jinja", ".yaml"}
    )


def _first_line(path: Path) -> str:
    """The first paragraph of a docstring or of the comment that opens a file."""
    text = path.read_text("utf-8").split("\n\n", 1)[0]
    if match := re.match(r'r?"""(.+?)(?:"""|$)', text, re.DOTALL):
        return " ".join(match[1].split())
    if text.startswith("--"):
        return " ".join(line.lstrip("- ") for line in text.splitlines())
    if text.startswith("#"):
        comment = (line for line in text.splitlines() if line.startswith("#"))
        return next(comment).lstrip("# ")
    return f"`python -m {path.parent.name}`." if path.name == "__main__.py" else ""


def _is_pure(path: Path, core: dict[str, Any]) -> bool:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return any(f"{module}.".startswith(f"{one}.") for one in core["source_modules"])


def contracts() -> str:
    """The layers, the highest first, and the other rules that CI holds."""
    found = _settings()["importlinter"]["contracts"]
    layers = " → ".join(code(layer) for layer in found[0]["layers"])
    others = "".join(f"- {one['name']}.\n" for one in found[1:])
    return f"{layers}\n\n{others}"


def _settings() -> dict[str, Any]:
    tools: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    settings: dict[str, Any] = tools["tool"]
    return settings


def rules() -> str:
    """The rules as the pack has them now, each with its source."""
    pack = shipped_rules()
    rows = [
        (
            code(row.id),
            row.jurisdictions.replace("*", "any other"),
            row.hours,
            str(row.per_day or ""),
            f"{row.kind}: [{row.source}]({row.url})",
        )
        for row in rules_in_force(pack, pack.checked)
    ]
    head = ("rule", "where", "local hours", "a person in 24 h", "source")
    return f"Checked on {pack.checked}.\n\n{table(head, rows)}"


BLOCKS: dict[str, Callable[[], str]] = {
    "campaign_keys": campaign_keys,
    "commands": commands,
    "contracts": contracts,
    "delivery_codes": delivery_codes,
    "errors": errors,
    "journal_tables": journal_tables,
    "reasons": reasons,
    "rules": rules,
    "starter_campaign": starter_campaign,
    "state_diagram": state_diagram,
    "transitions": transitions,
    "tree": tree,
    "verdicts": verdicts,
}


def page(text: str) -> str:
    """A page with its blocks as they must be now."""
    return BLOCK.sub(
        lambda found: f"{found['open']}\n{BLOCKS[found['name']]()}\n{found['close']}",
        text,
    )


def main(arguments: Sequence[str]) -> int:
    stale = 0
    for path in sorted(FOLDER.glob("*.md")):
        is_now = path.read_text("utf-8")
        must_be = page(is_now)
        if is_now == must_be:
            continue
        stale += 1
        if "--check" in arguments:
            lines = is_now.splitlines(), must_be.splitlines()
            print(
                *difflib.unified_diff(*lines, path.name, "generated", "", "", 0, ""),
                sep="\n",
            )
        else:
            path.write_text(must_be, "utf-8")
            print(f"wrote {path.name}")
    if stale and "--check" in arguments:
        print("Run: python docs/generate.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
