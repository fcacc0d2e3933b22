"""Explains in plain words why a host could not be reached, and what to check."""

from __future__ import annotations

import os
import socket
from typing import Optional

from cloudinary_cli.net.pool import environment_proxy
from cloudinary_cli.text import one_line, redact


def host_of(url: str) -> str:
    """Host and port of a URL that may be malformed."""
    return url.partition("://")[2].partition("/")[0] or one_line(url)


def innermost(error: BaseException) -> str:
    """The text of the first cause: the operating system's, without the wrappers of urllib3."""
    cause = _first_cause(error)
    return str(getattr(cause, "strerror", None) or cause) or type(cause).__name__


def connection_problem(url: str, error: BaseException, reason: Optional[str] = None, api_proxy: str = "") -> str:
    """The cause of an error of urllib3 or of a socket, and what to do about it if that is known.

    :param reason: innermost(error) without the secrets that were sent; by default, without all that look like secrets.
    :param api_proxy: the proxy of the configuration, if it has one.
    """
    from urllib3 import exceptions

    host = host_of(url)
    reason = (one_line(redact(innermost(error)), 160) if reason is None else reason).rstrip(".")
    if isinstance(error, exceptions.SSLError):
        return (
            f"TLS to {host} failed: {reason}. If a company proxy re-signs TLS, set REQUESTS_CA_BUNDLE to its CA file."
        )
    if isinstance(error, (exceptions.ProxyError, exceptions.ProxySchemeUnknown)) or (
        isinstance(error, ValueError) and (api_proxy or environment_proxy(url))
    ):
        setting = "api_proxy in the configuration" if api_proxy else _proxy_variable(url)
        return f"The proxy cannot be used to reach {host}: {reason}. Check {setting}."
    if isinstance(_first_cause(error), socket.gaierror):
        return f"Cannot connect to {host}: its name cannot be resolved ({reason}). Check the network connection."
    if isinstance(error, exceptions.ConnectTimeoutError) and not isinstance(error, exceptions.NewConnectionError):
        return f"Cannot connect to {host}: no response in time. Check the network connection and the firewall."
    if isinstance(error, exceptions.NewConnectionError):
        return f"Cannot connect to {host}: {reason}. Check the network connection."
    if isinstance(error, exceptions.TimeoutError):
        return f"No response from {host} in time."
    if isinstance(error, ValueError):
        return f"Cannot use the address {one_line(url)}."
    return f"The connection to {host} failed: {reason}."


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error


def _proxy_variable(url: str) -> str:
    """The environment variable that sets the proxy of this URL; lower-case names take precedence (urllib.request)."""
    scheme = url.partition(":")[0].lower()
    names = [form for name in (f"{scheme}_proxy", "all_proxy") for form in (name, name.upper())]
    return next((name for name in names if os.environ.get(name)), f"{scheme.upper()}_PROXY")
