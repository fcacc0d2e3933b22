"""The exception tree of the program, each class with its exit code; knows no I/O.

::

    CliError                        1   one clear line on stderr, no traceback
    |-- ConfigError                 1   config.json, a saved entry or a CLOUDINARY_* value is unusable
    |   |-- ConfigFileError         1   the file cannot be read, parsed or written
    |   |-- ConfigNotFound          1   no saved configuration has that name
    |   |-- InvalidConfigUrl        1   not a usable cloudinary:// or account:// URL (also a ValueError)
    |   |   `-- AmbiguousConfigUrl  1   two values for a setting that decides where credentials go
    |   `-- NoConfiguration         1   nothing usable is selected
    |-- LockTimeout                75   another process holds a lock too long; try again (EX_TEMPFAIL)
    |-- OAuthError                  1   the authorization server or its answer
    |   |-- TokenEndpointError      1   one call to /oauth2/token or /oauth2/revoke failed; carries what happened
    |   |-- InvalidTokenResponse    1   2xx, but not a usable token response
    |   |-- ReloginRequired         1   the saved login cannot be renewed; says `cld login NAME`
    |   |-- KeychainUnavailable     1   the keychain with a login's key is locked, missing, or does not answer
    |   `-- LoginError              1   `cld login` failed
    |       |-- AuthorizationDenied 1   the authorization response carried `error`
    |       |-- LoginTimeout        1   no authorization response in time
    |       |-- NoBrowser           1   nobody could open the URL
    |       `-- PortInUse           1   the loopback port cannot be bound (also a RuntimeError)
    |-- ApiError                    1   the Cloudinary API refused or could not be reached
    |   `-- AuthenticationError     1   401 also after one refresh
    |-- Declined                    1   the user said no, or nobody could be asked
    `-- TransferIncomplete          1   at least one item of a bulk command failed

    Terminated (a BaseException)  128 + signal: SIGINT 130, SIGTERM 143, SIGHUP 129 (raised by system/signals.py)

Usage errors are click.UsageError and exit 1, as scripts expect.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Optional, Union

from cloudinary_cli.text import one_line


class DetailedExit(IntEnum):
    """Exit statuses that CLOUDINARY_CLI_EXIT_CODES=detailed adds; docs/exit-codes.md says what each means."""

    FAILURE = 1
    USAGE = 2
    CONFIGURATION = 3
    AUTHENTICATION = 4
    NOT_FOUND = 5
    RATE_LIMITED = 6
    UNAVAILABLE = 7
    INCOMPLETE = 8


# What a command returns: False is a failure that was told already, a DetailedExit one with a status of its own.
Status = Union[bool, DetailedExit]


def detailed_exit(status: Optional[int]) -> DetailedExit:
    """The exit status for an HTTP status; None is no usable answer."""
    if status is None or status >= 500:
        return DetailedExit.UNAVAILABLE
    known = {
        401: DetailedExit.AUTHENTICATION,
        404: DetailedExit.NOT_FOUND,
        420: DetailedExit.RATE_LIMITED,
        429: DetailedExit.RATE_LIMITED,
    }
    return known.get(status, DetailedExit.FAILURE)


class CliError(Exception):
    """Base of every error that the program shows as one line; `exit_code` is the process's exit status.

    `detailed_exit_code` takes its place where CLOUDINARY_CLI_EXIT_CODES=detailed.
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
    """A file of the CLI's home cannot be read, parsed or written; the text names it."""


class NoHomeDirectory(ConfigError):
    """The user has no home directory for the CLI's files: no HOME, and no entry in the system's list of users."""


URL_IS_NO_NAME = (
    "A URL is not a name. To use it for one command: cld -c URL <command>. "
    "To save it under a name: cld config -n NAME URL"
)


class ConfigNotFound(ConfigError):
    """No saved configuration has this name. A URL in the place of one is not repeated: it may hold a secret."""

    def __init__(self, name: str) -> None:
        missing = f"Config {one_line(name, None)} does not exist. Run `cld config -ls` to see the saved ones."
        super().__init__(URL_IS_NO_NAME if "://" in name else missing)
        self.name = name


