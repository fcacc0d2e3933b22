"""The pairs that `cld check` makes during the listing are those of the matching of `cld sync`; also by property."""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudinary_cli.console import Console
from cloudinary_cli.transfer.check.file_table import FileTable
from cloudinary_cli.transfer.check.packed import key_of, pack, unpack
from cloudinary_cli.transfer.check.paired_assets import PairedAssets
from cloudinary_cli.transfer.engine.records import LocalFile, RemoteAsset
from cloudinary_cli.transfer.keys import FolderMode, normalized, uploaded_key
from cloudinary_cli.transfer.remote import RemoteIndex, RemoteQuery
from cloudinary_cli.transfer.scan import ScanResult
from cloudinary_cli.transfer.sync import find
from cloudinary_cli.transfer.sync.name_map import NameMap

ROOT = "/nonexistent"
FOLDERS = find.Folders(ROOT, RemoteQuery("f"))
Partner = Optional[Tuple[str, str, str]]
# Path or key -> the identity of the asset; (identity,) for an asset without a file.
Pairing = Set[Tuple[str, Partner]]

quick = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Side(NamedTuple):
    """One file or asset: its name, and a number that stands for its content."""

    name: str
    content: int


def files_of(sides: Sequence[Side]) -> List[LocalFile]:
    return [LocalFile(normalized(name), name, f"{ROOT}/{name}", 1, 1) for name, _ in sorted(sides)]


def assets_of(sides: Sequence[Side]) -> List[RemoteAsset]:
    return [
        RemoteAsset(
            key=normalized(name),
            public_id=f"id{number}",
            resource_type="image" if "." in name else "raw",
            etag=f"{content:032x}",
            size=1,
            created_at=f"2026-01-{number:02}",
            display_name=name.rpartition("/")[2],
            server_key=normalized(name),
        )
        for number, (name, content) in enumerate(sides)
    ]


def by_matching(files: List[LocalFile], assets: List[RemoteAsset], names: NameMap, etag: Callable[..., str]) -> Pairing:
    """The result of the matching alone."""
    found = find.Found(names, ScanResult(files=files), RemoteIndex(FolderMode.DYNAMIC, assets=assets))
    find.match(found, Console(), FOLDERS, etag, by_disk=True)
    return _pairing(found)


def by_pairs(files: List[LocalFile], assets: List[RemoteAsset], names: NameMap, etag: Callable[..., str]) -> Pairing:
    """The pairs of the listing, and the matching of the others."""
    changed = {file.key: uploaded_key(file.key) for file in files if uploaded_key(file.key) != file.key}
    mapped = {*names.names.values(), *changed.values()}
    special = {*names.names, *mapped, *changed}
    table = FileTable(ROOT, files, lambda file: bool({file.key, file.relative} & special))
    store = PairedAssets(table, mapped.__contains__, lambda row: None)
    for asset in assets:
        store.add(asset)
    records = store.finish()
    assert store.count == len(assets)
    others = store.candidates(records)
    found = find.Found(
        names,
        ScanResult(files=[table.file(row) for row in others]),
        RemoteIndex(FolderMode.DYNAMIC, assets=records),
    )
    find.match(found, Console(), FOLDERS, etag, by_disk=True, is_taken=store.is_paired_key)
    pairing = _pairing(found)
    for row in set(range(len(table))) - set(others):
        paired = store.asset(row)
        pairing.add((table.path(row), paired.identity if paired else None))
    return pairing | {(f"asset {key_of(data)}", unpack(data).identity) for data in store.lone}


def _pairing(found: find.Found) -> Pairing:
    matched = found.matched
    pairing: Pairing = {(pair.local.relative, pair.remote.identity) for pair in matched.pairs}
    pairing |= {(file.relative, None) for file in matched.local_only}
    return pairing | {(f"asset {asset.key}", asset.identity) for asset in matched.remote_only}


stems = st.sampled_from(["a", "a (1)", "a (2)", "s/a", "s/a (1)", "é", "e\u0301", "b", "b_", "b&"])
endings = st.sampled_from(["", ".jpg", ".JPG", ".jpeg", ".png"])
sides = st.builds(Side, st.builds("{}{}".format, stems, endings), st.integers(0, 2))


@quick
@given(
    st.lists(sides, max_size=8, unique_by=lambda side: side.name),
    st.lists(sides, max_size=8),
    st.dictionaries(st.builds("{}{}".format, stems, endings), st.builds("{}{}".format, stems, endings), max_size=2),
)
def test_the_result_is_that_of_the_matching_of_sync(
    local: List[Side], remote: List[Side], names: Dict[str, str]
) -> None:
    contents = {side.name: f"{side.content:032x}" for side in local}
    files, assets = files_of(local), assets_of(remote)
    name_map = NameMap(f"{ROOT}/.cld-sync", {key: normalized(value) for key, value in names.items()})

    def etag(file: LocalFile) -> str:
        return contents[file.relative]

    assert by_pairs(files, assets, name_map, etag) == by_matching(files, assets, name_map, etag)


def test_an_asset_that_moves_between_two_pages_is_counted_once() -> None:
    table = FileTable(ROOT, files_of([Side("a.jpg", 1)]), lambda file: False)
    (before,), (after,) = assets_of([Side("a.jpg", 1)]), assets_of([Side("b.jpg", 1)])
    store = PairedAssets(table, lambda key: False, lambda row: None)
    store.add(before)
    store.add(before)
    store.add(after)
    store.finish()
    assert store.count == 1


def test_packing_keeps_what_a_comparison_needs() -> None:
    asset = RemoteAsset("é/a b", "p\ud800\0é", "raw", "private", etag="x", size=None, created_at="c", display_name="d")
    asset = asset._replace(server_key=asset.key)
    assert unpack(pack(asset, with_key=True)) == asset == unpack(pack(asset, with_key=False), asset.key)
    assert key_of(pack(asset, with_key=True)) == asset.key
