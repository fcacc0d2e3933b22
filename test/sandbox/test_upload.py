"""The Upload API with the SDK as its client: names, types, sources, explicit, rename, tags and archives."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict

import cloudinary.api
import cloudinary.uploader
import cloudinary.utils
import pytest
from cloudinary.exceptions import AlreadyExists, BadRequest, NotFound

from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .conftest import sdk_options
from .helpers import png, session

Options = Dict[str, Any]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small PNG."""
    path = tmp_path / "a b&c.png"
    path.write_bytes(png())
    return path


def test_the_upload_response_has_the_fields_of_cloudinary(
    sandbox: SandboxServer, options: Options, picture: Path
) -> None:
    response = cloudinary.uploader.upload(
        str(picture), public_id="x/pic", asset_folder="F/G", tags=["a", "b"], context={"alt": "1=2|3"}, **options
    )
    expected = {"public_id": "x/pic", "format": "png", "resource_type": "image", "type": "upload", "tags": ["a", "b"]}
    assert {key: response[key] for key in expected} == expected
    assert (response["width"], response["height"], response["bytes"]) == (3, 2, len(picture.read_bytes()))
    assert response["etag"] == hashlib.md5(picture.read_bytes()).hexdigest()
    assert response["asset_folder"] == "F/G" and response["display_name"] == "pic"
    assert response["context"] == {"custom": {"alt": "1=2|3"}} and response["original_filename"] == "a b_c"
    assert response["url"] == f"{sandbox.base_url}/sandbox/image/upload/v{response['version']}/x/pic.png"
    text = f"public_id=x/pic&version={response['version']}{sandbox.settings.api_secret}"
    assert response["signature"] == hashlib.sha1(text.encode()).hexdigest()
    assert session().get(response["secure_url"]).content == picture.read_bytes()


@pytest.mark.parametrize(
    ("parameters", "public_id", "folder", "display_name"),
    [
        ({"use_filename": True, "unique_filename": False}, "a b_c", "", "a b_c"),
        ({"public_id": "n", "use_filename_as_display_name": True, "asset_folder": "f"}, "n", "f", "a b_c"),
        ({"public_id": "n", "folder": "f/g"}, "f/g/n", "f/g", "n"),
        ({"public_id": "n", "public_id_prefix": "p", "display_name": "D"}, "p/n", "", "D"),
        ({"public_id": "m", "filename_override": "other.jpg", "use_filename_as_display_name": 1}, "m", "", "other"),
    ],
)
def test_names_in_dynamic_mode(
    shared_options: Options, picture: Path, parameters: Options, public_id: str, folder: str, display_name: str
) -> None:
    response = cloudinary.uploader.upload(str(picture), **parameters, **shared_options)
    assert (response["public_id"], response["asset_folder"], response["display_name"]) == (
        public_id,
        folder,
        display_name,
    )


def test_folder_is_part_of_the_id_in_fixed_mode(make_sandbox: Callable[..., SandboxServer], picture: Path) -> None:
    options = sdk_options(make_sandbox(folder_mode="fixed"))
    response = cloudinary.uploader.upload(
        str(picture), folder="f/g", use_filename=True, unique_filename=False, asset_folder="no", **options
    )
    assert response["public_id"] == "f/g/a b_c" and response["folder"] == "f/g"
    assert "asset_folder" not in response and "display_name" not in response
    assert [folder["path"] for folder in cloudinary.api.subfolders("f", **options)["folders"]] == ["f/g"]


