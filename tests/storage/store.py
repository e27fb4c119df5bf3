"""A bucket to test with, reached in another way than by the code that is tested."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from datetime import datetime

SECRET = "a-secret-that-nobody-may-see"


@dataclass
class Bucket:
    """A bucket at *url*, seen through AWS's own library."""

    url: str
    name: str
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, url: str, name: str) -> Bucket:
        bucket = cls(
            url,
            name,
            {
                "AWS_ACCESS_KEY_ID": "AKIAOFTHETESTS",
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": url,
            },
        )
        bucket.client.create_bucket(Bucket=name)
        return bucket

    @cached_property
    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="AKIAOFTHETESTS",
            aws_secret_access_key=SECRET,
        )

    def at(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def put(self, key: str, content: str | bytes) -> str:
        body = content.encode() if isinstance(content, str) else content
        self.client.put_object(Bucket=self.name, Key=key, Body=body)
        return self.at(key)

    def get(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=self.name, Key=key)[
            "Body"
        ].read()
        return content

    def modified(self, key: str) -> datetime:
        said = self.client.head_object(Bucket=self.name, Key=key)
        at: datetime = said["LastModified"]
        return at

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    @property
    def keys(self) -> list[str]:
        said = self.client.list_objects_v2(Bucket=self.name)
        return [one["Key"] for one in said.get("Contents", ())]
