"""The documents are true: what they show runs, what they name exists, nothing is left out."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement

import bulksend
from bulksend.cli import COMMANDS, cli
from bulksend.define.complaint import KEYS
from bulksend.define.schema import starter, write_starter
from bulksend.errors import InputError
from bulksend.journal.sql import schema
from bulksend.journal.states import Event, Status
from bulksend.prepare.names import RESULTS
from bulksend.settle.results import OUTCOMES
from docs import check_lock, generate

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")]
)
README = (ROOT / "README.md").read_text("utf-8")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
SET_UP = "python3 -m venv .venv && .venv/bin/pip install -q"

by_name = pytest.mark.parametrize(
    "path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text("utf-8")


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def blocks(text: str, language: str) -> list[str]:
    return [found[3] for found in FENCE.finditer(text) if found[2] == language]


def code_in(text: str) -> Iterator[str]:
    """Every line of a fenced block, and every code span outside of them."""
    for found in FENCE.finditer(text):
        yield from found[3].splitlines()
    for span in re.finditer(r"`([^`\n]+)`", FENCE.sub("", text)):
        yield span[1]


def first_cells(text: str) -> set[str]:
    """What stands in the first column of the tables, without its code marks."""
    return set(re.findall(r"^\| `?([\w. ]+?)`? \|", text, re.MULTILINE))


def run_there(folder: Path, *command: str) -> str:
    """Run a command as a person would, with this environment's `bulksend`."""
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# -- README -----------------------------------------------------------------------------


def test_readme_has_two_set_up_commands_each_complete() -> None:
    """Each makes the environment and installs; one runs the quickstart, one the tests."""
    assert blocks(section(README, "Set up"), "sh") == [
        f"{SET_UP} -e . && .venv/bin/bulksend run examples/quickstart/campaign.yaml\n",
        f"{SET_UP} -r tests/requirements.txt -e . && .venv/bin/python -m pytest -q\n",
    ]


def test_ci_runs_readmes_own_test_command() -> None:
    """What .ci/run takes out of README is the second command, word for word."""
    script = (ROOT / ".ci/run").read_text("utf-8")
    extraction = next(
        line for line in script.splitlines() if line.startswith("command=")
    )
    assert 'eval "$command"' in script
    found = run_there(ROOT, "bash", "-c", f'{extraction}; printf "%s\n" "$command"')
    assert found == blocks(section(README, "Set up"), "sh")[1]


@pytest.mark.slow
def test_readmes_ten_lines_run(tmp_path: Path) -> None:
    """The commands, and then the Python, in one folder, as they stand."""
    ten_lines = section(README, "Ten lines")
    (commands,), (python,) = blocks(ten_lines, "sh"), blocks(ten_lines, "python")
    lines = [line for line in (commands + python).splitlines() if line]
    assert len(lines) <= 11  # `import bulksend` is free

    shown = run_there(tmp_path, "bash", "-euc", commands)
    assert "Hi Ada, your code is SPRING-01." in shown
    assert shown.count("7 rows = 4 accepted + 3 excluded") == 3

    printed = run_there(tmp_path, sys.executable, "-c", python)
    assert printed.startswith("4 of 7 rows get a text\n")
    assert (tmp_path / "results/hello.csv").exists()


# -- what pages name --------------------------------------------------------------------


