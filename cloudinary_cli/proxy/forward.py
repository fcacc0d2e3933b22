"""Forwards one request to the API host of a login, with a fresh access token in place of the caller's credential."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union
from urllib.parse import quote, unquote

from cloudinary_cli.errors import AuthenticationError, CliError

# The hop-by-hop headers of RFC 9110 section 7.6.1, and those that the proxy sets itself.
_NOT_FORWARDED = frozenset(
    "connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade"
    " host authorization content-length expect".split()
)
_CONNECT_TIMEOUT_SECONDS = 10.0
# An upload of a large file is processed before the API responds.
_READ_TIMEOUT_SECONDS = 600.0

Body = Union[bytes, Iterable[bytes]]


class Refused(Exception):
    """A request that the proxy does not forward, with the status and message of its response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class ProxiedRequest:
    """A request as the client sent it.

    :param body: bytes, which can be sent again, or an iterator.
    :param length: of the body in bytes; None when it is chunked.
    """

    method: str
    path: str
    headers: Sequence[Tuple[str, str]]
    body: Body = b""
    length: Optional[int] = 0


class Forwarder:
    """Decides which requests are forwarded, and sends them.

    :param config: an OAuthConfig, whose call_with_token() refreshes a stale token and repeats a call after a 401.
    :param nonce: the first segment of the path of every request, known to the child process only.
    :param connections: the largest number of connections to the API host.
    """

    def __init__(self, config: Any, nonce: str, connections: int) -> None:
        from cloudinary_cli.net.pool import environment_proxy, new_pool

        self._config = config
        self.api_url = str(config.upload_prefix or "https://api.cloudinary.com").rstrip("/")
        proxy = config.api_proxy or environment_proxy(self.api_url)
        self._pool = new_pool(self.api_url.partition(":")[0], proxy, connections)
        self._nonce = nonce
        self._allowed = re.compile(r"/v\d+(_\d+)?/" + re.escape(quote(str(config.cloud_name), safe="")) + r"(/|$)")

    def api_path(self, path: str) -> str:
        """The path and query below the API host.

        :raises Refused: a wrong nonce, another cloud, or a path that leads elsewhere.
        """
        _, nonce, rest = (path.split("/", 2) + ["", ""])[:3]
        if not hmac.compare_digest(nonce.encode("utf-8", "replace"), self._nonce.encode("ascii")):
            raise Refused(403, "This proxy serves only the command that cld exec has started.")
        target = "/" + rest
        decoded = unquote(target.partition("?")[0])
        if any(segment in (".", "..") for segment in re.split(r"[/\\]", decoded)):
            raise Refused(403, "The path of the request leads out of the API.")
        if not self._allowed.match(target):
            raise Refused(403, f"This login is for the cloud {self._config.cloud_name} only.")
        return target

    def send(self, request: ProxiedRequest) -> Any:
        """The response of the API, with its body unread. After a 401, a body of bytes is sent once more.

        :raises Refused: the request is not allowed, or there is no usable token.
        :raises urllib3.exceptions.HTTPError: no response.
        """
        url = self.api_url + self.api_path(request.path)
        refused: List[Any] = []

        def call(token: Optional[str]) -> Any:
            if refused and not isinstance(request.body, bytes):
                return refused.pop()  # the body is spent; the caller's next request will have the other token
            response = self._send_with(url, request, str(token))
            if response.status == 401:
                refused.append(response)
                raise AuthenticationError(f"The API refused the access token. {self._config.relogin_advice}".rstrip())
            return response

        try:
            return self._config.call_with_token(call)
        except CliError as error:
            raise Refused(401, error.message) from error
        finally:
            for response in refused:
                response.drain_conn()
                response.release_conn()

    def describe_failure(self, error: Exception) -> str:
        """Say in plain words why the API host did not respond to send(), and what to check."""
        from cloudinary_cli.net.failure import connection_problem

        return connection_problem(self.api_url, error, api_proxy=str(self._config.api_proxy or ""))

    def _send_with(self, url: str, request: ProxiedRequest, token: str) -> Any:
        from urllib3.util import Timeout

        headers: Dict[str, str] = {}
        for name, value in forwarded_headers(request.headers):
            # RFC 9110 section 5.3: fields of one name are one list.
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        headers["Authorization"] = f"Bearer {token}"
        if request.length is not None and (request.length or request.method not in ("GET", "HEAD")):
            headers["Content-Length"] = str(request.length)
        return self._pool.urlopen(
            request.method,
            url,
            body=request.body or None,
            chunked=request.length is None,
            headers=headers,
            timeout=Timeout(connect=_CONNECT_TIMEOUT_SECONDS, read=_READ_TIMEOUT_SECONDS),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )


def forwarded_headers(pairs: Iterable[Tuple[str, str]]) -> List[Tuple[str, str]]:
    """The headers without those of one connection (RFC 9110 section 7.6.1) and without credentials."""
    headers = list(pairs)
    listed = {
        part.strip().lower() for name, value in headers if name.lower() == "connection" for part in value.split(",")
    }
    left_out = _NOT_FORWARDED | listed
    return [(name, value) for name, value in headers if name.lower() not in left_out]
