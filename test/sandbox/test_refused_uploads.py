"""Uploads that are refused with 400: invalid names, empty files, unknown types, formats that are not allowed."""

from __future__ import annotations

import io
import re
from typing import Any, Callable, Dict

import cloudinary.api
import cloudinary.uploader
import pytest
from cloudinary.exceptions import BadRequest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .conftest import sdk_options
from .helpers import OAuthClient, png, session

Options = Dict[str, Any]
BAD_IDS = ("a?b", "a&b", "a#b", "a\\b", "a%b", "a<b", "a>b", "a+b", " a", "a ", "f/a\t", "/a", "a/")


def upload(public_id: str = "", content: bytes = b"", **options: Any) -> Dict[str, Any]:
    """Upload a picture, or the given content."""
    more = {"public_id": public_id} if public_id else {}
    response: Dict[str, Any] = cloudinary.uploader.upload(io.BytesIO(content or png()), **more, **options)
    return response


@pytest.mark.parametrize("public_id", BAD_IDS)
def test_public_ids_with_forbidden_characters_are_refused(shared_options: Options, public_id: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(f"public_id ({public_id}) is invalid")):
        upload(public_id, **shared_options)
    upload("fine", **shared_options)
    with pytest.raises(BadRequest, match=re.escape(f"to_public_id ({public_id}) is invalid")):
        cloudinary.uploader.rename("fine", public_id, **shared_options)
    with pytest.raises(BadRequest, match=re.escape(f"public_id ({public_id}) is invalid")):
        cloudinary.uploader.explicit(public_id, type="upload", **shared_options)
    with pytest.raises(BadRequest, match="is invalid"):
        cloudinary.uploader.text("hello", public_id=public_id, **shared_options)
    assert cloudinary.api.resource("fine", **shared_options)["public_id"] == "fine"


def test_public_ids_have_up_to_255_characters(shared_options: Options) -> None:
    assert upload("f/" + "x" * 253, **shared_options)["bytes"] == len(png())
    with pytest.raises(BadRequest, match="is invalid"):
        upload("f/" + "x" * 254, **shared_options)


@pytest.mark.parametrize("public_id", ["a b", "\u00e9/\u4e2d", "a,b=c", "it's (1) [2] {3}!", "a:b;c@d$e*f", "v1/a.b"])
def test_other_characters_are_accepted(shared_options: Options, public_id: str) -> None:
    response = upload(public_id, **shared_options)
    assert response["public_id"] == public_id and session().get(response["url"]).content == png()


@pytest.mark.parametrize("folder_mode", ["dynamic", "fixed"])
def test_the_folder_of_a_public_id_is_checked_too(make_sandbox: Callable[..., SandboxServer], folder_mode: str) -> None:
    options = sdk_options(make_sandbox(folder_mode=folder_mode))
    with pytest.raises(BadRequest, match=r"(public_id \(a%b/c\)|asset_folder \(a%b\)) is invalid"):
        upload("c", folder="a%b", **options)
    assert cloudinary.api.resources(**options)["resources"] == []
    assert cloudinary.api.root_folders(**options)["folders"] == []


@pytest.mark.parametrize("folder", ["a?b", "a&b", "a#b", "a\\b", "a%b", "a<b", "a>b", "a+b", " a", "b/a ", "b/ a"])
def test_folders_with_forbidden_characters_are_refused(options: Options, folder: str) -> None:
    with pytest.raises(BadRequest, match="is invalid"):
        upload("a", asset_folder=folder, **options)
    upload("a", **options)
    with pytest.raises(BadRequest, match="is invalid"):
        cloudinary.api.update("a", asset_folder=folder, **options)
    with pytest.raises(BadRequest, match="is invalid"):
        cloudinary.uploader.explicit("a", type="upload", asset_folder=folder, **options)
    cloudinary.api.create_folder("good", **options)
    with pytest.raises(BadRequest, match="is invalid"):
        cloudinary.api.rename_folder("good", folder, **options)
    assert [item["path"] for item in cloudinary.api.root_folders(**options)["folders"]] == ["good"]


