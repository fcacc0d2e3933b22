"""`cld sync` and the remote listing: incomplete listings change nothing, and hidden and reserved names are ignored."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any, Dict, List

import pytest

from test.support.cloudinary_server import Request
from test.support.commands import Run
from test.support.sync_account import Account, make, tree


def listing(account: Account, *pages: Dict[str, Any]) -> None:
    """Let the search return these pages, the first one again when no cursor is given."""

    def respond(request: Request) -> Any:
        return pages[int(request.json.get("next_cursor", 0))]

    account.server.on("POST", "/resources/search", respond)


def page(total: int, results: List[Any], cursor: str = "") -> Dict[str, Any]:
    return {"total_count": total, "resources": results, **({"next_cursor": cursor} if cursor else {})}


# -- complete or not


@pytest.mark.parametrize("direction", ["--pull", "--push"])
def test_a_listing_shorter_than_its_total_changes_nothing(
    sync: Run, account: Account, tmp_path: Path, direction: str
) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    listing(account, page(3, [account.add("a"), account.add("c")]))
    done = sync(direction, "-F")
    assert done.code == 1 and "Done!" not in done.err
    assert "the listing is incomplete: 2 of 3 assets" in done.err
    assert sorted(tree(tmp_path / "d")) == ["a.jpg", "b.jpg"] and account.changes == []


def test_an_empty_listing_with_a_total_is_not_an_empty_folder(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    listing(account, page(1, []))
    done = sync("--pull", "-F", "--max-delete", "5")
    assert done.code == 1 and "is empty" not in done.err and sorted(tree(tmp_path / "d")) == ["a.jpg"]


def test_a_listing_whose_last_page_is_missing_changes_nothing(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "b.jpg")
    listing(account, page(3, [account.add("a")], "1"), page(3, [account.add("b")]))
    assert sync("--pull", "-F").code == 1
    assert sorted(tree(tmp_path / "d")) == ["b.jpg"]


def test_an_asset_that_is_listed_twice_is_counted_once(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "b.jpg")
    asset = account.add("a")
    listing(account, page(2, [asset], "1"), page(2, [asset]))
    assert sync("--pull", "-F").code == 1
    assert sorted(tree(tmp_path / "d")) == ["b.jpg"]


def test_a_repeated_cursor_deletes_nothing(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "b.jpg")
    listing(account, page(2, [account.add("a")], "1"), page(2, [account.add("c")], "1"))
    done = sync("--pull", "-F")
    assert done.code == 1 and "same cursor twice" in done.err and sorted(tree(tmp_path / "d")) == ["b.jpg"]


def test_an_incomplete_listing_is_fetched_again(sync: Run, account: Account, tmp_path: Path) -> None:
    one, two = account.add("a"), account.add("b")
    short, whole = page(2, [one]), page(2, [one, two])
    account.server.on("POST", "/resources/search", short, whole)
    assert sync("--pull").code == 0
    assert sorted(tree(tmp_path / "d")) == ["a.jpg", "b.jpg"]


def test_a_listing_with_more_results_than_its_total_is_used(sync: Run, account: Account, tmp_path: Path) -> None:
    listing(account, page(1, [account.add("a"), account.add("b")]))
    assert sync("--pull").code == 0 and sorted(tree(tmp_path / "d")) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("status", ["pending", "active"])
def test_a_pull_of_one_status_deletes_nothing(sync: Run, account: Account, tmp_path: Path, status: str) -> None:
    make(tmp_path / "d", "b.jpg")
    account.add("a")
    done = sync("--pull", "-F", "-st", status)
    assert done.code == 0 and "Keeping 1 local files: with --status" in done.err
    assert sorted(tree(tmp_path / "d")) == ["a.jpg", "b.jpg"]


# -- hidden and reserved names


def test_a_pull_writes_no_hidden_files(sync: Run, account: Account, tmp_path: Path) -> None:
    for name in (".env", ".git/config", "s/.ssh/keys", "\u200c.zshrc"):
        folder, _, display = name.rpartition("/")
        account.add(display, asset_folder=f"f/{folder}".rstrip("/"))
    account.add("a")
    done = sync("--pull", "-F")
    assert done.code == 0 and sorted(tree(tmp_path / "d")) == ["a.jpg"]
    assert "4 hidden assets are ignored. To include them, add --include-hidden (-H)." in done.err
    assert sync("--pull", "-H").code == 0
    assert ".env.jpg" in tree(tmp_path / "d") and ".git/config.jpg" in tree(tmp_path / "d")


def test_hidden_assets_alone_do_not_make_a_pull_delete_all(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "b.jpg")
    account.add(".env")
    assert sync("--pull", "-F").code == 1
    assert sorted(tree(tmp_path / "d")) == ["b.jpg"]


def test_a_push_keeps_hidden_assets(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.add("a")
    account.add(".env")
    done = sync("--push", "-F")
    assert done.code == 0 and account.sent("DELETE") == [] and "1 hidden assets are ignored." in done.err
    assert sync("--push", "-F", "-H").code == 0 and len(account.sent("DELETE")) == 1


@pytest.mark.parametrize("args", [(), ("-H",)])
@pytest.mark.parametrize(
    "name", [".cld-sync", "s/.cld-sync", ".CLD-Sync", ".cld\u00ad-sync", "\uff0ecld-sync", ".cld-sync/a"]
)
def test_a_pull_never_writes_the_name_map(sync: Run, account: Account, tmp_path: Path, name: str, args: Any) -> None:
    folder, _, display = name.rpartition("/")
    account.add(display, resource_type="raw", format="", asset_folder=f"f/{folder}".rstrip("/"), public_id="p")
    account.add("a")
    done = sync("--pull", "-F", *args)
    assert done.code == 0 and "1 assets are ignored: .cld-sync is the name of sync's own file." in done.err
    written = list((tmp_path / "d").rglob("*"))
    assert [path.name for path in written] == ["a.jpg"]


def test_the_name_map_is_not_pushed_in_any_case_or_depth(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "s/.CLD-SYNC", unicodedata.normalize("NFD", "s/.cld-sync"))
    assert sync("--push", "-H").code == 0
    assert [request.files["file"].filename for request in account.sent("POST", "/upload")] == ["a.jpg"]