@pytest.mark.parametrize(
    ("name", "content", "wanted", "kind", "format_"),
    [
        ("a.JPEG", b"not really", "auto", "image", "jpg"),
        ("a.mov", b"film", "auto", "video", "mov"),
        ("a.mp3", b"song", "auto", "video", "mp3"),
        ("a.txt", b"text", "auto", "raw", None),
        ("noext", png(), "auto", "image", "png"),
        ("a.png", png(), "raw", "raw", None),
    ],
)
def test_resource_types_follow_content_and_extension(
    shared_options: Options, tmp_path: Path, name: str, content: bytes, wanted: str, kind: str, format_: Any
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    response = cloudinary.uploader.upload(str(path), resource_type=wanted, **shared_options)
    assert (response["resource_type"], response.get("format")) == (kind, format_)
    if kind == "raw":
        assert response["public_id"].endswith(path.suffix)


def test_a_text_file_is_refused_as_an_image(shared_options: Options, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"text")
    with pytest.raises(BadRequest, match="Invalid image file"):
        cloudinary.uploader.upload(str(tmp_path / "a.txt"), **shared_options)


def test_jpeg_and_gif_sizes(shared_options: Options) -> None:
    jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x05\x00\x07" + b"\x00" * 12
    gif = b"GIF89a\x09\x00\x08\x00" + b"\x00" * 20
    assert [cloudinary.uploader.upload(io.BytesIO(jpeg), **shared_options)[key] for key in ("width", "height")] == [
        7,
        5,
    ]
    assert [cloudinary.uploader.upload(io.BytesIO(gif), **shared_options)[key] for key in ("width", "height")] == [9, 8]


def test_an_upload_replaces_or_keeps_an_existing_asset(shared_options: Options) -> None:
    first = cloudinary.uploader.upload(io.BytesIO(png()), public_id="o", **shared_options)
    kept = cloudinary.uploader.upload(io.BytesIO(png(5, 5)), public_id="o", overwrite=False, **shared_options)
    assert kept["existing"] is True and kept["etag"] == first["etag"]
    second = cloudinary.uploader.upload(io.BytesIO(png(5, 5)), public_id="o", **shared_options)
    assert second["asset_id"] == first["asset_id"] and second["version"] > first["version"] and second["width"] == 5


def test_sources_other_than_files(sandbox: SandboxServer, options: Options) -> None:
    first = cloudinary.uploader.upload("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ", **options)
    assert (first["width"], first["format"]) == (1, "png")
    copy = cloudinary.uploader.upload(first["secure_url"], public_id="copy", **options)
    assert copy["etag"] == first["etag"]
    big = "data:text/plain;base64," + base64.b64encode(b"x" * 2_000_000).decode()
    assert cloudinary.uploader.upload(big, resource_type="raw", **options)["bytes"] == 2_000_000
    for url in ("https://res.cloudinary.com/demo/image/upload/sample.jpg", "http://192.0.2.1/a.png", "s3://b/a.png"):
        with pytest.raises(BadRequest, match=r"fetches from http://127.0.0.1 only"):
            cloudinary.uploader.upload(url, **options)
    with pytest.raises(BadRequest, match="Error in loading"):
        cloudinary.uploader.upload(sandbox.base_url + "/sandbox/image/upload/nothing.png", **options)


def test_many_uploads_from_the_sandbox_itself_do_not_block(shared_options: Options) -> None:
    url = cloudinary.uploader.upload(io.BytesIO(png()), public_id="source", **shared_options)["secure_url"]
    done = []

    def copy(number: int) -> None:
        done.append(cloudinary.uploader.upload(url, public_id=f"copy{number}", **shared_options)["public_id"])

    threads = [threading.Thread(target=copy, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(done) == 40


def test_explicit_makes_derived_forms(shared_options: Options) -> None:
    cloudinary.uploader.upload(
        io.BytesIO(png()), public_id="e", eager=[{"width": 9, "crop": "scale"}], **shared_options
    )
    response = cloudinary.uploader.explicit(
        "e", type="upload", eager=[{"width": 5, "format": "jpg"}, "t_name"], tags="late", **shared_options
    )
    assert [item["transformation"] for item in response["eager"]] == ["w_5", "t_name"] or len(response["eager"]) == 2
    assert response["eager"][0]["secure_url"].startswith("http://127.0.0.1") and response["tags"] == ["late"]
    derived = cloudinary.api.resource("e", **shared_options)["derived"]
    assert len(derived) == 3
    pending = cloudinary.uploader.explicit("e", type="upload", eager="w_1", eager_async=True, **shared_options)
    assert pending["batch_id"] and pending["eager"][0]["status"] == "processing"
    with pytest.raises(NotFound):
        cloudinary.uploader.explicit("missing", type="upload", **shared_options)


def test_rename_and_destroy(options: Options) -> None:
    for name in ("a", "b"):
        cloudinary.uploader.upload(io.BytesIO(png()), public_id=name, **options)
    with pytest.raises(AlreadyExists):
        cloudinary.uploader.rename("a", "b", **options)
    assert cloudinary.uploader.rename("a", "c/d", **options)["public_id"] == "c/d"
    assert cloudinary.uploader.rename("c/d", "b", overwrite=True, **options)["public_id"] == "b"
    with pytest.raises(NotFound):
        cloudinary.uploader.rename("a", "z", **options)
    assert cloudinary.uploader.destroy("b", **options)["result"] == "ok"
    assert cloudinary.uploader.destroy("b", **options)["result"] == "not found"


def test_tags_context_metadata(options: Options) -> None:
    for name in ("a", "b"):
        cloudinary.uploader.upload(io.BytesIO(png()), public_id=name, **options)
    extra = {"notification_url": "http://127.0.0.1/x", **options}
    assert cloudinary.uploader.add_tag("t", ["a", "b", "none"], **extra)["public_ids"] == ["a", "b"]
    cloudinary.uploader.add_tag("t", ["a"], exclusive=True, **options)
    cloudinary.uploader.add_context({"k": "v"}, ["a"], **options)
    cloudinary.uploader.update_metadata({"m": "1"}, ["a"], **options)
    details = cloudinary.api.resource("a", **options)
    assert (details["tags"], details["context"], details["metadata"]) == (["t"], {"custom": {"k": "v"}}, {"m": "1"})
    assert "tags" not in cloudinary.api.resource("b", **options)
    cloudinary.uploader.remove_all_tags(["a"], **options)
    cloudinary.uploader.remove_all_context(["a"], **options)
    details = cloudinary.api.resource("a", **options)
    assert "tags" not in details and "context" not in details


def test_archives_are_stored_or_downloaded(shared_options: Options) -> None:
    for name in ("x/a", "x/b"):
        cloudinary.uploader.upload(io.BytesIO(png()), public_id=name, **shared_options)
    stored = cloudinary.uploader.create_zip(prefixes="x/", target_public_id="all", **shared_options)
    assert stored["file_count"] == 2 and stored["public_id"] == "all.zip" and stored["resource_type"] == "raw"
    url = cloudinary.utils.download_zip_url(public_ids=["x/a"], **shared_options)
    with zipfile.ZipFile(io.BytesIO(session().get(url).content)) as archive:
        assert archive.namelist() == ["x/a.png"] and archive.read("x/a.png") == png()


def test_text_async_and_unknown_actions(sandbox: SandboxServer, options: Options) -> None:
    assert cloudinary.uploader.text("hello", public_id="t", **options)["type"] == "text"
    pending = cloudinary.uploader.upload(io.BytesIO(png()), public_id="later", **{"async": True}, **options)
    assert pending["status"] == "pending" and pending["batch_id"]
    with pytest.raises(NotFound):
        cloudinary.uploader.explode("t", **options)


def test_restart_keeps_assets(make_sandbox: Callable[..., SandboxServer], tmp_path: Path) -> None:
    first = make_sandbox(data_dir=tmp_path / "kept")
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="kept", **sdk_options(first))
    first.stop()
    second = make_sandbox(data_dir=tmp_path / "kept")
    asset = cloudinary.api.resource("kept", **sdk_options(second))
    assert asset["url"].startswith(second.base_url) and session().get(asset["url"]).content == png()


def test_no_temporary_files_are_left(sandbox: SandboxServer, options: Options, picture: Path) -> None:
    for _ in range(2):
        cloudinary.uploader.upload(str(picture), public_id="o", overwrite=False, **options)
    with pytest.raises(BadRequest):
        cloudinary.uploader.upload(io.BytesIO(b"text"), filename="a.txt", **options)
    assert list((sandbox.settings.data_dir / "tmp").iterdir()) == []
