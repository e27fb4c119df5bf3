"""How people ask for no more messages in Spanish and in French: rows for `asking`.

As there: over one clause in plain capitals without accents or apostrophes ("n'envoyez" is
NENVOYEZ), with no place for words of a person's own.
"""

from __future__ import annotations

_MENSAJES = (
    "(?:MENSAJ(?:ES?|ITOS?)|TEXTOS?|SMS|TEXTS?|MESSAGES?|NOTIFICACIONES|AVISOS"
    "|PROMO(?:S|CIONES)|OFERTAS|PUBLICIDAD|ANUNCIOS|SPAM|NADA)"
)
_DE_ESOS = "(?: (?:MAS|SUS|TUS|ESTOS|ESOS|ESTAS|LOS|LAS|NINGUN|NINGUNOS|DE|TIPO|ESTE))*"
_MANDEN = (
    "(?:ENVIEN?|ENVIES|MANDEN?|MANDES|ESCRIBAN?|ESCRIBAS|LLAMEN?|LLAMES|MOLESTEN?"
    "|MOLESTES|TEXTEEN?|TEXTEES|CONTACTEN?|CONTACTES"
    "|CHINGUEN?|JODAN?)"
)
_MANDAR = (
    "(?:ENVIAR|MANDAR|ESCRIBIR|MOLESTAR|LLAMAR|TEXTEAR|CONTACTAR|CHINGAR|JODER)"
    "(?:ME|NOS)?"
)
_NO_QUIERO = (
    "NO (?:QUIERO|QUEREMOS|QUISIERA|DESEO|DESEAMOS|NECESITO)(?: SEGUIR| VOLVER A)?"
)
_RECIBIR = "RECIB(?:IR|IENDO)(?:LOS|LAS|LO)?"
_BORREN = "(?:(?:BORR|ELIMIN)(?:A|E|EN|AR)|(?:SA|QUIT)(?:CA|QUE|QUEN|CAR|A|E|EN|AR))"
_OTRA_COSA = rf"(?! (?:TODAVIA|AUN|A (?!ESTE|MI\b|NUESTRO)|(?:EL|LA|LOS|LAS|MI|MIS|UN|UNA) (?!{_MENSAJES}|NOCHE|UNA)))"
"""What is not to be sent: "no me manden el paquete"."""

SPANISH = (
    rf"NO MAS {_MENSAJES}",
    r"NO MAS$",
    rf"{_NO_QUIERO}(?: {_RECIBIR})?{_DE_ESOS} {_MENSAJES}",
    rf"{_NO_QUIERO} {_RECIBIR}(?: (?:MAS|ESTO|ESTOS|ESO|ESOS))*$",
    rf"{_NO_QUIERO} QUE (?:ME|NOS) {_MANDEN}{_OTRA_COSA}",
    rf"DEJAR DE {_RECIBIR}{_OTRA_COSA}",
    rf"NO (?:(?:ME|NOS) )?{_MANDEN}{_OTRA_COSA}",
    rf"NO (?:(?:ME|NOS) )?VUELVA[NS]? A {_MANDAR}",
    rf"(?:DEJ|PAR)(?:A|E|EN|AR) DE {_MANDAR}",
    r"NO MOLESTAR",
    r"DEJ(?:A|E|EN)(?:ME|NOS) EN PAZ",
    rf"NO AUTORI(?:ZO|CE){_DE_ESOS} {_MENSAJES}",
    # off the list
    r"(?:DARME|DAME|DEME|DENME) DE BAJA",
    r"DAR DE BAJA$",
    r"CANCEL(?:AR|A|E|EN)(?: (?:MI|LA|ESTA|SU))? SUSCRIPCION",
    (
        rf"{_BORREN}(?:ME|NOS| MI NUMERO)?"
        r" DE (?:(?:LA|SU|TU|ESTA|ESA|SUS) )?LISTAS?(?! DE ESPERA)"
    ),
    rf"{_BORREN} MI NUMERO(?! DE\b)",
    rf"{_BORREN}(?:ME|NOS) DE (?:AQUI|ESTO)",
    (
        r"(?:CANCELAR|PARAR|DETENER|SUSPENDER|ALTO A|BASTA DE)"
        rf"{_DE_ESOS} {_MENSAJES}"
    ),
    r"(?:NUMERO EQUIVOCADO|EQUIVOC(?:ADO|ADA|O|ARON|ASTE) DE NUMERO)(?! DE\b)",
)

