"""Lists the assets of a remote folder with the Search API, and reads the account's folder mode."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import AbstractSet, Any, Callable, Dict, List, Optional, Protocol, Set, Tuple

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import ApiError
from cloudinary_cli.net.retry import LISTING_BUDGET, attempts, retried
from cloudinary_cli.progress import current_item
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.sdk.pages import PAGE_SIZE, pages, wait_for_quota
from cloudinary_cli.transfer.engine.background import Background
from cloudinary_cli.transfer.engine.records import RemoteAsset
from cloudinary_cli.transfer.keys import FolderMode, is_hidden, is_reserved, remote_asset


@dataclass(frozen=True)
class RemoteQuery:
    """What to list. `folder` has no leading or trailing slash. Without a `mode`, the account's mode is used."""

    folder: str = ""
    mode: Optional[FolderMode] = None
    status: Optional[str] = None


class AssetCollector(Protocol):
    """Where a listing puts its assets."""

    def add(self, asset: RemoteAsset) -> None:
        """Store an asset. It replaces one with the same identity, which was on an earlier page."""

    @property
    def count(self) -> int:
        """The number of assets so far. It may include an asset twice that has changed its key."""

    def finish(self) -> List[RemoteAsset]:
        """The assets as records, after the last page. `count` is exact from now on."""


class Assets:
    """Keeps each asset as a record."""

    def __init__(self) -> None:
        self._assets: Dict[Tuple[str, str, str], RemoteAsset] = {}

    def add(self, asset: RemoteAsset) -> None:
        self._assets[asset.identity] = asset

    @property
    def count(self) -> int:
        return len(self._assets)

    def finish(self) -> List[RemoteAsset]:
        return list(self._assets.values())


@dataclass
class RemoteIndex:
    """The result of a listing. `count` is the number of its assets, of which the collector may have kept some itself.

    `outside`, `hidden` and `reserved` are the numbers of results that are ignored, because they are not in the folder
    or because of their names.
    """

    mode: FolderMode
    exists: bool = True
    assets: List[RemoteAsset] = field(default_factory=list)
    count: int = 0
    outside: int = 0
    hidden: int = 0
    reserved: int = 0

    def leave_out(self, include_hidden: bool, mapped: AbstractSet[str]) -> None:
        """Remove and count the assets whose names must not be used in a local folder.

        :param mapped: keys to which `.cld-sync` maps local files. They may be hidden, because the local names differ.
        """
        rest = [asset for asset in self.assets if not is_reserved(asset.key)]
        kept = [asset for asset in rest if include_hidden or asset.key in mapped or not is_hidden(asset.key)]
        self.reserved, self.hidden = len(self.assets) - len(rest), len(rest) - len(kept)
        self.assets = kept


def folder_mode() -> FolderMode:
    """The account's folder mode.

    :raises CliError: it cannot be read. Scripts depend on the text of this error.
    """
    admin, failed = loader.module("admin"), "Failed getting cloud configuration, error: "
    try:
        response = retried(lambda: call_api(admin.config, settings="true"))
        return FolderMode(str(response["settings"]["folder_mode"]).lower())
    except ApiError as error:
        raise ApiError(f"{failed}{error}", error.status, error.advice) from error
    except (KeyError, TypeError, ValueError) as error:
        raise ApiError(f"{failed}the response has no known folder mode") from error


def quoted(text: str) -> str:
    """Text as a quoted value of a search expression."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def spellings(folder: str) -> List[str]:
    """The given folder, and its Unicode normal forms C and D if they differ."""
    forms = [folder, *(unicodedata.normalize(form, folder) for form in ("NFC", "NFD"))]
    return list(dict.fromkeys(forms))


def expression(query: RemoteQuery, mode: FolderMode) -> str:
    """The search expression for everything in the folder and below it."""
    field_name = "asset_folder" if mode is FolderMode.DYNAMIC else "folder"
    # The search compares code points, so it includes both normal forms.
    terms = [f"{field_name}:{quoted(f'{name}/*' if name else '*')}" for name in spellings(query.folder)]
    text = terms[0] if len(terms) == 1 else f"({' OR '.join(terms)})"
    if query.status:
        text += " AND status:" + ("(active OR pending)" if query.status == "all" else query.status)
    return text


def list_folder(
    query: RemoteQuery, clock: Callable[[], float], new_collector: Callable[[], AssetCollector] = Assets
) -> RemoteIndex:
    """List the folder. The folder mode and the existence of the folder are requested at the same time.

    :param new_collector: returns an empty collector for each attempt.
    :raises ApiError: refused, no response after the retries, or a listing that remains incomplete.
    """
    existence = Background(lambda: _folder_exists(query.folder)) if query.folder else None
    mode = query.mode or folder_mode()
    index = _complete(query, mode, clock, new_collector)
    if existence is not None and not index.count:
        index.exists = existence.result()
    return index


def _folder_exists(folder: str) -> bool:
    text = " OR ".join(f"path={quoted(name)}" for name in spellings(folder))
    search = loader.load().SearchFolders().expression(text)
    return bool(retried(lambda: call_api(search.execute)).get("total_count", 1))


def _complete(
    query: RemoteQuery, mode: FolderMode, clock: Callable[[], float], new_collector: Callable[[], AssetCollector]
) -> RemoteIndex:
    """A listing with at least as many assets as the largest `total_count` of its pages.

    A sync would treat missing assets as deleted.

    :raises ApiError: the listing of every attempt was incomplete.
    """
    missing = ""
    for _ in attempts(LISTING_BUDGET):
        index = RemoteIndex(mode)
        missing = _collect(index, new_collector(), query, clock)
        if not missing:
            return index
        logger.debug("The listing is incomplete: %s.", missing)
    raise ApiError(
        f"Nothing was changed, because the listing is incomplete: {missing} of Cloudinary folder"
        f" '{query.folder or '/'}' were listed. Try again when nothing else changes the folder."
    )


def _collect(index: RemoteIndex, collector: AssetCollector, query: RemoteQuery, clock: Callable[[], float]) -> str:
    """Fill `index`. Returns a text such as "2 of 3 assets" if assets are missing, else an empty string."""
    # An asset may be listed twice when the folder changes between two pages.
    outside: Set[Any] = set()
    total = 0
    current_item().detail = lambda: f"{collector.count} of {total} assets" if total else ""
    for page in pages(_fetch(query, index.mode), lambda cursor: _fetch(query, index.mode, cursor)):
        results = page.get("resources")
        if not isinstance(results, list):
            raise ApiError("The server's response has no list of resources.")
        count = page.get("total_count")
        total = max(total, count) if isinstance(count, int) else total
        for result in results:
            asset = remote_asset(result, query.folder, index.mode) if isinstance(result, dict) else None
            if asset is None:
                outside.add(str(result))
            else:
                collector.add(asset)
        if page.get("next_cursor"):
            wait_for_quota(page, clock)
    index.assets, index.outside = collector.finish(), len(outside)
    index.count = collector.count
    listed = index.count + len(outside)
    return f"{listed} of {total} assets" if listed < total else ""


def _fetch(query: RemoteQuery, mode: FolderMode, cursor: Optional[str] = None) -> Any:
    search = (
        loader.load().Search().expression(expression(query, mode)).with_field("image_analysis").max_results(PAGE_SIZE)
    )
    if cursor:
        search = search.next_cursor(cursor)
    return retried(lambda: call_api(search.execute))
