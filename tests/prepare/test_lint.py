"""What a text should not say, or lack; and that a reason switches it off."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bulksend.errors import InputError
from bulksend.planning import load_campaign
from bulksend.prepare.hosts import hosts, is_lookalike
from bulksend.prepare.links import _Judge
from bulksend.prepare.lint import (
    CHECKS,
    Text,
    _tells,
    without_placeholders,
)
from bulksend.prepare.lint import (
    lint as lint_texts,
)
from bulksend.prepare.opting_out import around_the_words, says_how
from bulksend.prepare.placeholders import clause
from bulksend.prepare.placeholders import found as placeholders
from tests.prepare.planning import campaign, codes, plan

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = "phone,link,first_name\n9192345671,bit.ly/x,Ana\n9192345672,x.example/a,Ben\n"
REAL = {"provider": "bandwidth", "application_id": "x"}
GOOD = "Blue Fern: your table is ready. bluefern.example/t Reply STOP to end."
OURS = {"brand": "Blue Fern", "domains": "bluefern.example"}


def found(
    folder: Path, text: str, lint: dict[str, Any] | None = None, **more: Any
) -> list[str]:
    """The codes of what is said about a text, errors and gates too."""
    sections: dict[str, Any] = {"message": {"text": text}} | more
    if lint:
        sections["lint"] = lint
    try:
        checked = plan(folder, PEOPLE, **sections)
    except InputError as error:
        return [problem.code for problem in error.problems]
    return codes(checked) + [gate.code for gate in checked.gates]


CASES = [
    (GOOD, OURS, []),
    ("Your table is ready. Reply STOP to end.", OURS, ["W350"]),
    ("Your table is ready. Reply STOP to end.", {}, []),
    ("BLUE FERN: your table is ready. Text stop to end.", OURS, []),
    ("Blue Fern: your table is ready.", OURS, ["W351"]),
    ("Blue Fern: our sale ends soon, do not stop.", OURS, ["W351"]),
    ("Blue Fern: ready. To opt out, write to us.", OURS, []),
    ("Blue Fern https://bit.ly/abc Reply STOP to end.", OURS, ["E352"]),
    ("Blue Fern www.tinyurl.com/abc Reply STOP to end.", {}, ["E352"]),
    ("Blue Fern rabbit.ly/abc Reply STOP to end.", {}, []),
    ("Blue Fern https://elsewhere.example/a Reply STOP to end.", OURS, ["W353"]),
    ("Blue Fern https://shop.bluefern.example/a Reply STOP to end.", OURS, []),
    ("Blue Fern: 10% off beer. Reply STOP to end.", OURS, ["W354"]),
    ("Blue Fern: begun is half done. Reply STOP to end.", OURS, []),
    ("BLUE FERN HAS A GREAT BIG SALE TODAY. Reply STOP to end.", OURS, ["W356"]),
    ("Blue Fern: hi {surname}. Reply STOP to end.", OURS, ["W357"]),
    ("Blue Fern: hi [FIRST_NAME]. Reply STOP to end.", OURS, ["E357"]),
    ("Blue Fern: hi {{ first_name }}. Reply STOP to end.", OURS, []),
    ("Blue Fern: hi {{ first_name }}} ok Reply STOP to end.", OURS, ["W357"]),
    ("Blue Fern: hi {{ first_name }}{ ok Reply STOP to end.", OURS, ["W357"]),
    ("Blue Fern: hi { ok Reply STOP to end.", OURS, ["W357"]),
]


FOREIGN = [
    "{name}", "{First Name}", "{first.name}", "${name}", "#{name}", "[FIRST_NAME]", "[First Name]",
    "[first_name]", "[Appointment Date]", "[[name]]", "((name))", "<<First Name>>", "«First_Name»",
    "<first_name>", "<First Name>", "%FNAME%", "%first_name%", "%First Name%", "%%first_name%%",
    "%(name)s", "%1$s", "*|FNAME|*", "*|IF:FNAME|*", "##name##", "{#var#}", "{name|friend}",
]  # fmt: skip


@pytest.mark.parametrize("placeholder", FOREIGN)
def test_the_placeholders_of_other_tools_are_none_of_ours(
    tmp_path: Path, placeholder: str
) -> None:
    """Mailchimp's, Word's, SMS tools': they would be sent as they stand."""
    text = f"Blue Fern: hi {placeholder}. Reply STOP to end."
    (tmp_path / "text.txt").write_text(text, "utf-8")  # a ${name} in YAML is E105
    people = "phone,link\n9192345671,x\n"
    checked = plan(tmp_path, people, message={"text": None, "file": "text.txt"})
    (said,) = [n for n in checked.notices if n.code == "W357"]
    assert said.found == f"`{placeholder}` looks like a placeholder and is none"


COLUMNS = ["Code", "prénom", "voucher_no", "name", "First Name"]
MEANT = [
    # in the text · what to write · whether the name is a column's to the letter
    ("{ code }", "code", True), ("{code}", "code", True), ("{ Code}", "code", True), ("${code}", "code", True),
    ("$code", "code", True), ("$(code)", "code", True), ("<<name>>", "name", True), ("%name%", "name", True),
    ("[name]", "name", True), ("[ name ]", "name", True), ("[prénom]", "prénom", True), ("$prénom", "prénom", True),
    ("<prénom>", "prénom", True), ("@code@", "code", True), ("#code#", "code", True), ("|code|", "code", True),
    ("*|CODE|*", "code", True), ("{First Name}", "first_name", True), ("[first name]", "first_name", True),
    ("{firstname}", "first_name", False), ("$voucher_n", "voucher_no", False), ("[voucherno]", "voucher_no", False),
    ("%voucher%", "voucher_no", False), ("{ codes }", "code", False), ("{ amount }", "", False),
]  # fmt: skip
NOT_MEANT = [
    "$5", "US$ 20", "$amount off", "[Blue Fern]", "[ad]", "<3", "a < code > b is true", "@codes", "#code", "code",
    "(code)", "the code: name", "{{ code }}", "C#code", "5 | 6 | 7", "name@code.example", "[soon]", "$1code",
]  # fmt: skip


