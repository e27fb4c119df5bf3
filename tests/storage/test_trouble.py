"""What a store says becomes a code, a place and a way out; and nothing secret is in it."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from bulksend.errors import BulksendError, InputError, Stopped
from bulksend.storage import access
from bulksend.storage.location import located
from bulksend.storage.objects import Objects, told
from tests.storage.refusing import LEAK, Answer, refusing
from tests.storage.store import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.storage.store import Bucket

PLACE = located("s3://crm/exports/list.csv")

ANSWERS: dict[Answer, tuple[str, type[BulksendError]]] = {
    Answer(400, "ExpiredToken"): ("E695", InputError),
    Answer(403, "RequestTimeTooSkewed"): ("E695", InputError),
    Answer(403, "AccessDenied"): ("E694", InputError),
    Answer(403, "InvalidAccessKeyId"): ("E694", InputError),
    Answer(403, "SignatureDoesNotMatch"): ("E694", InputError),
    Answer(401, "Unauthorized"): ("E694", InputError),
    Answer(400, "InvalidRequest"): ("E694", InputError),
    Answer(404, "NoSuchBucket"): ("E693", InputError),
    Answer(301, "PermanentRedirect"): ("E693", InputError),
    Answer(400, "AuthorizationHeaderMalformed"): ("E693", InputError),
    Answer(503, "SlowDown"): ("E698", Stopped),
    Answer(500, "InternalError"): ("E698", Stopped),
}
WORK: dict[str, Callable[[Objects], object]] = {
    "look": lambda objects: objects.look(PLACE),
    "list": lambda objects: objects.inside(PLACE.parent),
    "put": lambda objects: objects.create(b"x", PLACE, owner="run"),
}


def keys(url: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "AKIAOFTHETESTS",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": LEAK,
        "AWS_ENDPOINT_URL": url,
    }


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.code)
def test_what_a_store_refuses_has_a_code(answer: Answer) -> None:
    """The same code for a look, a listing and a put; only E698 may pass by itself.

    Neither the message nor the traceback has anything of what the store repeated.
    """
    code, kind = ANSWERS[answer]
    with refusing(answer) as url:
        objects = Objects(keys(url), retries=0)
        for work in WORK.values():
            with pytest.raises(BulksendError) as caught:
                work(objects)
            assert type(caught.value) is kind
            [problem] = caught.value.problems
            assert (problem.code, problem.file[:10]) == (code, "s3://crm/e")
            told = "".join(traceback.format_exception(caught.value))
            assert LEAK not in told
            assert SECRET not in told


def test_a_store_that_is_away_may_come_back() -> None:
    """E698 is exit code 4: the same command goes on."""
    objects = Objects(keys("http://127.0.0.1:9"), retries=0)
    with pytest.raises(Stopped, match=r"E698 s3://crm/exports/list\.csv"):
        objects.look(PLACE)


def test_no_credentials_at_all_are_said(s3: str, tmp_path: Path) -> None:
    """E694 where neither the environment nor the machine has any."""
    environment = {
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": s3,
        "AWS_METADATA_ENDPOINT": "http://127.0.0.1:9",
    }
    with pytest.raises(InputError, match=r"E694 .*credentials"):
        Objects(environment, retries=0).look(PLACE)


def test_a_profile_is_read_by_aws_own_library(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS_PROFILE counts where the environment has no keys; one that is none is E694."""
    (tmp_path / ".aws").mkdir()
    file = tmp_path / ".aws" / "credentials"
    file.write_text(
        f"[crm]\naws_access_key_id = AKIAX\naws_secret_access_key = {SECRET}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    place = located(bucket.put("list.csv", "x"))
    environment = {
        "HOME": str(tmp_path),
        "AWS_PROFILE": "crm",
        "AWS_ENDPOINT_URL": bucket.url,
    }
    assert Objects(environment, retries=0).look(place) is not None
    with pytest.raises(InputError, match="E694"):
        Objects(environment | {"AWS_PROFILE": "none"}, retries=0).look(place)


def test_without_the_library_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """E691, and what to install."""
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    with pytest.raises(InputError, match=r"E691 .*bulksend\[cloud\]"):
        Objects({}).look(PLACE)


def test_credentials_are_in_no_text_about_it(bucket: Bucket, objects: Objects) -> None:
    """Neither `repr` nor `str` has them, so no log and no traceback of locals either."""
    assert SECRET in str(bucket.environment)
    assert SECRET not in repr(objects) + str(objects)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("AWS_ENDPOINT_URL", "http://[::1"),
        ("AWS_ENDPOINT_URL", "http://host:99999"),
        ("AWS_ENDPOINT_URL", "http://host:port"),
        ("AWS_ENDPOINT_URL", "http://%zz/"),
        ("AWS_METADATA_ENDPOINT", "nonsense"),
        ("AWS_REGION", "eu\nwest"),
        ("AWS_ACCESS_KEY_ID", "AKIA\x00"),
        ("AWS_SESSION_TOKEN", f"{LEAK}\x7f"),
    ],
)
def test_a_setting_that_no_request_can_have_is_named(name: str, said: str) -> None:
    """E694 with the variable's name and without its value; obstore itself would panic."""
    objects = Objects(keys("http://127.0.0.1:9") | {name: said}, retries=0)
    with pytest.raises(InputError, match=f"E694 .*{name}") as caught:
        objects.look(PLACE)
    assert LEAK not in str(caught.value)


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_when_obstore_gives_up_that_has_a_code_too(
    work: Callable[[Objects], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """E694 for what no check foresaw: a panic is no `Exception`, and would end a worker."""
    monkeypatch.setattr(access, "_check", lambda *_: None)
    objects = Objects(keys("http://[::1"), retries=0)
    with pytest.raises(InputError, match="E694"):
        work(objects)


def test_what_is_not_ours_to_catch_is_not_caught() -> None:
    """A stop is a stop, also while a store is asked."""
    with pytest.raises(KeyboardInterrupt), told(PLACE):
        raise KeyboardInterrupt


@pytest.mark.parametrize("code", ["AccessDenied", "InternalError"])
def test_an_error_that_says_200_is_no_object(code: str) -> None:
    """E698 that says so: neither is a proxy's page a list, nor is anything put there."""
    with refusing(Answer(200, code)) as url:
        objects = Objects(keys(url), retries=0)
        for work in (WORK["look"], WORK["put"]):
            with pytest.raises(Stopped, match=r"E698 .*no object store") as caught:
                work(objects)
            assert LEAK not in str(caught.value)
