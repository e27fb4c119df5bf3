"""Who gets a message: every row keeps its place, with a reason if it gets none.

All of it is expressions over the scan; nothing is collected.  `reason` is decided in one
order, the same for every row: the number, the policies, the lists, the message; then the
duplicates, so that a row which gets no message never stands in the way of another with
the same number; and last of all the holdout, so that it is a share of those who would
get one, as the other arms are.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import polars as pl

from bulksend.prepare.names import own
from bulksend.prepare.phones import e164_text, read_numbers
from bulksend.prepare.phones.findings import ENUMS
from bulksend.prepare.reasons import code
from bulksend.prepare.template.columns import NO_VALUE
from bulksend.prepare.template.pythonic import blank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulksend.define.campaign import Experiment
    from bulksend.define.recipients import Recipients

MOST_IN_GROUP = 10
_PRIME = 2_147_483_647
_ODD = 0x2545_F491_4F6C_DD1D
"""A multiplier that spreads 64 bits (Vigna's for xorshift64*)."""
READ_TYPE = ENUMS["type"]
_SEPARATORS = r"[;,|/\n]+"


def read(columns: Sequence[pl.Expr], region: str | None) -> list[pl.Expr]:
    """Each column's numbers, once: later steps must not ask for them again.

    Polars does not see that two equal calls of a Python function are one.
    """
    return [
        read_numbers(column, region).alias(own(f"read {place}"))
        for place, column in enumerate(columns)
    ]


def numbers(count: int, barred: Sequence[str]) -> list[pl.Expr]:
    """`e164` (Int64), `to`, `region`, `type`, `repair` and `refusal` of a row.

    Of several columns the first number wins whose kind of line is not in *barred*, else
    the first number; a row without one keeps the first column's reason, unless that is
    only that it is empty.
    """
    read = [pl.col(own(f"read {place}")) for place in range(count)]
    taken = _taken(read, barred)

    def chosen(field: str) -> pl.Expr:
        value = read[0].struct.field(field)
        for place, one in reversed(list(enumerate(read))[1:]):
            there = one.struct.field(field)
            value = pl.when(taken == place).then(there).otherwise(value)
        return value.alias(own(field))

    e164 = chosen("e164")
    refusals = [one.struct.field("reason").to_physical() for one in read]
    said = [pl.when(r != code("number_missing")).then(r) for r in refusals]
    return [
        e164.alias(own("e164")),
        e164_text(e164).alias(own("to")),
        chosen("region"),
        chosen("type"),
        chosen("repair"),
        pl.when(e164.is_null())
        .then(pl.coalesce(*said, *refusals))
        .alias(own("refusal")),
    ]


def _taken(read: Sequence[pl.Expr], barred: Sequence[str]) -> pl.Expr:
    """The place of the number that is used; null where there is none."""
    kinds = [str(kind) for kind in READ_TYPE.categories]
    codes = [kinds.index(kind) for kind in barred]
    first, any_kind = [], []
    for place, one in enumerate(read):
        is_number = one.struct.field("e164").is_not_null()
        is_barred = one.struct.field("type").to_physical().is_in(codes)
        first.append(pl.when(is_number & ~is_barred).then(place))
        any_kind.append(pl.when(is_number).then(place))
    return pl.coalesce(*first, *any_kind)


def read_group(columns: Sequence[pl.Expr], region: str | None) -> list[pl.Expr]:
    """The numbers of a group, one place after the other, and how many there are."""
    cells = pl.concat_str(list(columns), separator=";", ignore_nulls=True)
    parts = (
        cells.str.replace_all(_SEPARATORS, ";")
        .str.split(";")
        .list.eval(pl.element().str.strip_chars())
        .list.eval(pl.element().filter(pl.element() != ""))
    )
    places = [parts.list.get(place, null_on_oob=True) for place in range(MOST_IN_GROUP)]
    return [*read(places, region), parts.list.len().alias(own("count"))]


def group_numbers() -> list[pl.Expr]:
    """The same as `numbers` for group messages: every number of the row, each once.

    `e164` is a key of the group, whatever the order its numbers stand in.  One bad
    number refuses the row: a group that lacks somebody is another group.
    """
    read = [pl.col(own(f"read {place}")) for place in range(MOST_IN_GROUP)]
    count = pl.col(own("count"))
    found = pl.concat_list(one.struct.field("e164") for one in read).list.drop_nulls()
    found = found.list.unique().list.sort()
    refusals = [
        pl.when(count > place).then(one.struct.field("reason").to_physical())
        for place, one in enumerate(read)
    ]
    refusal = (
        pl.when(count.is_null() | (count == 0))
        .then(code("number_missing"))
        .when(count > MOST_IN_GROUP)
        .then(code("group_too_large"))
        .otherwise(pl.coalesce(refusals))
    )
    text = found.list.eval(e164_text(pl.element())).list.join(",")
    types = pl.concat_list(one.struct.field("type").cast(pl.String) for one in read)
    return [
        pl.when(refusal.is_null()).then(_group_key(found)).alias(own("e164")),
        pl.when(refusal.is_null()).then(text).alias(own("to")),
        read[0].struct.field("region").alias(own("region")),
        read[0].struct.field("type").alias(own("type")),
        read[0].struct.field("repair").alias(own("repair")),
        refusal.alias(own("refusal")),
        found.alias(own("members")),
        types.list.drop_nulls().alias(own("types")),
    ]


def _group_key(members: pl.Expr) -> pl.Expr:
    """64 bits of who is in a group; a sum would be the same for {1,5,6} and {2,3,7}."""
    key = pl.lit(0, pl.Int64)
    for place in range(MOST_IN_GROUP):
        member = members.list.get(place, null_on_oob=True).fill_null(0)
        key = (key ^ member) * _ODD  # Int64 wraps
    return key


def listed(numbers_listed: pl.Series, *, group: bool, every: bool = False) -> pl.Expr:
    """Whether the number is in a list of E.164 numbers; of a group anybody, or *every*."""
    if not group:
        return _contained(pl.col(own("e164")), numbers_listed)
    found = _contained(pl.element(), numbers_listed)
    members = pl.col(own("members")).list.eval(found)
    return members.list.all() if every else members.list.any()


def _contained(number: pl.Expr, listed: pl.Series) -> pl.Expr:
    """Whether each number is in a sorted list.

    `is_in` would hash the whole list for every batch, and a binary search in a million
    numbers misses the cache twenty times.  So a bitmap is asked first: it is small, and
    most people are on no list.
    """
    if not len(listed):
        return pl.lit(value=False)
    size = 1 << max(10, (len(listed) * 16).bit_length())
    slots = pl.repeat(value=False, n=size, eager=True)
    slots.scatter(listed % size, values=True)

    def look_up(numbers: pl.Series) -> pl.Series:
        known = numbers.fill_null(0)
        maybe = slots.gather(known % size).arg_true()
        wanted = known.gather(maybe)
        places = listed.search_sorted(wanted).clip(0, len(listed) - 1)
        found = maybe.filter(listed.gather(places) == wanted)
        on_list = pl.repeat(value=False, n=len(numbers), eager=True)
        return on_list.scatter(found, values=True) if len(found) else on_list

    return number.map_batches(look_up, return_dtype=pl.Boolean, is_elementwise=True)


def first_reason(*conditions: tuple[str, pl.Expr]) -> pl.Expr:
    """The code of the first reason whose condition holds; null where none does."""
    return pl.coalesce(
        pl.when(condition).then(code(name)) for name, condition in conditions
    )


def losing(key: pl.Expr, duplicates: str, ranks: Sequence[pl.Expr] = ()) -> pl.Expr:
    """Whether a row loses to another with the same key; null keys never do.

    Args:
        duplicates: ``keep``, ``first``, ``refuse``, ``last``, ``highest``, ``lowest``.

        ranks: What the last two rank by.
    """
    if duplicates == "keep":
        return pl.lit(value=False)
    if duplicates in ("first", "refuse"):
        winner = key.is_first_distinct()
    elif duplicates == "last":
        winner = key.is_last_distinct()
    else:
        row = pl.col("row")
        best = [r.arg_max() if duplicates == "highest" else r.arg_min() for r in ranks]
        winner = row == pl.coalesce(*(row.get(one) for one in best), row.first()).over(
            key
        )
    return key.is_not_null() & ~winner


def home(household: pl.Expr) -> pl.Expr:
    """A household's key; case does not count.

    An empty cell is no household, nor is a word for no value: else all those of whom no
    address is known would share one text.
    """
    text = household.str.strip_chars().str.to_lowercase()
    return pl.when(~blank(text, _NO_VALUE)).then(text)


_NO_VALUE = frozenset(word.lower() for word in NO_VALUE)


def says_nothing(text: pl.Expr) -> pl.Expr:
    """In any case: here no word is a person's name, as Null is in a text."""
    return blank(text.str.to_lowercase(), _NO_VALUE)


def sender(senders: Sequence[str], key: pl.Expr) -> pl.Expr:
    """Each person's sender: the same one whatever the order, the file or the run.

    Rendezvous hashing: every sender scores every number, the highest wins; a new sender
    takes over only the people for whom it wins.
    """
    if len(senders) == 1:
        return pl.lit(senders[0])
    scores = [score(one, key) for one in senders]
    highest = pl.max_horizontal(scores)
    choice = pl.lit(senders[-1])
    for name, own_score in reversed(list(zip(senders[:-1], scores[:-1], strict=True))):
        choice = pl.when(own_score == highest).then(pl.lit(name)).otherwise(choice)
    return choice


def arm(experiment: Experiment, key: pl.Expr) -> pl.Expr:
    """Each person's arm: the same whatever the order, the file or the run.

    Their score says where in the hundred percent they are; an arm is a stretch of it:
    first the holdout, which so stays when another arm is added, then the others by name.
    """
    place = score(f"arm of {experiment.name}", key)
    choice, end = pl.lit(None, pl.String), 100
    holdout = experiment.holdout
    stretches = sorted(experiment.arms.items(), key=lambda it: (it[0] != holdout, it))
    for name, share in reversed(stretches):
        choice = (
            pl.when(place * 100 < end * _PRIME).then(pl.lit(name)).otherwise(choice)
        )
        end -= share
    return pl.when(key.is_not_null()).then(choice)


def score(name: str, key: pl.Expr) -> pl.Expr:
    """A hash below 2^31, so that its products fit 64 bits on any version.

    Twice, with the upper half folded into the lower between: people of one exchange have
    numbers in a row, and a straight line would send most of them the same way.
    """
    digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
    first, second, third, fourth = (
        int.from_bytes(digest[at : at + 4], "big") % (_PRIME - 1) + 1
        for at in range(0, 16, 4)
    )
    once = ((key % _PRIME) * first + second) % _PRIME
    folded = (once // (1 << 15)) ^ once
    return (folded * third + fourth) % _PRIME


UNUSUAL_TYPES = ("premium_rate", "shared_cost", "pager", "uan", "voicemail")
"""Lines that a text fails at, or costs much at: they get none unless they are allowed."""


def barred_kinds(recipients: Recipients) -> list[str]:
    """The kinds of line that get nothing."""
    kinds = [str(kind) for kind in READ_TYPE.categories]
    if recipients.allow is None:
        return [kind for kind in kinds if kind in UNUSUAL_TYPES]
    allowed = {str(kind) for kind in recipients.allow}
    return [kind for kind in kinds if kind not in allowed]


def barred_type(recipients: Recipients, *, group: bool) -> pl.Expr:
    """The kind of line that gets nothing, as text; null where it gets a message."""
    barred = barred_kinds(recipients)
    if group:
        is_barred = pl.element().filter(pl.element().is_in(barred))
        return pl.col(own("types")).list.eval(is_barred).list.first()
    kinds = [str(kind) for kind in READ_TYPE.categories]
    codes = {kinds.index(kind): kind for kind in barred}
    kind = pl.col(own("type")).to_physical()
    return pl.when(kind.is_in(list(codes))).then(pl.col(own("type"))).cast(pl.String)
