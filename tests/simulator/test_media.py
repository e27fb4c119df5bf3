"""The media store: put, get, list, delete, and gone after 48 hours."""

from __future__ import annotations

import pytest

from tests.simulator.calls import ACCOUNT, bandwidth, moment, parsed, request

MEDIA = f"/api/v2/users/{ACCOUNT}/media"


def test_a_file_comes_back_as_it_was_put() -> None:
    """``%2F`` and a slash name the same file, as the official client sends both."""
    bw = bandwidth()
    put = request(
        "PUT", f"{MEDIA}/a%2F0%2Fb.png", body=b"png", content_type="image/png"
    )

    assert bw.answer(put, moment()).status == 204
    got = bw.answer(request("GET", f"{MEDIA}/a/0/b.png"), moment())

    assert (got.status, got.body, got.content_type) == (200, b"png", "image/png")
    (listed,) = parsed(bw.answer(request("GET", MEDIA), moment()))
    assert listed["mediaName"] == "a/0/b.png"
    assert listed["contentLength"] == 3
    assert listed["content"].endswith(f"{MEDIA}/a/0/b.png")


def test_a_deleted_file_is_gone_and_another_account_never_had_it() -> None:
    """404 for the unknown, 204 for what was there."""
    bw = bandwidth()
    bw.answer(request("PUT", f"{MEDIA}/a.png", body=b"1"), moment())

    other = f"{MEDIA}/a.png".replace(ACCOUNT, "2")
    assert bw.answer(request("GET", other), moment()).status == 404
    assert bw.answer(request("DELETE", f"{MEDIA}/a.png"), moment()).status == 204
    assert bw.answer(request("GET", f"{MEDIA}/a.png"), moment()).status == 404
    assert bw.answer(request("DELETE", f"{MEDIA}/a.png"), moment()).status == 404


@pytest.mark.parametrize(("hours", "status"), [(47.9, 200), (48.1, 404)])
def test_a_file_is_kept_for_48_hours(hours: float, status: int) -> None:
    """As Bandwidth documents: then it must be put again."""
    bw = bandwidth()
    bw.answer(request("PUT", f"{MEDIA}/a.png", body=b"1"), moment())

    got = bw.answer(request("GET", f"{MEDIA}/a.png"), moment(hours * 3600))

    assert got.status == status


def test_media_need_signing_in_and_a_known_method() -> None:
    """The same door as for messages."""
    bw = bandwidth()

    unsigned = request("GET", MEDIA, authorization="")
    assert bw.answer(unsigned, moment()).status == 401
    assert bw.answer(request("PATCH", f"{MEDIA}/a"), moment()).status == 405
