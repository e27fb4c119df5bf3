"""E1xx: the campaign file, the rules of hours, and the words of a command."""

from __future__ import annotations

from bulksend.kinds.kind import Kind

ROWS = (
    Kind(
        "E100",
        "the campaign file cannot be read",
        "Check the path.",
    ),
    Kind(
        "E101",
        "the campaign file is not YAML",
        "Correct the line; indent with spaces, and quote texts that hold : or #.",
    ),
    Kind(
        "E102",
        "unknown key",
        "Remove it, or use a key that `bulksend schema` has.",
    ),
    Kind(
        "E103",
        "a required key is missing",
        "Add it.",
    ),
    Kind(
        "E104",
        "wrong value",
        "Change the value.",
    ),
    Kind(
        "E105",
        "an environment variable is not set",
        "Set it, or write the value into the file.",
    ),
    Kind(
        "E106",
        "the same key twice",
        "Keep one of them.",
    ),
    Kind(
        "E107",
        "keys that do not go together",
        "Remove one of them.",
    ),
    Kind(
        "E108",
        "too long",
        "Shorten it.",
    ),
    Kind(
        "E110",
        "a file is there already, or cannot be written",
        "Choose another name, or move the file away.",
    ),
    Kind(
        "E120",
        "a window that is never open",
        "Write the earlier time first; a window cannot go over midnight.",
    ),
    Kind(
        "E121",
        "a file of rules cannot be read",
        "Check the path and the file.",
    ),
    Kind(
        "E122",
        "a file of rules is wrong",
        "Correct it; nothing is sent by rules that cannot be trusted.",
    ),
    Kind(
        "E123",
        "there is no such rule",
        "See `bulksend rules list`.",
    ),
    Kind(
        "E124",
        "no rules about hours, and no reason",
        "Say why these messages may be sent at any hour, or choose us-marketing.",
    ),
    Kind(
        "E125",
        "no schedule",
        "Add `schedule` to the campaign.",
    ),
    Kind(
        "E126",
        "an experiment that cannot be",
        "Give each arm a share, together 100; `arm` is its name in the template.",
    ),
    Kind(
        "E127",
        "a cap for other campaigns",
        "Correct it, or give this campaign the `purpose` that it has.",
    ),
    Kind("E140", "options that do not go together", "Leave one of them out."),
    Kind("E141", "unknown command", "See `bulksend --help`."),
    Kind("E142", "unknown option", "See the command's `--help`."),
    Kind("E143", "something that a command needs is missing", "Add it."),
    Kind("E144", "not what a command takes there", "See the command's `--help`."),
)
