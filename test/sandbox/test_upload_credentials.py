"""Who may upload: signatures, unsigned presets and access tokens."""

from __future__ import annotations

import io
from typing import Any, Dict

import cloudinary.api
import cloudinary.uploader
import pytest
from cloudinary.exceptions import AuthorizationRequired, BadRequest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .helpers import Control, OAuthClient, png

Options = Dict[str, Any]


def test_signatures_are_checked(sandbox: SandboxServer, options: Options, control: Control) -> None:
    with pytest.raises(AuthorizationRequired, match="Invalid Signature"):
        cloudinary.uploader.upload(io.BytesIO(png()), **{**options, "api_secret": "wrong"})
    with pytest.raises(AuthorizationRequired, match="Unknown API key"):
        cloudinary.uploader.upload(io.BytesIO(png()), **{**options, "api_key": "1"})
    with pytest.raises(AuthorizationRequired, match="cloud_name mismatch"):
        cloudinary.uploader.upload(io.BytesIO(png()), **{**options, "cloud_name": "nobody"})
    for algorithm in ("sha1", "sha256"):
        response = cloudinary.uploader.upload(io.BytesIO(png()), tags="a&b=c", signature_algorithm=algorithm, **options)
        assert response["tags"] == ["a&b=c"]
    assert control.stats()["bad_signatures"] == 1
    control.clock(3700)
    with pytest.raises(BadRequest, match="Stale request"):
        cloudinary.uploader.upload(io.BytesIO(png()), **options)


def test_unsigned_needs_an_unsigned_preset(sandbox: SandboxServer, options: Options) -> None:
    cloudinary.api.create_upload_preset(name="open", unsigned=True, tags="preset", asset_folder="inbox", **options)
    cloudinary.api.create_upload_preset(name="closed", unsigned=False, **options)
    anonymous = {"cloud_name": "sandbox", "upload_prefix": sandbox.base_url}
    response = cloudinary.uploader.unsigned_upload(io.BytesIO(png()), "open", **anonymous)
    assert response["tags"] == ["preset"] and response["asset_folder"] == "inbox"
    with pytest.raises(AuthorizationRequired):
        cloudinary.uploader.unsigned_upload(io.BytesIO(png()), "closed", **anonymous)
    with pytest.raises(BadRequest, match="preset not found"):
        cloudinary.uploader.unsigned_upload(io.BytesIO(png()), "none", **anonymous)


def test_unsigned_uploads_take_few_parameters_and_replace_nothing(sandbox: SandboxServer, options: Options) -> None:
    cloudinary.api.create_upload_preset(name="open", unsigned=True, overwrite=True, **options)
    anonymous = {"cloud_name": "sandbox", "upload_prefix": sandbox.base_url}
    first = cloudinary.uploader.unsigned_upload(io.BytesIO(png()), "open", public_id="a", tags="t", **anonymous)
    again = cloudinary.uploader.unsigned_upload(io.BytesIO(png(5)), "open", public_id="a", **anonymous)
    assert again["existing"] is True and again["etag"] == first["etag"] and first["tags"] == ["t"]
    refusal = "Use filename parameter is not allowed when using unsigned upload. Only upload_preset,callback,public_id,"
    with pytest.raises(BadRequest, match=refusal):
        cloudinary.uploader.unsigned_upload(io.BytesIO(png()), "open", use_filename=True, **anonymous)


def test_upload_with_an_access_token(sandbox: SandboxServer, oauth: OAuthClient, control: Control) -> None:
    options = {"cloud_name": "sandbox", "upload_prefix": sandbox.base_url, "oauth_token": oauth.login()["access_token"]}
    assert cloudinary.uploader.upload(io.BytesIO(png()), public_id="mine", **options)["public_id"] == "mine"
    control.clock(400)
    with pytest.raises(AuthorizationRequired, match="expired"):
        cloudinary.uploader.upload(io.BytesIO(png()), **options)
