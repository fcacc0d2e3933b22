"""Transformations given to API commands: every parameter arrives, or the command is refused before any request."""

from __future__ import annotations

from typing import Any, Callable, List

import pytest

from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]


@pytest.fixture
def run(server: CloudinaryServer, invoke: Run) -> Run:
    return lambda *args: invoke("-c", server.config_url(), *args)


CHAIN = '[{"width":100},{"angle":20}]'


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (["width=150", "height=100", "crop=fill"], "c_fill,h_100,w_150"),
        (["-o", "width", "150", "height=100", "-O", "crop", "fill"], "c_fill,h_100,w_150"),
        (["width=150", "format=jpg"], "w_150/jpg"),
        (["$size=5", "width=$size"], "$size_5,w_$size"),
        ([CHAIN], "w_100/a_20"),
        ([f"definition={CHAIN}"], "w_100/a_20"),
        (["-O", "definition", CHAIN], "w_100/a_20"),
        (['["w_100,h_5", {"angle":20}]'], "w_100,h_5/a_20"),
        (['{"width":100}'], "w_100"),
        (["w_100,h_5"], "w_100,h_5"),
    ],
)
def test_create_transformation_keeps_every_parameter(
    words: List[str], sent: str, server: CloudinaryServer, run: Run
) -> None:
    done = run("admin", "create_transformation", "t", *words)
    assert (done.code, done.err) == (0, ""), done.err
    (request,) = server.requests
    assert request.json == {"name": "t", "transformation": sent}


def test_the_name_may_come_last_or_by_name(server: CloudinaryServer, run: Run) -> None:
    assert run("admin", "create_transformation", "width=150", "height=100", "t").code == 0
    assert run("admin", "create_transformation", "name=t", "width=150", "height=100").code == 0
    assert [request.json for request in server.requests] == [{"name": "t", "transformation": "h_100,w_150"}] * 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["create_transformation", "t", "w_5", "height=5"],
            "Give the whole transformation as one argument: definition=",
        ),
        (
            ["create_transformation", "t", "definition=w_5", "height=5"],
            "does not take height in addition to its transformation",
        ),
        (["create_transformation", "t", "height=5", "widht=5"], "has no option 'widht'"),
        (["create_transformation", "t", '{"widht":5}'], "unknown parameter 'widht'"),
        (["create_transformation", "t", '[{"width":5},7]'], "an item that is not a transformation: 7"),
        (["update_transformation", "t", "width=5", "crop=fill"], 'unsafe_update=\'{"width": 5, "crop": "fill"}\''),
        (["update_transformation", "t", 'unsafe_update={"w":5}'], "unknown parameter 'w'"),
        (["update_transformation", "t", 'unsafe_update={"width":5,"format":"jpg"}'], "unknown parameter 'format'"),
        (["delete_transformation", "w_5", "height=5"], "as one argument: '{\"height\": 5}'"),
        (["transformation", "width=5", "height=5"], "does not take width, height in addition to its transformation"),
    ],
)
def test_what_would_be_lost_is_refused(words: List[str], text: str, server: CloudinaryServer, run: Run) -> None:
    done = run("admin", *words)
    assert (done.code, done.out, server.requests) == (1, "", [])
    assert text in done.err and done.err.count("\n") == 1


def test_the_advice_of_a_refusal_works(server: CloudinaryServer, run: Run) -> None:
    assert run("admin", "update_transformation", "t", 'unsafe_update={"width": 5, "crop": "fill"}').code == 0
    assert run("admin", "update_transformation", "t", f"unsafe_update={CHAIN}", "allowed_for_strict=true").code == 0
    updates = [request.json["unsafe_update"] for request in server.requests]
    assert updates == ["c_fill,w_5", "w_100/a_20"] and server.requests[1].json["allowed_for_strict"] is True


def test_the_details_of_a_chain_are_asked_for(server: CloudinaryServer, run: Run) -> None:
    assert run("admin", "transformation", CHAIN, "max_results=5").code == 0
    assert server.requests[0].query == {"transformation": ["w_100/a_20"], "max_results": ["5"]}


@pytest.mark.parametrize(
    ("eager", "sent"),
    [
        (CHAIN, "w_100|a_20"),
        ('[[{"width":100},{"angle":20}],"w_5"]', "w_100/a_20|w_5"),
        ('{"width":100,"format":"png"}', "w_100/png"),
        ("w_100,h_5", "w_100,h_5"),
    ],
)
@pytest.mark.parametrize("call", [["uploader", "explicit", "x", "type=upload"], ["uploader", "upload", "https://x/a"]])
def test_eager_is_a_list_of_derived_assets_and_an_inner_list_a_chain(
    call: List[str], eager: str, sent: str, server: CloudinaryServer, run: Run
) -> None:
    done = run(*call, f"eager={eager}")
    assert (done.code, done.err) == (0, "")
    assert server.requests[0].field("eager") == sent


def test_an_upload_preset_keeps_its_transformation(server: CloudinaryServer, run: Run) -> None:
    assert run("admin", "create_upload_preset", "name=p", f"transformation={CHAIN}").code == 0
    assert run("admin", "create_upload_preset", "name=p", "width=150", "height=100", "crop=fill").code == 0
    assert run("admin", "update_upload_preset", "p", "width=150", f"eager=[{CHAIN}]").code == 0
    first, second, third = (request.json for request in server.requests)
    assert (first["transformation"], second["transformation"]) == ("w_100/a_20", "c_fill,h_100,w_150")
    assert (third["transformation"], third["eager"]) == ("w_150", "w_100/a_20")
    refused = run("admin", "create_upload_preset", "name=p", 'transformation={"widht":1}')
    assert refused.code == 1 and "unknown parameter 'widht'" in refused.err and len(server.requests) == 3
