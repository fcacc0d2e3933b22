"""`cld migrate`: requests the delivery URLs of an auto-upload mapping, so that the cloud fetches the assets.

There is one HEAD request for each URL, and the file with the URLs is read while requests are sent. See
https://cloudinary.com/documentation/migration#lazy_migration_with_auto_upload
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Iterator, Mapping, Optional, Tuple
from urllib.parse import urljoin, urlsplit

from urllib3.exceptions import HTTPError

from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import ApiError, CliError
from cloudinary_cli.net.connector import Request
from cloudinary_cli.net.retry import retried
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.sdk.delivery import UrlRequest, delivery_url
from cloudinary_cli.text import one_line, redact, without_signature
from cloudinary_cli.transfer import entries
from cloudinary_cli.transfer.engine.filters import ItemFilter
from cloudinary_cli.transfer.engine.records import Outcome, PlannedItem, Status
from cloudinary_cli.transfer.engine.report import check_input
from cloudinary_cli.transfer.engine.run import Run, TransferOptions, transfer_run
from cloudinary_cli.transfer.engine.session import TransferSession
from cloudinary_cli.transfer.keys import resource_type_of, split_extension

MAX_REDIRECTS = 5
_REDIRECTS = frozenset([301, 302, 303, 307, 308])


@dataclass(frozen=True)
class MigrateOptions:
    """The options of `cld migrate`. `file` is `-` for stdin. `delimiter` is unescaped."""

    mapping: str
    file: str
    delimiter: str = "\n"
    verbose: bool = False
    resource_type: Optional[str] = None  # None: determined by the extension of each URL
    transfer: TransferOptions = field(default_factory=TransferOptions)


@dataclass(frozen=True)
class _Mapping:
    """An upload mapping: an asset that is requested below `folder` is fetched from `template`."""

    folder: str
    template: str

    def path_of(self, url: str) -> Optional[str]:
        """The path of a URL below the template; None for any other URL."""
        path = url[len(self.template) :]
        if not url.startswith(self.template) or not path.strip("/") or ".." in path.split("?")[0].split("/"):
            return None
        return path


def migrate(app: AppContext, options: MigrateOptions) -> None:
    """Request every URL of the file.

    :raises TransferIncomplete: some items failed, the others were done. :raises CliError: the run could not start, or
        the file could not be read to its end.
    """
    entries.check_readable(options.file)
    check_input(options.file, options.transfer.report, "FILE")
    item_filter = options.transfer.item_filter()
    # With -v each URL is printed, also beside the display.
    transfer = replace(options.transfer, verbose=options.verbose or options.transfer.verbose)
    with transfer_run(app, transfer) as run:
        mapping = _mapping(options.mapping)
        items = _items(run, options, mapping, item_filter)
        if options.transfer.dry_run:
            count = _print_plan(run, items)
        else:
            run.execute(items)
            count = run.tally.ok
            run.app.console.success(f"{count} URLs uploaded")
        counts = {"would_upload" if options.transfer.dry_run else "uploaded": count}
        failure = f"{run.tally.failed} URLs were not uploaded."
        run.finish({"command": "migrate", "mapping": options.mapping, **counts}, failure)


def _mapping(name: str) -> _Mapping:
    failed = f"Failed retrieving upload mapping: '{name}', error: "
    try:
        response = retried(lambda: call_api(loader.module("admin").upload_mapping, name))
    except ApiError as error:
        advice = "List the mappings: cld admin upload_mappings" if error.status == 404 else error.advice
        raise ApiError(f"{failed}{error}", error.status, advice) from error
    folder, template = response.get("folder") or name, response.get("template")
    if not isinstance(template, str) or not template:
        raise CliError(failed + "the server's response has no template.")
    return _Mapping(str(folder), template)


def _items(run: Run, options: MigrateOptions, mapping: _Mapping, item_filter: ItemFilter) -> Iterator[_Fetch]:
    fields = run.app.active.fields
    for url in entries.read_entries(options.file, options.delimiter):
        path = mapping.path_of(url)
        key = _printable(url if path is None else path)
        if item_filter.includes(key):
            source = None if path is None else f"{mapping.folder.strip('/')}/{path.lstrip('/')}"
            kind = options.resource_type or _resource_type(path or "")
            yield _Fetch(run.session, key, source, kind, fields, options.verbose)


def _resource_type(path: str) -> str:
    """The type for the extension of the URL's path. Without an extension it is an image, as for auto-upload."""
    extension = split_extension(re.split(r"[?#]", path, maxsplit=1)[0])[1]
    return resource_type_of(extension) if extension else "image"


