"""Uploads from a URL of this machine and from a data URI; formats of files and archives."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator

import cloudinary.uploader
import cloudinary.utils
import pytest
from cloudinary.exceptions import BadRequest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from test.support.tls import TinyServer, reply

from .helpers import png, session

Options = Dict[str, Any]


def respond(handler: Any) -> None:
    """A picture, or what the path says."""
    if "redirect" in handler.path:
        reply(handler, 302, Location="http://192.0.2.1/a.png" if "far" in handler.path else "/near.png")
    elif "garbage" in handler.path:
        handler.wfile.write(b"garbage\r\n\r\n")
    elif "truncated" in handler.path:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(png())
    else:
        reply(handler, 200, png())


@pytest.fixture
def web() -> Iterator[TinyServer]:
    """A web server on this machine."""
    with TinyServer(respond) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "name"),
    [("/a b.png", "a b"), ("/\u00e9.png", "\u00e9"), ("/%C3%A9.png", "\u00e9"), ("/redirect", "redirect")],
)
def test_a_url_of_this_machine_is_fetched(shared_options: Options, web: TinyServer, path: str, name: str) -> None:
    response = cloudinary.uploader.upload(web.url + path, **shared_options)
    assert (response["original_filename"], session().get(response["url"]).content) == (name, png())


@pytest.mark.parametrize("path", ["/garbage", "/truncated.png", "/redirect-far"])
def test_a_url_that_cannot_be_fetched_is_named(
    sandbox: SandboxServer, options: Options, web: TinyServer, path: str
) -> None:
    with pytest.raises(BadRequest, match=f"Error in loading {web.url}{path}"):
        cloudinary.uploader.upload(web.url + path, **options)
    assert list((sandbox.settings.data_dir / "tmp").iterdir()) == []


def test_a_malformed_url_is_refused(shared_options: Options) -> None:
    with pytest.raises(BadRequest, match="127.0.0.1 only"):
        cloudinary.uploader.upload("http://[", **shared_options)


@pytest.mark.parametrize(
    ("kind", "resource_type", "format_"), [("video/quicktime", "video", "mov"), ("image/svg+xml", "image", "svg")]
)
def test_the_media_type_of_a_data_uri_is_its_format(
    shared_options: Options, kind: str, resource_type: str, format_: str
) -> None:
    response = cloudinary.uploader.upload(f"data:{kind};base64,AAAA", resource_type="auto", **shared_options)
    assert (response["resource_type"], response["format"]) == (resource_type, format_)


def test_a_mpg_file_stays_one(shared_options: Options, tmp_path: Path) -> None:
    (tmp_path / "film.MPG").write_bytes(b"film")
    response = cloudinary.uploader.upload(str(tmp_path / "film.MPG"), resource_type="auto", **shared_options)
    assert (response["resource_type"], response["format"]) == ("video", "mpg")


def test_an_archive_without_all_its_assets_is_refused(options: Options) -> None:
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="f/a", **options)
    with pytest.raises(BadRequest, match="Resources not found for the archive none"):
        cloudinary.uploader.create_zip(public_ids=["f/a", "none"], **options)
    assert cloudinary.uploader.create_zip(public_ids=["f/a", "none"], allow_missing=True, **options)["file_count"] == 1
    with pytest.raises(BadRequest, match="zip archives only"):
        cloudinary.uploader.create_archive(public_ids=["f/a"], target_format="tgz", **options)


def test_an_archive_may_have_no_folders(options: Options) -> None:
    cloudinary.uploader.upload(io.BytesIO(png()), public_id="f/a", **options)
    url = cloudinary.utils.download_zip_url(public_ids=["f/a"], flatten_folders=True, **options)
    with zipfile.ZipFile(io.BytesIO(session().get(url).content)) as archive:
        assert archive.namelist() == ["a.png"]


def test_values_of_a_metadata_field_of_several_values_are_a_list(options: Options) -> None:
    response = cloudinary.uploader.upload(
        io.BytesIO(png()), public_id="a", metadata={"colors": ["red", "blue"], "note": "[x"}, **options
    )
    assert response["metadata"] == {"colors": ["red", "blue"], "note": "[x"}
