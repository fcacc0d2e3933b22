"""`cld clone` between two sandboxes: copied attributes, transient errors, logins that are renewed, and Ctrl-C."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Dict

import pytest

from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from cloudinary_cli.sandbox.settings import SandboxSettings
from test.support.bulk_processes import abort, interrupt, start, wait_until
from test.support.clone_accounts import Source, Target
from test.support.cloudinary_server import CloudinaryServer, Request
from test.support.commands import Run, posix
from test.support.faults import pending_faults, plan_faults
from test.support.sandbox_client import SandboxClient

JPG = b"\xff\xd8\xff\xe0%d\xff\xd9"
TOKEN_RULE = [{"access_type": "token"}]


def url_of(box: SandboxClient) -> str:
    """The target as a URL, with a short timeout for stalled requests."""
    settings = box.server.settings
    host = f"upload_prefix={box.url}&timeout=4"
    return f"cloudinary://{settings.api_key}:{settings.api_secret}@{settings.cloud_name}?{host}"


def fill(box: SandboxClient, count: int) -> None:
    """Store `count` assets in the source, and delete all others."""
    stored = box.server.state.assets("sandbox")
    for asset in list(stored.all()):
        stored.delete(asset["asset_id"])
    for number in range(count):
        box.put(f"p{number:04}", JPG % number)


def assets(box: SandboxClient) -> Dict[str, Any]:
    """The assets of the sandbox's own cloud, by type and public ID."""
    found = box.server.state.assets(box.server.settings.cloud_name).all()
    return {f"{asset['type']}/{asset['public_id']}": asset for asset in found}


def etags(box: SandboxClient) -> Dict[str, str]:
    return {name: asset["etag"] for name, asset in assets(box).items()}


def test_everything_about_an_asset_arrives(
    box: SandboxClient, there: SandboxClient, cld: Run, env: Dict[str, str]
) -> None:
    fill(box, 0)
    more = {"tags": "red,blue", "context": "alt=a\\=b|caption=c", "metadata": "sku=x\\|1|lost=9"}
    box.put("shop/a", JPG % 1, display_name="The a", asset_folder="shelf", **more)
    box.put("b", JPG % 2, type="private")
    box.put("c", JPG % 3, type="authenticated", access_control=json.dumps(TOKEN_RULE))
    box.put("d", JPG % 4, access_control=json.dumps(TOKEN_RULE))
    there.server.state.storage.put_document("other", "metadata_field", "sku", {"external_id": "sku", "type": "string"})
    done = cld("clone", url_of(there), "-fi", "tags", "--json", "--report", "r.jsonl", env=env)
    assert done.code == 0, done.err
    assert json.loads(done.out)["copied"] == 4
    assert "as shelf/The a.jpg with public_id: shop/a" in done.err and "no metadata field 'lost'" in done.err
    assert "signature=" not in done.text and "sandbox-secret" not in done.text
    assert etags(there) == etags(box) and set(assets(there)) == {
        "upload/shop/a",
        "private/b",
        "authenticated/c",
        "upload/d",
    }
    arrived = assets(there)["upload/shop/a"]
    assert arrived["tags"] == ["red", "blue"] and arrived["context"] == {"alt": "a=b", "caption": "c"}
    assert arrived["metadata"] == {"sku": "x|1"}
    assert (arrived["asset_folder"], arrived["display_name"]) == ("shelf", "The a")
    assert assets(there)["upload/d"]["access_control"] == TOKEN_RULE
    assert len(Path("r.jsonl").read_text().splitlines()) == 4

    again = cld("clone", url_of(there), "--json", env=env)
    assert (json.loads(again.out)["copied"], json.loads(again.out)["existing"]) == (0, 4)
    assert json.loads(cld("clone", url_of(there), "-ow", "--json", env=env).out)["copied"] == 4


def test_everything_arrives_if_a_tenth_of_the_requests_fails_once(
    box: SandboxClient, there: SandboxClient, cld: Run, env: Dict[str, str]
) -> None:
    fill(box, 300)
    plan_faults(there, "POST", "/v1_1/other/image/upload")
    box.fault("/v1_1/sandbox/resources/search", 1, status=502)
    done = cld("clone", url_of(there), "-w", "10", "--json", env=env, timeout=150)
    assert done.code == 0, done.err[-2000:]
    summary = json.loads(done.out)
    assert (summary["copied"] + summary["existing"], summary["failed"]) == (300, 0)
    assert etags(there) == etags(box) and len(etags(there)) == 300
    assert pending_faults(there) == pending_faults(box) == 0


def test_lasting_errors_are_counted_exactly(
    box: SandboxClient, there: SandboxClient, cld: Run, env: Dict[str, str]
) -> None:
    fill(box, 40)
    for number in (5, 17, 33):  # these failures happen to the target's servers
        box.fault(
            f"/sandbox/image/upload/v{assets(box)[f'upload/p{number:04}']['version']}/p{number:04}", None, status=404
        )
    done = cld("clone", url_of(there), "--json", "--report", "r.jsonl", env=env)
    assert done.code == 1 and json.loads(done.out)["failed"] == 3, done.err
    missing = set(etags(box)) - set(etags(there))
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert {f"upload/{line['public_id']}" for line in lines if line["status"] == "failed"} == missing
    assert len(missing) == 3 and len(lines) == 40
    box.clear_faults()
    done = cld("clone", url_of(there), "--json", "--retry-failed", "r.jsonl", env=env)
    assert done.code == 0 and json.loads(done.out)["copied"] == 3 and etags(there) == etags(box)


