"""A command line that cannot be read, as a problem like any other: code, fact, way out.

What was typed may be somebody's number or an address with a password, so only its names
are said back.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

NEAR = 0.6
MOST_SHOWN, MOST_SAID = 40, 200
_TYPED = re.compile(r"^'?([^' ]+)'?")


class Commands(click.Group):
    """A group that knows what was meant by a command that it has not."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Raises InputError (E141) where it has no such command."""
        name = args[0]
        is_asked = not (ctx.resilient_parsing or name.startswith("-"))
        if is_asked and self.get_command(ctx, name) is None:
            found = f"`{ctx.command_path}` has no command `{_shown(name)}`"
            raise InputError(
                Problem("E141", found, fix=_meant(name, self.list_commands(ctx), ctx))
            )
        return super().resolve_command(ctx, args)


def usage_error(error: click.ClickException) -> InputError:
    """What click found wrong with the words of a command."""
    return InputError(_problem(error))


def path_error(error: OSError) -> InputError:
    """A path that is longer than the system takes, wherever it was first looked at."""
    found = f"`{str(error.filename)[:MOST_SHOWN]}…`: file name too long"
    return InputError(Problem("E144", found, fix="Write a shorter path."))


def _problem(error: click.ClickException) -> Problem:
    ctx = getattr(error, "ctx", None) or click.get_current_context(silent=True)
    command = f"`{ctx.command_path}`" if ctx else "bulksend"
    match error:
        case click.NoSuchOption():
            found = f"{command} has no option `{_shown(error.option_name)}`"
            return Problem(
                "E142", found, fix=_meant(error.option_name, _options(ctx), ctx)
            )
        case click.MissingParameter(param=click.Parameter() as param):
            found = f"{command} needs {_named(param)}"
            return Problem("E143", found, fix=_usage(ctx))
        case click.BadOptionUsage() if "requires" in error.message:
            many = re.search(r"[0-9]+", error.message)
            values = f"{many[0]} values" if many else "a value"
            fix = "Write it behind the option."
            return Problem("E143", f"`{error.option_name}` needs {values}", fix=fix)
        case click.BadParameter(param=click.Parameter() as param):
            return _unfit(error, param, ctx)
        case _:
            return Problem("E144", f"{command}: {_said(error)}", fix=_usage(ctx))


def _unfit(
    error: click.BadParameter, param: click.Parameter, ctx: click.Context | None
) -> Problem:
    """A value that is none of an option's or argument's kind."""
    typed = _TYPED.match(error.message)
    word = f"`{_shown(typed[1])}`" if typed else ""
    fix = _see(ctx)
    match param.type:
        case click.Choice(choices=choices):
            expected = ", ".join(f"`{one}`" for one in choices)
            fix = _meant(typed[1] if typed else "", [*map(str, choices)], ctx)
        case click.IntRange(min=low, max=high):
            expected = f"a whole number from {low or 0:,}"
            expected += "" if high is None else f" to {high:,}"
        case click.DateTime():
            expected = "a day such as 2026-11-27"
        case _:
            word, expected = _said(error), ""
    return Problem("E144", f"{_named(param)}: {word}", expected, fix)


def _named(param: click.Parameter) -> str:
    is_option = isinstance(param, click.Option)
    return f"`{max(param.opts, key=len) if is_option else param.human_readable_name}`"


def _said(error: click.ClickException) -> str:
    """Click's own sentence as a clause; an address in it may have a password."""
    said = re.sub(r"\S+://\S+", "an address", _masked(error.format_message()))
    said = re.sub(r"^(Invalid value for .*?: |Option '\S+' )", "", said)
    return said[:1].lower() + said[1:MOST_SAID].rstrip(".")


def _shown(word: str) -> str:
    return _masked(word.partition("=")[0])[:MOST_SHOWN]


def _masked(text: str) -> str:
    from bulksend.logs import mask_words

    return mask_words(text)


def _options(ctx: click.Context | None) -> list[str]:
    params = ctx.command.get_params(ctx) if ctx else []
    return [one for param in params for one in param.opts if one.startswith("--")]


def _meant(word: str, names: Sequence[str], ctx: click.Context | None) -> str:
    """The name that is near, with where all of them stand."""
    plain = {one.lstrip("-"): one for one in names}
    near = get_close_matches(word.lower().lstrip("-"), plain, n=1, cutoff=NEAR)
    said = f"Did you mean `{plain[near[0]]}`? " if near else ""
    return said + _see(ctx)


def _see(ctx: click.Context | None) -> str:
    return f"See `{ctx.command_path} --help`." if ctx else ""


def _usage(ctx: click.Context | None) -> str:
    if ctx is None:
        return ""
    pieces: list[Any] = [ctx.command_path, *ctx.command.collect_usage_pieces(ctx)]
    return f"Write `{' '.join(map(str, pieces))}`. {_see(ctx)}"
