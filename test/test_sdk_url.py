"""delivery_url: the SDK's URL module alone gives what the whole SDK gives, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Dict, List, Tuple

import cloudinary
import hypothesis
import pytest
from hypothesis import strategies as st

from cloudinary_cli import sdk_url
from cloudinary_cli.utils.env_config import import_sdk
from cloudinary_cli.utils.url_utils import DELIVERY_TYPES, RESOURCE_TYPES, UrlRequest, url_arguments

text = st.text(st.characters(max_codepoint=0xD7FF), max_size=20)
flags = st.sampled_from([None, "", "true", "false", True, False])
fields = st.fixed_dictionaries(
    {"cloud_name": st.just("acme"), "api_secret": st.just("s3cret")},
    optional={
        **dict.fromkeys(
            ["secure", "private_cdn", "cdn_subdomain", "secure_cdn_subdomain", "sign_url", "shorten", "use_root_path"],
            flags,
        ),
        "force_version": flags,
        "long_url_signature": flags,
        "cname": st.sampled_from([None, "img.example.com"]),
        "secure_distribution": st.sampled_from([None, "cdn.example.com", cloudinary.OLD_AKAMAI_SHARED_CDN]),
        "auth_token": st.just({"key": "00112233ff99", "duration": 300, "start_time": 11111111}),
        "signature_algorithm": st.sampled_from([None, "sha1", "sha256"]),
    },
)
requests = st.builds(
    UrlRequest,
    text.filter(bool),
    st.sampled_from(["", "w_100,c_fill", "e_sepia/r_20"]),
    st.sampled_from(RESOURCE_TYPES),
    st.sampled_from(DELIVERY_TYPES),
    st.booleans(),
)

# Both ways in one fresh process: first alone, then with the whole SDK, over the same cases.
BOTH = """
import json, sys
from cloudinary_cli import sdk_url
def outcome(call):
    try:
        return call()
    except Exception as error:
        return [type(error).__name__, str(error)]
cases = json.load(sys.stdin)
before = {name for name in sys.modules}
alone = [outcome(lambda: sdk_url._alone(source, options)) for source, options in cases]
left = [name for name in sys.modules if name.partition(".")[0] in ("cloudinary", "six", "urllib3")]
from cloudinary_cli.utils.env_config import import_sdk
build = import_sdk("cloudinary.utils").cloudinary_url
whole = [outcome(lambda: build(source, **options)[0]) for source, options in cases]
json.dump([alone, whole, left], sys.stdout)
"""


@hypothesis.settings(max_examples=4, deadline=None)
@hypothesis.given(st.lists(st.builds(url_arguments, requests, fields), min_size=40, max_size=80))
def test_alone_and_whole_give_the_same_url(cases: List[Tuple[str, Dict[str, Any]]]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOTH], input=json.dumps(cases), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    alone, whole, left = json.loads(done.stdout)
    assert alone == whole and not left
    assert any(isinstance(url, str) and url.startswith("http") for url in alone)


def test_the_stand_ins_have_the_sdks_own_constants() -> None:
    members = sdk_url._stand_ins()["cloudinary"]
    for name in ("SHARED_CDN", "OLD_AKAMAI_SHARED_CDN"):
        assert members[name] == getattr(cloudinary, name)


def test_an_sdk_that_needs_more_than_the_stand_ins_is_used_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    # The patch is another version of the SDK: one whose URL module imports a name that is not foreseen.
    stand_ins = sdk_url._stand_ins()
    del stand_ins["cloudinary.compat"]["to_string"]
    monkeypatch.setattr(sdk_url, "_stand_ins", lambda: stand_ins)
    kept = {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] in ("cloudinary", "six", "urllib3")
    }
    for name in kept:
        monkeypatch.delitem(sys.modules, name)
    try:
        assert (
            sdk_url.delivery_url("x", {"cloud_name": "c", "secure": True})
            == "https://res.cloudinary.com/c/image/upload/x"
        )
        assert "cloudinary.uploader" in sys.modules or "cloudinary.utils" in sys.modules
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] in ("cloudinary", "six", "urllib3")]:
            del sys.modules[name]
        sys.modules.update(kept)
    assert import_sdk() is cloudinary
