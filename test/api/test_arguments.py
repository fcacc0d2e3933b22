"""The words of a command line become the arguments of a real SDK method."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

import pytest

from cloudinary_cli.api.arguments import Arguments, Call, bind, describe_unknown
from cloudinary_cli.api.method import Method, describe
from cloudinary_cli.errors import CliError
from cloudinary_cli.sdk import loader

Pairs = Sequence[Tuple[str, str]]


def method(name: str) -> Method:
    for api in ("admin", "uploader", "provisioning", "utils"):
        methods = loader.api_methods(api)
        if name in methods:
            return describe(name, methods[name])
    raise AssertionError(name)


def call(name: str, *words: str, o: Pairs = (), O: Pairs = ()) -> Call:  # noqa: E741, N803 - the options' names
    return bind(method(name), Arguments(words, o, O))


def kwargs(name: str, *words: str, o: Pairs = (), O: Pairs = ()) -> Dict[str, Any]:  # noqa: E741, N803
    return call(name, *words, o=o, O=O).kwargs


def error(name: str, *words: str, o: Pairs = (), O: Pairs = ()) -> str:  # noqa: E741, N803
    with pytest.raises(CliError) as caught:
        call(name, *words, o=o, O=O)
    text = str(caught.value)
    assert "\n" not in text
    return text


# -- lists


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("delete_resources", "public_ids"),
        ("delete_resources_by_asset_ids", "asset_ids"),
        ("restore", "public_ids"),
        ("restore_by_asset_ids", "asset_ids"),
        ("publish_by_ids", "public_ids"),
        ("delete_derived_resources", "derived_resource_ids"),
    ],
)
def test_every_positional_id_reaches_the_list(name: str, field: str) -> None:
    assert kwargs(name, "a", "b", "c") == {field: ["a", "b", "c"]}
    assert kwargs(name, "a,b,c") == {field: ["a", "b", "c"]}
    assert kwargs(name, "a", "b,c") == {field: ["a", "b", "c"]}
    assert kwargs(name, "a") == {field: ["a"]}
    assert kwargs(name, "a,,b,") == {field: ["a", "b"]}


def test_surplus_words_go_to_the_last_list_parameter_of_the_signature() -> None:
    assert kwargs("add_tag", "t", "a", "b", "c") == {"tag": "t", "public_ids": ["a", "b", "c"]}
    assert kwargs("update_metadata", '{"f":"v"}', "a", "b") == {"metadata": {"f": "v"}, "public_ids": ["a", "b"]}
    assert kwargs("delete_backed_up_assets", "x", "1", "2") == {"asset_id": "x", "version_ids": ["1", "2"]}
    # Five positional parameters: the sixth and seventh word extend the second list, the last three stay in place.
    assert kwargs("delete_derived_by_transformation", "a", "w_1", "w_2", "w_3", "image", "upload", "true") == {
        "public_ids": ["a"],
        "transformations": ["w_1", "w_2", "w_3"],
        "resource_type": "image",
        "type": "upload",
        "invalidate": True,
    }


def test_with_keywords_between_the_ids() -> None:
    expected = {"public_ids": ["a", "b", "c"], "type": "private", "invalidate": True}
    assert kwargs("delete_resources", "a", "type=private", "b", "c", o=[("invalidate", "x")], O=[]) == {
        **expected,
        "invalidate": "x",
    }
    assert kwargs("delete_resources", "type=private", "a", "b", "invalidate=true", "c") == expected


def test_list_options_by_keyword_are_split_too() -> None:
    assert kwargs("delete_resources", o=[("public_ids", "a,b")]) == {"public_ids": ["a", "b"]}
    assert kwargs("delete_resources", O=[("public_ids", "a,b")]) == {"public_ids": ["a", "b"]}
    assert kwargs("upload", "f", "tags=a,b")["tags"] == ["a", "b"]
    assert kwargs("restore", "a", "versions=1,2") == {"public_ids": ["a"], "versions": ["1", "2"]}


def test_transformations_keep_their_commas() -> None:
    assert kwargs("upload", "f", "eager=c_scale,w_100")["eager"] == ["c_scale,w_100"]
    given = kwargs("delete_derived_by_transformation", "a,b", "c_scale,w_100")
    assert given == {"public_ids": ["a", "b"], "transformations": ["c_scale,w_100"]}
    as_json = kwargs("delete_derived_by_transformation", "a", '[{"width": 5}]')
    assert as_json["transformations"] == [{"width": 5}]


def test_archive_lists_are_split() -> None:
    for name in ("download_zip_url", "download_archive_url", "create_archive", "create_zip", "download_folder"):
        path = ["f"] if name == "download_folder" else []
        given = kwargs(name, *path, "public_ids=a,b", "tags=c,d", "prefixes=e,f")
        given.pop("folder_path", None)
        assert given == {"public_ids": ["a", "b"], "tags": ["c", "d"], "prefixes": ["e", "f"]}


# -- text that looks like a number


@pytest.mark.parametrize("text", ["123", "1e5", "NaN", "0", "007", "true", "null", "1.0", "[1]", '{"a":1}'])
def test_an_id_is_text_whatever_it_looks_like(text: str) -> None:
    assert kwargs("resource", text) == {"public_id": text}
    assert kwargs("resource", f"public_id={text}") == {"public_id": text}
    assert kwargs("resource", f"--public_id={text}") == {"public_id": text}
    assert kwargs("resource", o=[("public_id", text)]) == {"public_id": text}
    assert kwargs("destroy", text) == {"public_id": text}
    assert kwargs("cloudinary_url", text) == {"source": text}


def test_list_items_are_text_too() -> None:
    assert kwargs("delete_resources", "123", "1e5") == {"public_ids": ["123", "1e5"]}
    assert kwargs("delete_resources", "1,2") == {"public_ids": ["1", "2"]}
    assert kwargs("delete_resources", "public_ids=123") == {"public_ids": ["123"]}
    assert kwargs("sub_accounts", "ids=1,2") == {"ids": ["1", "2"]}


def test_text_options_keep_digits_and_json_quotes_still_work() -> None:
    assert kwargs("update", "x", "display_name=123")["display_name"] == "123"
    assert kwargs("resource", '"123"') == {"public_id": "123"}
    assert kwargs("resource", '"true"') == {"public_id": "true"}


def test_other_types_are_parsed_as_before() -> None:
    assert kwargs("resources", "max_results=5", "tags=true") == {"max_results": 5, "tags": True}
    assert kwargs("upload", "f", "auto_tagging=0.5", "overwrite=false")["auto_tagging"] == 0.5
    assert kwargs("upload", "f", 'responsive_breakpoints=[{"create_derived":true}]')["responsive_breakpoints"] == [
        {"create_derived": True}
    ]
    assert kwargs("create_transformation", "t", '{"width": 5}')["definition"] == {"width": 5}
    assert kwargs("create_transformation", "t", "5")["definition"] == "5"
    assert kwargs("upload", "f", "visual_search=true")["visual_search"] is True


def test_capital_o_still_parses() -> None:
    assert kwargs("update", "x", O=[("display_name", "123")])["display_name"] == 123
    assert kwargs("upload", "f", O=[("tags", '["a,b"]')])["tags"] == ["a,b"]


# -- commas


def test_a_comma_inside_a_json_element_is_content() -> None:
    assert kwargs("delete_resources", '["a","b,c"]') == {"public_ids": ["a", "b,c"]}
    assert kwargs("delete_resources", '["a","b,c"]', "d") == {"public_ids": ["a", "b,c", "d"]}
    assert kwargs("delete_resources", o=[("public_ids", '["a","b,c"]')]) == {"public_ids": ["a", "b,c"]}


def test_an_escaped_comma_is_content() -> None:
    assert kwargs("delete_resources", r"a\,b,c") == {"public_ids": ["a,b", "c"]}
    assert kwargs("delete_resources", '"a,b"') == {"public_ids": ["a,b"]}
    assert kwargs("resource", r"a\,b") == {"public_id": r"a\,b"}


# -- required arguments by name


def test_required_arguments_in_any_form() -> None:
    expected = {"public_id": "x", "derived_next_cursor": "c", "colors": True}
    rest = ["derived_next_cursor=c", "colors=true"]
    assert kwargs("resource", "public_id=x", *rest) == expected
    assert kwargs("resource", *rest, "public_id=x") == expected
    assert kwargs("resource", *rest, o=[("public_id", "x")]) == expected
    assert kwargs("resource", *rest, O=[("public_id", "x")]) == expected
    assert kwargs("resource", *rest, "x") == expected
    assert kwargs("resource", "--public-id", "x", *rest) == expected


def test_a_name_takes_its_slot_and_the_words_fill_the_others() -> None:
    assert kwargs("rename", "to_public_id=b", "a") == {"from_public_id": "a", "to_public_id": "b"}
    assert kwargs("rename", "b", o=[("from_public_id", "a")]) == {"from_public_id": "a", "to_public_id": "b"}
    given = kwargs("update_metadata", "a", "b", O=[("metadata", '{"f": 1}')])
    assert given == {"metadata": {"f": 1}, "public_ids": ["a", "b"]}


def test_a_word_with_equals_is_literal_while_a_required_slot_is_open() -> None:
    assert kwargs("resource", "folder=a") == {"public_id": "folder=a"}
    assert kwargs("resource", "a=b=c", "type=private") == {"public_id": "a=b=c", "type": "private"}
    # Only the option's name is left to fill the slot, as it always did.
    assert kwargs("resource", "type=private") == {"public_id": "type=private"}
    assert kwargs("resource", "type=private", "x") == {"public_id": "x", "type": "private"}
    assert kwargs("rename", "type=private", "a", "overwrite=true") == {
        "from_public_id": "type=private",
        "to_public_id": "a",
        "overwrite": True,
    }
    assert kwargs("add_context", "alt=x", "a", "b") == {"context": "alt=x", "public_ids": ["a", "b"]}


def test_a_word_whose_beginning_is_no_name_is_an_id() -> None:
    assert kwargs("delete_resources", "p/a=1", "p/b=2", "type=private") == {
        "public_ids": ["p/a=1", "p/b=2"],
        "type": "private",
    }


def test_repeated_names() -> None:
    assert kwargs("resources", o=[("start_at", "1")], O=[("start_at", "2")])["start_at"] == ["1", 2]
    assert kwargs("resources", O=[("prefix", "2")], o=[("prefix", "1")])["prefix"] == ["1", 2]
    assert kwargs("upload", "f", o=[("tags", "a"), ("tags", "b,c")])["tags"] == ["a", "b", "c"]
    assert kwargs("resources", "prefix=a", "prefix=b", o=[("prefix", "c")]) == {"prefix": "b"}


# -- --name options


def test_options_with_two_dashes() -> None:
    assert kwargs("resource", "--public-id=x", "--colors", "--max_results", "5") == {
        "public_id": "x",
        "colors": True,
        "max_results": 5,
    }
    assert kwargs("upload", "--overwrite", "f", "--tags", "a", "--tags", "b") == {
        "file": "f",
        "overwrite": True,
        "tags": ["a", "b"],
    }
    assert kwargs("upload", "f", "--overwrite", "false") == {"file": "f", "overwrite": False}
    assert kwargs("destroy", "x", "--resource-type", "video") == {"public_id": "x", "resource_type": "video"}


def test_an_option_with_two_dashes_must_exist_and_have_a_value() -> None:
    assert error("delete_resources", "a", "--typ", "private") == (
        "Method 'delete_resources' has no option 'typ'. Did you mean: type?"
    )
    assert error("resource", "x", "--type") == "Option --type needs a value: --type=VALUE"
    assert error("resource", "x", "--type", "--colors") == "Option --type needs a value: --type=VALUE"


def test_after_two_dashes_nothing_is_an_option() -> None:
    assert kwargs("resource", "--", "--public-id") == {"public_id": "--public-id"}
    assert kwargs("delete_resources", "a", "--", "--", "-b", "type=private") == {
        "public_ids": ["a", "--", "-b"],
        "type": "private",
    }


# -- arguments that do not fit


def test_missing_arguments_are_named() -> None:
    text = error("resource")
    assert text == "Function 'resource(public_id, **options)' requires 1 positional argument. Missing: public_id."
    assert "Missing: to_public_id." in error("rename", "a")
    assert "Missing: from_public_id." in error("rename", "to_public_id=a")


def test_too_many_arguments_give_the_signature_but_not_the_words() -> None:
    text = error("resources", "a", "b", "c")
    assert text.startswith("Function 'resources(**options)' takes no positional arguments, but 3 were given.")
    secret = error("api_sign_request", "{}", "SECRET", "sha1", "2", "x")
    assert "api_sign_request(" in secret
    assert "SECRET" not in secret
    assert kwargs("update_user", "u", "y", "z") == {"user_id": "u", "name": "y", "email": "z"}


def test_a_function_without_options_says_which_name_is_wrong() -> None:
    text = error("api_sign_request", "{}", "s", "algoritm=sha256")
    assert "has no option 'algoritm'. Did you mean: algorithm?" in text


def test_unknown_names_are_reported_and_passed_on() -> None:
    assert call("resources", o=[("a", "1")]) == Call({"a": "1"}, ("a",))
    assert call("resources", "max_result=5").unknown == ("max_result",)
    assert describe_unknown(method("resources"), "max_result").endswith("Did you mean: max_results?")
