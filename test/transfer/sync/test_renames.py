"""Which uploads and deletions become renames; also by property."""

from __future__ import annotations

from typing import Any, List, Tuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudinary_cli.transfer.keys import FolderMode, place
from cloudinary_cli.transfer.sync import renames
from cloudinary_cli.transfer.sync.matching import Matched, match
from cloudinary_cli.transfer.sync.plan import Direction, Plan, build, with_upload_keys
from test.transfer.sync.test_matching import etag_of, local, remote

FIXED = FolderMode.FIXED
quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def tracked(files: List[Any], assets: List[Any], direction: Direction, mode: FolderMode) -> Plan:
    matched = match(sorted(files), sorted(assets), {}, etag_of)
    plan, _ = renames.tracked(build(matched, direction, etag_of), assets, mode, etag_of)
    return with_upload_keys(plan, assets, mode) if direction is Direction.PUSH else plan


def test_only_files_of_the_size_of_a_deleted_asset_are_hashed() -> None:
    files = [local("a.jpg"), local("b.jpg")._replace(size=7)]
    assert renames.candidates(Matched([], files, [remote("c.jpg", etag="x")])) == files[:1]
    assert renames.candidates(Matched([], files, [remote("c.jpg")])) == []


def test_an_unreadable_file_equals_no_asset() -> None:
    plan = tracked([local("a.jpg", "")], [remote("b.jpg", etag="")], Direction.PUSH, FolderMode.DYNAMIC)
    assert not plan.renames and len(plan.uploads) == len(plan.delete_remote) == 1


def test_a_fetched_asset_is_not_renamed() -> None:
    asset = remote("b.jpg", "https://example.com/b.jpg", "x", type="fetch")
    assert not tracked([local("a.jpg", "x")], [asset], Direction.PUSH, FolderMode.DYNAMIC).renames


def test_in_fixed_mode_a_public_id_that_a_deleted_asset_has_is_not_the_target_of_a_rename() -> None:
    files, assets = [local("b.jpg", "x")], [remote("a.jpg", etag="x"), remote("b.png", etag="y")]
    assert not tracked(files, assets, Direction.PUSH, FIXED).renames
    assert len(tracked(files, assets, Direction.PUSH, FolderMode.DYNAMIC).renames) == 1


def test_in_fixed_mode_two_files_with_one_public_id_are_not_renamed() -> None:
    files, assets = [local("a.jpg", "x"), local("a.png", "y")], [remote("b.jpg", etag="x"), remote("c.png", etag="y")]
    plan = tracked(files, assets, Direction.PUSH, FIXED)
    assert not plan.renames and [upload.remote_key for upload in plan.uploads] == ["a.jpg", "a (1).png"]


def test_a_new_file_gets_the_public_id_of_the_old_name() -> None:
    plan = tracked([local("a.png", "y"), local("b.jpg", "x")], [remote("a.jpg", etag="x")], Direction.PUSH, FIXED)
    assert not plan.renames and [upload.remote_key for upload in plan.uploads] == ["a.png", "b.jpg"]


def test_a_numbered_name_is_not_the_target_of_a_rename() -> None:
    files = [local("a.jpg", "1"), local("a.png", "2"), local("a (1).jpg", "x")]
    plan = tracked(files, [remote("b.jpg", etag="x")], Direction.PUSH, FIXED)
    assert len(plan.renames) == 1 and [upload.remote_key for upload in plan.uploads] == ["a.jpg", "a (2).png"]


items = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["jpg", "png", "txt"]), st.sampled_from("12345")),
    unique_by=lambda item: item[:2],
    max_size=8,
)


@quick
@given(items, items, st.sampled_from(list(Direction)), st.sampled_from(list(FolderMode)))
def test_renames_replace_equal_transfers_and_deletions_and_nothing_else(
    ours: List[Tuple[str, str, str]], theirs: List[Tuple[str, str, str]], direction: Direction, mode: FolderMode
) -> None:
    files = [local(f"{stem}.{extension}", etag) for stem, extension, etag in ours]
    assets = [remote(f"{stem}.{extension}", etag=etag) for stem, extension, etag in theirs]
    plain = build(match(sorted(files), sorted(assets), {}, etag_of), direction, etag_of)
    plan = tracked(files, assets, direction, mode)
    count = len(plan.renames)
    assert all(etag_of(file) == asset.etag for file, asset in plan.renames)
    assert plain.deletions == plan.deletions + count
    assert len(plain.uploads) == len(plan.uploads) + (count if direction is Direction.PUSH else 0)
    assert len(plain.downloads) == len(plan.downloads) + (count if direction is Direction.PULL else 0)
    assert (plan.in_sync, plan.out_of_sync) == (plain.in_sync, plain.out_of_sync)
    if direction is Direction.PUSH:
        # Any order of renames and uploads is right: no name is used twice, and no old name is used again.
        new = [place(rename.file.relative, mode) for rename in plan.renames]
        new += [place(upload.remote_key, mode) for upload in plan.uploads if upload.replaces is None]
        assert len(set(new)) == len(new)
        assert not set(new) & {place(rename.asset.server_key, mode) for rename in plan.renames}
        if mode is FIXED:
            targets = {place(rename.file.relative, mode) for rename in plan.renames}
            assert not targets & {place(asset.server_key, mode) for asset in assets}
