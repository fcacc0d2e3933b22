"""The Admin API, with the SDK as its client."""

from __future__ import annotations

import io
import time
from typing import Any, Callable, Dict, List

import cloudinary.api
import cloudinary.uploader
import pytest
from cloudinary.exceptions import AlreadyExists, AuthorizationRequired, BadRequest, NotFound, RateLimited

from cloudinary_cli.sandbox.sandbox_server import SandboxServer

from .conftest import sdk_options
from .helpers import Control, png, session

Options = Dict[str, Any]


def upload(options: Options, *names: str, **parameters: Any) -> None:
    for name in names:
        cloudinary.uploader.upload(io.BytesIO(png()), public_id=name, **parameters, **options)


def ids(response: Any) -> List[str]:
    return [item["public_id"] for item in response["resources"]]


def test_ping_usage_config_and_headers(sandbox: SandboxServer, options: Options) -> None:
    response = cloudinary.api.ping(**options)
    assert response == {"status": "ok"} and response.request_id
    assert response.rate_limit_allowed - response.rate_limit_remaining == 1 and response.rate_limit_reset_at
    assert cloudinary.api.usage(**options)["resources"] == 0
    assert "settings" not in cloudinary.api.config(**options)
    assert cloudinary.api.config(settings="true", **options)["settings"] == {"folder_mode": "dynamic"}


def test_credentials_are_checked(sandbox: SandboxServer, options: Options) -> None:
    for change in ({"api_secret": "x"}, {"api_key": "x"}, {"cloud_name": "x"}, {"oauth_token": "x"}):
        with pytest.raises(AuthorizationRequired):
            cloudinary.api.ping(**{**options, **change})
    assert session().get(sandbox.base_url + "/v1_1/sandbox/ping").status_code == 401


def test_requests_beyond_the_rate_limit_are_refused(make_sandbox: Callable[..., SandboxServer]) -> None:
    server = make_sandbox(rate_limit=2)
    # Half past the next hour: the rate-limit window does not end during the test, and a client does not wait that long.
    server.state.clock.offset = 3600 + 1800 - time.time() % 3600
    options = sdk_options(server)
    cloudinary.api.ping(**options)
    assert cloudinary.api.ping(**options).rate_limit_remaining == 0
    with pytest.raises(RateLimited):
        cloudinary.api.ping(**options)


def test_lists_are_paged(options: Options) -> None:
    upload(options, *[f"p{number}" for number in range(5)], tags=["t"])
    upload(options, "other", type="private", context={"k": "v"})
    first = cloudinary.api.resources(type="upload", max_results=3, direction="asc", **options)
    rest = cloudinary.api.resources(
        type="upload", max_results=3, direction="asc", next_cursor=first["next_cursor"], **options
    )
    assert ids(first) + ids(rest) == [f"p{number}" for number in range(5)] and "next_cursor" not in rest
    assert len(ids(cloudinary.api.resources(max_results=500, **options))) == 6
    assert ids(cloudinary.api.resources(type="upload", prefix="p3", **options)) == ["p3"]
    assert sorted(ids(cloudinary.api.resources_by_ids(["p1", "p2", "no"], **options))) == ["p1", "p2"]
    assert len(ids(cloudinary.api.resources_by_tag("t", **options))) == 5
    assert ids(cloudinary.api.resources_by_context("k", "v", **options)) == ["other"]
    assert ids(cloudinary.api.resources_by_context("k", "w", **options)) == []
    with pytest.raises(BadRequest):
        cloudinary.api.resources(max_results=501, **options)
    assert cloudinary.api.resource_types(**options)["resource_types"] == ["image", "raw", "video"]


def test_lists_have_extra_fields_on_request(options: Options) -> None:
    upload(options, "a", tags="t", context={"k": "v"})
    plain = cloudinary.api.resources(**options)["resources"][0]
    full = cloudinary.api.resources(tags=True, context=True, **options)["resources"][0]
    few = cloudinary.api.resources(fields=["bytes"], **options)["resources"][0]
    assert "tags" not in plain and full["tags"] == ["t"] and full["context"] == {"custom": {"k": "v"}}
    assert set(few) == {"asset_id", "public_id", "resource_type", "type", "created_at", "bytes"}


def test_details_update_and_versions(options: Options) -> None:
    upload(options, "d/a", asset_folder="F")
    asset_id = cloudinary.api.resource("d/a", **options)["asset_id"]
    changed = cloudinary.api.update(
        "d/a", tags=["x"], context={"c": "1"}, metadata={"m": "2"}, asset_folder="G", display_name="New", **options
    )
    assert changed["tags"] == ["x"] and changed["asset_folder"] == "G" and changed["display_name"] == "New"
    assert ids(cloudinary.api.resources_by_asset_ids([asset_id], **options)) == ["d/a"]
    assert ids(cloudinary.api.resources_by_asset_folder("G", **options)) == ["d/a"]
    upload(options, "d/a")
    again = cloudinary.api.resource_by_asset_id(asset_id, versions=True, **options)
    assert len(again["versions"]) == 2 and again["asset_folder"] == "G", "an overwrite keeps the folder"
    cloudinary.api.delete_backed_up_assets(asset_id, [again["versions"][1]["version_id"]], **options)
    assert len(cloudinary.api.resource("d/a", versions=True, **options)["versions"]) == 1
    with pytest.raises(NotFound, match="Resource not found - none"):
        cloudinary.api.resource("none", **options)