class SelectionNotFound(ConfigNotFound):
    """No saved configuration has the name that was given with -C. Scripts know the beginning of the text."""

    @property
    def message(self) -> str:
        return f"Command execution failed, error: {self}"


class InvalidConfigUrl(ConfigError, ValueError):
    """Not a usable cloudinary:// or account:// URL. The text never contains the URL: it may hold a secret."""


class AmbiguousConfigUrl(InvalidConfigUrl):
    """A configuration URL with two values for a setting that decides where credentials go."""


class ImpossibleCloud(InvalidConfigUrl):
    """A cloud name, or what follows it in a URL, that no cloud has. The text does not repeat it."""


class NoConfiguration(ConfigError):
    """Nothing usable is selected by -c, -C, the stored default or the environment."""


class LockTimeout(CliError):
    """A lock was not free in time. Nothing was changed, so the same command can be tried again."""

    exit_code = 75
    detailed_exit_code = 75


class OAuthError(CliError):
    """Something went wrong with the authorization server or a saved login."""

    detailed_exit_code = DetailedExit.AUTHENTICATION


class Delivery(str, Enum):
    """What is known about a request to the token endpoint that did not succeed."""

    NEVER_SENT = "never_sent"  # no connection: the refresh token was not presented
    UNKNOWN = "unknown"  # sent, no answer: the refresh token may have been consumed
    ANSWERED = "answered"  # an HTTP status other than 2xx came back


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
        """True when the server says that this refresh token or code is dead (RFC 6749 5.2 invalid_grant)."""
        return self.delivery is Delivery.ANSWERED and self.error == "invalid_grant"

    @property
    def is_retryable(self) -> bool:
        """True when sending it again cannot present a consumed token: never sent, 429 or 503."""
        return self.delivery is Delivery.NEVER_SENT or self.status in (429, 503)


class InvalidTokenResponse(OAuthError):
    """A 2xx answer of the token endpoint that cannot be used; the text names the missing member or claim."""


class ReloginRequired(OAuthError):
    """The saved login cannot be renewed; the text gives the `cld login` command to run."""


class KeychainUnavailable(OAuthError):
    """The OS keychain is locked, missing, or does not answer; it may do so later, so nothing was changed."""


class LoginError(OAuthError):
    """`cld login` failed; nothing was saved."""


class AuthorizationDenied(LoginError):
    """The authorization response carried an `error` parameter (RFC 6749 section 4.1.2.1)."""


class LoginTimeout(LoginError):
    """No authorization response arrived before the deadline."""


class NoBrowser(LoginError):
    """No browser could be opened and no terminal is there to show the URL to a person."""


class PortInUse(LoginError, RuntimeError):
    """The loopback redirect port cannot be bound; the OS error is chained."""


class ApiError(CliError):
    """The Cloudinary API refused a call or could not be reached; the text is the server's.

    `status` is the HTTP status; None when there was no usable answer.
    """

    def __init__(self, message: str, status: Optional[int] = None) -> None:
        super().__init__(message)
        self.status = status
        self.detailed_exit_code = detailed_exit(status)


class AuthenticationError(ApiError):
    """HTTP 401, also after one refresh of the token where there is one."""

    def __init__(self, message: str, status: Optional[int] = 401) -> None:
        super().__init__(message, status)


class Declined(CliError):
    """The user answered no, or there was nobody to ask."""

    detailed_exit_code = DetailedExit.INCOMPLETE


class TransferIncomplete(CliError):
    """At least one item of a bulk command failed."""

    detailed_exit_code = DetailedExit.INCOMPLETE


class Terminated(BaseException):
    """A signal ends the program. Not a failure to recover from: only main() may catch it without raising it again.

    Ctrl-C too, because Click would catch a KeyboardInterrupt and write to the terminal, which may be stopped.
    """

    def __init__(self, signum: int = 15) -> None:
        super().__init__(signum)
        self.signum = signum
        self.exit_code = 128 + signum  # what a shell reports
        self.message = "Interrupted." if signum == 2 else "Terminated."  # 2: SIGINT everywhere
