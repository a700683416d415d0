"""A bucket that speaks S3: Amazon's, or any server with an endpoint of its own.

Large objects go up in parts. An interrupted upload is found again at the server and goes on with the first part that is
missing or different; every part carries its SHA-256, so that the server refuses what was damaged on the way.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.utils.translation import gettext as _

from bonanca.catalog.spec import PlaceSpec
from bonanca.recovery.places.base import (
    CHUNK,
    Parcel,
    Place,
    PlaceInvalid,
    ReplicaLocked,
    Told,
    refuse_private,
)

PART_BYTES = 8 * 1024 * 1024
PARTS_AT_MOST = 10_000
_GONE = ("NoSuchKey", "NoSuchUpload", "404", "NotFound")
# What a server answers that has no versions, or does not let us see them.
_NO_VERSIONS = ("NotImplemented", "AccessDenied", "MethodNotAllowed", "501", "405", "403")
# A bucket that does not answer is a failed copy after this long, never a backup that hangs.
_CLIENT = {
    "connect_timeout": 10,
    "read_timeout": 60,
    "retries": {"mode": "standard", "max_attempts": 3},
    "user_agent_extra": "bonanca",
}


class S3(Place):
    """Objects below the address's prefix. Credentials: a declared file, else the environment, files or the role."""

    def __init__(self, spec: PlaceSpec) -> None:
        super().__init__(spec.place)
        self.spec = spec
        address = urlsplit(spec.place)
        self.bucket, self.prefix = address.netloc, address.path.strip("/")
        self._client: Any = None

    def store(self, parcel: Parcel, told: Told = lambda done: None) -> int:
        with self._said(), parcel.source.open("rb") as source:
            if parcel.size <= PART_BYTES:
                version = self._put_whole(parcel, source)
            else:
                version = self._put_parts(parcel, source, told)
            head = self.client.head_object(**self._key(parcel.name))
            if int(head["ContentLength"]) != parcel.size:
                raise self.problem(OSError(_("%(size)d bytes arrived") % {"size": head["ContentLength"]}))
            if parcel.lock_until is not None:
                self._lock(parcel, head, version)
        told(parcel.size)
        return parcel.size

    def _put_whole(self, parcel: Parcel, source: BinaryIO) -> str | None:
        body = source.read()
        if hashlib.sha256(body).hexdigest() != parcel.sha256:
            raise self.changed(parcel)
        summed = base64.b64encode(bytes.fromhex(parcel.sha256)).decode()
        answer = self.client.put_object(
            **self._key(parcel.name),
            **self._locking(parcel),
            Body=body,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=summed,
        )
        return answer.get("VersionId")  # type: ignore[no-any-return] # the client has no types

    def _put_parts(self, parcel: Parcel, source: BinaryIO, told: Told) -> str | None:
        key = self._key(parcel.name)
        upload, there = self._unfinished(parcel.name)
        if upload is None:
            made = self.client.create_multipart_upload(**key, **self._locking(parcel), ChecksumAlgorithm="SHA256")
            upload = made["UploadId"]
        size = max(PART_BYTES, -(-parcel.size // PARTS_AT_MOST))
        summed, done = hashlib.sha256(), 0
        parts: list[dict[str, Any]] = []
        while body := source.read(size):
            number = len(parts) + 1
            summed.update(body)
            sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
            tag = there.get(number, {}).get("ETag")
            # A part's tag is its MD5 wherever the server does not encrypt with keys of its own.
            if tag is None or tag.strip('"') != hashlib.md5(body, usedforsecurity=False).hexdigest():
                sent = self.client.upload_part(
                    **key, UploadId=upload, PartNumber=number, Body=body, ChecksumSHA256=sha256
                )
                tag = sent["ETag"]
            parts.append({"PartNumber": number, "ETag": tag, "ChecksumSHA256": sha256})
            done += len(body)
            told(done)
        if summed.hexdigest() != parcel.sha256:
            self.client.abort_multipart_upload(**key, UploadId=upload)
            raise self.changed(parcel)
        answer = self.client.complete_multipart_upload(**key, UploadId=upload, MultipartUpload={"Parts": parts})
        return answer.get("VersionId")  # type: ignore[no-any-return] # the client has no types

    def _unfinished(self, name: str) -> tuple[str | None, dict[int, dict[str, Any]]]:
        """The newest upload of this object that did not end, with the parts that the server has."""
        uploads = self._uploads(name)
        if not uploads:
            return None, {}
        newest = max(uploads, key=lambda found: found["Initiated"])["UploadId"]
        pages = self.client.get_paginator("list_parts").paginate(**self._key(name), UploadId=newest)
        try:
            return newest, {part["PartNumber"]: part for page in pages for part in page.get("Parts", ())}
        except ClientError as error:
            if _code(error) in _GONE:
                return None, {}
            raise

    def _uploads(self, name: str) -> list[dict[str, Any]]:
        key = self._key(name)["Key"]
        answer = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=key)
        return [found for found in answer.get("Uploads", ()) if found["Key"] == key]

    def _locking(self, parcel: Parcel) -> dict[str, Any]:
        if parcel.lock_until is None:
            return {}
        return {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": parcel.lock_until}

    def _lock(self, parcel: Parcel, head: dict[str, Any], version: str | None) -> None:
        """Some servers take the wish at the beginning of an upload and forget it: look, and ask again."""
        assert parcel.lock_until is not None
        if _locked(head.get("ObjectLockRetainUntilDate"), parcel.lock_until):
            return
        key = self._key(parcel.name) | ({"VersionId": version} if version else {})
        until = {"Mode": "COMPLIANCE", "RetainUntilDate": parcel.lock_until}
        self.client.put_object_retention(**key, Retention=until)
        if not _locked(self.client.head_object(**key).get("ObjectLockRetainUntilDate"), parcel.lock_until):
            raise self.problem(OSError(_("the server did not lock the object")))

    def read(self, name: str) -> Iterator[bytes]:
        with self._said(name):
            body = self.client.get_object(**self._key(name))["Body"]
            with closing(body):
                yield from body.iter_chunks(CHUNK)

    def remove(self, name: str) -> None:
        with self._said():
            for upload in self._uploads(name):
                self.client.abort_multipart_upload(**self._key(name), UploadId=upload["UploadId"])
            versions = self._versions(name)
            if versions is None:
                self.client.delete_object(**self._key(name))
                return
            for version in versions:
                self._remove_version(name, version)

    def _remove_version(self, name: str, version: dict[str, Any]) -> None:
        try:
            self.client.delete_object(**self._key(name), VersionId=version["VersionId"])
        except ClientError as error:
            if _code(error) != "AccessDenied":
                raise
            raise ReplicaLocked(
                _("%(place)s: %(name)s may not be removed: it is locked, or these credentials do not suffice")
                % {"place": self.place, "name": name}
            ) from error

    def _versions(self, name: str) -> list[dict[str, Any]] | None:
        """Every version and every mark of deletion; None: the server has no versions."""
        key = self._key(name)["Key"]
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=key)
        try:
            return [
                found
                for page in pages
                for kind in ("Versions", "DeleteMarkers")
                for found in page.get(kind, ())
                if found["Key"] == key
            ]
        except ClientError as error:
            if _code(error) in _NO_VERSIONS:
                return None
            raise

    @property
    def client(self) -> Any:
        if self._client is None:
            self._client = self._connected()
        return self._client

    def _connected(self) -> Any:
        session = botocore.session.Session(profile=self.spec.profile)
        if self.spec.credentials_file is not None:
            session.set_config_variable("credentials_file", str(self.spec.credentials_file))
        endpoint = self.spec.endpoint
        if endpoint is not None:
            address = urlsplit(endpoint)
            if address.scheme == "http" and not self.spec.allow_http:
                raise PlaceInvalid(
                    _("%(place)s: %(endpoint)s is not encrypted.") % {"place": self.place, "endpoint": endpoint},
                    field="backup.replicas",
                    hint=_("Use https, or declare `allow_http: true` for this place."),
                )
            if not self.spec.allow_private:
                refuse_private(self.place, address.hostname or "", address.port or 443)
        style = {"addressing_style": "path" if endpoint else "auto"}
        region = self.spec.region or session.get_config_variable("region") or "us-east-1"
        return session.create_client(
            "s3", region_name=region, endpoint_url=endpoint, config=Config(**_CLIENT, s3=style)
        )

    def _key(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": f"{self.prefix}/{name}" if self.prefix else name}

    @contextmanager
    def _said(self, name: str = "") -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if name and _code(error) in ("NoSuchKey", "404"):
                raise self.missing(name) from error
            said = error.response.get("Error", {})
            reason = f"{said.get('Code', '')}: {said.get('Message', '')}".strip(": ")
            raise self.problem(OSError(reason or str(error))) from error
        except (BotoCoreError, PlaceInvalid, OSError) as error:
            raise self.problem(error) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _locked(until: datetime | None, wanted: datetime) -> bool:
    # Servers keep whole seconds.
    return until is not None and until >= wanted - timedelta(seconds=2)
