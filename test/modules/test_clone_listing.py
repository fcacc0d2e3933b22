"""`cld clone` and the listing of the source: pages, questions, selection, and incomplete listings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest

from test.support.clone_accounts import Source, Target
from test.support.cloudinary_server import Reply, Request
from test.support.commands import Run


@pytest.mark.parametrize("answer", ["n\n", "", "\n", "y\n"])
def test_without_a_yes_to_further_pages_nothing_is_copied(
    source: Source, target: Target, cld: Run, answer: str
) -> None:
    source.page_size = 2
    for number in range(5):
        source.add(f"p{number}")
    Path("r.jsonl").write_text('{"path": "image/upload/p1", "status": "failed"}\n')
    arguments = ("-c", source.server.config_url("src"), "clone", target.server.config_url("dst"), "--report", "r.jsonl")
    done = cld(*arguments, input=answer)
    agreed = answer == "y\n"
    assert done.code == (0 if agreed else 1) and done.out == ""
    assert len(target.uploads) == (5 if agreed else 0) and len(source.searches) == (3 if agreed else 1)
    assert "from cloud src to cloud dst:\n  image/upload/p0\n  image/upload/p1\n  and 3 more\n" in done.err
    assert "5 results were found" in done.err and "Continue? (y/N)" in done.err
    assert ("Nothing was copied. Use --force (-F)" in done.err) is not agreed
    assert ("failed" in Path("r.jsonl").read_text()) is not agreed  # declining keeps the old report


def test_force_and_dry_run_ask_nothing(source: Source, target: Target, clone: Run) -> None:
    source.page_size = 2
    for number in range(5):
        source.add(f"p{number}")
    done = clone("--dry-run", "--json")
    assert done.code == 0 and json.loads(done.out)["would_copy"] == 5 and json.loads(done.out)["dry_run"]
    assert not target.uploads and "image/upload/p4" in done.err
    done = clone("-F")
    assert done.code == 0 and len(target.uploads) == 5 and "Continue?" not in done.err


def test_a_dry_run_shows_paths_beside_random_public_ids(source: Source, clone: Run) -> None:
    source.add("x7k2", display_name="cat", asset_folder="pets", format="jpg")
    assert "\npets/cat.jpg (image/upload/x7k2)\n" in clone("--dry-run").err


def test_the_search_expression_is_put_in_parentheses(source: Source, clone: Run) -> None:
    source.add("a")
    assert clone("-se", "tags:a OR tags:b").code == 0
    three = "type:upload OR type:private OR type:authenticated"
    assert source.searches[0].json["expression"] == f"(tags:a OR tags:b) AND ({three})"


def test_a_negated_type_is_allowed_and_another_is_refused_before_any_search(source: Source, clone: Run) -> None:
    source.add("a")
    assert clone("-se", "tags:a AND NOT type:fetch").code == 0 and len(source.searches) == 1
    done = clone("-se", "type:fetch")
    assert done.code == 1 and "Unsupported type(s) in search expression: fetch" in done.err
    assert len(source.searches) == 1


def test_no_assets(source: Source, clone: Run) -> None:
    done = clone()
    assert done.code == 1 and "error: No asset(s) found in src" in done.err


def test_failed_pages_are_requested_again(source: Source, target: Target, clone: Run) -> None:
    source.page_size = 3
    for number in range(8):
        source.add(f"p{number}")
    failing = iter([None, Reply(500, {"error": {"message": "x"}}), Reply(429, {}, {"Retry-After": "0"})])
    source.server.on("POST", "/search", lambda request: next(failing, None) or source.respond_to_search(request))
    done = clone("-F", "--json")
    assert done.code == 0 and json.loads(done.out)["copied"] == 8 and len(source.searches) == 5


def test_a_page_that_cannot_be_read_is_a_failure_after_the_other_pages(
    source: Source, target: Target, clone: Run
) -> None:
    source.page_size = 3
    for number in range(8):
        source.add(f"p{number}")

    def respond(request: Request) -> Any:
        refused = Reply(400, {"error": {"message": "cursor expired"}})
        return refused if request.json.get("next_cursor") == "6" else source.respond_to_search(request)

    source.server.on("POST", "/search", respond)
    done = clone("-F", "--json")
    assert done.code == 1 and json.loads(done.out)["copied"] == 6 == len(target.uploads)
    assert "src was not listed to its end, so" in done.err and done.err.count("cursor expired") == 1
    target.refused["p1"] = Reply(400, {"error": {"message": "no"}})
    done = clone("-F", "--json")
    assert done.code == 1 and json.loads(done.out)["failed"] == 1
    assert "src was not listed to its end (" in done.err and done.err.count("cursor expired") == 1


def test_a_repeated_cursor_ends_the_listing(source: Source, target: Target, clone: Run) -> None:
    source.server.on(
        "POST", "/search", {"resources": [{"public_id": "a", "secure_url": "https://x/a"}], "next_cursor": "c"}
    )
    done = clone("-F")
    assert done.code == 1 and "same cursor twice" in done.err


def test_assets_of_other_types_are_skipped_with_a_warning(source: Source, target: Target, clone: Run) -> None:
    source.add("a")
    source.add("f", type="fetch")
    done = clone("-se", "type:upload OR tags:x", "--json")
    assert done.code == 0 and target.arrived == ["a"] and json.loads(done.out)["skipped"] == 1
    assert "warning: Skipped: image/fetch/f, assets of type fetch cannot be cloned" in done.err
    assert json.loads(clone("-se", "type:upload OR tags:x", "--json", "--dry-run").out)["would_copy"] == 1


def test_selection(source: Source, target: Target, clone: Run) -> None:
    for name in ("shop/a", "shop/b", "old/c"):
        source.add(name)
    done = clone("--exclude", "b", "--include", "shop/", "--exclude", "**")
    assert done.code == 0 and target.arrived == ["shop/a"] and "Copying 1 asset(s) from src to dst" in done.err
    parts = [json.loads(clone("--dry-run", "--json", "--shard", f"{part}/2").out)["would_copy"] for part in (1, 2)]
    assert sum(parts) == 3
    done = clone("--exclude", "**")
    assert done.code == 0 and "The options select no asset." in done.err


@pytest.mark.parametrize("page", [{}, {"resources": None}, {"resources": ["x"]}, {"resources": [{"format": "jpg"}]}])
def test_a_malformed_listing_is_an_error(source: Source, clone: Run, page: Dict[str, Any]) -> None:
    source.server.on("POST", "/search", Reply(body=page))
    done = clone()
    assert done.code == 1 and "no list of assets with public IDs" in done.err and "Traceback" not in done.err


def test_results_with_missing_members(source: Source, target: Target, clone: Run) -> None:
    source.add("a", format=..., secure_url=..., type=..., resource_type=...)
    assert clone().code == 0 and "/v1_1/src/image/download?" in str(target.uploads[0].field("file"))


@pytest.mark.parametrize("results", [0, 2])
def test_a_listing_with_fewer_results_than_its_total_is_an_error_after_the_others(
    source: Source, target: Target, clone: Run, results: int
) -> None:
    assets = [source.add(f"p{number}") for number in range(results)]
    source.server.on("POST", "/search", {"total_count": 3, "resources": assets})
    done = clone("--json")
    assert done.code == 1 and json.loads(done.out)["copied"] == results == len(target.uploads)
    assert f"The listing is incomplete: {results} of 3 assets" in done.err and "was not listed to its end" in done.err
    assert clone("--dry-run").code == 1


def test_a_listing_whose_last_page_is_missing_is_an_error(source: Source, target: Target, clone: Run) -> None:
    source.page_size = 3
    for number in range(8):
        source.add(f"p{number}")

    def respond(request: Request) -> Any:
        page = source.respond_to_search(request)
        return {**page, "next_cursor": None} if request.json.get("next_cursor") == "3" else page

    source.server.on("POST", "/search", respond)
    done = clone("-F")
    assert done.code == 1 and len(target.uploads) == 6 and "6 of 8 assets" in done.err