@by_name
def test_links_resolve(path: Path) -> None:
    """Each relative link leads to a file, and to a heading in it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@by_name
def test_commands_and_options_exist(path: Path) -> None:
    """What a page writes as ``bulksend COMMAND --option`` can be typed."""
    for line in code_in(path.read_text("utf-8")):
        for name, rest in re.findall(r"(?<!import )bulksend ([a-z]+)([^&|`]*)", line):
            assert name in COMMANDS, line
            known = generate.help_of(name)
            for option in re.findall(r"(?<=\s)--[a-z-]+", rest.partition(" # ")[0]):
                assert option in known, line
        if option := re.match(r"--[a-z-]+", line):
            assert any(option[0] in generate.help_of(name) for name in COMMANDS), line


@by_name
def test_files_exist(path: Path) -> None:
    """What a page writes as a path of the repository or of the package is there."""
    named = re.compile(
        r"(?<![\w/.-])[\w.-]+(?:/[\w.-]+)*/[\w-]+\.(?:py|sql|md|yaml|txt)\b"
    )
    for line in code_in(path.read_text("utf-8")):
        for name in named.findall(line):
            homes = (ROOT, ROOT / "bulksend", path.parent)
            assert any((home / name).exists() for home in homes), name


@by_name
def test_no_machine_is_named(path: Path) -> None:
    """No page knows the machine it was written on, or where packages come from."""
    known = re.compile(
        r"/(?:work|root|home|tmp)/|pypi|pythonhosted|index-url", re.IGNORECASE
    )
    assert not known.search(path.read_text("utf-8"))


# -- generated parts --------------------------------------------------------------------


@by_name
def test_generated_parts_are_fresh(path: Path) -> None:
    """`python docs/generate.py` would change nothing."""
    text = path.read_text("utf-8")
    assert generate.page(text) == text


def test_every_generated_part_is_on_a_page() -> None:
    """A table that no page shows is not documentation."""
    shown = "".join(path.read_text("utf-8") for path in PAGES)
    assert {found["name"] for found in generate.BLOCK.finditer(shown)} == set(
        generate.BLOCKS
    )


def test_a_stale_page_is_noticed() -> None:
    """A cell that somebody changed by hand is put right."""
    stale = page("errors").replace("`E100`", "`E099`")
    assert generate.page(stale) == page("errors")


# -- completeness -----------------------------------------------------------------------


def test_every_command_is_documented() -> None:
    """Each has its section, and each help shows an example."""
    for name in COMMANDS:
        assert f"Usage: bulksend {name}" in section(page("commands"), name)
        command = cli.get_command(None, name)  # type: ignore[arg-type]  # not used
        assert command is not None
        assert "Example:" in (command.help or ""), name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("campaign-file", KEYS),
        ("errors", bulksend.KINDS),
        ("errors", bulksend.REASONS),
        ("journal", Status),
        ("journal", Event),
        ("results", RESULTS),
        ("results", OUTCOMES),
    ],
)
def test_every_word_has_its_row(name: str, words: Any) -> None:
    """Keys, codes, reasons, statuses, events, columns: each begins a row of its page."""
    assert {str(word) for word in words} <= first_cells(page(name))


def test_every_exit_code_has_its_row() -> None:
    """Operations knows the codes 0 to 5."""
    found = first_cells(section(page("operations"), "Exit codes"))
    assert {str(code) for code in range(6)} <= found


def test_every_library_is_accounted_for() -> None:
    """Each dependency says why it was chosen, and nothing else is listed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    said = project["project"]
    extras = [one for extra in said["optional-dependencies"].values() for one in extra]
    needed = {Requirement(one).name for one in [*said["dependencies"], *extras]}
    libraries = section(page("architecture"), "Libraries")
    assert set(re.findall(r"^\| `([\w-]+)` \|", libraries, re.MULTILINE)) == needed
    for one in project["dependency-groups"]["dev"]:
        assert f"`{Requirement(one).name}`" in libraries