def test_derived_paging(options: Options) -> None:
    upload(options, "a", eager="|".join(f"w_{number}" for number in range(12)))
    first = cloudinary.api.resource("a", max_results=10, **options)
    rest = cloudinary.api.resource("a", max_results=10, derived_next_cursor=first["derived_next_cursor"], **options)
    assert (len(first["derived"]), len(rest["derived"])) == (10, 2) and "derived_next_cursor" not in rest
    derived_id = rest["derived"][0]["id"]
    assert cloudinary.api.delete_derived_resources([derived_id, "x"], **options)["deleted"] == {
        derived_id: "deleted",
        "x": "not_found",
    }
    cloudinary.api.delete_derived_by_transformation(["a"], "w_1", **options)
    assert len(cloudinary.api.resource("a", max_results=50, **options)["derived"]) == 10


def test_deleted_assets_are_restored(options: Options) -> None:
    upload(options, "a", "b", "p/1", "p/2", "z")
    upload(options, "t1", "t2", tags="t")
    response = cloudinary.api.delete_resources(["a", "no"], **options)
    assert response["deleted"] == {"a": "deleted", "no": "not_found"} and response["partial"] is False
    assert cloudinary.api.delete_resources_by_prefix("p/", **options)["deleted"].keys() == {"p/1", "p/2"}
    assert len(cloudinary.api.delete_resources_by_tag("t", **options)["deleted"]) == 2
    asset_id = cloudinary.api.resource("z", **options)["asset_id"]
    assert cloudinary.api.delete_resources_by_asset_ids([asset_id], **options)["deleted"] == {asset_id: "deleted"}
    restored = cloudinary.api.restore(["a", "never"], **options)
    assert restored["a"]["public_id"] == "a" and restored["never"] == {"error": "no_backup"}
    assert cloudinary.api.restore_by_asset_ids([asset_id], **options)[asset_id]["public_id"] == "z"
    assert sorted(ids(cloudinary.api.resources(**options))) == ["a", "b", "z"]
    assert len(cloudinary.api.delete_all_resources(**options)["deleted"]) == 3
    assert session().get(restored["a"]["url"]).status_code == 404


