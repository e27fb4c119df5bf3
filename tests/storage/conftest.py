"""An S3 of the tests' own: moto's server on the loopback, one for each test process."""

from __future__ import annotations

import logging
from itertools import count
from typing import TYPE_CHECKING

import pytest

from bulksend.storage.objects import Objects
from tests.flow.conftest import bandwidth, desk  # noqa: F401  (fixtures)
from tests.storage.store import Bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flow.desk import Desk

_BUCKETS = count(1)


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The server's address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str) -> Bucket:
    """An empty bucket, and the environment that reaches it."""
    return Bucket.make(s3, f"bucket-{next(_BUCKETS)}")


@pytest.fixture
def objects(bucket: Bucket) -> Objects:
    return Objects(bucket.environment, retries=0)


@pytest.fixture
def cloud_desk(desk: Desk, bucket: Bucket) -> Desk:  # noqa: F811
    """A desk whose environment reaches the bucket."""
    desk.environment |= bucket.environment
    return desk
