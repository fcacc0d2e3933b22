"""Pairing: colliding local names, duplicate remote names, `.cld-sync`, raw files by content; also by property."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, List, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudinary_cli.transfer.engine.records import LocalFile, RemoteAsset
from cloudinary_cli.transfer.keys import FolderMode, normalized, place
from cloudinary_cli.transfer.sync import matching as naming
from cloudinary_cli.transfer.sync.matching import distinct, match, resolve_duplicates, unnumbered, upload_keys

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def local(relative: str, etag: str = "") -> LocalFile:
    """A file whose path ends with its hash, so that `etag_of` needs no disk."""
    return LocalFile(normalized(relative), relative, f"/root/{relative}#{etag}", 1, 1)


def etag_of(file: LocalFile) -> str:
    return file.path.rpartition("#")[2]


def remote(key: str, public_id: str = "", etag: str = "", **more: Any) -> RemoteAsset:
    return RemoteAsset(key, public_id or key, etag=etag, size=1, server_key=key, **more)


def keys(items: Sequence[Any]) -> List[str]:
    return [item.key for item in items]


# -- local names


def test_local_files_with_the_same_normalized_name_have_unique_keys() -> None:
    files = [local(name) for name in ("a.JPG", "a.jpeg", "a.jpg", "b.JPEG", "b.JPG")]
    assert keys(distinct(files, {})) == ["a.JPG", "a.jpeg", "a.jpg", "b.jpg", "b.JPG"]


def test_a_file_in_the_name_map_keeps_its_spelling() -> None:
    assert keys(distinct([local("a.JPG")], {"a.JPG": "a (1).jpg"})) == ["a.JPG"]
    assert keys(distinct([local("a.JPG")], {})) == ["a.jpg"]


names_of_files = st.lists(
    st.sampled_from(["a", "b"]).flatmap(lambda stem: st.sampled_from(["jpg", "JPG", "jpeg", "JPE", "png"]).map(
        lambda extension: f"{stem}.{extension}"
    )),
    unique=True,
)  # fmt: skip


@quick
@given(names_of_files, st.sampled_from(list(FolderMode)))
def test_keys_and_new_names_are_always_unique(names: List[str], mode: FolderMode) -> None:
    files = distinct([local(name) for name in sorted(names)], {})
    assert len({file.key for file in files}) == len(files)
    chosen = upload_keys(files, set(), mode)
    assert sorted(chosen) == sorted(keys(files))
    assert len({place(key, mode) for key in chosen.values()}) == len(files)
    assert {unnumbered(chosen[file.key]) for file in files} == {normalized(name) for name in names}


def test_new_names_do_not_collide_with_kept_assets() -> None:
    files = distinct([local(name) for name in ("a.JPG", "a.jpg")], {})
    assert upload_keys(files, {place("a (1).jpg", FolderMode.DYNAMIC)}, FolderMode.DYNAMIC) == {
        "a.jpg": "a.jpg",
        "a.JPG": "a (2).jpg",
    }


def test_in_fixed_mode_a_jpg_and_a_png_do_not_overwrite_each_other() -> None:
    files = [local(name) for name in ("a.jpg", "a.mp4", "a.png", "a.txt")]
    assert upload_keys(files, set(), FolderMode.FIXED) == {
        "a.jpg": "a.jpg",
        "a.mp4": "a.mp4",
        "a.png": "a (1).png",
        "a.txt": "a.txt",
    }
    assert upload_keys(files, set(), FolderMode.DYNAMIC)["a.png"] == "a.png"


# -- duplicates


def duplicates(count: int, key: str = "Image.jpg") -> List[RemoteAsset]:
    return [remote(key, f"id{number}", f"e{number}", created_at=f"2024-01-0{number}") for number in range(1, count + 1)]


def test_three_duplicates_beside_a_real_image_1() -> None:
    assets = [*reversed(duplicates(3)), remote("Image (1).jpg", "real", "r")]
    resolved, shared = resolve_duplicates(assets, [], etag_of)
    assert {asset.public_id: asset.key for asset in resolved} == {
        "real": "Image (1).jpg",
        "id1": "Image (2).jpg",
        "id2": "Image (3).jpg",
        "id3": "Image (4).jpg",
    }
    assert list(shared) == ["Image.jpg"] and all(asset.server_key for asset in resolved)


def test_a_duplicate_gets_the_name_of_the_equal_file() -> None:
    files = [local("Image (1).jpg", "e2"), local("Image (7).jpg", "e3"), local("Image.jpg", "e1")]
    resolved, _ = resolve_duplicates(duplicates(4), files, etag_of)
    assert {asset.public_id: asset.key for asset in resolved} == {
        "id2": "Image (1).jpg",
        "id3": "Image (7).jpg",
        "id1": "Image.jpg",
        "id4": "Image (2).jpg",
    }


def test_of_two_equal_duplicates_one_gets_the_file() -> None:
    assets = [remote("a.jpg", "x", "same"), remote("a.jpg", "y", "same")]
    resolved, _ = resolve_duplicates(assets, [local("a.jpg", "same")], etag_of)
    assert keys(resolved) == ["a (1).jpg", "a.jpg"]


def test_names_are_not_patterns() -> None:
    assets = [remote("a+(x|*.jpg", "1"), remote("a+(x|*.jpg", "2")]
    resolved, _ = resolve_duplicates(assets, [local("aXb.jpg")], etag_of)
    assert keys(resolved) == ["a+(x|* (1).jpg", "a+(x|* (2).jpg"]


asset_keys = st.sampled_from(["I.jpg", "I (1).jpg", "I (2).jpg", "I (1) (1).jpg", "J", "J (1)"])
contents = st.sampled_from(["p", "q", "r"])


@quick
@given(
    st.lists(st.tuples(asset_keys, contents)), st.lists(st.tuples(asset_keys, contents), unique_by=lambda item: item[0])
)
def test_every_asset_gets_a_unique_key_in_any_order(remotes: Any, locals_: Any) -> None:
    assets = [remote(key, f"id{number:02}", etag) for number, (key, etag) in enumerate(remotes)]
    files = [local(key, etag) for key, etag in sorted(locals_)]
    resolved, _ = resolve_duplicates(assets, files, etag_of)
    assert len(resolved) == len(assets) == len(set(keys(resolved)))
    assert Counter(asset.public_id for asset in resolved) == Counter(asset.public_id for asset in assets)
    alone = {key for key, count in Counter(key for key, _ in remotes).items() if count == 1}
    assert all(asset.key == asset.server_key for asset in resolved if asset.server_key in alone)
    assert resolve_duplicates(assets[::-1], files, etag_of)[0] == resolved


@quick
@given(st.lists(st.tuples(asset_keys, contents)))
def test_pulled_files_are_in_sync_on_the_next_run(remotes: Any) -> None:
    assets = [remote(key, f"id{number:02}", etag) for number, (key, etag) in enumerate(remotes)]
    pulled, _ = resolve_duplicates(assets, [], etag_of)
    files = sorted((local(asset.key, asset.etag) for asset in pulled), key=lambda file: file.relative)
    again, _ = resolve_duplicates(assets, files, etag_of)
    matched = match(files, again, {}, etag_of)
    assert not matched.local_only and not matched.remote_only
    assert all(etag_of(file) == asset.etag for file, asset in matched.pairs)


# -- pairs


def test_the_name_map_has_precedence_over_keys() -> None:
    files = [local("a.jpg"), local("b.jpg"), local("e & f.jpg"), local("x.jpg")]
    assets = [remote("a.jpg"), remote("e _ f.jpg"), remote("y.jpg")]
    matched = match(files, assets, {"e & f.jpg": "e _ f.jpg", "x.jpg": "a.jpg"}, etag_of)
    assert {pair.local.key: pair.remote.key for pair in matched.pairs} == {"e & f.jpg": "e _ f.jpg", "x.jpg": "a.jpg"}
    assert keys(matched.local_only) == ["a.jpg", "b.jpg"] and keys(matched.remote_only) == ["y.jpg"]


def test_a_file_is_paired_with_the_asset_whose_name_the_server_would_give_it() -> None:
    matched = match([local("s/e & f.jpg"), local("s/g & h.jpg")], [remote("s/e _ f.jpg")], {}, etag_of)
    assert matched.found == {"s/e & f.jpg": "s/e _ f.jpg"} and keys(matched.local_only) == ["s/g & h.jpg"]
    matched = match([local("e & f.jpg"), local("e _ f.jpg")], [remote("e _ f.jpg")], {}, etag_of)
    assert keys(matched.local_only) == ["e & f.jpg"] and not matched.found


def test_a_duplicate_gets_the_name_of_an_equal_file_whose_name_the_server_has_changed() -> None:
    assets = [remote("e _ f.jpg", "x", "1"), remote("e _ f.jpg", "y", "2")]
    resolved, _ = resolve_duplicates(assets, [local("e & f.jpg", "2")], etag_of)
    assert {asset.public_id: asset.key for asset in resolved} == {"x": "e _ f (1).jpg", "y": "e & f.jpg"}


def test_new_files_that_the_server_would_give_one_name_get_different_ones() -> None:
    files = [local("a&b.jpg"), local("a_b.jpg")]
    assert all(
        upload_keys(files, set(), mode) == {"a_b.jpg": "a_b.jpg", "a&b.jpg": "a&b (1).jpg"} for mode in FolderMode
    )


def test_a_raw_asset_is_paired_with_the_extensionless_file_of_its_display_name_and_content() -> None:
    files = [local("d/NOTES", "n"), local("d/NOTES (1)", "m"), local("d/NOTES.txt", "o"), local("NOTES", "n")]
    raw: Dict[str, Any] = {"resource_type": "raw", "display_name": "NOTES"}
    assets = [remote("d/NOTES.bin", "1", "n", **raw), remote("d/NOTES (2).bin", "2", "m", **raw)]
    matched = match(files, assets, {}, etag_of)
    assert matched.found == {"d/NOTES": "d/NOTES.bin", "d/NOTES (1)": "d/NOTES (2).bin"}
    assert keys(matched.local_only) == ["d/NOTES.txt", "NOTES"]
    assert not match(files, [asset._replace(etag="z") for asset in assets], {}, etag_of).pairs


def test_a_raw_asset_is_paired_by_its_display_name_in_either_unicode_normal_form() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    files = [local(composed, "n")]
    for display_name in (composed, decomposed):
        assets = [remote("x.bin", "1", "n", resource_type="raw", display_name=display_name)]
        assert match(files, assets, {}, etag_of).found == {composed: "x.bin"}


@quick
@given(
    st.lists(st.sampled_from(["a.jpg", "a.JPG", "b.png", "c", "c (1)", "d/c"]), unique=True),
    st.lists(st.sampled_from(["a.jpg", "a (1).jpg", "b.png", "c", "c.bin", "d/c"]), unique=True),
    st.dictionaries(st.sampled_from(["a.JPG", "b.png", "c"]), st.sampled_from(["a (1).jpg", "a.jpg", "c.bin"])),
)
def test_nothing_is_lost_and_nothing_is_paired_twice(
    names: List[str], there: List[str], mapped: Dict[str, str]
) -> None:
    assets = [remote(key, resource_type="raw", display_name="c", etag="") for key in sorted(there)]
    effective = {key: value for key, value in mapped.items() if value in there}
    files = distinct([local(name) for name in sorted(names)], effective)
    matched = match(files, assets, effective, etag_of)
    assert sorted(keys([pair.local for pair in matched.pairs] + matched.local_only)) == sorted(keys(files))
    assert sorted(keys([pair.remote for pair in matched.pairs] + matched.remote_only)) == sorted(there)


# -- growth


class CountedKey(str):
    """A key that counts how often keys are compared or hashed."""

    operations = 0
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        CountedKey.operations += 1
        return str.__eq__(self, other)  # type: ignore[no-any-return]

    def __hash__(self) -> int:
        CountedKey.operations += 1
        return str.__hash__(self)


def operations(count: int, kind: str) -> int:
    """The work for `count` files and `count` unmatched assets: comparisons of keys, and requested hashes."""
    asked: List[LocalFile] = []

    def etag(file: LocalFile) -> str:
        asked.append(file)
        return "local"

    raw: Dict[str, Any] = {"resource_type": "raw"} if kind == "raw" else {}
    files = [local(f"f{n:06}")._replace(key=CountedKey(f"f{n:06}")) for n in range(count)]
    assets = [
        remote(CountedKey(f"r{n:06}.bin"), f"r{n}", "remote", display_name=f"r{n:06}", **raw) for n in range(count)
    ]
    if kind == "duplicates":
        assets = [asset._replace(key=CountedKey("Image.jpg")) for asset in assets]
    CountedKey.operations = 0
    resolved, _ = naming.resolve_duplicates(assets, files, etag)
    matched = naming.match(files, resolved, {}, etag)
    assert len(matched.remote_only) == len(matched.local_only) == count
    return CountedKey.operations + len(asked)


def test_8000_unmatched_raw_assets_are_handled_in_linear_time() -> None:
    small, large = operations(1_000, "raw"), operations(8_000, "raw")
    assert large <= 9 * small and large <= 40 * 8_000


def test_20000_assets_and_20000_duplicates_are_handled_in_linear_time() -> None:
    for kind in ("image", "duplicates"):
        small, large = operations(1_000, kind), operations(20_000, kind)
        assert large <= 25 * small and large <= 80 * 20_000, kind
