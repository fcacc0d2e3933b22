"""The HTTP connector given to the SDK: timeouts, proxies, retries, no redirects, no HTTP error taken for success."""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional

import urllib3
from urllib3.util import Retry, Timeout

from cloudinary_cli.defaults import logger
from cloudinary_cli.utils.text_utils import one_line

CONNECT_TIMEOUT_SECONDS = 15.0
READ_TIMEOUT_SECONDS = 120.0
ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 0.5
# A rate limit that resets later than this is reported rather than waited for.
_LONGEST_PAUSE_SECONDS = 30.0
# Refused before any work was done: safe to send again whatever the method.
_NOT_PROCESSED = frozenset([420, 429, 503])
_TRANSIENT = frozenset([500, 502, 504])
_SAFE_METHODS = frozenset(["GET", "HEAD"])


@dataclass(frozen=True)
class Answer:
    """What the SDK reads of a response."""

    status: int
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Connector:
    """Has the one method of urllib3's PoolManager that the SDK calls."""

    def __init__(self, api_proxy: Optional[str] = None, timeout: Any = None, pool_size: int = 10) -> None:
        self._read_timeout = _seconds(timeout, READ_TIMEOUT_SECONDS)
        self._api_proxy = api_proxy
        self._pool_size = pool_size
        self._pools: Dict[Optional[str], urllib3.PoolManager] = {}

    def request(self, method: str, url: str, timeout: Any = None, **kw: Any) -> Answer:
        """Send a request, again where that is safe, and return the last answer.

        :raises urllib3.exceptions.HTTPError: no answer; the SDK maps it.
        """
        limits = Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=_seconds(timeout, self._read_timeout))
        options = {"redirect": False, "retries": Retry(0, redirect=False), "timeout": limits, **kw}
        pool = self._pool(url)
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                response = pool.request(method, url, **options)
            except (urllib3.exceptions.ProtocolError, urllib3.exceptions.MaxRetryError) as error:
                if last or method not in _SAFE_METHODS or not _is_passing(error):
                    raise
                _pause(attempt, None)
                continue
            if last or not _should_repeat(method, response.status):
                return _checked(response)
            wait = _stated_pause(response.headers)
            if wait is not None and wait > _LONGEST_PAUSE_SECONDS:
                return _checked(response)
            logger.debug("HTTP %s, trying again (%s of %s)", response.status, attempt, ATTEMPTS - 1)
            _pause(attempt, wait)
        raise AssertionError("unreachable")

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = self._api_proxy or _environment_proxy(url)
        if proxy not in self._pools:
            self._pools[proxy] = _new_pool(proxy, self._pool_size)
        return self._pools[proxy]


def _seconds(value: Any, default: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


def _new_pool(proxy: Optional[str], size: int) -> urllib3.PoolManager:
    import certifi

    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or certifi.where()
    options: Dict[str, Any] = {"cert_reqs": "CERT_REQUIRED", "maxsize": size, "block": True}
    options["ca_cert_dir" if os.path.isdir(bundle) else "ca_certs"] = bundle
    if proxy is None:
        return urllib3.PoolManager(**options)
    user = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=user) if user else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)


def _environment_proxy(url: str) -> Optional[str]:
    from requests.utils import get_environ_proxies, select_proxy

    return select_proxy(url, get_environ_proxies(url))


def _should_repeat(method: str, status: int) -> bool:
    return status in _NOT_PROCESSED or (method in _SAFE_METHODS and status in _TRANSIENT)


def _is_passing(error: Exception) -> bool:
    # A refused connection or an unknown host does not come back within seconds; a reset one does.
    reason = getattr(error, "reason", error)
    return isinstance(reason, (urllib3.exceptions.ProtocolError, urllib3.exceptions.ReadTimeoutError))


def _stated_pause(headers: Mapping[str, str]) -> Optional[float]:
    """Seconds until the server wants to be asked again: Retry-After, or the reset time of the Admin API."""
    from email.utils import parsedate_to_datetime

    for name in ("Retry-After", "X-FeatureRateLimit-Reset"):
        value = headers.get(name)
        if not value or (name != "Retry-After" and headers.get("X-FeatureRateLimit-Remaining") != "0"):
            continue
        try:
            if value.strip().isdigit():
                return float(value)
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (TypeError, ValueError):
            continue
    return None


def _pause(attempt: int, stated: Optional[float]) -> None:
    backoff = _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
    # Full jitter on top of a stated time: clients that were refused together do not come back together.
    time.sleep(stated + random.uniform(0, 0.2) if stated is not None else random.uniform(backoff / 2, backoff))


def _checked(response: Any) -> Answer:
    """The answer; an HTTP error whose JSON body names no error gets one, or the SDK would call it a success."""
    answer = Answer(response.status, response.data, response.headers)
    if response.status < 300:
        return answer
    try:
        body = json.loads(response.data.decode("utf-8"))
    except ValueError:
        return answer  # not JSON: the SDK reports it as such, with the status
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict) and "message" in error:
        return answer
    detail = error if isinstance(error, str) else one_line(json.dumps(body, ensure_ascii=False), 500)
    message = {"error": {"message": f"HTTP {response.status}: {detail}"}}
    return Answer(response.status, json.dumps(message).encode("utf-8"), response.headers)
