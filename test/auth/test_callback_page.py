"""The pages of a login: they are self-contained, show success or failure, and escape all text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import List, Set

import pytest

from cloudinary_cli.auth.callback_page import Tone, callback_page, render_page, style_hash

PAGES = [
    callback_page(None),
    callback_page("access_denied"),
    callback_page(""),
    render_page("Login interrupted", "The terminal stopped.", Tone.NOTICE),
]
XSS = [
    "<script>document.title='pwned'</script>",
    "</p></main><img src=x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "</title><svg/onload=alert(1)>",
    "</style><style>*{display:none}",
    "{title}{style}%s&lt;b&gt;",
    "<!--",
    "]]><![CDATA[<script>1</script>",
]


class Elements(HTMLParser):
    """Collects the elements that a browser would create."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: List[str] = []
        self.attributes: Set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}  # type: ignore[attr-defined]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("page", PAGES)
def test_no_foreign_resource_no_link_no_script(page: str) -> None:
    elements = Elements(page)
    assert "http" not in page and "//" not in page and "url(" not in page and "@import" not in page
    assert not set(elements.tags) & {"script", "a", "img", "link", "iframe", "form", "object", "base", "use", "image"}
    assert not elements.attributes & {"src", "href", "style", "action", "xlink:href"}
    assert not [name for name in elements.attributes if name.startswith("on")]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_complete(page: str) -> None:
    assert page.startswith('<!doctype html>\n<html lang="en">') and page.rstrip().endswith("</html>")
    assert '<meta name="viewport" content="width=device-width' in page
    assert "You can close this tab and return to the terminal." in page
    assert "prefers-color-scheme: dark" in page and "color-scheme: light dark" in page
    assert page.count("<title>") == page.count("<h1>") == page.count("<style>") == 1


@pytest.mark.parametrize("page", PAGES)
def test_the_style_is_the_one_whose_hash_the_policy_allows(page: str) -> None:
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert style_hash() == "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def title_of(page: str) -> str:
    found = re.search("<title>(.*?)</title>", page)
    assert found is not None
    return found.group(1)


def test_success_and_failure_differ() -> None:
    success, failure = callback_page(None), callback_page("access_denied")
    assert title_of(success) == "Logged in - Cloudinary CLI" and title_of(failure) == "Login failed - Cloudinary CLI"
    assert "<h1>Logged in</h1>" in success and "<h1>Login failed</h1>" in failure
    assert "access_denied" in failure and "access_denied" not in success
    # An error without a text is a failure all the same.
    assert title_of(callback_page("")) == title_of(failure)


@pytest.mark.parametrize("payload", XSS)
def test_untrusted_text_stays_text(payload: str) -> None:
    plain = Elements(callback_page("reason"))
    page = callback_page(payload)
    attacked = Elements(page)
    assert attacked.tags == plain.tags and attacked.attributes == plain.attributes
    assert payload in attacked.text
    assert title_of(page) == "Login failed - Cloudinary CLI"
    titled = Elements(render_page(payload, payload, Tone.NOTICE, payload))
    assert titled.tags == plain.tags and titled.text.count(payload) == 4


def test_control_characters_are_escaped() -> None:
    page = callback_page("a\x00b\x1b[31m\r\n\u202ec\ud800" + "x" * 9000)
    assert "a\\x00b\\x1b[31m\\r\\n\\u202ec" in page
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", page)
    assert "x" * 600 not in page
