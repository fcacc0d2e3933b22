"""Deleted, replaced and restored assets, with the SDK as the client of the Admin API."""

from __future__ import annotations

import io
from typing import Any, Dict, List

import cloudinary.api
import cloudinary.search
import cloudinary.uploader
import pytest
from cloudinary.exceptions import BadRequest

from .helpers import png, session

Options = Dict[str, Any]


def upload(options: Options, *names: str, **parameters: Any) -> None:
    for name in names:
        cloudinary.uploader.upload(io.BytesIO(png()), public_id=name, **parameters, **options)


def ids(response: Any) -> List[str]:
    return sorted(item["public_id"] for item in response["resources"])


def test_a_deleted_asset_is_restored_over_a_new_one_with_its_id(options: Options) -> None:
    old = cloudinary.uploader.upload(io.BytesIO(png(5, 5)), public_id="a", **options)
    cloudinary.api.delete_resources(["a"], **options)
    upload(options, "a")
    restored = cloudinary.api.restore(["a"], versions=[old["version_id"]], **options)["a"]
    assert (restored["asset_id"], restored["width"]) == (old["asset_id"], 5)
    assert session().get(restored["url"]).content == png(5, 5) and ids(cloudinary.api.resources(**options)) == ["a"]
    assert cloudinary.api.restore(["a"], **options)["a"]["width"] == 3, "the replaced one has become a backup"


def test_restoring_a_version_of_a_renamed_asset_keeps_the_renamed_one_as_a_backup(options: Options) -> None:
    upload(options, "a")
    cloudinary.uploader.upload(io.BytesIO(png(5, 5)), public_id="a", **options)
    cloudinary.uploader.rename("a", "b", **options)
    assert cloudinary.api.restore(["a"], **options)["a"]["width"] == 3
    assert cloudinary.api.restore(["b"], **options)["b"]["width"] == 5


def test_deletion_by_tag_deletes_assets_of_all_types_with_the_same_id(options: Options) -> None:
    for type_ in ("upload", "private", "authenticated"):
        upload(options, "a", type=type_, tags="t", eager="w_5")
    response = cloudinary.api.delete_resources_by_tag("t", **options)
    assert response["deleted_counts"] == {"a": {"original": 3, "derived": 3}}
    assert ids(cloudinary.api.resources(**options)) == []


def test_derived_assets_are_deleted_in_batches(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    from cloudinary_cli.sandbox import admin_delete

    monkeypatch.setattr(admin_delete, "BATCH", 2)
    upload(options, "a", "b", "c", eager="w_5")
    first = cloudinary.api.delete_all_resources(keep_original=True, **options)
    cursor = first["next_cursor"]
    last = cloudinary.api.delete_all_resources(keep_original=True, next_cursor=cursor, **options)
    assert (sorted({**first["deleted"], **last["deleted"]}), last["partial"]) == (["a", "b", "c"], False)
    assert cloudinary.api.usage(**options)["derived_resources"] == 0


def test_a_deletion_takes_up_to_100_ids(options: Options) -> None:
    assert len(cloudinary.api.delete_resources([f"x{number}" for number in range(100)], **options)["deleted"]) == 100
    for call in (cloudinary.api.delete_resources, cloudinary.api.delete_resources_by_asset_ids):
        with pytest.raises(BadRequest, match="the limit is 100"):
            call([f"x{number}" for number in range(101)], **options)


def test_backups_of_a_deleted_asset_are_deleted(options: Options) -> None:
    asset = cloudinary.uploader.upload(io.BytesIO(png()), public_id="a", **options)
    cloudinary.api.delete_resources(["a"], **options)
    response = cloudinary.api.delete_backed_up_assets(asset["asset_id"], [asset["version_id"]], **options)
    assert response["deleted_version_ids"] == [asset["version_id"]]
    assert cloudinary.api.restore(["a"], **options)["a"] == {"error": "no_backup"}


def test_a_script_that_deletes_the_assets_of_each_page_gets_all(options: Options) -> None:
    def by_list(**more: Any) -> Any:
        return cloudinary.api.resources(type="upload", max_results=2, **more, **options)

    def by_search(next_cursor: str = "") -> Any:
        query = cloudinary.search.Search().sort_by("public_id", "asc").max_results(2)
        return (query.next_cursor(next_cursor) if next_cursor else query).execute(**options)

    for listing in (by_list, by_search):
        upload(options, "a", "b", "c", "d", "e")
        page, seen = listing(), []
        while True:
            cloudinary.api.delete_resources(ids(page), **options)
            seen += ids(page)
            if "next_cursor" not in page:
                break
            page = listing(next_cursor=page["next_cursor"])
        assert sorted(seen) == ["a", "b", "c", "d", "e"]


def test_lists_begin_at_a_time_and_are_sorted_by_id_with_a_prefix(options: Options) -> None:
    upload(options, "p/b", "p/a", "q")
    found = cloudinary.api.resources(type="upload", prefix="p/", **options)["resources"]
    assert [item["public_id"] for item in found] == ["p/a", "p/b"]
    assert cloudinary.api.resources(start_at="2100-01-01", **options)["resources"] == []
    assert ids(cloudinary.api.resources(start_at="2020-01-01T00:00:00Z", **options)) == ["p/a", "p/b", "q"]
    with pytest.raises(BadRequest, match="start_at"):
        cloudinary.api.resources(start_at="soon", **options)


def test_a_folder_cannot_be_moved_into_itself(options: Options) -> None:
    upload(options, "a", asset_folder="F/G")
    with pytest.raises(BadRequest, match="cannot be moved"):
        cloudinary.api.rename_folder("F", "F/H", **options)
    assert cloudinary.api.resource("a", **options)["asset_folder"] == "F/G"
