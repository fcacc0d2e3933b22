"""Restricted assets need signed URLs; `explicit` fetches a remote URL."""

from __future__ import annotations

import io
import re
from typing import Any, Callable, Dict

import cloudinary.api
import cloudinary.search
import cloudinary.uploader
import cloudinary.utils
import pytest
from cloudinary.exceptions import BadRequest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .conftest import sdk_options
from .helpers import Control, png, session

Options = Dict[str, Any]
SIGNED = re.compile(r"/s--[A-Za-z0-9_-]{8}--/")


@pytest.mark.parametrize("delivery_type", ["private", "authenticated"])
@pytest.mark.parametrize("public_id", ["p", "f/\u00e9 x,y~z", "a.b"])
def test_addresses_of_restricted_assets_are_signed(options: Options, delivery_type: str, public_id: str) -> None:
    identity = {"type": delivery_type, **options}
    uploaded = cloudinary.uploader.upload(
        io.BytesIO(png()), public_id=public_id, eager=[{"width": 5, "crop": "scale"}], **identity
    )
    listed = cloudinary.api.resource(public_id, **identity)
    for shown in (uploaded, listed, uploaded["eager"][0], listed["derived"][0]):
        for key in ("url", "secure_url"):
            assert SIGNED.search(shown[key]) and session().get(shown[key]).content == png(), shown[key]
            assert session().get(SIGNED.sub("/", shown[key])).status_code == 401
            assert session().get(SIGNED.sub("/s--AAAAAAAA--/", shown[key])).status_code == 401
    copied = cloudinary.uploader.upload(uploaded["secure_url"], public_id="copy", **options)
    assert not SIGNED.search(copied["secure_url"])


def test_the_signature_is_the_one_of_the_sdk(sandbox: SandboxServer, options: Options) -> None:
    uploaded = cloudinary.uploader.upload(io.BytesIO(png()), public_id="d/\u00e9 p", type="private", **options)
    delivery = {"secure": False, "cname": sandbox.base_url[len("http://") :], **options}
    more = {"type": "private", "format": "png", "version": uploaded["version"], "sign_url": True}
    assert cloudinary.utils.cloudinary_url("d/\u00e9 p", **more, **delivery)[0] == uploaded["secure_url"]
    scaled = cloudinary.utils.cloudinary_url("d/\u00e9 p", width=5, crop="scale", **more, **delivery)[0]
    assert session().get(scaled).content == png()


def test_a_disabled_key_signs_nothing(sandbox: SandboxServer, options: Options) -> None:
    address = cloudinary.uploader.upload(io.BytesIO(png()), public_id="p", type="private", **options)["url"]
    clouds = sandbox.state.clouds
    clouds.put_key({**clouds.keys("sandbox")[0], "enabled": False})
    assert session().get(address).status_code == 401


@pytest.mark.parametrize("folder_mode", ["dynamic", "fixed"])
def test_explicit_fetches_a_remote_url(make_sandbox: Callable[..., SandboxServer], folder_mode: str) -> None:
    origin, server = make_sandbox(), make_sandbox(folder_mode=folder_mode)
    source = cloudinary.uploader.upload(io.BytesIO(png(4, 4)), public_id="dir/a", **sdk_options(origin))["url"]
    options = sdk_options(server)
    fetched = cloudinary.uploader.explicit(source, type="fetch", tags="t", eager=[{"width": 9}], **options)
    assert (fetched["public_id"], fetched["type"], fetched["resource_type"]) == (source, "fetch", "image")
    assert (fetched["width"], fetched["format"], fetched["tags"]) == (4, "png", ["t"])
    assert fetched["eager"][0]["transformation"] == "w_9"
    assert session().get(fetched["secure_url"]).content == png(4, 4)
    assert session().get(fetched["eager"][0]["secure_url"]).content == png(4, 4)
    assert cloudinary.api.root_folders(**options)["folders"] == []
    found = cloudinary.api.resources(type="fetch", **options)["resources"]
    assert [item["public_id"] for item in found] == [source]


def test_explicit_fetches_again_only_when_told(make_sandbox: Callable[..., SandboxServer]) -> None:
    origin, server = make_sandbox(), make_sandbox()
    first = cloudinary.uploader.upload(io.BytesIO(png(4, 4)), public_id="a", **sdk_options(origin))
    source = first["url"].replace(f"v{first['version']}/", "") + "?size=1"
    options = {"type": "fetch", **sdk_options(server)}
    assert cloudinary.uploader.explicit(source, **options)["width"] == 4
    cloudinary.uploader.upload(io.BytesIO(png(5, 5)), public_id="a", **sdk_options(origin))
    assert cloudinary.uploader.explicit(source, **options)["width"] == 4
    assert cloudinary.uploader.explicit(source, invalidate=True, **options)["width"] == 5


def test_explicit_reports_a_url_that_cannot_be_fetched(
    options: Options, sandbox: SandboxServer, control: Control
) -> None:
    for source in (sandbox.base_url + "/sandbox/image/upload/none.png", "https://example.com/a.png", "no url"):
        with pytest.raises(BadRequest, match=r"Error in loading|127\.0\.0\.1 only"):
            cloudinary.uploader.explicit(source, type="fetch", **options)
    assert cloudinary.api.resources(type="fetch", **options)["resources"] == []
