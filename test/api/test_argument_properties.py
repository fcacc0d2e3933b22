"""Properties of the command line's parsing: nothing is lost, nothing but a CliError is raised, text stays text."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, List

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from cloudinary_cli.api.arguments import Arguments, bind
from cloudinary_cli.api.command_line import arrange
from cloudinary_cli.api.method import Method, describe
from cloudinary_cli.api.values import Parameter, list_items, parse_value, typed_value
from cloudinary_cli.errors import CliError
from cloudinary_cli.sdk import loader

ARITY = {"-o": 2, "--optional_parameter": 2, "-O": 2, "--optional_parameter_parsed": 2, "-A": 0, "-F": 0, "-ff": 1}
ARITY.update({"--save": 1, "-v": 1, "--ls": 0})
METHODS = [
    describe(name, function)
    for api in ("admin", "uploader", "provisioning", "utils")
    for name, function in loader.api_methods(api).items()
]

quick = settings(max_examples=120, deadline=None)
text = st.text(max_size=20)
tokens = st.one_of(
    text,
    st.sampled_from(
        [*ARITY, "--", "-", "-oa=b", "-o=a=b", "-AF", "-Fo", "--save=x", "--tags=a", "k=v", "-x", "--unknown"]
    ),
)
words = st.lists(
    st.one_of(text, tokens, st.sampled_from(["public_id=x", "tags=a,b", "--type", "max_results=3"])), max_size=8
)


def characters(parts: List[str]) -> "Counter[str]":
    return Counter("".join(parts).replace("=", ""))


@quick
@given(st.lists(tokens, max_size=10))
def test_arranging_loses_and_adds_nothing(args: List[str]) -> None:
    options, rest = arrange(args, ARITY)
    assert characters([*options, *rest]) == characters(args)
    if "--" in rest:
        tail = rest[rest.index("--") :]
        assert args[len(args) - len(tail) :] == tail, "after -- nothing is an option"


@quick
@given(st.lists(tokens, max_size=10))
def test_the_methods_words_keep_their_order(args: List[str]) -> None:
    _, rest = arrange(args, ARITY)
    position = iter(args)
    assert all(word in position for word in rest)


@quick
@given(
    st.sampled_from(METHODS),
    words,
    st.lists(st.tuples(st.sampled_from(["tags", "type", "x", "public_id"]), text), max_size=3),
)
def test_binding_binds_or_says_why_in_one_line(method: Method, given_words: List[str], pairs: List[Any]) -> None:
    try:
        call = bind(method, Arguments(given_words, pairs, pairs))
    except CliError as error:
        assert str(error)
        return
    assert all(method.knows(name) for name in set(call.kwargs) - set(call.unknown))
    assert {parameter.name for parameter in method.required} <= set(call.kwargs)
    assert {name for name, _ in pairs} <= set(call.kwargs)


@quick
@given(text.filter(str.strip))
@example("NaN")
@example("007")
@example("1e400")
@example("a=b")
@example("true")
def test_a_public_id_is_text_however_it_is_given(public_id: str) -> None:
    explicit = next(method for method in METHODS if method.name == "explicit")
    named = bind(explicit, Arguments(["public_id=" + public_id, "type=upload"])).kwargs
    assert isinstance(named["public_id"], str)
    stated = bind(explicit, Arguments(["type=upload"], [("public_id", public_id)])).kwargs
    assert stated["public_id"] == public_id, "-o is verbatim"
    if not public_id.startswith("--") and "=" not in public_id:
        assert bind(explicit, Arguments([public_id, "type=upload"])).kwargs == named


@quick
@given(text)
@example("NaN")
@example("-Infinity")
@example("1e999")
@example('{"a": NaN}')
@example("9" * 5000)
@example("[" * 5000)
def test_a_value_is_json_or_the_text_itself(value: str) -> None:
    parsed = parse_value(value)
    if isinstance(parsed, str) and parsed not in (value, "0"):
        assert json.loads(value) == parsed
    if not isinstance(parsed, str):
        again = parse_value(json.dumps(parsed))
        assert again == parsed or again == "0" or "NaN" in value


@quick
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5))
def test_list_items_come_back(items: List[str]) -> None:
    assume(not any("\\" in item for item in items))
    joined = ",".join(item.replace(",", "\\,") for item in items)
    assume(parse_value(joined) == joined)
    assert list_items(joined, Parameter("tags", "list[str]")) == items
    assert typed_value(json.dumps(items), Parameter("tags", "list[str]")) == items


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_describes_itself(method: Method) -> None:
    assert method.signature.startswith(method.name + "(")
    assert "\n" not in method.summary
    json.dumps([parameter.kinds for parameter in method.parameters])
    assert len(set(method.documented_names())) == len(method.documented_names())
    assert all(method.knows(name) for name in method.documented_names())
    assert not any(method.knows(name) for name in ("", "no such option", "x" * 50))
