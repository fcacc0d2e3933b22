"""`cld utils`: signatures and URLs without a request."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit

import pytest

Run = Callable[..., Any]
DEMO = "cloudinary://key:secret@demo"


@pytest.fixture
def utils(invoke: Run) -> Run:
    """Run `cld utils ARGS` with the cloud demo."""
    return lambda *args, url=DEMO: invoke("-c", url, "utils", *args)


def test_the_listing(invoke: Run) -> None:
    result = invoke("-v", "error", "utils")
    assert (result.code, result.err) == (0, "")
    assert len(result.out.splitlines()) == 9
    assert [row["name"] for row in json.loads(invoke("utils", "-ls", "--json").out)][0] == "api_sign_request"


def test_cloudinary_url(utils: Run) -> None:
    result = utils("cloudinary_url", "sample", "width=100", "crop=scale", "secure=true")
    assert (result.code, result.err) == (0, "")
    assert result.out == "https://res.cloudinary.com/demo/image/upload/c_scale,w_100/sample\n"


def test_a_result_as_json(utils: Run) -> None:
    url = "https://res.cloudinary.com/demo/image/upload/sample"
    assert json.loads(utils("cloudinary_url", "sample", "--json").out) == url
    done = utils("verify_api_response_signature", "x", "1", "sig", "--json")
    assert (done.code, done.out) == (1, "false\n")


def test_https_is_the_default(utils: Run) -> None:
    assert utils("cloudinary_url", "sample").out == "https://res.cloudinary.com/demo/image/upload/sample\n"
    for words in (["secure=false"], ["-o", "secure", "false"]):
        assert utils("cloudinary_url", "sample", *words).out.startswith("http://")
    assert utils("cloudinary_url", "sample", url=f"{DEMO}?secure=false").out.startswith("http://")
    assert utils("cloudinary_url", "x", "cloud_name=other").out == "https://res.cloudinary.com/other/image/upload/x\n"


def test_a_numeric_source(utils: Run) -> None:
    assert utils("cloudinary_url", "123").out.endswith("/upload/123\n")


def test_signing_needs_no_configuration(invoke: Run) -> None:
    sha1 = invoke("utils", "api_sign_request", '{"a":1}', "secret")
    assert (sha1.code, sha1.out) == (0, hashlib.sha1(b"a=1secret").hexdigest() + "\n")
    sha256 = invoke("utils", "api_sign_request", '{"a":1}', "123", "algorithm=sha256")
    assert sha256.out == hashlib.sha256(b"a=1123").hexdigest() + "\n"


def test_verification(utils: Run) -> None:
    signature = hashlib.sha1(b"public_id=a&version=1secret").hexdigest()
    good = utils("verify_api_response_signature", "a", "1", signature)
    assert (good.code, good.out) == (0, "True\n")
    bad = utils("verify_api_response_signature", "a", "2", signature)
    assert (bad.code, bad.out, bad.err) == (1, "", "")


def test_verification_of_a_json_body(utils: Run) -> None:
    body = '{"a": 1}'
    signature = hashlib.sha1(f"{body}99999999999secret".encode()).hexdigest()
    result = utils("verify_notification_signature", body, "99999999999", signature)
    assert (result.code, result.out) == (0, "True\n")
    refused = utils("verify_notification_signature", body, "1", signature)
    assert (refused.code, refused.out) == (1, "")


def test_archive_lists_are_split(utils: Run) -> None:
    result = utils("download_zip_url", "public_ids=a,b", "-o", "tags", "x,y", "transformations=c_scale,w_5")
    address = urlsplit(result.out.strip())
    query = parse_qs(address.query)
    assert (address.scheme, address.path) == ("https", "/v1_1/demo/image/generate_archive")
    assert query["public_ids[]"] == ["a", "b"]
    assert query["tags[]"] == ["x", "y"]
    assert query["transformations"] == ["c_scale,w_5"]
    assert len(query["signature"][0]) == 40


def test_an_unlisted_function_of_the_module_runs(invoke: Run) -> None:
    result = invoke("utils", "now")
    assert result.code == 0
    assert result.out.strip().isdigit()


def test_an_auth_token_of_numbers_needs_no_quotes_and_no_warning(utils: Run) -> None:
    done = utils("generate_auth_token", "key=12345678", "start_time=1", "duration=300", "acl=/image/*")
    assert (done.code, done.err) == (0, "") and done.out.startswith("__cld_token__=st=1~exp=301~acl=%2fimage%2f*~hmac=")


def test_what_the_module_imports_is_no_function(invoke: Run) -> None:
    for name in ("urlencode", "datetime", "to_bytes", "re", "urlopen"):
        result = invoke("utils", name, "x")
        assert result.code == 1
        assert f"Method {name} does not exist in Utils." in result.err
    assert "Did you mean: cloudinary_url" in invoke("utils", "cloudinari_url").err


def test_without_a_configuration(invoke: Run) -> None:
    result = invoke("utils", "cloudinary_url", "sample")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: Must supply cloud_name")
    verify = invoke("utils", "verify_api_response_signature", "a", "1", "x")
    assert verify.code == 1
    assert verify.err.startswith("error: No Cloudinary configuration found.")
    broken = invoke("utils", "cloudinary_url", "sample", env={"CLOUDINARY_URL": "foo"})
    assert "CLOUDINARY_URL is invalid" in broken.err


@pytest.mark.parametrize(
    "words",
    [
        ["download_zip_url", "public_ids=a"],
        ["private_download_url", "a", "jpg"],
        ["cloudinary_url", "a", "sign_url=true"],
        ["verify_api_response_signature", "a", "1", "x"],
    ],
)
def test_a_login_cannot_sign(utils: Run, words: Any) -> None:
    result = utils(*words, url="cloudinary://demo?oauth_token=TOKEN")
    assert (result.code, result.out) == (1, "")
    assert f"'{words[0]}' needs an API secret, and a login" in result.err
    assert result.err.count("\n") == 1


def test_an_unknown_option_warns_or_fails(utils: Run) -> None:
    assert "has no option 'algoritm'" in utils("api_sign_request", "{}", "s", "algoritm=sha256").err
    result = utils("download_zip_url", "public_ids=a", "publik_ids=b")
    assert result.code == 0
    assert result.err.startswith("warning: Method 'download_zip_url' has no option 'publik_ids'. Did you mean")
