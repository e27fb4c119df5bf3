"""The countries and states that a rule may be about: those a person can be known to be in."""

from __future__ import annotations

STATES = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DC", "DE", "FL", "GA", "HI", "ID", "IL",
    "IN", "IA", "KS", "KY", "LA", "MA", "MD", "ME", "MI", "MN", "MO", "MS", "MT", "NC",
    "ND", "NE", "NH", "NJ", "NM", "NV", "NY", "OH", "OK", "OR", "PA", "RI", "SC", "SD",
    "TN", "TX", "UT", "VA", "VT", "WA", "WI", "WV", "WY",
)  # fmt: skip
"""Of the United States, and the capital.  The territories are countries to ISO 3166, and
to a number."""

REGIONS = frozenset(
    """
    AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM
    BN BO BQ BR BS BT BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY
    CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH
    GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC
    MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
    NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA
    SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TG TH TJ TK
    TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA
    ZM ZW
    """.split()  # noqa: SIM905 - 245 quoted codes would be a page
)
"""ISO 3166-1 alpha-2 codes that libphonenumber has rules for, with AC, TA and XK, which
it adds: what a number without a country code can be read in.  A copy, so that reading a
campaign does not load libphonenumber; a test holds the two together."""

ANYWHERE = "*"


def any_part(country: str) -> str:
    """Somewhere in a country, nobody knows where: the rules of all its states hold."""
    return f"{country}-*"


def unknown(jurisdiction: str) -> str:
    """What is wrong with a rule's jurisdiction; empty for nothing.

    Of other countries than the United States no parts are known: their rules hold for all
    who are there.
    """
    country, _, part = jurisdiction.partition("-")
    if jurisdiction == ANYWHERE or (country in REGIONS and not part):
        return ""
    if country not in REGIONS:
        return f"there is no country {country}"
    if country != "US" or part in STATES:
        return ""
    if part in REGIONS:
        return f"{jurisdiction}: it is a country of its own here, {part}"
    return f"there is no state {jurisdiction}"
