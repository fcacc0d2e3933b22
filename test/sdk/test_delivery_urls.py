"""Delivery URLs of many assets are those that the SDK builds one by one."""

from __future__ import annotations

from typing import Any, Dict

from hypothesis import example, given
from hypothesis import strategies as st

from cloudinary_cli.sdk.delivery import DeliveryUrls, UrlRequest, delivery_url

_FLAGS = ("secure", "private_cdn", "cdn_subdomain", "secure_cdn_subdomain", "shorten", "use_root_path", "sign_url")
_FIELDS = st.fixed_dictionaries(
    {"cloud_name": st.just("demo"), "api_secret": st.just("secret")},
    optional={
        **{name: st.sampled_from([True, False, "true", "false"]) for name in _FLAGS if name != "use_root_path"},
        "cname": st.just("images.example.com"),
        "secure_distribution": st.just("cdn.example.com"),
    },
)
_REQUESTS = st.builds(
    UrlRequest,
    public_id=st.text(min_size=1, max_size=20),
    transformation=st.sampled_from(["", "w_100"]),
    resource_type=st.sampled_from(["image", "video", "raw"]),
    type=st.sampled_from(["upload", "private", "authenticated", "list", "fetch"]),
    sign=st.booleans(),
)
_VERSIONS = st.sampled_from([None, 1, 1700000000])


@given(_FIELDS, _REQUESTS, _VERSIONS)
@example({"cloud_name": "demo"}, UrlRequest("a b/é%20.jpg"), 7)
@example({"cloud_name": "demo"}, UrlRequest("https://example.com/a.jpg"), 7)
@example({"cloud_name": "demo", "shorten": "true"}, UrlRequest("a"), 7)
@example({"cloud_name": "demo", "cdn_subdomain": "true"}, UrlRequest("a"), 7)
@example({"cloud_name": "demo", "use_root_path": "true"}, UrlRequest("a"), 7)
def test_the_urls_are_those_of_the_sdk(fields: Dict[str, Any], request: UrlRequest, version: Any) -> None:
    urls = DeliveryUrls(fields)
    urls.url(UrlRequest("first", resource_type=request.resource_type), 3)
    assert urls.url(request, version) == delivery_url(request, fields, version)
