"""What a plan costs: segments times the prices of a rate card.

Money is counted in micro-units, a millionth of the currency, as Int64: prices such as
0.00325 are whole numbers then, and the sum over any number of rows is exact.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, get_args

import polars as pl

from bulksend.define.kinds import LineType
from bulksend.errors import InputError, Problem
from bulksend.rules.jurisdictions import REGIONS

if TYPE_CHECKING:
    from collections.abc import Collection

MICRO = 1_000_000

_KEYS = ("currency", "default", "carrier_fee", "prices")
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
_MMS = "mms"
_KINDS = (*get_args(LineType), _MMS)


@dataclass(frozen=True, slots=True)
class RateCard:
    """What one segment costs, by ``REGION`` or ``REGION.line_type``.

    ``REGION.mms`` is the price of a whole MMS.  The narrowest key wins; a carrier fee
    is added to the price, and is 0 where the card has none.
    """

    currency: str = "USD"
    default: Decimal | None = None
    """The price of a segment in a region that `prices` does not have."""
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    carrier_fee: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def read(
        cls, section: object, *, file: str = "", at: str = "send.prices"
    ) -> RateCard:
        """The rate card that a section of the campaign file describes.

        Args:
            section: The section as YAML gave it.
            file: The campaign file, for problems.
            at: The section's path in that file, for problems.

        Raises:
            InputError: With everything that is wrong with the section.
        """
        reader = _Reader(file, at)
        card = reader.card(section)
        if reader.problems:
            raise InputError(reader.problems)
        return card

    def price(
        self,
        region: pl.Expr,
        line_type: pl.Expr,
        segments: pl.Expr,
        *,
        media: pl.Expr | None = None,
    ) -> pl.Expr:
        """Micro-units per message, Int64; null where the card has no price.

        Args:
            region: ISO 3166-1 alpha-2, as String or Enum.
            line_type: One of the `LineType` names, as String or Enum.
            segments: The message's segments.
            media: Whether it is an MMS, whose price does not depend on segments.
        """
        rate = _rate(self.prices, region, line_type, self.default)
        fee = _rate(self.carrier_fee, region, line_type, Decimal(0))
        text = segments.cast(pl.Int64) * (rate + fee)
        if media is None:
            return text

        whole = _of(self.prices, _MMS, region)
        surcharge = _of(self.carrier_fee, _MMS, region).fill_null(0)
        # No message, no price: an excluded row has no segments, MMS or not.
        mms = pl.when(segments.is_not_null()).then(whole + surcharge)
        return pl.when(media).then(mms).otherwise(text)


def micro(amount: Decimal) -> int:
    """An amount of the currency in micro-units; to the nearest one."""
    return int((amount * MICRO).to_integral_value(ROUND_HALF_UP))


def money(amount: int, currency: str) -> str:
    """Micro-units for people: ``$1,284.00``, ``CAD 12.50``.

    Cents, rounded half up; amounts below 1 keep what they have: ``$0.0075``.
    """
    sign, value = "-" if amount < 0 else "", Decimal(abs(amount)) / MICRO
    cents = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    shown = f"{cents:,}" if value >= 1 or value == cents else f"{value.normalize():f}"
    return f"{sign}{_SYMBOLS.get(currency, f'{currency} ')}{shown}"


def _rate(
    rates: Mapping[str, Decimal],
    region: pl.Expr,
    line_type: pl.Expr,
    default: Decimal | None,
) -> pl.Expr:
    kinds = sorted({kind for _, dot, kind in map(_parted, rates) if dot} - {_MMS})
    narrow = [
        pl.when(line_type.cast(pl.String) == kind).then(_of(rates, kind, region))
        for kind in kinds
    ]
    rest = pl.lit(None if default is None else micro(default), pl.Int64)
    return pl.coalesce(*narrow, _of(rates, "", region), rest)


def _of(rates: Mapping[str, Decimal], kind: str, region: pl.Expr) -> pl.Expr:
    """The rate of this kind in each region; null where there is none."""
    table = {
        name: micro(rate)
        for (name, _, own), rate in zip(
            map(_parted, rates), rates.values(), strict=True
        )
        if own == kind
    }
    return region.cast(pl.String).replace_strict(
        table, default=None, return_dtype=pl.Int64
    )


def _parted(key: str) -> tuple[str, str, str]:
    return key.partition(".")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a section, and keeps all that is wrong with it."""

    file: str
    at: str
    problems: list[Problem] = field(default_factory=list)

    def card(self, section: object) -> RateCard:
        if not isinstance(section, Mapping):
            expected = f"keys: {', '.join(_KEYS)}"
            self._report(Problem("E340", "not a rate card", expected))
            return RateCard()
        for key in section:
            if key not in _KEYS:
                fix = _nearest(str(key), _KEYS)
                if str(key).partition(".")[0] in REGIONS:
                    fix = f"Write it below `prices`: prices: {{{key}: ...}}."
                self._report(Problem("E340", "unknown key", ", ".join(_KEYS), fix), key)

        default = section.get("default")
        return RateCard(
            currency=self._currency(section.get("currency", "USD")),
            default=None if default is None else self._amount(default, "default"),
            prices=self._rates("prices", section.get("prices")),
            carrier_fee=self._rates("carrier_fee", section.get("carrier_fee")),
        )

    def _currency(self, code: object) -> str:
        if isinstance(code, str) and re.fullmatch("[A-Z]{3}", code):
            return code
        found, expected = f"{code!r} is not a currency", "an ISO 4217 code such as USD"
        self._report(Problem("E343", found, expected), "currency")
        return ""

    def _rates(self, name: str, rates: object) -> dict[str, Decimal]:
        if rates is None:
            return {}
        if not isinstance(rates, Mapping):
            expected = "regions below it, such as US: 0.0075"
            self._report(Problem("E340", "no rates", expected), name)
            return {}
        for key in rates:
            if problem := _wrong_key(key):
                self._report(problem, name, key)
        return {str(key): self._amount(rate, name, key) for key, rate in rates.items()}

    def _amount(self, value: object, *path: object) -> Decimal:
        amount = _decimal(value)
        if amount is None or not 0 <= amount < MICRO:
            expected = "a number from 0 up to a million"
            self._report(Problem("E342", f"{value!r} is not a price", expected), *path)
        elif amount * MICRO % 1:
            found, expected = f"{value} is finer than a millionth", "six decimals"
            self._report(Problem("E342", found, expected), *path)
        return amount or Decimal(0)

    def _report(self, problem: Problem, *path: object) -> None:
        column = ".".join(map(str, (self.at, *path)))
        self.problems.append(replace(problem, file=self.file, column=column))


def _wrong_key(key: object) -> Problem | None:
    if key is False:
        fix = 'Write it in quotes: "NO".'
        return Problem("E341", "YAML reads a bare NO as false", "a region", fix)
    region, dot, kind = _parted(str(key))
    if region not in REGIONS:
        meant = "GB" if region == "UK" else region.upper()
        fix = f"Did you mean `{meant}`?" if meant in REGIONS else ""
        return Problem("E341", f'"{region}" is not a region', "such as US", fix)
    if dot and kind not in _KINDS:
        fix = _nearest(kind, _KINDS)
        return Problem("E341", f'"{kind}" is not a line type', ", ".join(_KINDS), fix)
    return None


def _nearest(word: str, words: Collection[str]) -> str:
    near = difflib.get_close_matches(word, words, 1)
    return f"Did you mean `{near[0]}`?" if near else ""


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    try:
        # By way of text: Decimal(0.0075) would keep the float's binary remainder.
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