def _printable(text: str) -> str:
    """An entry as it appears in reports and errors: without credentials, and with invalid bytes escaped."""
    return redact(text).encode("utf-8", "backslashreplace").decode("utf-8")


def _print_plan(run: Run, items: Iterator[_Fetch]) -> int:
    """Print what a dry run would request. Returns the number of URLs."""
    run.app.console.info("The following URLs would be uploaded:")
    count = 0
    for item in items:
        try:
            url = without_signature(item.address())
        except CliError as error:
            run.app.console.warning(item.skipped(error).message)
            continue
        count += 1
        run.app.console.info(url)
        run.plan([PlannedItem(item.action, item.key, {"url": url})])
    return count


@dataclass(frozen=True)
class _Fetch:
    """Request the delivery URL of one asset, so that the cloud fetches it.

    :param source: public ID and extension; None if the entry does not belong to the mapping.
    :param fields: of the active configuration, for the URL.
    """

    session: TransferSession
    key: str
    source: Optional[str]
    resource_type: str
    fields: Mapping[str, Any] = field(repr=False)
    verbose: bool = False
    action: str = "fetch"

    def address(self) -> str:
        """The delivery URL.

        :raises CliError: there is none, it is not UTF-8, or it needs a signature and there is no API secret.
        """
        if self.source is None:
            raise CliError("it does not belong to the upload mapping")
        try:
            self.source.encode("utf-8")
        except UnicodeEncodeError:
            raise CliError("it is not UTF-8 text") from None
        return delivery_url(UrlRequest(self.source, resource_type=self.resource_type), self.fields)

    def skipped(self, error: CliError) -> Outcome:
        """The outcome for an entry without an address()."""
        message = f"Skipping '{one_line(self.key)}', {error.message}"
        return Outcome(self.action, self.key, Status.FAILED, error.message, message=message, cause=error)

    def run(self) -> Outcome:
        try:
            url = self.address()
        except CliError as error:
            return self.skipped(error)
        name = without_signature(url)
        try:
            _request(self.session, url)
        except CliError as error:
            reason = without_signature(error.message)
            message = f"Failed uploading {name}: {reason}"
            return Outcome(self.action, self.key, Status.FAILED, reason, url=name, message=message, cause=error)
        return Outcome(self.action, self.key, url=name, message=f"Uploaded {name}" if self.verbose else "")


def _request(session: TransferSession, url: str) -> None:
    """Send a HEAD request, and follow redirects.

    :raises ApiError: the status of the last response is not 200, a redirect is unsafe, or there is no response.
    """
    for _ in range(MAX_REDIRECTS + 1):
        status, location, error = _head(session, url)
        if status == 200:
            return
        if status not in _REDIRECTS or not location:
            raise ApiError(error or f"HTTP {status}", status)
        url = _redirected(url, location)
    raise ApiError(f"more than {MAX_REDIRECTS} redirects")


def _head(session: TransferSession, url: str) -> Tuple[int, str, str]:
    """The status, the target of a redirect, and the server's error text. The texts may be empty."""

    def receive(response: Any) -> Tuple[int, str, str]:
        response.drain_conn()
        error = one_line(response.headers.get("X-Cld-Error") or "", 500)
        return response.status, response.headers.get("Location") or "", error

    try:
        request = Request("HEAD", url, {"User-Agent": loader.load().get_user_agent()})
        head: Tuple[int, str, str] = session.connector.send(request, receive)
    except HTTPError as error:
        raise ApiError(session.connector.describe_failure(url, error)) from error
    return head


def _redirected(url: str, location: str) -> str:
    """The target of a redirect.

    :raises ApiError: it is not http or https, leads from https to http, or contains credentials.
    """
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
    except ValueError:
        target, parts = location, urlsplit("")
    is_downgrade = parts.scheme == "http" and urlsplit(url).scheme == "https"
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or is_downgrade:
        raise ApiError(f"a redirect to {one_line(redact(target))} is not followed")
    return target