def test_another_tool_s_placeholder_that_names_a_column_says_what_to_write() -> None:
    """An error where it is the column's name, a warning where it is nearly."""
    for written, column, is_sure in MEANT:
        every = placeholders(written, written, COLUMNS)
        assert [(one.written, one.is_sure) for one in every] == [(written, is_sure)]
        said = clause(every)
        looks = f"`{written}` looks like a placeholder and is none"
        assert said == looks + (f"; there is {{{{ {column} }}}}" if column else "")
    for text in NOT_MEANT:
        assert placeholders(text, without_placeholders(text), COLUMNS) == [], text


def test_another_tool_s_placeholder_that_names_a_column_stops_a_campaign(
    tmp_path: Path,
) -> None:
    """It would be sent as it stands to all; a reason switches that off."""
    text = "Blue Fern: hi $first_name { other }"
    with pytest.raises(InputError) as caught:
        plan(tmp_path, PEOPLE, message={"text": text})
    (problem,) = caught.value.problems
    assert problem.code == "E357"
    assert "`$first_name` looks like" in problem.found
    assert "{{ first_name }}" in problem.found
    for code, rest in (("E357", ["W357"]), ("W357", [])):
        assert found(tmp_path, text, {"ignore": {code: "it is our joke"}}) == rest


@pytest.mark.parametrize(
    "words",
    [
        "[Blue Fern] is open", "10% off, 20% back", "(or 5%) a 3% b", "save 50%now%", "a < b > c",
        "it is (very) good", "[ad] [1] [OK]", "$5 {} #1", "{{ first_name }} {% if first_name %}a{% endif %}",
        "*really* | no", "#sale #now", "{# a note #}",
    ],
)  # fmt: skip
def test_what_only_resembles_a_placeholder_is_left_alone(
    tmp_path: Path, words: str
) -> None:
    """A sender in brackets, two percentages, a hashtag, our own language."""
    text = f"Blue Fern: {words}. Reply STOP to end."
    assert "W357" not in found(tmp_path, text)


LONE = [
    # in the text · what is named
    ("{{ first_name }}} ok", "}"), ("{{ first_name }}{ ok", "{"), ("{ ok", "{"), ("ok }", "}"), ("ok{", "{"),
    ("a{ b", "{"), ("{ first_name }} ok", "}}"), ("{% if first_name %}a!{% endif %}} b", "}"), ("ok {", "{"),
    ("{{{ first_name }} }", "}"), ("{% if first_name %}{{% endif %} b", "{"), ("{{ first_name }}{first_name", "{first_name"),
    ("{{ first_name }}first_name}", "first_name}"), ("{a: b} {", "b}"), ("{{ first_name }}}{{ link }}", "}"),
    (":-} ;} =} :-{ {} {!}", ""), ("{{ '{' }} {{ link }}", ""), ("{# } #}", ""),
]  # fmt: skip


@pytest.mark.parametrize(("words", "named"), LONE)
def test_a_brace_without_its_other_one_is_told(words: str, named: str) -> None:
    """Right behind a placeholder too: `{{ first_name }}}` is sent as `Ana}`."""
    every = placeholders(words, without_placeholders(words), ["first_name", "link"])
    assert named in [one.written for one in every] or not (named or every)
    assert len({one.written for one in every}) == len(every)


def test_all_placeholders_of_another_tool_are_named(tmp_path: Path) -> None:
    """The first three, and how many more."""
    text = "Blue Fern: {a} <<b>> [CODE] %city% {a} <<d>>. Reply STOP to end."
    checked = plan(tmp_path, PEOPLE, message={"text": text})
    (said,) = [n for n in checked.notices if n.code == "W357"]
    named = "`{a}`, `<<b>>`, `[CODE]` and 2 more"
    assert said.found == f"{named} look like placeholders and are none"


