"""A headless Chromium, and checks of the page that it shows."""

from __future__ import annotations

import re

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--dump-dom",
)


def title_of(dom: str) -> str:
    return "".join(re.findall("<title>(.*?)</title>", dom))


def check_no_payload_ran(dom: str) -> None:
    assert "pwned" not in title_of(dom)
    assert not re.search(r"<(script|img)\b", dom)
    assert dom.count("<style>") == 1 and dom.count("<svg") == 2