_DE_CES = "(?: (?:DE|D|DES|VOS|CES|TES|MES|LES|AUCUNS?|AUTRES?|TOUS))*"
_TEXTOS = "(?:MESSAGES?|TEXTOS?|SMS|NOTIFICATIONS?|ALERTES?|PUBS?|PUBLICITES?|OFFRES)"
_ECRIRE = "(?:TEXTER|ECRIRE|CONTACTER|ENVOYER|APPELER|DERANGER|SOLLICITER)"
_ECRIVEZ = (
    "(?:TEXTEZ|ECRIVEZ|CONTACTEZ|ENVOYEZ|APPELEZ|DERANGEZ|SOLLICITEZ|TEXTE|ECRIS"
    "|ENVOIE)"
)
_NE_VEUX_PLUS = (
    "(?:NE )?J?(?:VEUX|VOULONS|VOUDRAIS|SOUHAITE|SOUHAITONS|DESIRE|DESIRONS) PLUS"
)

FRENCH = (
    r"^(?:ARRET|STOP)(?: SMS)?(?: AU)? ?[3-8]\d{4}$",  # to the short code that wrote
    rf"STOPPE[ZR]?(?:$|{_DE_CES} {_TEXTOS})",
    r"(?<!\bVOUS )ARRETEZ(?! VOUS\b)",
    rf"ARRETER? (?:DE )?(?:ME |M){_ECRIRE}",
    rf"CESSE[ZR]? DE (?:ME |M|NOUS ){_ECRIRE}",
    rf"NE (?:ME |NOUS |M){_ECRIVEZ} PLUS",
    rf"(?:NENVOYEZ|NENVOIE|NECRIVEZ) PLUS(?: RIEN|{_DE_CES} {_TEXTOS}|$)",
    rf"NE (?:PLUS|PAS) (?:ME |NOUS |M){_ECRIRE}",
    rf"NE PLUS (?:EN )?RECEVOIR(?:$|{_DE_CES} {_TEXTOS})",
    rf"NE (?:VEUX|SOUHAITE|DESIRE) PAS(?: (?:RECEVOIR|AVOIR))?{_DE_CES} {_TEXTOS}",
    r"(?:NE )?SUIS PAS INTERESSEE?$",
    rf"{_NE_VEUX_PLUS}(?: (?:RECEVOIR|AVOIR))?{_DE_CES} {_TEXTOS}",
    rf"{_NE_VEUX_PLUS} (?:EN )?RECEVOIR(?: (?:CA|CELA|RIEN))?$",
    rf"{_NE_VEUX_PLUS} ETRE (?:CONTACTE|SOLLICITE|DERANGE)E?",
    r"LAISSE[ZR]? (?:MOI|NOUS) TRANQUILLES?",
    r"DES(?:ABONNEZ?|INSCRIVEZ|INSCRIS)(?: MOI)?|ME DES(?:ABONNER|INSCRIRE)",
    (
        r"(?:RETIR|ENLEV|SUPPRIM|EFFAC|RAY)E[ZR]? (?:MOI|NOUS|MON NUMERO)"
        r"(?! DE LA LISTE D)"
    ),
    r"(?:MAUVAIS|FAUX|ERREUR DE|TROMPEZ? DE) NUMERO(?! D(?:E|U)?\b)",
)

NO_SPANISH = "(?:^|.* )NO(?: (?:QUIERO|QUEREMOS|DESEO|QUE|ME|NOS|ES|ERA|UN|EL))*"
"""What may stand before a row and take it back: "no quiero darme de baja".  Not "no se
equivocó", where a comma may be lacking."""
NO_FRENCH = (
    "(?:^|.* )(?:NE|NEST|NAVEZ)(?: (?:VEUX|VOULONS|SOUHAITE|PAS|ME|NOUS|SUIS|ETES|LE|UN|AU"
    "|AVEZ))*"
)