def test_delete_in_batches(sandbox: SandboxServer, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    from cloudinary_cli.sandbox import admin_delete

    monkeypatch.setattr(admin_delete, "BATCH", 2)
    upload(options, "a", "b", "c")
    first = cloudinary.api.delete_all_resources(**options)
    assert first["partial"] is True and len(first["deleted"]) == 2
    last = cloudinary.api.delete_all_resources(next_cursor=first["next_cursor"], **options)
    assert last["partial"] is False and len(last["deleted"]) == 1


def test_folders_are_created_renamed_and_deleted(options: Options) -> None:
    upload(options, "a", asset_folder="F/G")
    cloudinary.api.create_folder("H/I/J", **options)
    assert [item["path"] for item in cloudinary.api.root_folders(**options)["folders"]] == ["F", "H"]
    assert cloudinary.api.subfolders("H", **options)["folders"][0]["name"] == "I"
    with pytest.raises(NotFound):
        cloudinary.api.subfolders("none", **options)
    with pytest.raises(BadRequest, match="not empty"):
        cloudinary.api.delete_folder("F", **options)
    assert cloudinary.api.delete_folder("H", **options)["deleted"] == ["H", "H/I", "H/I/J"]
    cloudinary.api.rename_folder("F", "K/L", **options)
    assert cloudinary.api.resource("a", **options)["asset_folder"] == "K/L/G"
    assert [item["path"] for item in cloudinary.api.subfolders("K/L", **options)["folders"]] == ["K/L/G"]


def test_tags_are_listed(options: Options) -> None:
    upload(options, "a", tags=["x1", "x2", "y"])
    assert cloudinary.api.tags(**options)["tags"] == ["x1", "x2", "y"]
    assert cloudinary.api.tags(prefix="x", max_results=1, **options)["tags"] == ["x1"]


def test_transformations(options: Options) -> None:
    upload(options, "a", eager="c_scale,w_5")
    cloudinary.api.create_transformation("small", "w_9", **options)
    with pytest.raises(AlreadyExists):
        cloudinary.api.create_transformation("small", "w_9", **options)
    names = [item["name"] for item in cloudinary.api.transformations(**options)["transformations"]]
    assert names == ["t_small", "c_scale,w_5"]
    details = cloudinary.api.transformation("c_scale,w_5", **options)
    assert [item["public_id"] for item in details["derived"]] == ["a"] and details["info"][0]["w"] == "5"
    cloudinary.api.update_transformation("small", allowed_for_strict=True, unsafe_update="w_8", **options)
    assert cloudinary.api.transformation("small", **options)["info"] == [{"w": "8"}]
    cloudinary.api.delete_transformation("small", **options)
    with pytest.raises(NotFound):
        cloudinary.api.transformation("small", **options)


def test_presets_and_mappings(options: Options) -> None:
    cloudinary.api.create_upload_preset(name="p", unsigned=True, folder="f", **options)
    cloudinary.api.update_upload_preset("p", tags="t", **options)
    assert cloudinary.api.upload_preset("p", **options)["settings"] == {"folder": "f", "tags": "t"}
    assert [item["name"] for item in cloudinary.api.upload_presets(**options)["presets"]] == ["p"]
    cloudinary.api.delete_upload_preset("p", **options)
    with pytest.raises(NotFound):
        cloudinary.api.upload_preset("p", **options)
    cloudinary.api.create_upload_mapping("m", template="http://127.0.0.1/x/", **options)
    cloudinary.api.update_upload_mapping("m", template="http://127.0.0.1/y/", **options)
    assert cloudinary.api.upload_mapping("m", **options)["template"] == "http://127.0.0.1/y/"
    assert len(cloudinary.api.upload_mappings(**options)["mappings"]) == 1
    cloudinary.api.delete_upload_mapping("m", **options)
    with pytest.raises(NotFound):
        cloudinary.api.upload_mapping("m", **options)


def test_presets_and_profiles_have_values_of_the_right_type(options: Options) -> None:
    cloudinary.api.create_upload_preset(name="p", use_filename=True, overwrite=False, public_id_prefix="1", **options)
    settings = {"use_filename": True, "overwrite": False, "public_id_prefix": "1"}
    assert cloudinary.api.upload_preset("p", **options)["settings"] == settings
    representations = [{"transformation": {"width": 5}}]
    created = cloudinary.api.create_streaming_profile("mine", representations=representations, **options)
    assert created["data"]["representations"] == [{"transformation": "w_5"}]
    changed = cloudinary.api.update_streaming_profile("mine", display_name="Mine", **options)["data"]
    assert (changed["display_name"], changed["representations"]) == ("Mine", [{"transformation": "w_5"}])


def test_metadata_fields(options: Options) -> None:
    field = {
        "external_id": "f",
        "type": "enum",
        "label": "F",
        "datasource": {"values": [{"external_id": "1", "value": "a"}]},
    }
    cloudinary.api.add_metadata_field(field, **options)
    cloudinary.api.update_metadata_field("f", {"label": "G"}, **options)
    cloudinary.api.update_metadata_field_datasource("f", [{"external_id": "2", "value": "b"}], **options)
    cloudinary.api.delete_datasource_entries("f", ["1"], **options)
    found = cloudinary.api.metadata_field_by_field_id("f", **options)
    assert found["label"] == "G" and [entry["state"] for entry in found["datasource"]["values"]] == [
        "inactive",
        "active",
    ]
    cloudinary.api.restore_metadata_field_datasource("f", ["1"], **options)
    assert len(cloudinary.api.list_metadata_fields(**options)["metadata_fields"]) == 1
    rule = cloudinary.api.add_metadata_rule({"metadata_field_id": "f", "name": "r"}, **options)
    cloudinary.api.delete_metadata_rule(rule["external_id"], **options)
    assert cloudinary.api.delete_metadata_field("f", **options) == {"message": "deleted"}


def test_profiles_triggers_related_and_publish(options: Options) -> None:
    assert "hd" in [item["name"] for item in cloudinary.api.list_streaming_profiles(**options)["data"]]
    cloudinary.api.create_streaming_profile("mine", representations=[{"width": 5}], **options)
    assert cloudinary.api.get_streaming_profile("mine", **options)["data"]["name"] == "mine"
    trigger = cloudinary.api.create_trigger("https://example.com", "upload", **options)
    cloudinary.api.update_trigger(trigger["id"], "https://example.org", **options)
    assert cloudinary.api.triggers(**options)["triggers"][0]["uri"] == "https://example.org"
    cloudinary.api.delete_trigger(trigger["id"], **options)
    upload(options, "a", type="authenticated")
    assert cloudinary.api.publish_by_ids(["a"], **options)["published"][0]["type"] == "upload"
    cloudinary.api.add_related_assets("a", ["image/upload/b"], **options)
    assert cloudinary.api.resource("a", related=True, **options)["related_assets"] == ["image/upload/b"]


def test_unknown_routes_are_json_errors(sandbox: SandboxServer, options: Options) -> None:
    response = session().get(sandbox.base_url + "/v1_1/sandbox/nothing/here")
    assert response.status_code == 404 and response.json()["error"]["message"] and response.headers["X-Request-Id"]


def test_clouds_are_separate(sandbox: SandboxServer, options: Options, control: Control) -> None:
    key = control.http.post(control.base + "/clouds", json={"cloud_name": "other"}).json()
    upload(options, "a")
    other = {**options, **{name: key[name] for name in ("cloud_name", "api_key", "api_secret")}}
    assert ids(cloudinary.api.resources(**other)) == []
    with pytest.raises(AuthorizationRequired):
        cloudinary.api.ping(**{**options, "cloud_name": "other"})
