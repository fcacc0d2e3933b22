"""The exceptions of the program and their exit codes.

::

    CliError                        1   shown as one line on stderr, without a traceback
    |-- ConfigError                 1   config.json, a saved entry or a CLOUDINARY_* value is unusable
    |   |-- ConfigFileError         1   the file cannot be read, parsed or written
    |   |-- ConfigNotFound          1   no saved configuration has that name
    |   |-- InvalidConfigUrl        1   not a usable cloudinary:// or account:// URL (also a ValueError)
    |   |   `-- AmbiguousConfigUrl  1   two values for a setting that decides where credentials go
    |   `-- NoConfiguration         1   nothing usable is selected
    |-- LockTimeout                75   another process holds a lock for too long; try again (EX_TEMPFAIL)
    |-- OAuthError                  1   the authorization server or its response
    |   |-- TokenEndpointError      1   a call to /oauth2/token or /oauth2/revoke failed
    |   |-- InvalidTokenResponse    1   a 2xx response that is not usable
    |   |-- ReloginRequired         1   the saved login cannot be renewed; log in again
    |   |-- KeychainUnavailable     1   the keychain with a login's key is locked, missing, or does not respond
    |   `-- LoginError              1   `cld login` failed
    |       |-- AuthorizationDenied 1   the authorization response carried `error`
    |       |-- LoginTimeout        1   no authorization response in time
    |       |-- NoBrowser           1   no browser and no terminal to show the URL
    |       `-- PortInUse           1   the loopback port cannot be bound (also a RuntimeError)
    |-- ApiError                    1   the Cloudinary API rejected a call or could not be reached
    |   `-- AuthenticationError     1   HTTP 401, for a login also after one refresh
    |-- Declined                    1   the user answered no, or there is no terminal to ask on
    `-- TransferIncomplete          1   at least one item of a bulk command failed

    Terminated (a BaseException)  128 + signal: SIGINT 130, SIGTERM 143, SIGHUP 129 (raised by system/signals.py)

Usage errors are click.UsageError. They exit with 1, not with Click's 2, because existing scripts expect it.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Iterable, Optional, Union

from cloudinary_cli.text import did_you_mean, one_line

# The one table of HTTP statuses that a request may be repeated after; net/retry.py says how often.
# 420 is Cloudinary's own status for a rate limit: https://cloudinary.com/documentation/admin_api#error_handling
RATE_LIMITED = frozenset([420, 429])
# The server refused the request before it did any work, so any request may be repeated.
NOT_PROCESSED = RATE_LIMITED | {503}
# The server may have done the work, so only a request without a further effect is repeated.
TRANSIENT = frozenset([500, 502, 504])


class DetailedExit(IntEnum):
    """The exit statuses of CLOUDINARY_CLI_EXIT_CODES=detailed, described in docs/exit-codes.md."""

    FAILURE = 1
    USAGE = 2
    CONFIGURATION = 3
    AUTHENTICATION = 4
    NOT_FOUND = 5
    RATE_LIMITED = 6
    UNAVAILABLE = 7
    INCOMPLETE = 8
    LOCKED = 75


# The return value of a command: False is a failure that was already reported, DetailedExit a failure with a status.
Status = Union[bool, DetailedExit]


def detailed_exit(status: Optional[int]) -> DetailedExit:
    """The exit status for an HTTP status; None means no usable response."""
    if status is None or status >= 500:
        return DetailedExit.UNAVAILABLE
    known = {
        401: DetailedExit.AUTHENTICATION,
        404: DetailedExit.NOT_FOUND,
        **dict.fromkeys(RATE_LIMITED, DetailedExit.RATE_LIMITED),
    }
    return known.get(status, DetailedExit.FAILURE)


class CliError(Exception):
    """Base class of all errors that are shown as one line. `exit_code` is the exit status of the process.

    With CLOUDINARY_CLI_EXIT_CODES=detailed, `detailed_exit_code` is used instead.
    """

    exit_code = 1
    detailed_exit_code: int = DetailedExit.FAILURE

    @property
    def message(self) -> str:
        return str(self)


class ConfigError(CliError):
    """A configuration value or file is unusable."""

    detailed_exit_code = DetailedExit.CONFIGURATION


class ConfigFileError(ConfigError):
    """A file in the CLI's home directory cannot be read, parsed or written; the message names it."""


class NoHomeDirectory(ConfigError):
    """The user has no home directory: HOME is not set, and the system's user database has no entry."""


URL_IS_NO_NAME = (
    "A URL is not a name. To use it for one command: cld -c URL <command>. "
    "To save it under a name: cld config -n NAME URL"
)


class ConfigNotFound(ConfigError):
    """No saved configuration has this name. If the name is a URL, the message omits it: it may hold a secret."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        hint = did_you_mean(name, known) or "Run `cld config -ls` to see the saved ones."
        missing = f"Config {one_line(name, None)} does not exist. {hint}"
        super().__init__(URL_IS_NO_NAME if "://" in name else missing)
        self.name = name


class SelectionNotFound(ConfigNotFound):
    """No saved configuration has the name given with -C. Existing scripts match the beginning of the message."""

    @property
    def message(self) -> str:
        return f"Command execution failed, error: {self}"


class InvalidConfigUrl(ConfigError, ValueError):
    """Not a usable cloudinary:// or account:// URL. The message omits the URL, because it may hold a secret."""


