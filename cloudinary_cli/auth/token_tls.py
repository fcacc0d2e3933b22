"""One TLS context for all calls to authorization servers; knows CA files, not what is sent.

requests makes a context for each connection and reads the whole CA bundle into it: about 20 ms, serially, because that
work holds the interpreter's lock. Connections are not shared: a token call must not meet one that the server has just
closed, since nobody could tell then whether the refresh token arrived (see errors.Delivery).
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, Union

import certifi
from requests.adapters import HTTPAdapter
from requests.exceptions import SSLError
from urllib3.util.ssl_ import create_urllib3_context


@lru_cache(maxsize=4)
def tls_context(bundle: str) -> Any:
    """A context that verifies against the certificates of a file or directory.

    :raises OSError: it cannot be read, or holds no certificate.
    """
    context = create_urllib3_context()
    if os.path.isdir(bundle):
        context.load_verify_locations(capath=bundle)
    else:
        context.load_verify_locations(cafile=bundle)
    return context


class SharedTls(HTTPAdapter):
    """An adapter whose connections use tls_context(). Older versions of requests do not ask it, and make their own."""

    def build_connection_pool_key_attributes(self, request: Any, verify: Union[bool, str], cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        options: Any = pool
        if host["scheme"] == "https" and verify:
            options.pop("ca_certs", None)
            options.pop("ca_cert_dir", None)
            options["ssl_context"] = _context_for(verify if isinstance(verify, str) else certifi.where())
        return host, options

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave a connection pool alone that has its context: with a CA file set, it would read that file again."""
        base: Any = super()
        if not verify or getattr(conn, "conn_kw", {}).get("ssl_context") is None:
            base.cert_verify(conn, url, verify, cert)


def _context_for(bundle: str) -> Any:
    try:
        return tls_context(bundle)
    except OSError as error:
        problem = SSLError(f"the CA file {bundle} cannot be used: {error.strerror or error}")
    raise problem  # outside of the handler: the error's own text says all that its cause does
