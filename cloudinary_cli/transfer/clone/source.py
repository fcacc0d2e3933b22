"""The account that a clone comes from: its assets, page after page, and the URLs they are fetched from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator, List, Mapping, Optional

from cloudinary_cli.errors import ApiError, ConfigError
from cloudinary_cli.net.retry import Stopped, retried
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.sdk.delivery import secret_needed
from cloudinary_cli.sdk.pages import PAGE_SIZE, Page, pages, wait_for_quota
from cloudinary_cli.transfer.engine.stop import Stop
from cloudinary_cli.transfer.http.upload import signing_options

FIELDS = ("tags", "context", "access_control", "secure_url", "display_name", "format", "metadata")
FOLDER_FIELDS = ("folder", "asset_folder")
_RESTRICTED = ("private", "authenticated")

Asset = Mapping[str, Any]


class SourceListing:
    """A search in the active configuration. The first page is read at once, the others when they are wanted.

    :raises ApiError: refused, or no answer after the retries.
    """

    def __init__(self, expression: str, clock: Callable[[], float], stop: Stop) -> None:
        self._expression = expression
        self._clock = clock
        self._stop = stop
        self.is_complete = False
        self.first = self._fetch()
        self.first_assets = _assets(self.first)

    @property
    def has_more(self) -> bool:
        """True when the first page is not the last."""
        return bool(self.first.get("next_cursor"))

    @property
    def total(self) -> int:
        """How many assets there are, as the server counts."""
        total = self.first.get("total_count")
        return total if self.has_more and isinstance(total, int) else len(self.first_assets)

    def assets(self) -> Iterator[Asset]:
        """All of them. After a stop it ends with the page that was read, and `is_complete` stays False.

        :raises ApiError: a page could not be had after the retries.
        """
        try:
            for page in pages(self.first, self._fetch):
                yield from _assets(page)
                if page.get("next_cursor"):
                    wait_for_quota(page, self._clock, self._sleep)
            self.is_complete = True
        except Stopped:
            return

    def _fetch(self, cursor: Optional[str] = None) -> Page:
        search = loader.load().Search().expression(self._expression).max_results(PAGE_SIZE)
        search = search.fields([*FIELDS, *FOLDER_FIELDS])
        if cursor:
            search = search.next_cursor(cursor)
        page: Page = retried(lambda: call_api(search.execute), cursor is not None)
        return page

    def _sleep(self, seconds: float) -> None:
        self._stop.requested.wait(seconds)


def _assets(page: Page) -> List[Asset]:
    assets = page.get("resources")
    if not isinstance(assets, list) or not all(isinstance(item, dict) and item.get("public_id") for item in assets):
        raise ApiError("The source's answer has no list of assets with public IDs.")
    return assets


@dataclass(frozen=True)
class SourceUrls:
    """Makes the URLs that the target's servers fetch.

    :param config: the source's. :param expiry: seconds that a signed URL lives.
    """

    config: Any
    expiry: int
    clock: Callable[[], float]

    def check(self) -> None:
        """Make a token as a test, where the configuration has the key for it.

        :raises ConfigError: none can be made of it.
        """
        if self.config.auth_token:
            self._token("/")

    def url(self, asset: Asset) -> str:
        """Where to fetch an asset from; made for the moment, because it may expire.

        :raises ConfigError: it is only to be had with a signature, and there is no API secret.
        """
        plain = str(asset.get("secure_url") or asset.get("url") or "")
        if needs_token(asset):
            if self.config.auth_token and plain:
                return f"{plain}{'&' if '?' in plain else '?'}{self._token(_path(plain))}"
            return self._private_url(asset)
        # The address of such an asset is signed in a listing; a bare one would be refused.
        is_locked = asset.get("type") in _RESTRICTED and "/s--" not in plain
        if not plain or (is_locked and self._can_sign):
            return self._private_url(asset)
        return plain

    @property
    def _can_sign(self) -> bool:
        return bool(self.config.api_key and self.config.api_secret)

    def _private_url(self, asset: Asset) -> str:
        if not self._can_sign:
            what = "An asset whose access is controlled by tokens" if needs_token(asset) else "An asset without a URL"
            raise ConfigError(secret_needed(what, self.config.has_oauth))
        config = self.config
        return str(
            loader.module("utils").private_download_url(
                asset["public_id"],
                "" if asset.get("resource_type") == "raw" else asset.get("format") or "",
                resource_type=asset.get("resource_type") or "image",
                type=asset.get("type") or "upload",
                expires_at=int(self.clock()) + self.expiry,
                cloud_name=config.cloud_name,
                upload_prefix=config.upload_prefix,
                **signing_options(config),
            )
        )

    def _token(self, path: str) -> str:
        loader.module("utils")  # imports auth_token
        own = self.config.auth_token
        try:
            # The life time is -ue; a beginning or an end of the configuration's own would be of another moment.
            settings = {**own, "url": path, "duration": self.expiry, "start_time": None, "expiration": None}
            return str(loader.load().auth_token.generate(**settings))
        except (TypeError, ValueError, AttributeError):  # whose text may repeat the key
            raise ConfigError(
                "The source's auth_token cannot make a token. Its key has to be hexadecimal: auth_token[key]=..."
            ) from None


def needs_token(asset: Asset) -> bool:
    """True when the first rule of its access control asks for a token."""
    rules = asset.get("access_control")
    first = rules[0] if isinstance(rules, list) and rules else None
    return isinstance(first, dict) and first.get("access_type") == "token"


def _path(url: str) -> str:
    return "/" + url.split("?", 1)[0].partition("://")[2].partition("/")[2]
