"""Finds the SDK's methods and shows them: the table of `-ls`, its JSON form, the help of one; calls none of them."""

from __future__ import annotations

import difflib
import inspect
from typing import Any, Callable, Dict, List, Sequence, Tuple

from cloudinary_cli.api.method import Method, describe
from cloudinary_cli.api.values import Parameter
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError
from cloudinary_cli.sdk import loader

_API_NAMES = {"admin": "Admin", "uploader": "Upload", "provisioning": "Provisioning", "utils": "Utils"}

# Methods that take the options of `upload` without documenting them.
_LIKE_UPLOAD = frozenset(
    ["unsigned_upload", "upload_large", "explicit", "create_upload_preset", "update_upload_preset"]
)
_PARAMETERS_WIDTH = 30


def methods(api: str) -> List[Method]:
    """The listed methods, sorted by name."""
    return [_described(name, function) for name, function in loader.api_methods(api).items()]


def find_method(api: str, name: str) -> Method:
    """The method of that name.

    :raises CliError: when there is none, with the closest names. What an SDK module only imports is no method.
    """
    listed = loader.api_methods(api)
    function = listed.get(name) or (_own_functions(loader.module(api)).get(name) if api == "utils" else None)
    if function is None:
        close = difflib.get_close_matches(name, listed)
        hint = f"Did you mean: {', '.join(close)}?" if close else f"List the methods: cld {api} -ls"
        raise CliError(f"Method {name} does not exist in {_API_NAMES[api]}. {hint}")
    return _described(name, function)


def _own_functions(module: Any) -> Dict[str, Callable[..., Any]]:
    # The utility module's other functions are callable, though not listed: `cld utils now` always worked.
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def _described(name: str, function: Callable[..., Any]) -> Method:
    return describe(name, function, [loader.api_methods("uploader")["upload"]] if name in _LIKE_UPLOAD else [])


def show_methods(app: AppContext, api: str, names: Sequence[str], as_json: bool) -> bool:
    """Print the method list, or what is known about the named methods. It is data: stdout, whatever -v says.

    :raises CliError: for a name that is no method.
    """
    chosen = [find_method(api, name) for name in names] or methods(api)
    if as_json:
        app.console.json(as_rows(chosen))
    elif names:
        app.console.data("\n\n".join(render_help(method) for method in chosen))
    else:
        app.console.table([_row(method) for method in chosen], " ")
    return True


def method_help(api: str, name: str) -> str:
    """What is known about a method; empty when there is none of that name."""
    try:
        return render_help(find_method(api, name))
    except CliError:
        return ""


def open_documentation(app: AppContext, url: str) -> bool:
    """Open a page in the browser. Its address is always said, and printed as data where there is no browser."""
    app.console.info(f"Documentation: {url}")
    if not app.open_browser(url):
        app.console.data(url)
    return True


def _row(method: Method) -> Tuple[str, str, str]:
    """One line of the method list: name, parameters and first sentence."""
    names = [parameter.name for parameter in method.parameters] + (["options"] if method.open_ended else [])
    return method.name, f"({_fitted(names)}", method.summary


def _fitted(names: List[str]) -> str:
    """`a, b)`, shortened at a comma to fit its column: `a, ...)`."""
    text = ", ".join(names) + ")"
    while len(text) > _PARAMETERS_WIDTH and len(names) > 1:
        names = names[:-1]
        text = ", ".join(names) + ", ...)"
    return text


def as_rows(methods: Sequence[Method]) -> List[Dict[str, Any]]:
    """The methods as JSON objects: `parameters` can be given by position or name, `options` only by name."""
    return [
        {
            "name": method.name,
            "parameters": [
                {**_parameter_row(parameter), "required": parameter.required} for parameter in method.parameters
            ],
            "options": [_parameter_row(option) for option in method.options.values()],
            "summary": method.summary,
        }
        for method in methods
    ]


def _parameter_row(parameter: Parameter) -> Dict[str, Any]:
    return {"name": parameter.name, "type": parameter.type or None}


def render_help(method: Method) -> str:
    """Signature and full docstring of one method."""
    return f"{method.signature}\n\n{method.doc}".rstrip()
