"""The plan, also by property: each item is in one place, and the plan makes both sides equal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudinary_cli.transfer.engine.filters import item_filter
from cloudinary_cli.transfer.engine.records import LocalFile
from cloudinary_cli.transfer.keys import FolderMode
from cloudinary_cli.transfer.sync.matching import Matched, Pair, match
from cloudinary_cli.transfer.sync.plan import (
    Direction,
    Plan,
    build,
    needs_hash,
    selected,
    with_upload_keys,
)
from cloudinary_cli.transfer.sync.policy import pending_deletions
from test.transfer.sync.test_matching import etag_of, local, remote

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def never(file: LocalFile) -> str:
    raise AssertionError(f"{file.key} was hashed")


def test_sizes_that_differ_decide_without_a_hash() -> None:
    pair = Pair(local("a.jpg", "x"), remote("a.jpg", etag="x")._replace(size=2))
    assert not needs_hash(pair)
    assert build(Matched([pair]), Direction.PUSH, never).out_of_sync == [pair]


def test_an_asset_without_etag_is_out_of_sync_without_a_hash() -> None:
    pair = Pair(local("a.jpg", ""), remote("a.jpg", etag=""))
    assert build(Matched([pair]), Direction.PULL, never).out_of_sync == [pair]


def test_an_asset_without_size_is_compared_by_hash() -> None:
    pair = Pair(local("a.jpg", "x"), remote("a.jpg", etag="x")._replace(size=None))
    assert build(Matched([pair]), Direction.PUSH, etag_of).in_sync == [pair]


def test_an_upload_has_the_asset_it_replaces_and_a_download_keeps_the_local_name() -> None:
    pair = Pair(local("a.JPEG", "x"), remote("a.jpg", "random", "y"))
    (upload,) = build(Matched([pair]), Direction.PUSH, etag_of).uploads
    assert upload.replaces is not None and upload.replaces.public_id == "random"
    (download,) = build(Matched([pair]), Direction.PULL, etag_of).downloads
    assert download.relative == "a.JPEG"


def test_new_names_avoid_kept_assets_but_not_deleted_ones() -> None:
    matched = Matched([], [local("a.png")], [remote("a.jpg", "a")])
    plan = build(matched, Direction.PUSH, etag_of)
    assets = matched.remote_only
    assert with_upload_keys(plan, assets, FolderMode.FIXED).uploads[0].remote_key == "a.png"
    kept = replace(plan, delete_remote=[], delete_local=[])
    assert with_upload_keys(kept, assets, FolderMode.FIXED).uploads[0].remote_key == "a (1).png"
    assert with_upload_keys(kept, assets, FolderMode.DYNAMIC).uploads[0].remote_key == "a.png"
    assert not kept.deletions and plan.deletions == 1


def test_a_replaced_asset_is_not_deleted() -> None:
    gone, overwritten = remote("b.jpg", "b"), remote("a.jpg", "a")
    plan = Plan(Direction.PUSH, delete_remote=[overwritten, gone])
    assert pending_deletions(plan, {("image", "upload", "a")}, FolderMode.DYNAMIC) == [gone]


def test_an_excluded_item_is_neither_transferred_nor_deleted() -> None:
    takes = item_filter([("exclude", "*.JPG"), ("exclude", "old/")]).includes
    matched = Matched(
        [Pair(local("a.JPG", "x"), remote("a.jpg", etag="y"))], [local("n.JPG"), local("n.png")], [remote("old/z.jpg")]
    )
    push = build(selected(matched, takes), Direction.PUSH, etag_of)
    assert [upload.file.relative for upload in push.uploads] == ["n.png"] and not push.deletions


names = st.sampled_from(["a.jpg", "b.jpg", "c/d.png", "e", "f.JPG"])


@quick
@given(
    st.dictionaries(names, st.sampled_from(["1", "2"])),
    st.dictionaries(st.sampled_from(["a.jpg", "b.jpg", "c/d.png", "e", "f.jpg", "g.gif"]), st.sampled_from(["1", "2"])),
    st.sampled_from(list(Direction)),
)
def test_the_plan_makes_both_sides_equal(here: Any, there: Any, direction: Direction) -> None:
    files = [local(name, etag) for name, etag in sorted(here.items())]
    assets = [remote(key, etag=etag) for key, etag in sorted(there.items())]
    plan = build(match(files, assets, {}, etag_of), direction, etag_of)
    local_side = {file.key: etag_of(file) for file in files}
    remote_side = dict(there)
    for upload in with_upload_keys(plan, assets, FolderMode.DYNAMIC).uploads:
        remote_side[upload.remote_key] = etag_of(upload.file)
    for asset in plan.delete_remote:
        del remote_side[asset.key]
    for download in plan.downloads:
        local_side[download.asset.key] = download.asset.etag
    for file in plan.delete_local:
        del local_side[file.key]
    assert local_side == remote_side
    changed: List[str] = [u.file.relative for u in plan.uploads] + [d.relative for d in plan.downloads]
    assert changed == sorted(changed)
    assert plan.transfers + len(plan.in_sync) == len(here if direction is Direction.PUSH else there)


@pytest.mark.parametrize("direction", list(Direction))
def test_two_empty_sides_have_an_empty_plan(direction: Direction) -> None:
    plan = build(Matched(), direction, never)
    assert not plan.transfers and not plan.deletions
