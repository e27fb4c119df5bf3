"""E2xx: the recipients."""

from __future__ import annotations

from bulksend.kinds.kind import Kind

ROWS = (
    Kind(
        "E200",
        "a recipient file cannot be opened",
        "Check the path; it counts from the campaign file's folder.",
    ),
    Kind(
        "E201",
        "no file matches",
        "Check the pattern; it counts from the campaign file's folder.",
    ),
    Kind(
        "E202",
        "not read in this version",
        "Turn it into a CSV, Parquet, NDJSON or .xlsx file on this machine.",
    ),
    Kind(
        "E203",
        "a file is not what its name says",
        "Rename the file, or export it anew.",
    ),
    Kind(
        "E204",
        "nothing is in the file",
        "Export the list anew; the first row must hold the column names.",
    ),
    Kind(
        "E205",
        "the encoding",
        "Save the file as UTF-8, or set `recipients.encoding`.",
    ),
    Kind(
        "E206",
        "a NUL byte",
        "Export the list anew, or delete these characters.",
    ),
    Kind(
        "E207",
        "the delimiter",
        "Set `recipients.delimiter` if this is wrong.",
    ),
    Kind(
        "E208",
        "quotes in the wrong place",
        "Put the whole cell in quotes, and write each quote inside it twice.",
    ),
    Kind(
        "E209",
        "a record has too few or too many cells",
        "Put cells that hold the delimiter in quotes; or export the list anew.",
    ),
    Kind(
        "E210",
        "column names",
        "Give every column a name of its own.",
    ),
    Kind(
        "E211",
        "the first row holds no column names",
        "Put a row with the column names above the data.",
    ),
    Kind(
        "E212",
        "a line is not a JSON object",
        "Write one JSON object on each line.",
    ),
    Kind(
        "E213",
        "a file is damaged",
        "Export or copy the file anew.",
    ),
    Kind(
        "E214",
        "the sheet of a workbook",
        "Set `recipients.sheet`.",
    ),
    Kind(
        "E215",
        "files do not belong together",
        "Give all files the same columns, or name the files that belong together.",
    ),
    Kind(
        "E216",
        "no such column",
        "Use the column's name as it is in the file.",
    ),
    Kind(
        "E217",
        "two columns may be meant",
        "Write the column's name exactly as it is in the file.",
    ),
    Kind(
        "E218",
        "old line ends",
        "Nothing needs to be done.",
    ),
    Kind(
        "E219",
        "a byte order mark",
        "Nothing needs to be done.",
    ),
    Kind(
        "E220",
        "empty rows",
        "Nothing needs to be done; the row numbers count them.",
    ),
    Kind(
        "E221",
        "a column has a name of bulksend's own",
        "Use the new name in the template, or rename the column.",
    ),
    Kind(
        "E222",
        "the lists could not be read as they were checked",
        "Run it again when nothing writes to them; if this stays, export them anew.",
    ),
    Kind(
        "E223",
        "cells that hold an error of the spreadsheet",
        "Correct the formula, or write the value itself; as a number or where the "
        "message needs it, the row gets nothing.",
    ),
    Kind(
        "E224",
        "numbers in a column that cannot hold their digits",
        "Export the column anew, as text or Int64: its last digits are lost.",
    ),
    Kind(
        "E225",
        "a column holds different kinds: plain values, lists or objects",
        "Write one kind in every line, or leave the column out.",
    ),
    Kind(
        "E226",
        "rows are ranked by text",
        "Write dates as 2026-01-31 and numbers without separators, such as 1200: as "
        "text, 9/30/2025 comes after 10/1/2025.",
    ),
    Kind(
        "E227",
        "merged cells",
        "Take the merge apart, and fill in each cell: to a list the others are empty.",
    ),
    Kind(
        "E228",
        "a column that tells where people are, and is not read",
        "Name it in `recipients`: a number tells where it is from, not who moved since.",
    ),
    Kind(
        "E251",
        "a list without numbers",
        "Export it anew, with the people's numbers in it.",
    ),
    Kind(
        "E252",
        "a list has rows without a number",
        "Look at them: a number that cannot be read cannot be kept out.",
    ),
)
