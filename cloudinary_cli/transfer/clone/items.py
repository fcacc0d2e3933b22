"""The assets of a clone as lines of a plan, and the plan in place of the listing of the source."""

from __future__ import annotations

from typing import Iterator, List

from cloudinary_cli.sdk.pages import Page
from cloudinary_cli.text import without_signature
from cloudinary_cli.transfer.clone.asset import ACTION, key_of
from cloudinary_cli.transfer.clone.source import FIELDS, FOLDER_FIELDS, Asset
from cloudinary_cli.transfer.engine.plan_file import PlanFile, PlanLine, one_of
from cloudinary_cli.transfer.engine.records import PlannedItem

_MEMBERS = ("public_id", "resource_type", "type", *FIELDS, *FOLDER_FIELDS)


def planned(asset: Asset) -> PlannedItem:
    """The line of an asset. A signed URL is omitted, because it gives anyone access to the asset."""
    values = {name: asset[name] for name in _MEMBERS if asset.get(name)}
    url = str(values.get("secure_url"))
    if without_signature(url) != url:
        del values["secure_url"]
    return PlannedItem(ACTION, key_of(asset), values)


def asset_of(item: PlanLine) -> Asset:
    """The asset of a line, as a search would return it.

    :raises CliError: a member is missing or unusable.
    """
    one_of(item, (ACTION,))
    asset = {name: item.values[name] for name in _MEMBERS if name in item.values}
    asset["public_id"] = item.text("public_id")
    if key_of(asset) != item.path:
        raise item.error(f"its path is not '{key_of(asset)}', the name of its asset")
    return asset


class PlannedListing:
    """A listing that consists of the items of a file. It has no further pages, so the command does not ask."""

    has_more = False

    def __init__(self, items: PlanFile[Asset], total: int) -> None:
        self._items = items
        self.total = total
        self.is_complete = False
        self.first: Page = {}
        self.first_assets: List[Asset] = []

    def assets(self) -> Iterator[Asset]:
        """:raises CliError: a line is malformed, because the file has changed."""
        yield from self._items
        self.is_complete = True
