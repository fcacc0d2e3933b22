"""Assets as bytes: a fifth of the memory of a record. Only the fields that matter for a comparison are kept."""

from __future__ import annotations

from typing import List

from cloudinary_cli.transfer.engine.records import RemoteAsset

_SEPARATOR = b"\xff"  # does not occur in UTF-8
_IDENTITY_PARTS = 3


def pack(asset: RemoteAsset, with_key: bool) -> bytes:
    """The identity comes first, so that equal identities are neighbors in a sorted list."""
    # matching.match() compares only the display names of raw assets.
    name = asset.display_name if asset.resource_type == "raw" else ""
    size = "" if asset.size is None else str(asset.size)
    parts = (*asset.identity, asset.created_at, name, asset.etag, size, asset.key if with_key else "")
    return _SEPARATOR.join(part.encode("utf-8", "surrogatepass") for part in parts)


def unpack(data: bytes, key: str = "") -> RemoteAsset:
    """:param key: of an asset that was packed without its key."""
    resource_type, type_, public_id, created_at, name, etag, size, own_key = (
        part.decode("utf-8", "surrogatepass") for part in data.split(_SEPARATOR)
    )
    key = key or own_key
    return RemoteAsset(
        key,
        public_id,
        resource_type,
        type_,
        etag=etag,
        size=int(size) if size else None,
        created_at=created_at,
        display_name=name,
        server_key=key,
    )


def identity_of(data: bytes) -> List[bytes]:
    """What identifies the asset on the server."""
    return data.split(_SEPARATOR, _IDENTITY_PARTS)[:_IDENTITY_PARTS]


def key_of(data: bytes) -> str:
    """The key of an asset that was packed with it."""
    return data[data.rindex(_SEPARATOR) + 1 :].decode("utf-8", "surrogatepass")
