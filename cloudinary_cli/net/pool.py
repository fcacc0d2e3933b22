"""Creates connection pools with the proxies (HTTPS_PROXY, NO_PROXY) and CA files of the environment.

The rules are those of the package requests, so that settings for other Python tools also work here.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import lru_cache
from typing import Any, Callable, Dict, Optional
from urllib.parse import unquote

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import LocationParseError, ProxySchemeUnknown, SSLError

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# For one block of a body. On a slow network that many threads share, a block may take a minute.
_SEND_TIMEOUT_SECONDS = 120.0


def _send(connection: Any, data: Any, send: Callable[[Any], None]) -> None:
    # urllib3 sends with the timeout of connecting, and sets that of reading only after the request.
    if connection.sock is not None:
        connection.sock.settimeout(_SEND_TIMEOUT_SECONDS)
    send(data)


class _PlainConnection(HTTPConnection):
    def send(self, data: Any) -> None:
        _send(self, data, super().send)


class _TlsConnection(HTTPSConnection):
    def send(self, data: Any) -> None:
        _send(self, data, super().send)


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def environment_proxy(url: str) -> Optional[str]:
    """The proxy of the environment for a URL; None for a direct connection."""
    # The lookup reads the whole environment twice, which takes a tenth of the time of a token refresh. macOS and
    # Windows also have system settings (urllib.request.getproxies).
    if sys.platform not in ("darwin", "win32") and not any(name[-6:].lower() == "_proxy" for name in os.environ):
        return None
    from requests.utils import get_environ_proxies, select_proxy

    return select_proxy(url, get_environ_proxies(url))


def new_pool(scheme: str, proxy: Optional[str] = None, size: int = 1) -> urllib3.PoolManager:
    """A pool for URLs of one scheme.

    :param size: the largest number of connections to one host. A thread that needs another one waits.
    :raises urllib3.exceptions.HTTPError: the CA file or the proxy is unusable.
    """
    options: Dict[str, Any] = {"maxsize": size, "block": True}
    if scheme == "https" or (proxy or "").startswith("https"):
        options["ssl_context"] = tls_context(_ca_bundle())
    manager = urllib3.PoolManager(**options) if proxy is None else _proxied(proxy, options)
    if not (proxy or "").lower().startswith("socks"):
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
    return manager


def _proxied(proxy: str, options: Dict[str, Any]) -> urllib3.PoolManager:
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    if proxy.lower().startswith("socks"):
        if importlib.util.find_spec("socks") is None:
            raise ProxySchemeUnknown("a SOCKS proxy needs one more package: pip install PySocks")
        from urllib3.contrib.socks import SOCKSProxyManager

        return SOCKSProxyManager(proxy, **options)
    parsed = urllib3.util.parse_url(proxy)
    if any(character.isspace() for character in parsed.host or ""):
        # Newer releases of urllib3 check this themselves, but not 2.2, the last one for Python 3.8.
        raise LocationParseError(f"Host {parsed.host!r} contains a space")
    headers = urllib3.make_headers(proxy_basic_auth=unquote(parsed.auth)) if parsed.auth else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, proxy_ssl_context=options.get("ssl_context"), **options)


def _ca_bundle() -> str:
    import certifi

    return next((os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)), certifi.where())


@lru_cache(maxsize=4)
def tls_context(bundle: str) -> Any:
    """A TLS context for the CA certificates of a file or directory. Cached, because loading takes 20 ms of CPU time.

    :raises urllib3.exceptions.SSLError: the file cannot be read, or has no certificate.
    """
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context()
    location = {"capath": bundle} if os.path.isdir(bundle) else {"cafile": bundle}
    try:
        context.load_verify_locations(**location)
    except OSError as error:
        problem = SSLError(f"the CA file {bundle} cannot be used: {error.strerror or error}")
    else:
        return context
    raise problem  # outside the handler, so that it has no cause: the message says it all