HOSTILE = {
    "E352": (
        [
            "bit.ly#x", "bit.ly?x=1", "bit.ly/x", "BIT.LY/X", "https://bit.ly", "http://bit.ly:80/x",
            "https://me@bit.ly/x", "https://bluefern.example@bit.ly/x", "www.bit.ly/x", "bit.ly./x",
            "https://bit\u00ad.ly/x", "b\u200dit.ly/x", "https://b%69t.ly/x", "bit%2Ely/x", "https://bit.ly\\x",
            "https://a@b@bit.ly/x", "https://bluefern.example/?to=https://bit.ly/x", "bit.do/x", "soo.gd/x",
            "tny.im/x", "shorte.st/x", "(bit.ly/x)", "see:bit.ly/x", "https://t.co/x", "tinyurl.com/x", "HTTPS://TINYURL.COM/x",
            "is.gd/x,", "bit.ly/{{ first_name }}", "https://bit.ly{{ first_name }}", "bit.ly", "j.mp/x",
            "surl.li/x", "short.gy/x", "urlz.fr/x", "qr.ae/x", "x.co/x", "tiny.pl/x", "bc.vc/x", "chilp.it/x",
            "mcaf.ee/x", "u.nu/x", "zpr.io/x", "x.co", "tiny.pl", "go to u.nu.", "da.gd/x", "spoo.me/x", "shor.by/x", "smarturl.it/x",
        ],
        [
            "rabbit.ly/x", "habit.lyrics", "bit.lyon/x", "mybit.ly.example/x", "x@bit.ly", "t.com/x",
            "orbit.ly/x", "is.gdansk.pl/x", "not.co/x", "bluefern.example/bitly", "https://ourt.co/x",
            "quit.ly/", "0.01/day", "a/b", "v.gdn/x", "tinyurl", "bitly", "s.idx/x", "cut.ly/x", "1.2.3",
        ],
    ),
    "W351": (
        [
            "STOP BY OUR STORE TODAY FOR FREE COFFEE", "DON'T STOP NOW", "We never STOP working for you",
            "STOP! Look at this", "BAJA TACOS ARE BACK", "Stop in today", "The end is near", "Full stop ahead",
            "TEXT US A PHOTO", "Reply YES to win", "HELP US GROW", "Nonstop deals", "STOP SIGN SALE", "ALTO SAX SALE",
            "Send a friend", "cancel culture", "Text stop by our shop", "BUS STOP", "UNSTOPPABLE", "endless summer",
            "Reply CANCEL to cancel your appointment", "We can't stop to end the deals", "The bus leaves stop 12345 at 9",
            "Full stop. Help yourself", "Reply END of the offer", "Help us stop hunger", "Reply END to win",
            "Reply REMOVE to remove an item", "Responda CANCELAR para cancelar su cita", "Remove before washing",
            "Responda SALIR para ver las salidas", "Stop SMS scams", "Stoppen Sie hier", "Répondez OUI", "Responde SI",
            "Reply QUIT to quit the big race", "Text CANCEL to cancel an order", "We stop to end the day with you",
        ],
        [
            "Reply STOP to end", "TEXT STOP TO END", "txt stop 2 quit", "STOP=end", "Stop2End", "STOP to opt out",
            "Reply with STOP", 'Reply "STOP"', "To opt-out reply END", "unsubscribe: x.example", "STOP to 12345",
            "STOP au 36111", "Responda ALTO para cancelar", "Envía BAJA", "HELP for help, STOP to end", "HELP/STOP",
            "Msg rates apply. STOP", "REPLY STOP TO CANCEL", "Opting out is easy", "Text 'Quit' to leave",
            "Antworte STOPP zum Abmelden", "Envie PARAR para sair", "Responda SAIR para cancelar", "Envíe ALTO al 12345",
            "Rispondi STOP per annullare", "Svara STOPP", "Envi\u0301e ALTO", "Reply CANCEL to cancel your alerts",
            "Reply CANCEL to end", "Reply END to end these texts", "STOP 36111", "STOP SMS au 36111",
            "STOP. HELP for help", "Reply END or STOP", "STOP to cancel your weekly texts", "Répondez STOP pour finir",
            "Reply ST\u200bOP", "STOPP zum Abmelden", "Reply QUIT to stop",
            "Répondez STOP", "Repondez STOP", "Envoyez STOP au 36180", "Répondez ARRÊT", "Tapez STOP", "STOP SMS 36180",
            "Responde ALTO para salir", "Responde STOP para terminar", "Responde BAJA", "Mande ALTO", "Contesta STOP",
            "Texto STOP", "Responda SALIR", "Para cancelar responda CANCELAR", "Responda CANCELAR para no recibir mensajes",
            "Reply REMOVE", "Reply REMOVE to be removed", "Txt STOP 2 end", "Text QUIT", "Txt END", "Text END to quit",
            "Reply STOP at any time", "Answer STOP in any message", "Reply STOP by text",
        ],
    ),
    "W354": (
        [
            "cannabis-infused", "gun-show", "beers", "Beer's", "beer’s", "WINES", "vapes", "e-cigarettes", "E-Cig",
            "cigars", "rifles", "handguns", "shot-gun", "casinos", "gamblers", "debt relief", "debt-relief",
            "credit repair", "whiskeys", "dispensaries", "delta-8", "crypto", "bitcoins", "adults only", "brewery",
            "be\u200ber", "\uff42\uff45\uff45\uff52", "s\u0435x", "\u0412EER", "\u0455\u0435\u0445y", "w\u00adine", "\u0262un",
            "Cerveza gratis", "vino tinto", "vinos", "copa de vino", "bebidas alcohólicas", "licorería", "licores",
            "armas de fuego", "pistolas", "munición", "tabaco", "cigarrillos", "cigarros", "habanos", "vapeo", "marihuana",
            "apuestas deportivas", "juego de azar", "tragamonedas", "casinos", "criptomonedas", "préstamo rápido",
            "alivio de deudas", "reparación de crédito", "sexo", "eróticos", "BIÈRE offerte", "biere", "vin rouge", "vins",
            "verre de vin", "alcools", "rhum", "armes à feu", "fusils", "pistolet", "munitions", "tabac", "cigare",
            "vapotage", "beuh", "paris sportifs", "jeux d'argent", "jeux d\u2019argent", "machines à sous", "cryptomonnaie",
            "prêt rapide", "rachat de crédits", "sexe", "érotique", "payday loan", "suprématie blanche", "cócteles",
        ],
        [
            "beersheba", "gunn", "begun", "gunther", "Sussex", "winery-free".replace("winery", "twine"), "swine",
            "bluegrass", "seaweed", "weeds", "weed killer", "glue gun", "2 adults", "adult swim lesson", "escorted",
            "Middlesex", "vapour", "rifled", "betty", "alphabet", "you bet", "pistoles", "non-alcoholic",
            "alcohol-free", "scryptograph", "debt", "credit", "shotgunning", "ammonia",
            "Scunthorpe", "Essex", "your flu shot", "photo shoot", "cut the grass", "the bar exam", "bar mitzvah", "classic",
            "assassin", "analysis", "cockpit", "a cocktail dress", "shrimp cocktail", "root beer", "ginger ale", "ginger beer",
            "beer-battered cod", "champagne-colored", "nude heels", "same-sex couples", "Sex: F", "sex ed", "Ford Escort",
            "do not jump the gun", "Top Gun", "gun violence", "alcohol wipes", "rubbing alcohol", "quit cigarettes",
            "quit vaping", "THC-free", "tobacco-free", "payday is Friday", "paint gun", "vodka sauce", "VIN 1HGCM", "Ron",
            "vino tu paquete", "cerveza sin alcohol", "mismo sexo", "sexo: M", "Paris", "un pari", "bière sans alcool",
            "sans alcool", "sin alcohol", "même sexe", "pistola de agua", "pistolet à colle", "arrêter le tabac", "vingt",
            "apuesta por ti", "las armas", "jeux", "crédit", "deuda", "dette", "cigarette-free", "alcohol free",
            "\u0441\u043e\u043a", "\u043f\u0438\u0432\u043e", "Kα\u03bd\u03ad\u03bd\u03b1\u03c2",
        ],
    ),
    "W356": (
        [
            "HUGE SALE 50% OFF EVERYTHING TODAY ONLY", "GO TO THE SALE OF THE YEAR", "SALE ENDS TODAY FOLKS",
            "GRÖSSTER RÄUMUNGSVERKAUF ÜBERHAUPT", "BUY ONE GET ONE FREE", "Hi there, THE BIG SALE STARTS NOW friends",
            "HURRY! LAST! CHANCE! TODAY!", "BIG-BIG-BIG-SALE", "FREE FREE FREE FREE", "OPEN DAY AND NIGHT ALL WEEK",
            "CLICK HERE NOW TO WIN", "DO NOT MISS OUT ON IT", "FINAL DAYS — UP TO 70 % OFF STORE WIDE",
            "ЛЕТНЯЯ РАСПРОДАЖА НАЧАЛАСЬ", "NEW NEW NEW STUFF", "LIMITED TIME OFFER ENDS SOON",
            "WE ARE CLOSING DOWN", "EVERYTHING_MUST_GO_TODAY_NOW", "THIS IS NOT A DRILL AT ALL", "CALL MOM RIGHT NOW",
        ],
        [
            "Reply STOP or HELP, END, QUIT", "NASA and ESA", "Your code is ABCDEF", "USA vs UK", "OK", "ASAP please",
            "Terminal JFK to LAX", "RSVP by Friday", "the NYC DMV", "Hi ANA", "SALE today", "BIG SALE today",
            "order ABC-123-XYZ", "a B C d", "iPhone and iPad", "AT&T and T-Mobile", "12345 67890", "McDonald", "",
            "It is on 5TH AVE",
        ],
    ),
    "W357": (
        [
            "{name", "name}", "{{name", "<<name", "name>>", "[[name", "name]]", "{Name }", "{first_name}",
            "[FIRST NAME]", "${name}", "%name%", "*|NAME|*", "##name##", "<first_name>", "((name))", "%(name)s",
            "«name»", "#{name}", "[Name]",
        ],
        [
            ":-}", "{}", "a < b", "5 > 3", "100%", "[ad]", "(yes)", "<3", "{{ first_name }}", ">>> go", "x << 2", "$5",
            "#1", "50% off, 20% back", "[1]", "[OK]", "a}b".replace("}", "|"), "{% if first_name %}a{% endif %}", "«»", "C++",
        ],
    ),
    "W350": (
        ["Bluefern", "Blue Ferns", "BlueFern", "Blue-Fern", "blue", "fern", "Blue  ", "Blue. Fern", "Navyblue Fern",
         "Blue Fernando", "b l u e f e r n", "Blue_Fern", "Bl\u00fce Fern", "Blue, Fern", "Blu Fern", "Fern Blue",
         "{{ first_name }}", "Blue&Fern", "theBlue Fern", "Blue Fern2"],
        ["Blue Fern", "BLUE FERN", "blue fern", "Blue  Fern", "Blue\nFern", "(Blue Fern)", "Blue Fern's", "@Blue Fern",
         "Blue Fern:", "Blue Fern!", "*Blue Fern*", "from Blue Fern", "[Blue Fern]", "Blue\tFern", "Blue Fern.",
         "Blue Fern,", "'Blue Fern'", "-Blue Fern-", "Blue\u00a0Fern", "Blue Fern?"],
    ),
    "W353": (
        [
            "https://evil.com\\@bluefern.example/x", "https://evil.com/@bluefern.example/x",
            "https://evil.example/a", "http://203.0.113.5/x", "https://bluefern.example@evil.com/", "evil.com/x",
            "www.evil.com/x", "https://bluefern.example.evil.com", "https://notbluefern.example/", "evil.com", "evil.shop",
            "https://EVIL.com", "https://xn--e1afmkfd.example/", "https://пример.example/", "https://evil.example:8443/x",
            "evil.example?x=1", "evil.example#x", "https://evil.example{{ first_name }}", "evil.io", "https://localhost/x",
            "https://blue-fern.example/", "evil.example:80/x",
            "evil.co", "shop.evil.co.uk", "evil.me", "evil.ai", "evil.dev", "evil.link", "shop.app", "EVIL.CO",
            "Evil.com", "163.com", "evil.today!", "(evil.de)", "evil.com's", "to=evil.ru", "asp.net/x", "https://asp.net", "EVIL.NET", "node.js.evil.com",
        ],
        [
            "https://bluefern.example/a", "bluefern.example/x", "https://shop.bluefern.example", "me@evil.com", "e.g. this",
            "Hello.There", "3.5/day", "ok.Really?", "Mr.Smith: hi", "https://BLUEFERN.example", "https://bluefern.example:443/",
            "https://me@bluefern.example/", "www.bluefern.example/x", "bluefern.example", "and/or", "v1.2", "no.1",
            "https://bluefern.example./x", "etc...", "https://bluefern.example?to=evil",
            "We open at 9.Come in", "Open till 5.Shop now", "Today.Shop now", "9 a.m.to 5", "Raleigh.NC", "the U.S.to",
            "Fern S.A.de C.V.", "WE ARE OPEN.SHOP NOW", "See it.Do it", "https://bluefern.example/menu.ai", "5.to",
            "an.lee@evil.co.uk", "evil.comet", "photo.jpg", "At 5.live",
            "ASP.NET", "an ASP.NET course", "VB.NET", "Node.js", "Node.js/React", "Socket.IO", "U.S.", "U.S.A.", "e.g.",
            "i.e. this", "3.5.Then", "Ph.D.", "J.Crew", "will.i.am",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", HOSTILE)
def test_what_is_meant_is_found_and_nothing_else(tmp_path: Path, code: str) -> None:
    """Twenty texts that should be found, and as many that only look like it."""
    (tmp_path / "people.csv").write_text(PEOPLE)
    said = {"text": GOOD, "tag": "x"}
    loaded = load_campaign(campaign(tmp_path, message=said, lint=OURS, **REAL))
    check = next(one for one in CHECKS if one.code == code)

    def finds(text: str) -> bool:
        one = Text("message.text", text, without_placeholders(text))
        return bool(check.find(loaded.campaign, one))

    bad, fine = HOSTILE[code]
    missed = [text for text in bad if not finds(text)]
    wrong = [text for text in fine if finds(text)]
    assert (missed, wrong) == ([], [])


TELLING = {
    True: [
        "first_name", "firstname", "FirstName", "last_name", "name", "full_name", "surname", "phone", "mobile",
        "mobile_no", "cell", "email", "e_mail", "email_address", "address", "street", "birth_date", "birthday", "dob",
        "customer_name", "patient_name",
    ],
    False: [
        "customer_id", "product_name", "store_name", "file_name", "cancel_date", "excellent", "campaign_name", "order",
        "ip_address", "rename", "unnamed", "code", "sku", "city_name", "list_name", "mailing", "tag", "segment_name",
        "amount", "streetcar",
    ],
}  # fmt: skip


@pytest.mark.parametrize("tells", TELLING)
def test_a_column_that_tells_who_a_person_is(*, tells: bool) -> None:
    """By its name, in any spelling; a product has a name too."""
    assert [name for name in TELLING[tells] if _tells(name) is not tells] == []


def test_a_tag_must_not_tell_who_a_person_is(tmp_path: Path) -> None:
    """Tags come back in each callback, and stand in Bandwidth's log."""
    for tag in ("t-{{ first_name }}", "{% if first_name %}a{% endif %}", "{{ phone }}"):
        checked = plan(tmp_path, PEOPLE, message={"text": GOOD, "tag": tag})
        assert codes(checked)[0] == "W331", tag
    said = {"text": GOOD, "tag": "{{ first_name }}"}
    ignore = {"W331": "our tags are cut before they are kept"}
    for tag, lint in (("{{ link }}-name", {}), (said["tag"], {"ignore": ignore})):
        checked = plan(tmp_path, PEOPLE, message=said | {"tag": tag}, lint=lint)
        assert codes(checked) == []


@pytest.mark.parametrize(("text", "lint", "said"), CASES)
def test_what_is_said_about_a_text(
    tmp_path: Path, text: str, lint: dict[str, Any], said: list[str]
) -> None:
    """Of a real, marketing campaign."""
    more = REAL | {"send": {"rules": "us-marketing"}}
    assert found(tmp_path, text, lint, **more) == said


def test_opt_out_words_are_asked_of_marketing_only(tmp_path: Path) -> None:
    """A code that somebody waits for needs none; a first contact always does."""
    free = {"send": {"rules": {"profile": "transactional", "because": "codes"}}}
    text = "Blue Fern: your code is 7."
    assert found(tmp_path, text, OURS, **(REAL | free)) == []
    assert found(tmp_path, text, OURS | {"first_contact": True}, **(REAL | free)) == [
        "E351"
    ]
    assert found(tmp_path, "Hello", OURS | {"first_contact": True}) == ["E350", "E351"]


IF_ANA = "{% if first_name == 'Ana' %}"
LACKING = [
    # the text · what lacks · the first row that lacks it, and how many more do
    (IF_ANA + "Blue Fern: hi. Reply STOP to end.{% else %}hi there{% endif %}", ["350", "351"], 3, 1),
    (IF_ANA + "Blue Fern{% endif %}: hi Reply STOP to end.", ["350"], 3, 1),
    (IF_ANA + "Blue {% endif %}Fern: hi Reply STOP to end.", ["350"], 3, 1),
    ("Blue Fern: hi " + IF_ANA + "Reply STOP to end.{% endif %}", ["351"], 3, 1),
    ("Blue Fern: hi " + IF_ANA + "Reply {% endif %}CANCEL to skip", ["351"], 2, 2),
    (IF_ANA + "x{% else %}Blue Fern: hi. Reply STOP to end.{% endif %}", ["350", "351"], 2, 0),
    (IF_ANA + "Blue Fern: hi{% else %}BLUE  FERN, hello{% endif %} Reply STOP to end.", [], 0, 0),
    ("{% set who = 'Blue Fern' %}{{ who }}: hi. Reply STOP to end.", [], 0, 0),
    ("{{ 'Blue Fern' }}: hi {{ first_name }}. Reply STOP to end.", [], 0, 0),
    ("Blue Fern: hi {{ first_name }}. {{ 'Reply STOP' }} to end.", [], 0, 0),
    ("Blue{{ ' ' }}Fern: hi {{ first_name }}. Reply ST{{ 'O' }}P to end.", [], 0, 0),
    ("{{ sender }}: hi {{ first_name }}. {{ footer }}", ["350", "351"], 4, 0),
    ("Hi {{ first_name }}", ["350", "351"], 2, 2),
    ("\u2764\ufe0fBlue Fern\ufe0f\u2764: hi" + IF_ANA + "!{% endif %} Reply STOP to end.", [], 0, 0),
    ("Blue Fernando" + IF_ANA + "!{% endif %} Reply STOP to end.", ["350"], 2, 2),
]  # fmt: skip


@pytest.mark.parametrize(("text", "lacks", "row", "more"), LACKING)
@pytest.mark.parametrize("first", [True, False])
def test_what_one_branch_lacks_is_told_of_the_texts_that_lack_it(
    tmp_path: Path, text: str, lacks: list[str], row: int, more: int, *, first: bool
) -> None:
    """And what a placeholder brings does not lack; on a first contact nothing is sent."""
    people = (
        "phone,first_name,sender,footer\n"
        "9192345671,Ana,Blue Fern,Reply STOP to end\n"
        "9192345672,Bo,blue fern,Text QUIT to stop\n"
        "9192345673,Cy,Red Fern,Stop by our shop\n"
    )
    lint = {"brand": ["Blue Fern"], "first_contact": first}
    more_said: dict[str, Any] = REAL | {"send": {"rules": "us-marketing"}}
    checked = plan(tmp_path, people, message={"text": text}, lint=lint, **more_said)
    told = [*checked.gates, *checked.notices]
    said = [(one.code, one.row, one.more) for one in told if one.code[1:3] == "35"]
    assert said == [("EW"[not first] + code, row, more) for code in lacks]
    assert len(checked.gates) == len(lacks) * first
    ignore = {f"W{code}": "a trial among ourselves" for code in lacks}
    again = plan(
        tmp_path,
        people,
        message={"text": text},
        lint=lint | {"ignore": ignore},
        **more_said,
    )
    assert not again.gates


def test_a_variant_that_is_the_same_for_all_is_told_of_once(tmp_path: Path) -> None:
    """By its key in the file; rows are told of what only rows can say."""
    people = "phone,first_name,lang\n9192345671,Ana,es\n9192345672,Bo,en\n"
    text = IF_ANA + "x{% else %}hello{% endif %} Reply STOP to end."
    message = {"text": text, "language": "lang", "variants": {"es": "hola. STOP"}}
    checked = plan(tmp_path, people, message=message, lint={"brand": "Blue Fern"})
    told = [one for one in checked.notices if one.code == "W350"]
    assert [(one.column, one.row) for one in told] == [
        ("message.variants.es", None),
        ("", 3),
    ]


def test_a_name_that_plain_letters_alter_is_still_said(tmp_path: Path) -> None:
    """A curly apostrophe, a dash, capitals, a sharp s."""
    for name in (
        "Ana\u2019s Bar",
        "Ana's Bar",
        "Blue\u2013Fern",
        "STRASSE",
        "stra\u00dfe",
        "C++ (UK)",
    ):
        shown = {"STRASSE": "stra\u00dfe", "Ana's Bar": "ANA\u2019S BAR"}.get(
            name, name
        )
        text = "{{ '" + shown.replace("'", "\\'") + "' }}: hi {{ first_name }}"
        lint = {"brand": name, "first_contact": True, "ignore": {"W351": "ours"}}
        assert "E350" not in found(tmp_path, text, lint), name


def test_what_stands_around_the_words_says_all_that_the_text_says() -> None:
    """With anything before and behind it; so few of many texts are asked."""
    bad, fine = HOSTILE["W351"]
    around = (
        "{}",
        "Hi Ana, {}",
        "x" * 50 + ". {}",
        "{}. " + "Come in. " * 12,
        "BE LOUD. {}",
    )
    more = [f"{a}. {b}" for a in bad[:12] for b in fine[::5]]
    texts = [one.format(said) for one in around for said in (*bad, *fine, *more)]
    near = pl.select(around_the_words(pl.lit(pl.Series(texts)))).to_series()
    said = [one is not None and says_how(one) for one in near]
    wrong = [t for t, one in zip(texts, said, strict=True) if one != says_how(t)]
    assert wrong == []


def test_a_shortener_from_the_list_closes_a_gate(tmp_path: Path) -> None:
    """The template is clean, and a row brings the link."""
    text = "Blue Fern: {{ link }}"
    assert found(tmp_path, text) == ["E352"]
    checked = plan(tmp_path, PEOPLE, message={"text": text})
    assert (checked.gates[0].row, checked.gates[0].more) == (2, 0)
    ignored = {"ignore": {"E352": "a trial among ourselves"}}
    assert found(tmp_path, text, ignored) == []


FROM_THE_LIST = [
    ("https://\uff42\uff49\uff54\uff0e\uff4c\uff59/abc", "E352", "a link of bit.ly"),
    ("https://bit.ly./x", "E352", "a link of bit.ly"),
    ("bit\u3002ly/x", "E352", "a link of bit.ly"),
    ("at b%69t.ly/x", "E352", "a link of bit.ly"),
    ("https://bit%2ely/x", "E352", "a link of bit.ly"),
    ("https://ana@bit.ly/x", "E352", "a link of bit.ly"),
    ("https://bluefern.example/r?to=https://bit.ly/x", "E352", "a link of bit.ly"),
    ("https://bluefern.example/a,bit.ly/x", "E352", "a link of bit.ly"),
    ("https://p\u0430ypal.com/x", "W353", "with letters that only look like"),
    ("https://evil.example.org/x", "W353", "`lint.domains` has bluefern.example"),
    ("https://evil.com\\@bluefern.example/x", "W353", "a link to evil.com"),
    ("https://203.0.113.5/x", "W353", "a link to 203.0.113.5"),
    ("https://bluefern.example/a/evil.png", "", ""),
    ("ana@evil.org", "", ""),
    ("St.Louis, 10.50 a.m.", "", ""),
    ("is.gdansk.pl", "W353", "a link to is.gdansk.pl"),
    ("ana.lee@evil.co.uk", "", ""),
    ("https://bluefern.example/menu.ai", "", ""),
]


@pytest.mark.parametrize(("cell", "code", "said"), FROM_THE_LIST)
def test_a_link_of_the_list_is_read_as_one_of_the_template(
    tmp_path: Path, cell: str, code: str, said: str
) -> None:
    """However it is written; a shortener closes a gate, another domain is a warning."""
    rows = [
        f'9192345671,"{cell}"',
        "9192345672,bluefern.example/t",
        f'9192345673,"{cell}"',
    ]
    text = {"text": "Blue Fern: {{ link }} Reply STOP to end.", "smart_encoding": False}
    checked = plan(
        tmp_path, "\n".join(["phone,link", *rows, ""]), message=text, lint=OURS
    )
    found = [*checked.gates, *(one for one in checked.notices if one.code == "W353")]
    assert [(one.code, one.row, one.more) for one in found] == [(code, 2, 1)] * bool(
        code
    )
    assert all(said in one.found for one in found)
    assert code != "W353" or not checked.gates


RENDERED = [
    ("https://{{ code }}.bit.ly/x", "E352", "a link of c7.bit.ly"),
    ("https://bit.{{ 'ly' }}/x", "E352", "a link of bit.ly"),
    ("https://bit{{ '.' }}ly/x", "E352", "a link of bit.ly"),
    ("bit{{ '.' }}ly/x", "E352", "a link of bit.ly"),
    ("{{ 'bit.ly/x' }}", "E352", "a link of bit.ly"),
    ("{% set u = 'bit.ly/x' %}{{ u }}", "E352", "a link of bit.ly"),
    ("{% if code == 'C7' %}bit{% else %}x{% endif %}.ly/x", "E352", "a link of bit.ly"),
    ("https://bit.{{- 'l' -}} y/x", "E352", "a link of bit.ly"),
    (
        "https://bluefern.example/?to=https://{{ code }}.bit.ly/x",
        "E352",
        "a link of c7",
    ),
    ("{{ code }}.evil.co/x", "W353", "a link to c7.evil.co"),
    ("https://{{ code }}.evil.com/x", "W353", "a link to c7.evil.com"),
    ("https://bluefern.example.{{ code }}/x", "W353", "a link to bluefern.example.c7"),
    ("https://bluefern.example{{ code }}/x", "W353", "a link to bluefern.examplec7"),
    ("https://{{ code }}bluefern.example/x", "W353", "a link to c7bluefern.example"),
    ("https://{{ code }}.bluefern.example/x", "", ""),
    ("https://bluefern.example/{{ code }}.html", "", ""),
    ("hi {{ code }}.Your table is {{ code }}.5 and {{ code }}... ready", "", ""),
    ("me@{{ code }}.evil.com", "", ""),
]


@pytest.mark.parametrize(("link", "code", "said"), RENDERED)
def test_a_link_that_only_the_rendered_text_has_is_read_there(
    tmp_path: Path, link: str, code: str, said: str
) -> None:
    """A placeholder is a part of its host, or its code has one in it; of all rows."""
    people = "phone,code\n9192345671,C7\n9192345672,C7\n"
    text = {"text": f"Blue Fern: {link} Reply STOP to end."}
    checked = plan(tmp_path, people, message=text, lint=OURS)
    rows = [one for one in (*checked.gates, *checked.notices) if one.row]
    assert [(one.code, one.row, one.more) for one in rows] == [(code, 2, 1)] * bool(
        code
    )
    assert all(said in one.found for one in rows)


JOINED = [
    ("{{ a }}{{ b }}/x", "E352"),
    ("bit{{ tld }}/x", "E352"),
    ("{{ a }}ly/x", "E352"),
    ("{{ a | trim }}ly", "E352"),
    ("bit{{ tld | lower }}", "E352"),
    ("bi{{ mid }}ly", "E352"),
    ("{{ a ~ b }}/x", "E352"),
    ("{% set u = 'bit' ~ tld %}{{ u }}", "E352"),
    ("{{ odd | replace('-', '') }}/x", "E352"),
    ("bi{% if b %}{{ mid }}{% endif %}{# at last #}{{ b }}", "E352"),
    ("evil{{ dot }}{{ com }}/x", "W353"),
    ("{{ odd | trim('b') }}", ""),
    ("{{ a }}%6Cy/x", "E352"),
    ("{{ a }}\u200bly/x", "E352"),
    ("{{ a }} {{ b }}", ""),
    ("bluefern.example/{{ a }}{{ b }}", ""),
    ("me@{{ a }}{{ b }}", ""),
    ("rab{{ tld }} {{ b }}", "W353"),
]


@pytest.mark.parametrize(("link", "code"), JOINED)
def test_a_link_whose_dot_is_the_cell_s_is_read_in_the_text(
    tmp_path: Path, link: str, code: str
) -> None:
    """Neither the template has a host nor a cell; the text that joins them has one."""
    people = "phone,a,b,tld,mid,odd,dot,com\n9192345671,x,y,z,m,o,d,c\n"
    people += "9192345672,bit.,ly,.ly,t.,b-it.l-y,.,com\n"
    text = {"text": f"Blue Fern: {link} Reply STOP to end."}
    checked = plan(tmp_path, people, message=text, lint=OURS)
    rows = [one for one in (*checked.gates, *checked.notices) if one.row]
    assert [(one.code, one.row, one.more) for one in rows] == [(code, 3, 0)] * bool(
        code
    )


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize("domains", [[], ["shop.evil.co", "t.ly"]])
def test_one_word_speaks_for_all_of_its_site(
    tmp_path: Path, end: str, domains: list[str]
) -> None:
    """Whatever host, case or ending: what is found of one is found of each."""
    (tmp_path / "people.csv").write_text(PEOPLE)
    said: dict[str, Any] = {"domains": domains} if domains else {}
    path = campaign(tmp_path, message={"text": GOOD}, lint=said)
    judge = _Judge(load_campaign(path).campaign, frozenset({"evil.com"}), end)
    befores = ("", "http://", "HTTPS://", "@", "www.", "shop.", "bit.", "-x.")
    names = ("evil", "Evil", "bit", "t", "5", "v12", "b\u0456t", "xn--p1ai")
    ends = ("com", "ly", "LY", "Co", "zip", "Shop", "shop", "at", "ready", "xn--p1ai")
    parts = product(befores, names, ends, ("", "/", ".", "./"))
    words = ["{}{}.{}{}".format(*part) for part in parts]
    frame = pl.LazyFrame({"word": words})
    odd = judge.odd(frame)
    sites = frame.select(judge.site(pl.col("word"))).collect().to_series()
    wrong = [
        word
        for word, site in zip(words, sites, strict=True)
        if odd.get(site, {}).keys() != judge.wrong(word).keys()
    ]
    assert odd
    assert wrong == []


def test_of_hosts_that_differ_the_first_row_s_is_told(tmp_path: Path) -> None:
    """Each site is judged once, however many hosts it has; a domain may have any depth."""
    people = "phone,code\n9192345671,a.shop\n9192345672,c\n9192345673,b\n"
    text = {"text": "Blue Fern https://{{ code }}.fern.example/x Reply STOP to end."}
    ours = {"brand": "Blue Fern", "domains": ["shop.fern.example", "x.example"]}
    (said,) = plan(tmp_path, people, message=text, lint=ours).notices
    assert (said.code, said.row, said.more) == ("W353", 3, 1)
    assert said.found.startswith("a link to c.fern.example, ")


def test_of_the_list_only_what_a_text_says_counts(tmp_path: Path) -> None:
    """A host to fill in, a cell that is only asked after, and the template's own links."""
    people = "phone,site\n9192345671,is.gd\n9192345672,bluefern.example\n"
    asked = (
        "Blue Fern{% if site == 'is.gd' %}!{% endif %} https://evil.org/x Reply STOP"
    )
    for text, said in [
        ("Blue Fern https://{{ site }}/x Reply STOP to end.", (["E352"], [])),
        (asked, ([], ["W353"])),
    ]:
        checked = plan(tmp_path, people, message={"text": text}, lint=OURS)
        assert ([one.code for one in checked.gates], codes(checked)) == said


def test_a_reason_switches_a_finding_off_and_is_kept(tmp_path: Path) -> None:
    """By its code as a warning or an error; the plan has the reason."""
    text = "Blue Fern https://bit.ly/abc 10% off beer. Reply STOP to end."
    ignore = {"W354": "a bar's own guests", "E352": "a trial among ourselves"}
    assert found(tmp_path, text, {"ignore": ignore}) == []
    checked = plan(tmp_path, PEOPLE, message={"text": text}, lint={"ignore": ignore})
    assert checked.plan.about["campaign"]["lint"]["ignore"] == ignore


def test_an_unknown_code_and_an_empty_reason_are_errors(tmp_path: Path) -> None:
    """Nothing is switched off by a slip."""
    assert found(tmp_path, GOOD, {"ignore": {"W399": "x"}}) == ["E358"]
    assert found(tmp_path, GOOD, {"ignore": {"W354": " "}}) == ["E104"]


def test_a_picture_s_address_must_not_tell_who_a_person_is(tmp_path: Path) -> None:
    """Addresses are logged by every proxy on the way."""
    media = ["https://cdn.example.com/{{ first_name }}.jpg"]
    message = {"text": GOOD, "media": media}
    checked = plan(tmp_path, PEOPLE, message=message)
    assert codes(checked) == ["W355"]


ADDRESSES = [
    ("?p=%2B19195550123", "a phone number stands in it"),
    ("?p=19195550123", "a phone number stands in it"),
    ("?e=ann%40x.com", "an e-mail address stands in it"),
    ("{{ ref }}.jpg", "the person's number stands in the picture's address"),
    ("{{ parted }}.jpg?ref", "the person's number stands in"),
    ("{{ ref | first }}.jpg", ""),
    ("?v=2026112715", ""),
]


@pytest.mark.parametrize(("end", "said"), ADDRESSES)
def test_a_number_or_mailbox_in_a_picture_s_address_is_told(
    tmp_path: Path, end: str, said: str
) -> None:
    """As an address encodes it, or as the rows bring it: the first, and how many more."""
    people = "phone,ref,parted\n9192345671,x,x\n"
    people += "9192345672,19192345672,1 919 234-5672\n"
    people += "9192345673,9192345673,919.234.5673\n"
    message = {"text": GOOD, "media": [f"https://x.example/{end}"]}
    told = plan(tmp_path, people, message=message).notices
    assert [one.code for one in told] == ["W355"] * bool(said)
    assert all(one.found.startswith(said) for one in told)
    if "ref" in end and said:
        assert (told[0].row, told[0].more) == (3, 1)
    ignore = {"ignore": {"W355": "our own server, which keeps no log"}}
    assert codes(plan(tmp_path, people, message=message, lint=ignore)) == []


HOSTS = [
    ("at BIT.LY/Ab3", ["bit.ly"]),
    ("at bit\u3002ly/Ab3 and \uff42\uff49\uff54.ly/x", ["bit.ly", "bit.ly"]),
    ("https://bluefern.example@evil.com/x", ["evil.com"]),
    ("https://xn--mnchen-3ya.example:8080/x", ["m\xfcnchen.example"]),
    ("https://xn--\xe9.example/ https://xn--99999.example/", None),
    ("write to help@bit.ly, or not.bit.lyric", []),
    ("evil.zip evil.email evil.museum", ["evil.zip", "evil.email", "evil.museum"]),
    ("at Evil.Co or evil.CO", ["evil.co", "evil.co"]),
    ("at www.evil.example, WWW.Evil.Example", ["evil.example", "evil.example"]),
    ("evil.\u0440\u0444 evil.xn--p1ai", ["evil.\u0440\u0444", "evil.\u0440\u0444"]),
    ("evil.xn--p1ai/x", ["evil.\u0440\u0444"]),
    ("5.Shop now. Ready.Email us, Monday.Shop", []),
]


@pytest.mark.parametrize(("text", "said"), HOSTS)
def test_a_host_is_read_as_a_browser_reads_it(
    text: str, said: list[str] | None
) -> None:
    """Whatever its letters are written like; and nothing breaks it."""
    assert said is None or hosts(text) == said
    assert all(map(str.islower, hosts(text)))


ALIKE = [
    ("b\u0456t.ly", True),  # a Cyrillic i
    ("blue\u0191ern.example", False),
    ("\u0430\u0440\u0440\u04cf\u0435.com", True),  # all of it Cyrillic
    ("\u043f\u0440\u0438\u043c\u0435\u0440.com", False),
    ("\u0430\u0441\u0435.\u0440\u0444", False),
    ("m\xfcnchen.example", False),
    ("g\u03bf\u03bfgle.com", True),  # Greek
    ("b\u0131t.ly", True),  # a dotless i
    ("y\u0131ld\u0131z.com", False),  # Turkish for a star
    ("\u0261oogle.com", True),  # of Latin, as phonetics writes it
    ("\u0185it.ly", True),
]


@pytest.mark.parametrize(("host", "is_one"), ALIKE)
def test_letters_of_another_alphabet_are_told(
    tmp_path: Path, host: str, is_one: bool
) -> None:
    """As they are and in punycode; a name of one alphabet is no trick."""
    assert is_lookalike(host) == is_one
    puny = ".".join(
        one if one.isascii() else f"xn--{one.encode('punycode').decode()}"
        for one in host.split(".")
    )
    assert hosts(f"https://{puny}/x") == [host]
    text = f"Blue Fern: https://{puny}/x Reply STOP to end."
    assert ("W353" in found(tmp_path, text, {"brand": "Blue Fern"}, **REAL)) == is_one


OURS_AS_WRITTEN = ["BlueFern.Example", "https://www.bluefern.example/shop", "example"]


@pytest.mark.parametrize("domain", OURS_AS_WRITTEN)
def test_a_domain_of_ours_may_be_written_as_people_do(
    tmp_path: Path, domain: str
) -> None:
    """In capitals, or as an address."""
    ours = {"brand": "Blue Fern", "domains": domain}
    assert found(tmp_path, GOOD, ours, **REAL) == []


PERSONAL = [
    ("x-{{ msisdn }}", True),
    ("x-{{ ssn_last4 }}", True),
    ("x-{{ first | upper }}", True),
    ("x-{{ Last }}", True),
    ("x-{{ last_order }}", False),
    ("x-{{ social_security_number }}", True),
    ("x-{{ nombre }}", True),
    ("ana@x.example", True),
    ("x-+19195551234", True),
    ("9195550123", True),
    ("19195550123", True),
    ("(919) 555-0123", True),
    ("p_919.555.0123", True),
    ("ana%40x.example", True),
    ("x-2026112715", False),
    ("x-1795770000", False),
    ("91955501234", False),
    ("a9195550123", False),
    ("0a1b9195-5501-4123-8aaa-919555012345", False),
    ("x+y-2026-11-27-{{ sku }}", False),
]


@pytest.mark.parametrize(("tag", "tells"), PERSONAL)
def test_a_tag_that_tells_who_somebody_is(
    tmp_path: Path, tag: str, tells: bool
) -> None:
    """By its columns, or by what stands in it as it is."""
    path = campaign(tmp_path, message={"text": GOOD, "tag": tag})
    texts = [("message.text", GOOD)]
    assert [one.code for one in lint_texts(load_campaign(path), texts)] == [
        "W331"
    ] * tells


def test_who_a_campaign_is_for_decides_whether_it_must_say_stop(tmp_path: Path) -> None:
    """Its `purpose`, whatever hours it keeps."""
    text = "Blue Fern: your table is ready."
    more: dict[str, Any] = REAL | {"purpose": "transactional"}
    more["send"] = {"rules": "us-marketing"}
    assert "W351" not in found(tmp_path, text, **more)
    more["purpose"] = "marketing"
    more["send"] = {"rules": {"profile": "transactional", "because": "codes"}}
    assert "W351" in found(tmp_path, text, **more)
