"""Runs `utils`: calls a function of the SDK's utility module, without a request."""

from __future__ import annotations

from typing import Any, Dict

from cloudinary_cli.api import arguments as params
from cloudinary_cli.api.command_line import in_utf8
from cloudinary_cli.api.listing import find_method
from cloudinary_cli.api.method import Method
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError, ConfigError
from cloudinary_cli.sdk import activation
from cloudinary_cli.sdk.delivery import as_boolean, delivery_options, secret_needed


def run(app: AppContext, name: str, arguments: params.Arguments) -> Any:
    """Call the function and return its result.

    :raises CliError: the function, its arguments or the configuration is invalid.
    """
    method = find_method("utils", name)
    call = params.bind(method, arguments)
    for unknown in call.unknown:
        app.console.warning(f"{params.describe_unknown(method, unknown)} It probably has no effect.")
    _install_config(app)
    kwargs = _with_delivery_options(app, method, in_utf8(call.kwargs))
    if method.name.startswith("verify_") and not app.active.fields.get("api_secret"):
        raise _missing_secret(app, method)
    try:
        result = method.function(**kwargs)
    except ValueError as error:
        raise _explained(app, method, error) from error
    # cloudinary_url() returns the URL and the unused options.
    return result[0] if method.name == "cloudinary_url" else result


def _install_config(app: AppContext) -> None:
    """Configure the SDK with whatever is available, because most functions need only a part of a configuration."""
    if app.active.cloud_name:
        activation.activate(app.active, app.store)
    else:
        activation.activate_anonymous(app.environ)


def _with_delivery_options(app: AppContext, method: Method, given: Dict[str, Any]) -> Dict[str, Any]:
    if method.name != "cloudinary_url":
        return given
    kwargs = {**delivery_options(app.active.fields), **given}
    return {**kwargs, "secure": as_boolean(kwargs["secure"])}


def _explained(app: AppContext, method: Method, error: ValueError) -> CliError:
    text = str(error)
    if "Must supply" not in text:
        return CliError(text)
    if app.active.problem is not None:
        return app.active.problem
    if app.active.cloud_name:
        return _missing_secret(app, method)
    return CliError(f"{text}. Give cloud_name=NAME, or choose a configuration: cld -C <name>")


def _missing_secret(app: AppContext, method: Method) -> ConfigError:
    if not app.active.cloud_name:
        app.active.require()  # its error says how to choose a configuration
    return ConfigError(secret_needed(f"'{method.name}'", app.active.has_oauth))