@pytest.mark.parametrize("is_stale", [True, False])
def test_both_logins_renew_themselves(
    box: SandboxClient, there: SandboxClient, cld: Run, store: ConfigStore, is_stale: bool
) -> None:
    fill(box, 501)
    box.save_login(store, "here", stale=is_stale)
    there.save_login(store, "there", stale=is_stale)
    # Both servers refuse a token during the run, as if it had been revoked.
    box.fault("/v1_1/sandbox/resources/search", 1, skip=1, status=401, body={"error": {"message": "expired"}})
    there.fault("/v1_1/other/image/upload", 1, skip=99, status=401, body={"error": {"message": "expired"}})
    before = store.load()
    done = cld("-C", "here", "clone", "there", "-F", "-w", "10", "--json", timeout=150)
    assert done.code == 0, done.err[-2000:]
    assert json.loads(done.out)["copied"] == 501 == len(etags(there))
    wanted = 2 if is_stale else 1
    assert box.stats["refresh_exchanges"] == there.stats["refresh_exchanges"] == wanted
    after = store.load()
    assert before["here"] != after["here"] and before["there"] != after["there"]  # the new tokens are saved
    tokens = [{entry["authorization"] for entry in side.requests("/v1_1")} for side in (box, there)]
    assert tokens[0] and tokens[1] and not tokens[0] & tokens[1]


def test_tokens_that_live_for_seconds_on_both_sides(cld: Run, store: ConfigStore, tmp_path: Path) -> None:
    here = SandboxSettings(data_dir=tmp_path / "here", ttl=6, auto_approve=True)
    there = SandboxSettings(data_dir=tmp_path / "other", ttl=6, auto_approve=True, cloud_name="other")
    with SandboxServer(here) as first, SandboxServer(there, threads=40) as second:
        source, target = SandboxClient(first), SandboxClient(second)
        fill(source, 1001)
        source.save_login(store, "here", stale=False)
        target.save_login(store, "there", stale=False)
        # Slow pages let the run outlive several tokens on both sides. A token is renewed after half of its lifetime, so
        # a request may take three seconds to arrive.
        source.fault("/v1_1/sandbox/resources/search", times=None, mode="after", delay=4)
        done = cld("-C", "here", "clone", "there", "-F", "--json", timeout=150)
        assert done.code == 0, done.err[-2000:]
        assert json.loads(done.out)["copied"] == 1001 == len(etags(target))
        assert source.stats["refresh_exchanges"] >= 2 and target.stats["refresh_exchanges"] >= 2
        assert source.stats["refused_grants"] == target.stats["refused_grants"] == 0


# -- Ctrl-C


@posix
def test_ctrl_c_once_and_twice(server: CloudinaryServer) -> None:
    source = Source(server, page_size=8)
    for number in range(20):
        source.add(f"p{number:02}")
    with CloudinaryServer() as other:
        target, gate = Target(other), threading.Event()

        def slow(request: Request) -> Any:
            gate.wait(20)
            return target.respond_to_upload(request)

        other.on("POST", "/upload", slow)
        source.server.on("POST", "/search", source.respond_to_search)
        here, there = server.config_url("src"), other.config_url("dst")
        command = ("-c", here, "clone", there, "-F", "-w", "2", "--json", "--report", "r.jsonl")
        process = start(*command)
        wait_until(lambda: len(target.uploads) == 2 and len(source.searches) == 3, process)
        interrupt(process)
        gate.set()
        assert process.wait(30) == 130
        summary = json.loads(Path("out").read_text())
        assert (summary["copied"], summary["cancelled"], summary["interrupted"]) == (2, 18, True)
        assert "Copied 2 asset(s) from src to dst, 18 not begun" in Path("err").read_text()
        assert len(Path("r.jsonl").read_text().splitlines()) == 20

        gate.clear()
        process = start(*command)
        wait_until(lambda: len(target.uploads) == 4, process)
        abort(process)
        gate.set()


@posix
def test_a_stop_between_two_pages_reports_an_incomplete_listing(server: CloudinaryServer) -> None:
    source = Source(server, page_size=2)
    for number in range(6):
        source.add(f"p{number}")
    gate = threading.Event()

    def slow(request: Request) -> Any:
        if request.json.get("next_cursor"):
            gate.wait(20)
        return source.respond_to_search(request)

    server.on("POST", "/search", slow)
    with CloudinaryServer() as other:
        target = Target(other)
        process = start("-c", server.config_url("src"), "clone", other.config_url("dst"), "-F", "--json")
        wait_until(lambda: len(target.uploads) == 2 and len(source.searches) == 2, process)
        interrupt(process)
        gate.set()
        assert process.wait(30) == 130
    assert len(source.searches) == 2 and len(target.uploads) == 2
    assert "not listed to its end" in Path("err").read_text() and "Traceback" not in Path("err").read_text()
