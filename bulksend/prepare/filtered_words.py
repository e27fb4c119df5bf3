"""Words that carriers filter or forbid, in English, Spanish and French, by their kind.

T-Mobile's Code of Conduct, as summaries tell it ("SHAFT": sex, hate, alcohol, firearms,
tobacco), and what else carriers refuse.  A word is a hint, not a verdict.  So what only
contains one (Scunthorpe, a flu shot, a bar exam, a cocktail dress) is not looked at: whole
words count, and `INNOCENT` phrases are taken out before.
"""

from __future__ import annotations

import re

from bulksend.prepare.hosts import as_latin

WORDS = {
    "sex": (
        r"sex|sexy|escorts?|porn\w*|nudes?|xxx|adult (?:content|entertainment|toys?|videos?|"
        r"films?|store)|adults only|"
        r"sexo|er[oó]tic[oa]s?|desnud[oa]s|juguetes sexuales|s[oó]lo (?:para )?adultos|"
        r"sexe|[ée]rotiques?|jouets sexuels|r[ée]serv[ée]e?s? aux adultes"
    ),
    "hate": (
        r"hate speech|nazis?|neo-?nazis?|kkk|white (?:power|supremac(?:y|ists?))|heil hitler|"
        r"supremac[ií]a blanca|supremacistas?|poder blanco|"
        r"supr[ée]mati(?:e blanche|stes?)|pouvoir blanc"
    ),
    "alcohol": (
        r"alcohol(?:ic)?|beers?|wines?|wineries|winery|brewer(?:y|ies)|vodkas?|"
        r"whisk(?:e?y|eys|ies)|bourbons?|liquors?|tequilas?|champagnes?|cocktails?|"
        r"cervezas?|cervecer[ií]as?|vinos|vinos? (?:tintos?|blancos?|rosados?|espumosos?)|"
        r"(?:copas?|botellas?) de vino|alcoh[oó]lic[oa]s?|licor(?:es)?|licorer[ií]as?|champ[aá]n|"
        r"mezcal(?:es)?|c[oó]ctel(?:es)?|"
        r"bi[eè]res?|vins|vins? (?:rouges?|blancs?|ros[ée]s?)|(?:verres?|bouteilles?) de vin|"
        r"alcools?|alcoolis[ée]e?s?|rhums?|liqueurs?|spiritueux"
    ),
    "firearms": (
        r"guns?|hand-?guns?|shot-?guns?|rifles?|pistols?|revolvers?|ammo|ammunition|firearms?|"
        r"silencers?|"
        r"armas? de fuego|pistolas?|escopetas?|fusiles|rev[oó]lver(?:es)?|munici[oó]n(?:es)?|"
        r"armes? (?:[àa] feu|de poing)|fusils?|pistolets?|carabines?|munitions?"
    ),
    "tobacco": (
        r"tobaccos?|cigarettes?|cigarillos?|cigars?|e-?cig(?:arette)?s?|vap(?:e[sdr]?|ers?|ing)|"
        r"nicotine|hookahs?|snus|"
        r"tabacos?|cigarrillos?|cigarros?|habanos?|vapeo|vapeador(?:es)?|nicotina|"
        r"tabacs?|cigares?|vapot\w+"
    ),
    "cannabis": (
        r"cannabis|marijuana|weed|cbd|thc|kratom|kush|dispensar(?:y|ies)|edibles|delta[ -]?[89]|"
        r"marihuana|c[aá]nnabis|"
        r"beuh|haschich"
    ),
    "gambling": (
        r"casinos?|gambl(?:e[sdr]?|ers|ing)|bett(?:ing|ors?)|sports-?books?|jackpots?|"
        r"apuestas|tragamonedas|tragaperras|juegos? de azar|"
        r"paris (?:sportifs?|hippiques?|en ligne)|jeux? (?:d['’]\W?argent|de hasard)|"  # noqa: RUF001
        r"machines? [àa] sous"
    ),
    "high-risk money": (
        r"payday (?:loans?|advances?|cash|lend(?:ers?|ing))|crypto(?:s|currency|currencies)?|"
        r"bitcoins?|forex|nfts?|"
        r"criptomonedas?|criptodivisas?|pr[eé]stamos? (?:r[aá]pidos?|expr[eé]s|de d[ií]a de pago)|"
        r"crypto-?monnaies?|(?:pr[eê]ts?|cr[eé]dits?) (?:rapides?|express|sur salaire)"
    ),
    "debt": (
        r"debt[ -](?:relief|consolidation|forgiveness|reduction)|credit[ -]repairs?|"
        r"(?:alivio|consolidaci[oó]n|reducci[oó]n) de (?:la |las |su |sus |tu |tus )?deudas?|"
        r"repar(?:aci[oó]n de|ar|e) (?:el |su |tu )?cr[eé]dito|"
        r"(?:rachats?|regroupements?) de (?:cr[eé]dits?|dettes?)|"
        r"(?:consolidation|r[eé]duction|all[eè]gement) (?:de|des|de vos) dettes?"
    ),
}

