"""The target of a clone: finds it by name or URL, pings it, and reads its metadata fields.

Requests to the target use its own credentials and host, and nothing from the active configuration.
"""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Set

from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.resolver import ResolvedConfig, Selection, Source, resolve
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import ApiError, ConfigError, ConfigNotFound, InvalidConfigUrl
from cloudinary_cli.net.connector import Connector, Request
from cloudinary_cli.net.retry import TRANSFER_BUDGET
from cloudinary_cli.sdk import activation, loader
from cloudinary_cli.text import one_line, redact
from cloudinary_cli.transfer.engine.session import TransferSession
from cloudinary_cli.transfer.engine.stop import Stop
from cloudinary_cli.transfer.http.upload import UploadTarget, exchange

_EXPECTED = f"Give the name of a saved configuration (`cld config -ls`) or a URL: {config_url.URL_SHAPE}."


def find_target(app: AppContext, text: str) -> ResolvedConfig:
    """The configuration for TARGET. Sends no request. Errors never contain the URL, which may have a secret.

    :raises ConfigError: there is no such name, the URL is unusable, or there are no credentials.
    """
    snapshot = app.store.load()
    if text in snapshot and not config_rules.is_reserved_config_name(text):
        resolved = resolve(Selection(config_saved=text), snapshot, {})
    elif "://" in text:
        try:
            resolved = ResolvedConfig(Source.URL, None, text, config_url.parse_given(text).fields())
        except InvalidConfigUrl as error:
            raise InvalidConfigUrl(f"TARGET cannot be used: {error} {_EXPECTED}") from None
    elif not text.strip() or set(text) & set(":@/?"):
        raise InvalidConfigUrl(f"TARGET is neither the name of a saved configuration nor a URL. {_EXPECTED}")
    else:
        raise ConfigNotFound(text, config_rules.user_config_names(snapshot))
    if resolved.problem is not None:
        raise resolved.problem
    if not resolved.is_usable:
        raise ConfigError(f"TARGET has no API key with its secret, and no login. {_EXPECTED}")
    return resolved


@contextmanager
def open_target(app: AppContext, resolved: ResolvedConfig, workers: int, stop: Stop) -> Iterator[UploadTarget]:
    """Open the target with its own connections. At the end, saves refreshed tokens that could not be saved before.

    :raises ConfigError: a setting of the target is unusable.
    """
    config = activation.other_config(resolved, app.store)
    connector = Connector(config.api_proxy, config.timeout, workers, TRANSFER_BUDGET, stop.requested)
    try:
        yield UploadTarget(TransferSession(connector, workers, stop=stop), config)
    finally:
        connector.close()
        config.flush()


def ping(target: UploadTarget, name: Optional[str]) -> None:
    """Check that the target can be reached and accepts its credentials.

    :param name: of the saved configuration; None for a URL.
    :raises ApiError: the target cannot be reached, or refuses. The message has the reason.
    """
    try:
        _admin_get(target, "ping")
    except ApiError as error:
        advice = target.config.relogin_advice or "Check the key, the secret and the cloud name of TARGET."
        where = f"'{name}' (cloud {target.cloud_name})" if name else f"cloud {target.cloud_name}"
        reason = redact(error.message).rstrip(".")
        text = f"The target {where} cannot be used: {reason}. " + (advice if error.status == 401 else "")
        raise type(error)(text.strip(), error.status) from error


def _admin_get(target: UploadTarget, *path: str) -> Dict[str, Any]:
    config = target.config
    url = loader.module("utils").base_api_url(
        list(path), cloud_name=config.cloud_name, upload_prefix=config.upload_prefix
    )

    def request(token: Optional[str]) -> Request:
        headers = {"User-Agent": loader.load().get_user_agent(), "Authorization": _authorization(config, token)}
        return Request("GET", url, headers)

    return exchange(target, request)


def _authorization(config: Any, token: Optional[str]) -> str:
    if token:
        return f"Bearer {token}"
    pair = f"{config.api_key}:{config.api_secret}".encode()
    return "Basic " + base64.b64encode(pair).decode("ascii")


class MetadataFields:
    """The structured metadata fields of the target. They are read when the first asset with metadata is copied.

    :param warn: called with a line for each field that the target does not have.
    """

    def __init__(self, target: UploadTarget, warn: Callable[[str], None]) -> None:
        self._target = target
        self._warn = warn
        self._is_listed = False
        self._fields: Optional[Set[str]] = None  # None: unknown
        self._missing: Set[str] = set()

    def known(self, values: Mapping[str, Any]) -> Dict[str, Any]:
        """The values for which the target has fields. The target would refuse an asset with any other field.

        :raises Stopped: the run was stopped.
        """
        if values and not self._is_listed:
            self._fields = self._list()
            self._is_listed = True
        if self._fields is None:
            return dict(values)
        for name in values:
            if name not in self._fields and name not in self._missing:
                self._missing.add(name)
                self._warn(
                    f"{self._target.cloud_name} has no metadata field '{one_line(name)}', so its values are not copied."
                    " Create the field there, then clone with -ow."
                )
        return {name: value for name, value in values.items() if name in self._fields}

    def _list(self) -> Optional[Set[str]]:
        try:
            fields = _admin_get(self._target, "metadata_fields").get("metadata_fields")
        except ApiError as error:
            self._warn(f"The metadata fields of {self._target.cloud_name} cannot be listed: {redact(error.message)}")
            return None
        found = fields if isinstance(fields, list) else []
        return {str(field.get("external_id")) for field in found if isinstance(field, dict)}
