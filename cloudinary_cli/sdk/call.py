"""call_api: one SDK call with a retry after a 401, and the SDK's errors as ApiError."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from cloudinary_cli.config.resolver import Selection, resolve
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import ApiError, AuthenticationError, CliError
from cloudinary_cli.sdk import activation, loader
from cloudinary_cli.sdk.advice import FailedCall, describe_call

_OWN_CREDENTIALS = ("api_key", "api_secret")


def call_api(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call an SDK function.

    The token is read once and passed to the call, so a rejected token is known. After a 401 the call is repeated once,
    if there is another token (OAuthConfig.call_with_token). A call with credentials of its own gets no token.

    :raises AuthenticationError: 401 in the end. :raises ApiError: any other error status, or no response.
    """
    if _brings_credentials(kwargs):
        # For another account: None keeps the SDK from adding the token of the active config.
        return _attempt(func, args, {"oauth_token": None, **kwargs}, own=True)
    config = loader.load().config()
    # upload_large reads the token for each chunk and calls oauth_token_refresh_callback itself.
    if not getattr(config, "has_oauth", False) or func.__name__ == "upload_large":
        return _attempt(func, args, kwargs)
    return config.call_with_token(lambda token: _attempt(func, args, {**kwargs, "oauth_token": token}))


def _brings_credentials(kwargs: Dict[str, Any]) -> bool:
    return "oauth_token" in kwargs or any(kwargs.get(key) for key in _OWN_CREDENTIALS)


def _attempt(func: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any], own: bool = False) -> Any:
    """One call, with the SDK's errors (its own tree, or a bare Exception) as ApiError.

    :param own: the caller brings the credentials.
    """
    from cloudinary.exceptions import AuthorizationRequired, Error

    try:
        return func(*args, **kwargs)
    except AuthorizationRequired as error:
        call = describe_call(loader.load().config(), func, kwargs, own)
        raise AuthenticationError(str(error), advice=call.advice(401)) from error
    except UnicodeEncodeError as error:
        raise ApiError("An argument has bytes that are not UTF-8 text, and cannot be sent.", 400) from error
    except Exception as error:
        # The SDK raises Exception itself for unknown statuses and missing arguments; subclasses have other causes.
        if type(error) is not Exception and not isinstance(error, Error):
            raise
        raise _api_error(error, describe_call(loader.load().config(), func, kwargs, own)) from error


def _api_error(error: Exception, call: FailedCall) -> ApiError:
    from urllib3.exceptions import HTTPError

    status, cause = _status(error), error.__context__
    # The SDK's own text for these is the repr of an object.
    if isinstance(cause, (HTTPError, OSError)):
        return ApiError(f"Unexpected error - {call.connection_problem(cause)}")
    return ApiError(str(error), status, call.advice(status or 500))


def _status(error: Exception) -> Optional[int]:
    """The HTTP status of an SDK error; None without a response. The class gives it, or else only the text does."""
    from cloudinary.exceptions import AlreadyExists, BadRequest, GeneralError, NotAllowed, NotFound, RateLimited

    by_class = {BadRequest: 400, NotAllowed: 403, NotFound: 404, AlreadyExists: 409, RateLimited: 420}
    stated = re.match(r"(?:Error|HTTP|Error parsing server response) \(?(\d{3})\b", str(error))
    if type(error) in by_class:
        return by_class[type(error)]
    if stated:
        return int(stated.group(1))
    # The rest names no status: a failed connection, a 5xx, or an error of the SDK itself before the request.
    is_failure = isinstance(error, GeneralError) or str(error).startswith(("Unexpected error", "Socket error"))
    return None if is_failure else 400


def ping_cloudinary(**options: Any) -> bool:
    """Ping the Admin API with the active config or the given credentials; logs the error."""
    try:
        call_api(loader.module("admin").ping, **options)
    except CliError as error:
        logger.error("%s", error.message)
        return False
    return True


def account_config(target: str, store: ConfigStore, environ: Mapping[str, str]) -> Any:
    """The config of a URL or a saved name after a ping with it; False when the ping fails.

    The active configuration is put back.

    :raises ConfigError: unknown name or invalid URL.
    """
    package = loader.load()
    active = package.config()
    selection = Selection(config=target) if "://" in target else Selection(config_saved=target)
    try:
        config = activation.activate(resolve(selection, store.load(), environ).require(), store)
        return config if ping_cloudinary() else False
    finally:
        package._config = active