INNOCENT = (
    r"(?:non|sin|sans)[- ]alco(?:h[oó]l|ol)\w*",
    r"(?:cervezas?|vinos?|bebidas?|c[oó]ctel(?:es)?) sin alcoh[oó]l",
    r"(?:bi[eè]res?|vins?|boissons?|cocktails?) sans alcool",
    r"(?:alcohol|alcool|tobacco|nicotine|cigarette|vape|thc|cbd|gun|gambling|casino|drug)[- ]free",
    r"(?:rubbing|isopropyl) alcohol|alcohol[- ](?:wipes?|pads?|swabs?|based)",
    r"(?:root|ginger|butter)[- ]?beers?|beer[- ]batter(?:ed)?",
    r"cocktail (?:dress(?:es)?|attire|sauce|napkins?)|(?:shrimp|fruit) cocktails?",
    r"(?:wine|champagne|bourbon|whiske?y|nude)[- ](?:colou?r(?:ed|s)?|tone[ds]?|shades?)",
    r"vodka sauce|bourbon (?:street|chicken|county)|wine[- ]red",
    r"nude (?:lipsticks?|heels?|shoes?|pumps?|palettes?)",
    r"(?:same|opposite|both)[- ]sex(?:es)?|sex[- ]?ed(?:ucation)?|sex(?= ?[:/])",
    r"(?:mismo|ambos) sexos?|sexos? (?:masculino|femenino|opuesto)|sexo del beb[eé]|sexo(?= ?[:/])",
    r"m[eê]me sexe|sexe (?:masculin|f[ée]minin|oppos[ée]|du b[ée]b[ée])|sexe(?= ?[:/])",
    r"(?:ford|police|security) escorts?|escort vehicles?",
    r"(?:glue|nail|heat|spray|staple|massage|water|nerf|caulk(?:ing)?) guns?",
    r"(?:price|paint|radar|top|young) guns?",
    r"(?:jump|jumps|jumped|jumping) the gun|gun (?:lake|violence|control)|rifl(?:e|es|ed|ing) through",
    r"pistolas? de (?:silicona|pegamento|agua|calor|masaje|pintura|grapas)",
    r"pistolets? (?:[àa] (?:colle|eau|peinture|chaleur)|de massage)",
    r"weed[- ](?:kill\w*|control|eaters?|whack\w*|barriers?|pull\w*)",
    r"(?:quit|quitting|stop|without|no more) (?:cigarettes?|tobacco|nicotine|vaping|gambling)",
    r"(?:dejar|deje|deja) (?:el tabaco|los cigarrillos)|arr[êe]t(?:er|ez)? (?:du |le )?tabac",
    r"(?:optical|pharmacy|hospital) dispensar(?:y|ies)|cigar box(?:es)?",
)
"""Phrases in which such a word is none."""


def _whole(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


_WORDS = {kind: _whole(words) for kind, words in WORDS.items()}
_INNOCENT = _whole("|".join(INNOCENT))


def filtered(text: str) -> tuple[str, str] | None:
    """The first such word of a text, and its kind."""
    said = _INNOCENT.sub("\0", as_latin(text))
    for kind, words in _WORDS.items():
        if hit := words.search(said):
            return hit[0].lower(), kind
    return None
