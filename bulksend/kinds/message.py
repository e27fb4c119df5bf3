"""E3xx: the template and the message."""

from __future__ import annotations

from bulksend.kinds.kind import Kind

ROWS = (
    Kind(
        "E300",
        "the template cannot be read",
        "Correct the spot; docs/message-language.md has an example of everything.",
    ),
    Kind(
        "E301",
        "not part of the message language",
        "Say it with {{ }}, filters, if/elif/else and set.",
    ),
    Kind(
        "E302",
        "unknown column",
        "Use a column that the recipients file has.",
    ),
    Kind(
        "E303",
        "a name fits several columns",
        "Rename one of the columns.",
    ),
    Kind(
        "E304",
        "unknown filter",
        "Use a filter of docs/message-language.md.",
    ),
    Kind(
        "E305",
        "unknown test",
        "Use a test of docs/message-language.md.",
    ),
    Kind(
        "E306",
        "wrong arguments",
        "Call it as docs/message-language.md shows.",
    ),
    Kind(
        "E307",
        "a method call",
        "Use the filter of that name: {{ name | upper }}.",
    ),
    Kind(
        "E308",
        "types that do not go together",
        "Convert one with int or float.",
    ),
    Kind(
        "E309",
        "a column whose type has no text",
        "Make a column of text, numbers or dates of it in the recipients file.",
    ),
    Kind(
        "E310",
        "none has no text",
        "Write '' for nothing.",
    ),
    Kind(
        "E311",
        "cannot be worked out",
        "Change the values.",
    ),
    Kind(
        "E312",
        "an if without its else",
        "Say what else: else ''.",
    ),
    Kind(
        "E313",
        "unknown field",
        "Use a field that the column has.",
    ),
    Kind(
        "E314",
        "a comparison that always has the same answer",
        "Convert one side.",
    ),
    Kind(
        "E315",
        "a number that is too long",
        "Write at most 38 digits.",
    ),
    Kind(
        "E316",
        "too much in one template",
        "Set fewer variables from each other.",
    ),
    Kind(
        "E330",
        "the template file cannot be read",
        "Check message.file.",
    ),
    Kind(
        "E331",
        "the tag may tell who a person is",
        "Use an id: Bandwidth asks for tags without personal data.",
    ),
    Kind(
        "E340",
        "not a rate card",
        "Correct the key, or remove it.",
    ),
    Kind(
        "E341",
        "a price for nothing known",
        "Write REGION, REGION.line_type or REGION.mms.",
    ),
    Kind(
        "E342",
        "not a price",
        "Write a number such as 0.0075.",
    ),
    Kind(
        "E343",
        "not a currency",
        "Write its three capitals.",
    ),
    Kind(
        "E350",
        "a text without a sender's name",
        "Say who you are.",
    ),
    Kind(
        "E351",
        "a text without opt-out words",
        "Say how to end it, such as: Reply STOP to end.",
    ),
    Kind(
        "E352",
        "a link of a shared shortener",
        "Use a link of your own domain: carriers filter shared ones.",
    ),
    Kind(
        "E353",
        "a link to another domain",
        "Use your own, or add it to lint.domains.",
    ),
    Kind(
        "E354",
        "a word that carriers filter or forbid",
        "Say it otherwise, or register the use; a word alone proves nothing.",
    ),
    Kind(
        "E355",
        "an address of a picture that may tell who a person is",
        "Use an id: addresses are written into logs everywhere.",
    ),
    Kind(
        "E356",
        "a text in capitals",
        "Write it as people write.",
    ),
    Kind(
        "E357",
        "a placeholder of another tool",
        "Write {{ column }} where a person's value shall stand.",
    ),
    Kind(
        "E358",
        "there is no such finding",
        "Use a code of docs/errors.md.",
    ),
)
