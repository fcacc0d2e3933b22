"""Pairs local files with assets. Pure. Hashes are requested only where they decide a match.

Every step is linear in the number of files and assets, apart from sorting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import AbstractSet, Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Sequence, Set, Tuple

from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.engine.records import LocalFile, RemoteAsset
from cloudinary_cli.transfer.keys import FolderMode, normalized, place, split_extension, uploaded_key

Etag = Callable[[LocalFile], str]
_NUMBERED = re.compile(r"(.*) \([0-9]+\)\Z", re.DOTALL)


class Pair(NamedTuple):
    """A local file and its asset."""

    local: LocalFile
    remote: RemoteAsset


@dataclass(frozen=True)
class Matched:
    """The pairs, and what has no partner. Each list is sorted by key."""

    pairs: List[Pair] = field(default_factory=list)
    local_only: List[LocalFile] = field(default_factory=list)
    remote_only: List[RemoteAsset] = field(default_factory=list)
    # The pairs whose keys differ, for `.cld-sync`: local key -> remote key.
    found: Mapping[str, str] = field(default_factory=dict)


def unnumbered(key: str) -> str:
    """`a/Image (2).jpg` -> `a/Image.jpg`. A key without a number is returned unchanged."""
    stem, extension = split_extension(key)
    match = _NUMBERED.match(stem)
    return f"{match[1]}{extension}" if match else key


def numbered(key: str) -> Iterator[str]:
    """`Image (1).jpg`, `Image (2).jpg`, and so on."""
    stem, extension = split_extension(key)
    number = 0
    while True:
        number += 1
        yield f"{stem} ({number}){extension}"


# -- local names


def distinct(files: Sequence[LocalFile], names: Mapping[str, str]) -> List[LocalFile]:
    """Give every file a unique key. Of a.jpg, a.jpeg and a.JPG, one gets the key `a.jpg`: the file with that name, else
    the first one. The key of any other file is its name on the disk, and so is that of a file in `.cld-sync`.

    :param names: the effective entries of `.cld-sync`.
    """
    owners: Dict[str, str] = {}
    for file in files:
        if file.relative in names and file.relative != file.key:
            continue
        if file.key not in owners or file.relative == file.key:
            owners[file.key] = file.relative
    return [file if owners.get(file.key) == file.relative else file._replace(key=file.relative) for file in files]


# -- duplicate remote names


def resolve_duplicates(
    assets: Sequence[RemoteAsset],
    files: Sequence[LocalFile],
    etag: Etag,
    is_taken: Callable[[str], bool] = lambda key: False,
) -> Tuple[List[RemoteAsset], Dict[str, List[RemoteAsset]]]:
    """Give every asset a unique key. Returns the assets, sorted by key, and the groups that shared a key.

    Each group is processed from its oldest asset to its newest. An asset whose content equals that of a local file NAME
    or NAME (k) gets that key. Any other asset gets the first free key NAME (k).

    :param is_taken: True for the key of a further asset, which is not free.
    """
    shared = _groups(assets)
    if not shared:
        return sorted(assets, key=lambda asset: asset.key), shared
    groups = {asset.key for asset in assets}
    resolved = [asset for asset in assets if asset.key not in shared]
    taken = {asset.key for asset in resolved}
    candidates = _candidates(files, shared)
    for key in sorted(shared):
        by_etag = _by_etag(shared[key], candidates.get(key, ()), etag)
        resolved.extend(_renamed(shared[key], by_etag, taken, lambda name: name in groups or is_taken(name)))
    return sorted(resolved, key=lambda asset: asset.key), shared


def _groups(assets: Iterable[RemoteAsset]) -> Dict[str, List[RemoteAsset]]:
    """The assets whose key is that of another one, by key, the oldest first."""
    first: Dict[str, RemoteAsset] = {}
    groups: Dict[str, List[RemoteAsset]] = {}
    for asset in assets:
        other = first.setdefault(asset.key, asset)
        if other is not asset:
            groups.setdefault(asset.key, [other]).append(asset)
    return {key: sorted(group, key=_age) for key, group in groups.items()}


def _age(asset: RemoteAsset) -> Tuple[str, Tuple[str, str, str]]:
    return asset.created_at, asset.identity


def _candidates(files: Iterable[LocalFile], shared: Mapping[str, object]) -> Dict[str, List[LocalFile]]:
    """The local files that may belong to a shared key, by that key."""
    found: Dict[str, List[LocalFile]] = {}
    for file in files:
        for key in {file.key, unnumbered(file.key), nfc(file.key), uploaded_key(file.key)}:
            if key in shared:
                found.setdefault(key, []).append(file)
    return found


def _by_etag(group: Sequence[RemoteAsset], files: Iterable[LocalFile], etag: Etag) -> Dict[str, List[LocalFile]]:
    """The files that may equal an asset of the group, by hash. Files of other sizes are not read."""
    sizes = {asset.size for asset in group}
    found: Dict[str, List[LocalFile]] = {}
    for file in files:
        if file.size in sizes or None in sizes:
            found.setdefault(etag(file), []).append(file)
    return found


def _renamed(
    group: Sequence[RemoteAsset],
    by_etag: Mapping[str, List[LocalFile]],
    taken: Set[str],
    is_remote: Callable[[str], bool],
) -> List[RemoteAsset]:
    renamed: List[RemoteAsset] = []
    rest: List[RemoteAsset] = []
    for asset in group:
        equal = by_etag.get(asset.etag, ()) if asset.etag else ()
        key = next((file.key for file in equal if file.key not in taken), None)
        if key is None:
            rest.append(asset)
        else:
            taken.add(key)
            renamed.append(asset._replace(key=key))
    free = numbered(group[0].key)
    for asset in rest:
        key = next(name for name in free if name not in taken and not is_remote(name))
        taken.add(key)
        renamed.append(asset._replace(key=key))
    return renamed


# -- pairs


def match(files: Sequence[LocalFile], assets: Sequence[RemoteAsset], names: Mapping[str, str], etag: Etag) -> Matched:
    """Pair files and assets with unique keys: by `.cld-sync`, by equal keys, by the keys that the server would give,
    and then raw assets by content.

    :param names: the effective entries of `.cld-sync`: local key -> key of an asset.
    """
    unpaired = {asset.key: asset for asset in assets}
    pairs: Dict[str, Pair] = {}
    for remote_key in (names.get, str, uploaded_key):
        for file in files if unpaired else ():
            wanted = None if file.key in pairs else remote_key(file.key)
            if wanted is not None and wanted in unpaired:
                pairs[file.key] = Pair(file, unpaired.pop(wanted))
    for pair in _by_content([file for file in files if file.key not in pairs], unpaired.values(), etag):
        pairs[pair.local.key] = pair
        del unpaired[pair.remote.key]
    return Matched(
        [pairs[file.key] for file in files if file.key in pairs],
        [file for file in files if file.key not in pairs],
        [asset for asset in assets if asset.key in unpaired],
        {key: pair.remote.key for key, pair in pairs.items() if key != pair.remote.key},
    )


def content_name(asset: RemoteAsset) -> str:
    """The key of the file without an extension that a raw asset may belong to, if its content is equal; else empty."""
    if asset.resource_type != "raw" or not asset.display_name or not asset.etag:
        return ""
    directory, slash, _ = asset.key.rpartition("/")
    return f"{directory}{slash}{nfc(asset.display_name)}"


def _by_content(files: Iterable[LocalFile], assets: Iterable[RemoteAsset], etag: Etag) -> List[Pair]:
    """Pair raw assets with files that have no extension, by display name and content."""
    raw = [asset for asset in assets if content_name(asset)]
    if not raw:
        return []
    named: Dict[str, List[LocalFile]] = {}
    for file in files:
        if not split_extension(file.key)[1]:
            for key in {file.key, unnumbered(file.key)}:
                named.setdefault(key, []).append(file)
    found: List[Pair] = []
    used: Set[str] = set()
    for asset in raw:
        for file in named.get(content_name(asset), ()):
            if file.key not in used and file.size == asset.size and etag(file) == asset.etag:
                used.add(file.key)
                found.append(Pair(file, asset))
                break
    return found


# -- names of new assets


def upload_keys(files: Sequence[LocalFile], kept: AbstractSet[Tuple[str, str]], mode: FolderMode) -> Dict[str, str]:
    """The remote keys of new files: local key -> the normalized path, numbered if that is taken.

    :param kept: the places (see keys.place) of the assets that are kept.
    """
    taken = set(kept)
    keys: Dict[str, str] = {}
    # Files whose names do not change come first: next to a.jpg, a.JPG becomes `a (1).jpg`.
    for is_owner in (True, False):
        for file in files:
            wanted = normalized(file.relative)
            if (file.key == wanted == uploaded_key(wanted)) is not is_owner:
                continue
            if place(wanted, mode) in taken:
                wanted = next(name for name in numbered(wanted) if place(name, mode) not in taken)
            taken.add(place(wanted, mode))
            keys[file.key] = wanted
    return keys