def test_the_changelog_knows_this_version() -> None:
    """Until it is released, its changes stand under Unreleased."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "## [Unreleased]" in text
    assert project["project"]["version"] in text


# -- what pages show --------------------------------------------------------------------

PEOPLE = """\
mobile,first_name,code,lang,updated_at
+19195550142,Ada,A-1,,2026-01-01
(919) 555-0142,Ada,A-2,es,2026-02-01
+19195550143,Grace,A-3,es,2026-01-01
"""


FRAGMENTS = blocks(page("campaign-file"), "yaml")[1:] + blocks(
    page("operations"), "yaml"
)


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_fragments_of_a_campaign_work(fragment: str, tmp_path: Path) -> None:
    """Put into the starter campaign, each can be planned, and no gate closes."""
    campaign = yaml.safe_load(starter("hello"))
    for key, value in yaml.safe_load(fragment).items():
        campaign[key] = (
            campaign.get(key, {}) | value if isinstance(value, dict) else value
        )
    (tmp_path / "hello.csv").write_text(PEOPLE, "utf-8")
    path = tmp_path / "hello.yaml"
    path.write_text(yaml.safe_dump(campaign), "utf-8")
    checked = bulksend.plan_campaign(path, environment={})
    assert not checked.gates
    assert checked.summary.sendable == 2


def test_the_example_of_an_error_is_real(tmp_path: Path) -> None:
    """The errors page shows what bulksend says of that mistake."""
    path, *_ = write_starter(tmp_path, "hello")
    text = path.read_text("utf-8").replace("{ first_name |", "{ frist_name |")
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        bulksend.plan_campaign(path, environment={})
    said = str(caught.value).replace(f"{tmp_path}/", "")
    assert blocks(page("errors"), "text")[0] == f"{said}\n"


def test_the_query_of_the_journal_page_runs() -> None:
    """Whoever looks into a journal can type it."""
    (query,) = blocks(page("journal"), "sql")
    database = sqlite3.connect(":memory:")
    try:
        database.executescript(schema())
        assert database.execute(query).fetchall() == []
    finally:
        database.close()


@pytest.mark.parametrize("python", blocks(page("operations"), "python"))
def test_python_for_others_compiles(python: str) -> None:
    """What runs inside Airflow cannot run here, but it is Python."""
    compile(python, "operations.md", "exec")


# -- campaigns and examples -------------------------------------------------------------


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("campaigns/*.yaml")), ids=lambda path: path.stem
)
def test_a_campaign_that_ships_can_be_sent(path: Path, tmp_path: Path) -> None:
    """Each loads, its list is read, somebody gets a text, and no gate closes."""
    home = {"BULKSEND_HOME": str(tmp_path)}
    checked = bulksend.plan_campaign(path, environment=home)
    assert not checked.gates
    assert checked.summary.sendable > 0
    assert checked.summary.reasons  # a list as lists are


def test_three_campaigns_ship() -> None:
    """A reminder, a sale, an outage; each is on the examples page."""
    found = {path.stem for path in ROOT.glob("campaigns/*.yaml")}
    assert found == {"reminder", "sale", "outage"}
    text = (ROOT / "examples/README.md").read_text("utf-8")
    assert all(name in text for name in found)


@pytest.mark.slow
def test_the_python_example_runs(tmp_path: Path) -> None:
    """It plans, sends to the simulator and reads its results; twice is once."""
    shutil.copytree(
        ROOT / "examples",
        tmp_path / "examples",
        ignore=shutil.ignore_patterns(".bulksend", "results"),
    )
    script = str(tmp_path / "examples/python_api.py")
    first, second = (
        re.search(
            r"^\{'accepted.*$",
            run_there(tmp_path, sys.executable, script),
            re.MULTILINE,
        )
        for _ in range(2)
    )
    assert first is not None
    assert second is not None
    assert "'accepted': 52" in first[0]
    assert first[0] == second[0]


# -- the lock ---------------------------------------------------------------------------

PROJECT = """
[project]
dependencies = ["aiohttp>=3.14,<4", "uvloop>=0.22; platform_system != 'Windows'"]
[dependency-groups]
dev = ["jsonschema[format]>=4.25", "Types_PyYAML"]
"""
LOCK = """
aiohttp==3.14.5
    # via bulksend
jsonschema==4.26.0
types-pyyaml==6.0.12
uvloop==0.23.0 ; sys_platform != 'win32'
"""


@pytest.mark.parametrize(
    ("change", "to", "said"),
    [
        ("", "", []),
        ("aiohttp==3.14.5\n", "", ["aiohttp is not in the lock"]),
        ("aiohttp==3.14.5", "aiohttp==4.0", ["aiohttp is pinned to 4.0; expected <4,>=3.14"]),
        ("==4.26.0", ">=4.26.0", ["jsonschema is not pinned: jsonschema>=4.26.0"]),
        ("types-pyyaml==6.0.12", "", ["Types_PyYAML is not in the lock"]),
        ("uvloop==0.23.0", "uvloop==0.21", ["uvloop is pinned to 0.21; expected >=0.22"]),
    ],
)  # fmt: skip
def test_a_lock_that_does_not_fit_is_told(
    change: str, to: str, said: list[str]
) -> None:
    """Missing, unpinned and outside the range: each dependency by name."""
    assert list(check_lock.problems(PROJECT, LOCK.replace(change, to))) == said


def test_the_lock_fits() -> None:
    """The committed lock satisfies the committed pyproject."""
    assert check_lock.main() == 0
