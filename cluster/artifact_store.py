"""An object store (S3, Google Cloud Storage, Azure) as a place for artifacts, by URI."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from pyarrow import fs

from recsys.errors import ConfigError, StoreError

SCHEMES = ("s3", "gs", "abfs", "abfss")
CHUNK = 1 << 20


@dataclass(frozen=True)
class ArtifactStore:
    """Objects by path below one prefix. An object appears whole or not at all."""

    filesystem: fs.FileSystem
    prefix: str

    @classmethod
    def open(cls, uri: str) -> ArtifactStore:
        """The store of a URI such as `s3://bucket/shop?region=eu-central-1`; nothing is asked for yet.

        Credentials come from the environment or the machine, as the provider's own tools take them.
        Raises `ConfigError` for another scheme or for credentials in the URI, which would end up in logs.
        """
        parts = urlsplit(uri)
        if parts.scheme not in SCHEMES or not parts.netloc:
            raise ConfigError(
                "this is no object store",
                expected=" or ".join(f"{s}://" for s in SCHEMES),
                found=parts.scheme,
            )
        if "@" in parts.netloc and parts.scheme in ("s3", "gs"):
            raise ConfigError("credentials do not belong into a URI", expected="them in the environment")
        try:
            filesystem, prefix = fs.FileSystem.from_uri(uri)
        except (ValueError, OSError) as error:
            raise ConfigError("this object store cannot be used", found=str(error)[:200]) from error
        return cls(filesystem, prefix.strip("/"))

    def sizes(self) -> dict[str, int]:
        """Every object by its path below the prefix, with its bytes; empty before the first."""
        selector = fs.FileSelector(self.prefix, recursive=True, allow_not_found=True)
        with self._errors("be listed"):
            found = self.filesystem.get_file_info(selector)
        start = len(self.prefix) + 1
        return {one.path[start:]: one.size for one in found if one.type == fs.FileType.File}

    def read(self, path: str) -> Iterator[bytes]:
        """An object's bytes in pieces."""
        with self._errors("be read"), self.filesystem.open_input_stream(f"{self.prefix}/{path}") as stream:
            while piece := stream.read(CHUNK):
                yield piece

    def write(self, path: str, pieces: Iterator[bytes]) -> int:
        """Put an object, replacing one that is there; its bytes."""
        size = 0
        with (
            self._errors("be written"),
            self.filesystem.open_output_stream(f"{self.prefix}/{path}") as stream,
        ):
            for piece in pieces:
                size += stream.write(piece)
        return size

    def remove(self, path: str) -> None:
        """Take an object away."""
        with self._errors("be removed"):
            self.filesystem.delete_file(f"{self.prefix}/{path}")

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"artifacts cannot {what}", found=str(error)[:300], where=self.prefix) from error
