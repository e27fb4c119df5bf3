"""A campaign that is right, and readers of campaigns given as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bulksend.define.load import Loaded, load
from bulksend.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

GOOD = """\
name: spring-sale
provider: simulator
from: "+19195550100"
recipients:
  path: recipients.csv
  phone: mobile
  default_region: US
message:
  text: "Hi {{ first_name }}"
  tag: spring
send:
  rate: 50/s
results: results/out.csv
"""


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Loaded]:
    """Load a campaign given as text or bytes."""

    def read(text: str | bytes, environment: Mapping[str, str] | None = None) -> Loaded:
        path = tmp_path / "spring.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(path, environment or {})

    return read


@pytest.fixture
def problems(read: Callable[..., Loaded]) -> Callable[..., list[Problem]]:
    """Load a campaign that must be refused; give its problems without the folder."""

    def problems(
        text: str | bytes, environment: Mapping[str, str] | None = None
    ) -> list[Problem]:
        with pytest.raises(InputError) as caught:
            read(text, environment)
        return list(caught.value.problems)

    return problems