def test_display_names_with_a_slash_are_refused(shared_options: Options) -> None:
    upload("d", display_name="fine & dandy", **shared_options)
    for call in (
        lambda: upload("d", display_name="a/b", **shared_options),
        lambda: cloudinary.api.update("d", display_name="a/b", **shared_options),
        lambda: cloudinary.uploader.explicit("d", type="upload", display_name="a/b", **shared_options),
    ):
        with pytest.raises(BadRequest, match=re.escape("display_name (a/b) is invalid")):
            call()


@pytest.mark.parametrize("resource_type", ["image", "video", "raw", "auto"])
def test_empty_files_are_refused(shared_sandbox: SandboxServer, shared_oauth: OAuthClient, resource_type: str) -> None:
    headers = {"Authorization": "Bearer " + shared_oauth.login()["access_token"]}
    address = f"{shared_sandbox.base_url}/v1_1/sandbox/{resource_type}/upload"
    for body in ({"files": {"file": ("a.png", b"")}}, {"data": {"file": "data:image/png;base64,"}}):
        response = session().post(address, headers=headers, **body)  # type: ignore[arg-type]
        assert (response.status_code, response.json()["error"]["message"]) == (400, "Empty file")
    assert list((shared_sandbox.settings.data_dir / "tmp").iterdir()) == []


def test_unknown_types_are_refused(sandbox: SandboxServer, options: Options) -> None:
    upload("a", **options)
    for call in (
        lambda: upload("b", type="nonsense", **options),
        lambda: upload("b", type="fetch", **options),
        lambda: cloudinary.uploader.rename("a", "b", to_type="nonsense", **options),
        lambda: cloudinary.uploader.explicit("a", type="nonsense", **options),
        lambda: cloudinary.uploader.destroy("a", type="nonsense", **options),
    ):
        with pytest.raises(BadRequest, match="Invalid value (nonsense|fetch) for parameter (to_)?type"):
            call()
    assert [item["public_id"] for item in cloudinary.api.resources(**options)["resources"]] == ["a"]


def test_unknown_resource_types_are_refused(sandbox: SandboxServer, options: Options) -> None:
    upload("a", **options)
    for call in (
        lambda: upload("b", resource_type="audio", **options),
        lambda: upload("b", resource_type="all", **options),
        lambda: cloudinary.uploader.destroy("a", resource_type="auto", **options),
        lambda: cloudinary.uploader.rename("a", "b", resource_type="img", **options),
    ):
        with pytest.raises(BadRequest, match="Invalid value (audio|all|auto|img) for parameter resource_type"):
            call()
    cloudinary.api.create_folder("upload", **options)
    assert cloudinary.api.root_folders(**options)["folders"][0]["path"] == "upload"


def test_formats_that_are_not_allowed_are_refused(options: Options) -> None:
    with pytest.raises(BadRequest, match="Image file format png not allowed"):
        upload("a", allowed_formats=["jpg", "gif"], **options)
    with pytest.raises(BadRequest, match="Raw file format txt not allowed"):
        upload("a", b"text", allowed_formats="png", resource_type="auto", filename="a.txt", **options)
    with pytest.raises(BadRequest, match="Video file format mp4 not allowed"):
        upload("a", b"film", allowed_formats="webm", resource_type="video", filename="a.mp4", **options)
    with pytest.raises(BadRequest, match="An unknown file format not allowed"):
        upload("a", b"text", allowed_formats="png", resource_type="raw", filename="a", **options)
    cloudinary.api.create_upload_preset(name="pictures", allowed_formats="jpg", **options)
    with pytest.raises(BadRequest, match="Image file format png not allowed"):
        upload("a", upload_preset="pictures", **options)
    assert cloudinary.api.resources(**options)["resources"] == []


def test_allowed_formats_are_accepted(options: Options) -> None:
    assert upload("a", allowed_formats=["jpg", "png"], **options)["format"] == "png"
    jpeg = b"\xff\xd8\xff\xe0" + bytes(40)
    assert upload("b", jpeg, allowed_formats="jpeg", **options)["format"] == "jpg"
    # With both parameters, only a file of a format that is not allowed is converted.
    assert upload("c", allowed_formats="jpg", format="jpg", **options)["format"] == "jpg"
    assert upload("d", allowed_formats="jpg,png", format="jpg", **options)["format"] == "png"
    with pytest.raises(BadRequest, match="Image file format png not allowed"):
        upload("e", allowed_formats="jpg", format="gif", **options)
