"""The command line: parse, call the public face, print, exit code.

Commands are imported when they are called, so that `bulksend --help` stays quick.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from bulksend.cli.stopping import DEADLINE, stopping
from bulksend.cli.usage import Commands, path_error, usage_error
from bulksend.errors import BAD_INPUT, RESUMABLE, BulksendError, Problem, Stopped

COMMANDS = {
    "init": ("campaign", "Write a starter campaign that runs at once."),
    "check": ("campaign", "Show problems, counts, cost and time; sends nothing."),
    "preview": ("campaign", "Show the messages of chosen rows as they would arrive."),
    "plan": ("campaign", "Freeze a campaign and its list into a plan."),
    "run": ("sending", "Plan and send; run again to resume."),
    "test": ("test", "Send one row's message to numbers of your own."),
    "send": ("sending", "Send a plan as it stands."),
    "pause": ("control", "Send nothing more of a run until `resume`."),
    "resume": ("control", "Let a paused or aborted run go on."),
    "abort": ("control", "End a run for good; what is left is not sent."),
    "status": ("sending", "Show how every run stands."),
    "settle": ("settling", "Find out what became of unknown messages."),
    "poll": ("settling", "Ask Bandwidth what became of accepted messages."),
    "listen": (
        "listening",
        "Take in Bandwidth's callbacks: deliveries, failures, STOP.",
    ),
    "suppress": ("suppress", "Keep the list of who must not be texted."),
    "results": ("sending", "Write a run's results again."),
    "report": ("viewing", "Write a run's report: one HTML file."),
    "arms": ("arms", "Show what became of each arm of an experiment."),
    "schedule": ("schedule", "Show a campaign's slots, or what would start them."),
    "watch": ("viewing", "Watch a run while it goes: here, or in a browser."),
    "explain": ("explaining", "Tell all that was ever decided about a number."),
    "metrics": ("viewing", "Print the runs' counts for Prometheus."),
    "rules": (
        "rules",
        "Show the hours at which people may be texted, and their sources.",
    ),
    "purge": ("purging", "Remove numbers and texts of old runs; keep their counts."),
    "backup": ("control", "Copy journal and plans, also while a run sends."),
    "rehearse": (
        "rehearse",
        "Prove a campaign against faults and kills; sends nothing.",
    ),
    "simulate": ("simulate", "Serve a stand-in for Bandwidth on this machine."),
    "schema": ("campaign", "Print the JSON Schema of campaign files."),
}


class _Lazy(Commands):
    """Knows each command's name and line; imports it when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"bulksend.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
    epilog="""Exit codes: 0 done · 1 done, some refused or failed · 2 the input is wrong ·
    3 a gate or breaker refused · 4 stopped, run again to resume · 5 done, some unknown""",
)
@click.version_option(package_name="bulksend")
def cli() -> None:
    """Text campaigns from a YAML file and a list: each message once, at your rate.

    Example: bulksend init hello && bulksend run hello.yaml
    """


def main() -> None:
    """Run the command line; every problem ends in its exit code, never a traceback."""
    _open_streams()
    try:
        with stopping():
            cli.main(prog_name="bulksend", standalone_mode=False)
    except BulksendError as error:
        _end(error)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(BAD_INPUT)
    except click.ClickException as error:
        _end(usage_error(error))
    except (click.Abort, KeyboardInterrupt):
        _end(Stopped(Problem("E631", "Stopped; nothing more was done")))
    except BrokenPipeError:
        sys.exit(1)
    except SystemExit:
        raise
    except BaseException as error:  # a panic inside Polars is no Exception
        if os.environ.get("BULKSEND_DEBUG"):
            raise
        _unforeseen(error)


def _unforeseen(error: BaseException) -> NoReturn:
    """What may come from anywhere, and what should never come."""
    match error:
        case OSError(errno=errno.ENAMETOOLONG):
            _end(path_error(error))
        case OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EFBIG):
            from bulksend.cli.show import tell_unwritten

            tell_unwritten(error)
            DEADLINE.exit(RESUMABLE)
    _end(Stopped(Problem("E689", type(error).__name__)))


def _open_streams() -> None:
    """Let each standard stream that was closed at the start lead nowhere.

    Python has None in its place; and the next file opened, a plan or a log, would get
    its number, so that what anybody prints to that number would end in the file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115  (as long as the process)
            setattr(sys, name, stream)


def _end(error: BulksendError) -> NoReturn:
    """Say what was wrong, and end with its exit code."""
    from bulksend.cli.show import show_error, whoever_reads

    with whoever_reads():
        show_error(error)
    DEADLINE.exit(error.exit_code)
