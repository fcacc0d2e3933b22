"""Keys: extension aliases, remote names in both folder modes, and results with missing members."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.keys import FolderMode, normalized, place, remote_asset, remote_key, split_extension

quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FIXED, DYNAMIC = FolderMode.FIXED, FolderMode.DYNAMIC


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/B.JPEG", "a/B.jpg"),
        ("x.TIF", "x.tiff"),
        ("x.m2ts", "x.ts"),
        ("x.opus", "x.ogg"),
        ("x.heif", "x.heic"),
        ("x.tar.GZ", "x.tar.gz"),
        ("Makefile", "Makefile"),
        ("dir.JPEG/Makefile", "dir.JPEG/Makefile"),
        (".bashrc", ".bashrc"),
        ("a/..JPE", "a/..JPE"),
        ("end.", "end."),
        ("x.unKnown", "x.unknown"),
    ],
)
def test_normalized(path: str, expected: str) -> None:
    assert normalized(path) == expected


@quick
@given(st.text(alphabet="aB./ J\N{LATIN SMALL LETTER E WITH ACUTE}PEGjpeg", max_size=12))
def test_normalizing_twice_changes_nothing(path: str) -> None:
    assert normalized(normalized(path)) == normalized(path)
    stem, extension = split_extension(path)
    assert stem + extension == path and "/" not in extension
    assert normalized(path).rpartition("/")[0] == nfc(path).rpartition("/")[0]


@pytest.mark.parametrize(
    ("result", "folder", "mode", "expected"),
    [
        ({"public_id": "f/a", "format": "jpeg"}, "f", FIXED, "a.jpg"),
        ({"public_id": "f/s/a.TXT", "resource_type": "raw", "format": "x"}, "f", FIXED, "s/a.txt"),
        ({"public_id": "http://h/x.png", "type": "fetch", "format": "png"}, "", FIXED, "http:/h/x.png"),
        ({"public_id": "a", "format": None}, "", FIXED, "a"),
        ({"public_id": "g/a", "format": "jpg"}, "f", FIXED, None),
        ({"public_id": "x", "asset_folder": "f/s", "display_name": "a b", "format": "png"}, "f", DYNAMIC, "s/a b.png"),
        ({"public_id": "x", "asset_folder": "f2", "display_name": "a", "format": "png"}, "f", DYNAMIC, None),
        (
            {"public_id": "x.md", "asset_folder": "f", "display_name": "a", "resource_type": "raw"},
            "f",
            DYNAMIC,
            "a.md",
        ),
        (
            {"public_id": "x.md", "asset_folder": "f", "display_name": "a.MD", "resource_type": "raw"},
            "f",
            DYNAMIC,
            "a.md",
        ),
        ({"public_id": "x", "asset_folder": "f", "display_name": "a", "resource_type": "raw"}, "f", DYNAMIC, "a"),
        (
            {"public_id": "x", "asset_folder": "f", "display_name": "a", "type": "fetch", "format": "jpg"},
            "f",
            DYNAMIC,
            "a",
        ),
        ({"public_id": "x", "asset_folder": "f", "display_name": "/etc/a", "format": "jpg"}, "f", DYNAMIC, "etc/a.jpg"),
    ],
)
def test_remote_key(result: Any, folder: str, mode: FolderMode, expected: str) -> None:
    assert remote_key(result, folder, mode) == expected


def test_an_asset_without_a_display_name_gets_the_last_part_of_its_public_id() -> None:
    result = {"public_id": "p/xyz", "asset_folder": "f", "format": "jpg"}
    assert remote_key(result, "f", DYNAMIC) == "xyz.jpg"
    assert remote_key({**result, "display_name": ""}, "f", DYNAMIC) == "xyz.jpg"


@quick
@given(
    st.dictionaries(
        st.sampled_from(
            "public_id format resource_type type etag bytes version created_at asset_folder display_name".split()
        ),
        st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.text(), max_size=1), st.booleans()),
    ),
    st.sampled_from(list(FolderMode)),
)
def test_results_of_any_shape_are_listed(result: Any, mode: FolderMode) -> None:
    asset = remote_asset(result, "", mode)
    if asset is not None:
        assert asset.key and asset.key == asset.server_key and asset.public_id == result["public_id"]
        assert isinstance(asset.created_at, str) and (asset.size is None or isinstance(asset.size, int))


def test_the_etag_may_be_in_the_image_analysis() -> None:
    result = {"public_id": "a", "image_analysis": {"etag": "AB"}}
    asset = remote_asset(result, "", FIXED)
    assert asset is not None and asset.etag == "ab"


def test_files_that_would_be_one_asset_have_the_same_place() -> None:
    assert place("a.jpg", FIXED) == place("a.png", FIXED) != place("a.mp4", FIXED)
    assert place("a.txt", FIXED) != place("a.md", FIXED)
    assert place("a.jpg", DYNAMIC) != place("a.png", DYNAMIC)