class AmbiguousConfigUrl(InvalidConfigUrl):
    """A configuration URL has two values for a setting that decides where credentials are sent."""


class ImpossibleCloud(InvalidConfigUrl):
    """A URL has a cloud name, or text after it, that no cloud can have. The message omits it."""


class NoConfiguration(ConfigError):
    """Nothing usable is selected by -c, -C, the stored default or the environment."""


class LockTimeout(CliError):
    """A lock was not released in time. Nothing was changed, so the command can be run again."""

    exit_code = 75
    detailed_exit_code = DetailedExit.LOCKED


class OAuthError(CliError):
    """An error of the authorization server or of a saved login."""

    detailed_exit_code = DetailedExit.AUTHENTICATION


class Delivery(str, Enum):
    """What is known about a request to the token endpoint that did not succeed."""

    NEVER_SENT = "never_sent"  # no connection: the server has not seen the refresh token
    UNKNOWN = "unknown"  # sent, but no response: the refresh token may have been consumed
    RESPONDED = "responded"  # the server returned an HTTP status other than 2xx


class TokenEndpointError(OAuthError):
    """A call to the token or revocation endpoint failed.

    `error` and `description` are the members of an RFC 6749 section 5.2 error body, `status` the HTTP status,
    `retry_after` the server's Retry-After in seconds.
    """

    def __init__(
        self,
        message: str,
        delivery: Delivery,
        status: Optional[int] = None,
        body: str = "",
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message)
        self.delivery = delivery
        self.status = status
        self.body = body
        self.retry_after = retry_after
        if detailed_exit(status) in (DetailedExit.RATE_LIMITED, DetailedExit.UNAVAILABLE):
            self.detailed_exit_code = detailed_exit(status)
        self.error: Optional[str] = None
        self.description: Optional[str] = None

    @property
    def is_refused_grant(self) -> bool:
        """True when the server rejected the refresh token or code (`invalid_grant`, RFC 6749 section 5.2)."""
        return self.delivery is Delivery.RESPONDED and self.error == "invalid_grant"

    @property
    def is_retryable(self) -> bool:
        """True when a repeated request cannot present a consumed token: never sent, or refused before any work."""
        return self.delivery is Delivery.NEVER_SENT or self.status in NOT_PROCESSED


class InvalidTokenResponse(OAuthError):
    """A 2xx response of the token endpoint is unusable; the message names the missing member or claim."""


class ReloginRequired(OAuthError):
    """The saved login cannot be renewed; the message gives the `cld login` command to run."""


class KeychainUnavailable(OAuthError):
    """The OS keychain is locked, missing, or does not respond. Nothing was changed, because it may work later."""

    detailed_exit_code = DetailedExit.UNAVAILABLE


class LoginError(OAuthError):
    """`cld login` failed; nothing was saved."""


class AuthorizationDenied(LoginError):
    """The authorization response carried an `error` parameter (RFC 6749 section 4.1.2.1)."""


class LoginTimeout(LoginError):
    """No authorization response arrived before the deadline."""


class NoBrowser(LoginError):
    """No browser could be opened, and there is no terminal on which to show the URL."""


class PortInUse(LoginError, RuntimeError):
    """The loopback redirect port cannot be bound; the OS error is chained."""


class ApiError(CliError):
    """The Cloudinary API rejected a call or could not be reached; the text is the server's.

    `status` is the HTTP status, or None if there was no usable response. `advice` are the sentences that follow the
    text in `message`: the host, the credentials, and what to type.
    """

    def __init__(self, text: str, status: Optional[int] = None, advice: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.advice = advice
        self.detailed_exit_code = detailed_exit(status)

    @property
    def message(self) -> str:
        text = str(self)
        end = "" if text.endswith((".", "!", "?")) else "."
        return f"{text}{end} {self.advice}" if self.advice else text


class AuthenticationError(ApiError):
    """HTTP 401, for a login also after one refresh of its token."""

    def __init__(self, text: str, status: Optional[int] = 401, advice: str = "") -> None:
        super().__init__(text, status, advice)


class Declined(CliError):
    """The user answered no, or there was no terminal to ask on."""

    detailed_exit_code = DetailedExit.INCOMPLETE


class TransferIncomplete(CliError):
    """At least one item of a bulk command failed."""

    detailed_exit_code = DetailedExit.INCOMPLETE


class Terminated(BaseException):
    """A signal ends the program. Only main() may catch it without raising it again.

    Ctrl-C raises it too, because Click would catch a KeyboardInterrupt and write to the terminal, which may be stopped.
    """

    def __init__(self, signum: int = 15) -> None:
        super().__init__(signum)
        self.signum = signum
        self.exit_code = 128 + signum  # the status that a shell reports
        self.message = "Interrupted." if signum == 2 else "Terminated."  # 2: SIGINT everywhere
