"""The Admin API's usage report: storage, transformations and bandwidth."""

from __future__ import annotations

import io
from typing import Any, Dict

import cloudinary.api
import cloudinary.uploader

from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .helpers import Control, png, session

Options = Dict[str, Any]


def test_bandwidth_is_what_was_delivered(sandbox: SandboxServer, options: Options, control: Control) -> None:
    cloudinary.api.create_folder("empty", **options)
    uploaded = cloudinary.uploader.upload(io.BytesIO(png()), public_id="a", **options)
    assert cloudinary.api.usage(**options)["bandwidth"]["usage"] == 0
    address, size = uploaded["url"], len(png())
    session().get(address)
    session().get(address, headers={"Range": "bytes=0-9"})
    session().head(address)
    session().get(address, headers={"If-None-Match": f'"{uploaded["etag"]}"'})
    session().get(address.replace("/a.", "/none."))
    cloudinary.uploader.upload(address, public_id="copy", **options)  # an internal transfer
    control.http.delete(control.base + "/stats")
    usage = cloudinary.api.usage(**options)
    assert usage["bandwidth"]["usage"] == size + 10 and usage["requests"] == 4


def test_usage_is_counted_for_each_cloud(sandbox: SandboxServer, options: Options, control: Control) -> None:
    key = control.http.post(control.base + "/clouds", json={"cloud_name": "other"}).json()
    other = {**options, **{name: key[name] for name in ("cloud_name", "api_key", "api_secret")}}
    session().get(cloudinary.uploader.upload(io.BytesIO(png()), public_id="a", **options)["url"])
    usage = cloudinary.api.usage(**other)
    assert (usage["bandwidth"]["usage"], usage["objects"]["usage"], usage["requests"]) == (0, 0, 0)


def test_credits_follow_from_storage_transformations_and_bandwidth(sandbox: SandboxServer, options: Options) -> None:
    eager = [{"width": width} for width in range(1, 30)]
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="eager", eager=eager, **options)
    big = cloudinary.uploader.upload(io.BytesIO(bytes(32 << 20)), public_id="big", resource_type="raw", **options)
    session().get(big["url"])
    usage = cloudinary.api.usage(**options)
    assert usage["objects"]["usage"] == 31 and usage["resources"] == 2 and usage["derived_resources"] == 29
    assert usage["transformations"]["usage"] == 31 and usage["transformations"]["credits_usage"] == 0.03
    assert usage["storage"]["usage"] == (32 << 20) + 30 * len(png()) and usage["storage"]["credits_usage"] == 0.03
    assert usage["bandwidth"]["usage"] == 32 << 20 and usage["bandwidth"]["credits_usage"] == 0.03
    assert usage["credits"]["usage"] == 0.09
    for name in ("transformations", "objects", "bandwidth", "storage", "credits"):
        part = usage[name]
        assert part["used_percent"] == round(100 * part["usage"] / part["limit"], 2) and part["limit"] > part["usage"]
    assert usage["plan"] and len(usage["last_updated"]) == 10
