"""What every section of the campaign file is: frozen, and each key with its `Key`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from bulksend.define.kinds import Key

TEMPLATE = "a text, in which {{ column }} stands for each person's value"
COLUMN = "the name of a column"


class Section(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        regex_engine="python-re",  # Rust's has no look-ahead
    )


def keys_of(section: type[BaseModel]) -> dict[str, Key]:
    """The keys of a section as the file spells them, in the file's order."""
    return {
        str(field.validation_alias or name): next(
            m for m in field.metadata if isinstance(m, Key)
        )
        for name, field in section.model_fields.items()
    }
