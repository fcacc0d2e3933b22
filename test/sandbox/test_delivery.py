"""Delivery: plain, transformed, signed, partial, auto-uploaded."""

from __future__ import annotations

import io
from typing import Any, Dict

import cloudinary.api
import cloudinary.uploader
import cloudinary.utils
import pytest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .helpers import Control, png, session

Options = Dict[str, Any]


@pytest.fixture
def delivery(sandbox: SandboxServer) -> Options:
    """SDK options for delivery URLs."""
    return {
        "cloud_name": "sandbox",
        "secure": False,
        "cname": sandbox.base_url[len("http://") :],
        "api_secret": sandbox.settings.api_secret,
    }


def url(source: str, **options: Any) -> str:
    return str(cloudinary.utils.cloudinary_url(source, **options)[0])


def test_urls_of_the_sdk_work(options: Options, delivery: Options) -> None:
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="d/p \u00e9", **options)
    for address in (
        url("d/p \u00e9", **delivery),
        url("d/p \u00e9", format="png", **delivery),
        url("d/p \u00e9", format="jpg", width=5, crop="scale", **delivery),
        url("d/p \u00e9", version=123, transformation=[{"width": 5}, {"angle": 9}], **delivery),
        url("d/p \u00e9.png", sign_url=True, **delivery),
        url("d/p \u00e9", format="png", width=5, sign_url=True, long_url_signature=True, **delivery),
    ):
        response = session().get(address)
        assert (response.status_code, response.content) == (200, png()), address
    assert session().get(url("d/p \u00e9.png", sign_url=True, **{**delivery, "api_secret": "x"})).status_code == 401


def test_headers_ranges_and_etag(options: Options, delivery: Options) -> None:
    etag = cloudinary.uploader.upload(io.BytesIO(png()), public_id="p", **options)["etag"]
    address = url("p.png", **delivery)
    whole = session().get(address)
    assert whole.headers["ETag"] == f'"{etag}"' and whole.headers["Content-Type"] == "image/png"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    part = session().get(address, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")
    assert session().get(address, headers={"If-None-Match": f'"{etag}"'}).status_code == 304
    head = session().head(address)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(png())))


def test_a_missing_asset_is_404(delivery: Options) -> None:
    response = session().get(url("nothing.png", **delivery))
    assert response.status_code == 404 and response.headers["X-Cld-Error"] == "Resource not found - nothing.png"
    assert session().get(url("x", **{**delivery, "cloud_name": "nobody"})).status_code == 404


def test_raw_files_and_ids_with_dots_are_delivered(options: Options, delivery: Options) -> None:
    cloudinary.uploader.upload(io.BytesIO(b"x"), public_id="a.b/c.tar.gz", resource_type="raw", **options)
    assert session().get(url("a.b/c.tar.gz", resource_type="raw", **delivery)).content == b"x"
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="v1.5", **options)
    assert session().get(url("v1.5", format="png", **delivery)).content == png()


def test_restricted_assets_need_a_signature_or_token(options: Options, delivery: Options) -> None:
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="p", type="private", **options)
    assert session().get(url("p.png", type="private", **delivery)).status_code == 401
    assert session().get(url("p.png", type="private", sign_url=True, **delivery)).status_code == 200
    download = cloudinary.utils.private_download_url("p", "png", type="private", **options)
    assert session().get(download).content == png()
    assert session().get(download + "x").status_code == 401
    late = cloudinary.utils.private_download_url("p", "png", type="private", expires_at=1, **options)
    assert session().get(late).status_code == 401
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="t", access_control=[{"access_type": "token"}], **options)
    plain = url("t.png", **delivery)
    assert session().get(plain).status_code == 401
    assert session().get(plain + "?__cld_token__=x").status_code == 200
    cloudinary.uploader.upload(cloudinary.utils.private_download_url("t", "png", **options), public_id="u", **options)
    assert session().get(url("u.png", **delivery)).content == png()


def test_an_upload_mapping_fetches_missing_assets(
    sandbox: SandboxServer, options: Options, delivery: Options, control: Control
) -> None:
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="origin/a", **options)
    template = f"{sandbox.base_url}/sandbox/image/upload/origin/"
    cloudinary.api.create_upload_mapping("remote", template=template, **options)
    assert session().head(url("remote/a.png", **delivery)).status_code == 200
    assert cloudinary.api.resource("remote/a", **options)["bytes"] == len(png())
    response = session().head(url("remote/none.png", **delivery))
    assert response.status_code == 404 and "Error in loading" in response.headers["X-Cld-Error"]
    cloudinary.api.create_upload_mapping("web", template="https://example.com/", **options)
    assert "127.0.0.1 only" in session().head(url("web/a.png", **delivery)).headers["X-Cld-Error"]


def test_a_missing_asset_is_not_another_one_with_the_same_last_name(options: Options, delivery: Options) -> None:
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="hello", **options)
    for source in ("legacy/hello.png", "my_pics/hello.png", "v1/legacy/hello.png"):
        assert session().get(url(source, **delivery)).status_code == 404
    for transformation in ("w_5", "c_scale,w_5/a_9", "$size_5/w_$size", "if_w_gt_5,w_5/if_end", "t_small"):
        address = url("hello.png", raw_transformation=transformation, **delivery)
        assert session().get(address).status_code == 200, address


def test_an_upload_mapping_serves_transformations_and_folders_with_dots(
    sandbox: SandboxServer, options: Options, delivery: Options
) -> None:
    for public_id in ("hello", "origin/hello"):
        cloudinary.uploader.upload(io.BytesIO(png()), public_id=public_id, **options)
    template = f"{sandbox.base_url}/sandbox/image/upload/origin/"
    cloudinary.api.create_upload_mapping("old.site", template=template, **options)
    assert session().get(url("old.site/hello.png", width=5, crop="scale", **delivery)).status_code == 200
    assert session().get(url("old.site/hello", **delivery)).status_code == 200
    listed = cloudinary.api.resources(type="upload", prefix="old", **options)["resources"]
    assert [item["public_id"] for item in listed] == ["old.site/hello"]


def test_a_download_is_an_attachment_only_if_asked_for(options: Options) -> None:
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="p", **options)
    for attachment in (True, False):
        address = cloudinary.utils.private_download_url("p", "png", attachment=attachment, **options)
        shown = session().get(address).headers["Content-Disposition"].startswith("attachment")
        assert shown is attachment, address


def test_malformed_paths_are_refused(sandbox: SandboxServer) -> None:
    for path in ("../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "//", "v1/", "s--abcdefgh--/", "%00", "a" * 3000):
        assert session().get(f"{sandbox.base_url}/sandbox/image/upload/{path}").status_code in (401, 404)
