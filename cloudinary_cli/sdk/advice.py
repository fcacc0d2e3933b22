"""Says after a failed API call which host and credentials were used, and what to type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

from cloudinary_cli.errors import DetailedExit, detailed_exit
from cloudinary_cli.net.failure import connection_problem, host_of
from cloudinary_cli.sdk.activation import CREDENTIALS_ORIGIN
from cloudinary_cli.text import one_line

DEFAULT_API_URL = "https://api.cloudinary.com"
_TRY_OTHERS = "To use another account: cld -C NAME <command>. The saved ones: cld config -ls"


@dataclass(frozen=True)
class FailedCall:
    """Where a call was sent and with which credentials. `fix` is what to type when they are rejected."""

    url: str
    credentials: str
    account: str  # what the credentials belong to
    fix: str
    api_proxy: str = ""

    @property
    def host(self) -> str:
        return host_of(self.url)

    def advice(self, status: int) -> str:
        """The sentences for an HTTP status; empty for a status that is about the arguments."""
        if status == 401:
            return f"{self.host} rejected {self.credentials}. {self.fix}"
        if status == 403:
            return (
                f"{self.host} accepted {self.credentials}, which does not have the permission or the feature for this"
                f" call. {_TRY_OTHERS}"
            )
        if status == 404:
            return f"{self.host} looked in {self.account}, with {self.credentials}. {_TRY_OTHERS}"
        kind = detailed_exit(status)
        if kind is DetailedExit.RATE_LIMITED:
            return f"{self.host} limits the calls of {self.account} ({self.credentials}). Wait, and run it again."
        if kind is DetailedExit.UNAVAILABLE:
            return f"The problem is at {self.host}. Try again later. Outages: https://status.cloudinary.com"
        return ""

    def connection_problem(self, error: Exception) -> str:
        """Why the host could not be reached or did not respond."""
        from urllib3.exceptions import NewConnectionError, ReadTimeoutError

        text = connection_problem(self.url, error, api_proxy=self.api_proxy)
        if isinstance(error, ReadTimeoutError):
            return f"{text} It may have done the work. To wait longer: timeout=SECONDS"
        if isinstance(error, NewConnectionError) and self.url != DEFAULT_API_URL:
            return f"{text} The host is set by upload_prefix or CLOUDINARY_UPLOAD_PREFIX."
        return text


def describe_call(
    config: Any, function: Callable[..., Any], arguments: Mapping[str, Any], own: bool = False
) -> FailedCall:
    """Describe a call of an SDK function with the active configuration and the arguments of the call.

    :param own: the credentials are among the arguments.
    """
    url = str(arguments.get("upload_prefix") or config.upload_prefix or DEFAULT_API_URL)
    proxy = str(config.api_proxy or "")
    if function.__module__.startswith("cloudinary.provisioning"):
        name = "CLOUDINARY_ACCOUNT_URL"
        return FailedCall(url, f"the API key of {name}", "its account", f"Check the key and secret in {name}.", proxy)
    account = f"cloud '{one_line(str(arguments.get('cloud_name') or config.cloud_name), 60)}'"
    if own:
        return FailedCall(url, "the credentials among the arguments", account, "Check them.", proxy)
    origin = getattr(config, CREDENTIALS_ORIGIN, "") or "the credentials in use"
    fix = getattr(config, "relogin_advice", "") or "Check it with: cld config. To log in instead: cld login"
    return FailedCall(url, origin, account, fix, proxy)
