"""The source of a clone: lists its assets page by page, and builds the URLs that the target fetches."""

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
    """A search with the active configuration. The first page is read at once, the others while assets are copied.

    :raises ApiError: the search was refused, or there was no response after the retries.
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
        """True if there are pages after the first one."""
        return bool(self.first.get("next_cursor"))

    @property
    def total(self) -> int:
        """The number of assets, as the server counts them."""
        return max(len(self.first_assets), _total_count(self.first))

    def assets(self) -> Iterator[Asset]:
        """Yield all assets. After a stop it ends with the current page, and `is_complete` remains False.

        :raises ApiError: a page could not be read, or there are fewer assets than the largest `total_count` of the
            pages. (Results are counted, not distinct assets: a set of all public IDs would not fit into memory.)
        """
        listed = total = 0
        try:
            for page in pages(self.first, self._fetch):
                found = _assets(page)
                listed, total = listed + len(found), max(total, _total_count(page))
                yield from found
                if page.get("next_cursor"):
                    wait_for_quota(page, self._clock, self._sleep)
        except Stopped:
            return
        if listed < total:
            raise ApiError(
                f"The listing is incomplete: {listed} of {total} assets of the source were listed. Run the command"
                " again when nothing else changes the source."
            )
        self.is_complete = True

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
        raise ApiError("The response of the source has no list of assets with public IDs.")
    return assets


def _total_count(page: Page) -> int:
    total = page.get("total_count")
    return total if isinstance(total, int) else 0


@dataclass(frozen=True)
class SourceUrls:
    """Builds the URLs that the target's servers fetch.

    :param config: of the source. :param expiry: the lifetime of signed URLs, in seconds.
    """

    config: Any
    expiry: int
    clock: Callable[[], float]

    def check(self) -> None:
        """Generate a token as a test, if the configuration has a key for tokens.

        :raises ConfigError: the key is unusable.
        """
        if self.config.auth_token:
            self._token("/")

    def url(self, asset: Asset) -> str:
        """The URL to fetch an asset from. It may expire, so call this right before the request.

        :raises ConfigError: the URL needs a signature, and there is no API secret.
        """
        plain = str(asset.get("secure_url") or asset.get("url") or "")
        if needs_token(asset):
            if self.config.auth_token and plain:
                return f"{plain}{'&' if '?' in plain else '?'}{self._token(_path(plain))}"
            return self._private_url(asset)
        # The URL of a restricted asset has to be signed. The listing usually contains a signed one.
        is_unsigned = asset.get("type") in _RESTRICTED and "/s--" not in plain
        if not plain or (is_unsigned and self._can_sign):
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
        # The option -ue sets the lifetime. The configuration's start and expiration times are for other URLs.
        lifetime = {"duration": self.expiry, "start_time": None, "expiration": None}
        try:
            return str(loader.load().auth_token.generate(**{**self.config.auth_token, "url": path, **lifetime}))
        except (TypeError, ValueError, AttributeError):  # the message may contain the key
            raise ConfigError(
                "The source's auth_token cannot make a token. Its key has to be hexadecimal: auth_token[key]=..."
            ) from None


def needs_token(asset: Asset) -> bool:
    """True if the first rule of the asset's access control requires a token."""
    rules = asset.get("access_control")
    first = rules[0] if isinstance(rules, list) and rules else None
    return isinstance(first, dict) and first.get("access_type") == "token"


def _path(url: str) -> str:
    return "/" + url.split("?", 1)[0].partition("://")[2].partition("/")[2]
