"""Delivery routes: assets under /<cloud>/<type>/..., auto-upload, signed downloads and search URLs."""

from __future__ import annotations

import os
import re
from typing import Iterator, List, NamedTuple, Optional, Tuple
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request, send_file

from .assets import Asset
from .auth_check import check_signature
from .fetch import INTERNAL, save_url
from .gate import FOREIGN_REFUSED, is_foreign
from .ingest import store_upload
from .params import flag, number, params
from .search_api import run_signed_search
from .signing import RESTRICTED, is_signed
from .state import RefusedCall, state

blueprint = Blueprint("delivery", __name__)
SIGNATURE = re.compile(r"s--([A-Za-z0-9_-]{8,32})--\Z")
VERSION = re.compile(r"v\d+\Z")
# One component of a transformation: parameters such as `w_100`, or definitions of variables such as `$size_9`. All
# others are folders, so that a missing asset `f/a` is not taken for the asset `a`.
# https://cloudinary.com/documentation/transformation_reference
_KEYS = "ac|af|ar?|b|bl|bo|br|co?|cs|d|dl|dn|dpr|du|eo?|f|fl|fn|fps|g|h|if|ki|l|o|p|pg|q|r|sp?|so|t|u|vc|vs|w|x|y|z"
TRANSFORMATION = re.compile(rf"(?:(?:{_KEYS}|\$\w+)_[^,]+(?:,|\Z))+\Z")
TOKEN = "__cld_token__"


@blueprint.get("/<cloud>/<any(image,video,raw):kind>/<delivery_type>/<path:rest>")
def deliver(cloud: str, kind: str, delivery_type: str, rest: str) -> Response:
    """The content of an asset. Transformations and format conversions are accepted but not applied."""
    signature, parts = _take_signature(rest.split("/"))
    if not state().clouds.find(cloud):
        raise RefusedCall(404, f"Unknown cloud {cloud}")
    for reading in readings(parts, kind):
        asset = state().assets(cloud).get(kind, delivery_type, reading.public_id)
        if asset is not None:
            _check_access(cloud, asset, signature, reading)
            return send_asset(cloud, asset, parts[-1])
    return _auto_upload(cloud, kind, delivery_type, parts)


@blueprint.get("/v1_1/<cloud>/<any(image,video,raw,auto,all):kind>/download")
def download(cloud: str, kind: str) -> Response:
    """A signed download URL (the SDK's private_download_url)."""
    values = params()
    if not state().clouds.find(cloud):
        raise RefusedCall(401, "cloud_name mismatch")
    check_signature(cloud, values)
    if values.get("expires_at") and number(values, "expires_at", 0) <= state().clock.now():
        raise RefusedCall(401, "The download URL has expired")
    asset = state().assets(cloud).get(kind, str(values.get("type") or "upload"), str(values.get("public_id")))
    if asset is None:
        raise RefusedCall(404, f"Resource not found - {values.get('public_id')}")
    name = ".".join(part for part in (str(asset["public_id"]).rpartition("/")[2], asset.get("format")) if part)
    return send_asset(cloud, asset, name, attachment=flag(values, "attachment"))


@blueprint.get("/<cloud>/search/<signature>/<int:ttl>/<query>", defaults={"cursor": ""})
@blueprint.get("/<cloud>/search/<signature>/<int:ttl>/<query>/<cursor>")
def search_url(cloud: str, signature: str, ttl: int, query: str, cursor: str) -> Response:
    """A search URL, cacheable for `ttl` seconds."""
    response = jsonify(run_signed_search(cloud, signature, ttl, query, cursor))
    response.headers["Cache-Control"] = f"public, max-age={ttl}"
    return response


class Reading(NamedTuple):
    """One interpretation of a delivery path."""

    public_id: str
    transformation: str
    name: str


def readings(parts: List[str], kind: str) -> Iterator[Reading]:
    """All interpretations: transformations and a version may precede the public ID, and a format may follow it."""
    for start in range(len(parts)):
        if start and not (VERSION.match(parts[start - 1]) or TRANSFORMATION.match(parts[start - 1])):
            return
        before = "/".join(part for part in parts[:start] if not VERSION.match(part))
        path = "/".join(parts[start:])
        yield Reading(path, before, path)
        stem, dot, extension = path.rpartition(".")
        if dot and stem and "/" not in extension and kind != "raw":
            yield Reading(stem, before, path)


def send_asset(cloud: str, asset: Asset, name: str, attachment: bool = False) -> Response:
    """Stream the content, with ETag and byte ranges."""
    response: Response = send_file(
        str(state().assets(cloud).content(asset)),
        etag=str(asset["etag"]),
        conditional=True,
        as_attachment=attachment,
        download_name=name,
    )
    _count_delivery(cloud, response)
    response.headers["Cache-Control"] = "public, no-cache"
    # Flask sends a .tar.gz with Content-Encoding: gzip, and clients would unpack it.
    response.headers.pop("Content-Encoding", None)
    # Scripts in uploaded HTML or SVG must not run with the origin of the sandbox.
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _take_signature(parts: List[str]) -> Tuple[Optional[str], List[str]]:
    match = SIGNATURE.match(parts[0])
    return (match.group(1), parts[1:]) if match and len(parts) > 1 else (None, parts)


def _count_delivery(cloud: str, response: Response) -> None:
    """Count a delivery; the sandbox's own transfers use no bandwidth."""
    state().counters.add("downloads")
    if INTERNAL in request.environ:
        return
    state().usage.add(f"{cloud}/requests")
    if request.method == "GET" and response.status_code in (200, 206):
        state().usage.add(f"{cloud}/bandwidth", response.content_length or 0)


def _check_access(cloud: str, asset: Asset, signature: Optional[str], reading: Reading) -> None:
    """Require a signed URL for restricted assets, and a token (not verified) for token-controlled ones."""
    controlled = any(rule.get("access_type") == "token" for rule in asset.get("access_control") or [])
    if signature is not None:
        if not is_signed(cloud, reading.transformation, reading.name, signature):
            raise RefusedCall(401, f"Invalid URL signature for {asset['public_id']}")
    elif asset["type"] in RESTRICTED or (controlled and TOKEN not in request.args):
        raise RefusedCall(401, f"Access to {asset['public_id']} needs a signed URL or a token")


def _auto_upload(cloud: str, kind: str, delivery_type: str, parts: List[str]) -> Response:
    """Fetch a missing asset of an upload-mapping folder from the mapping's template."""
    paths = [reading.name for reading in readings(parts, "raw")]
    for mapping in state().storage.documents(cloud, "upload_mapping") if delivery_type == "upload" else ():
        folder = str(mapping["folder"]).strip("/") + "/"
        path = next((path for path in paths if path.startswith(folder)), None)
        if path is None:
            continue
        if is_foreign(request.environ):
            raise RefusedCall(403, FOREIGN_REFUSED)
        try:
            received = save_url(mapping["template"] + quote(path[len(folder) :], safe="/%:?=&"))
        except RefusedCall as error:
            raise RefusedCall(404, error.message) from None
        public_id = path if kind == "raw" else os.path.splitext(path)[0]
        return send_asset(cloud, store_upload(cloud, kind, {"public_id": public_id}, received), parts[-1])
    raise RefusedCall(404, f"Resource not found - {'/'.join(part for part in parts if not VERSION.match(part))}")
