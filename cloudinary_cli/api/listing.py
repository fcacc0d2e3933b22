"""Finds the SDK's methods, and shows them as a table or JSON (`-ls`) and as help."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any, Callable, Dict, List, Sequence, Tuple

from cloudinary_cli.api.method import Method, describe
from cloudinary_cli.api.values import Parameter
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError
from cloudinary_cli.sdk import loader
from cloudinary_cli.text import did_you_mean

_API_NAMES = {"admin": "Admin", "uploader": "Upload", "provisioning": "Provisioning", "utils": "Utils"}

# Methods that take the options of `upload` without documenting them.
_LIKE_UPLOAD = frozenset(
    ["unsigned_upload", "upload_large", "explicit", "create_upload_preset", "update_upload_preset"]
)
_PARAMETERS_WIDTH = 30
_NARROWEST_TABLE = 60  # columns


def methods(api: str) -> List[Method]:
    """The listed methods, sorted by name."""
    return [_described(name, function) for name, function in loader.api_methods(api).items()]


def find_method(api: str, name: str) -> Method:
    """Find a method by name. Names that an SDK module only imports are not methods.

    :raises CliError: there is none; the message suggests similar names.
    """
    listed = loader.api_methods(api)
    function = listed.get(name) or (_own_functions(loader.module(api)).get(name) if api == "utils" else None)
    if function is None:
        hint = did_you_mean(name, listed) or f"List the methods: cld {api} -ls"
        raise CliError(f"Method {name} does not exist in {_API_NAMES[api]}. {hint}")
    return _described(name, function)


def _own_functions(module: Any) -> Dict[str, Callable[..., Any]]:
    # The other functions of the utility module, such as `cld utils now`, are callable although they are not listed.
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def _described(name: str, function: Callable[..., Any]) -> Method:
    return describe(name, function, [loader.api_methods("uploader")["upload"]] if name in _LIKE_UPLOAD else [])


def show_methods(app: AppContext, api: str, names: Sequence[str], as_json: bool) -> bool:
    """Print the list of methods, or the help of the named ones, on stdout.

    :raises CliError: a name is not a method.
    """
    chosen = [find_method(api, name) for name in names] or methods(api)
    if as_json:
        app.console.json(as_rows(chosen))
    elif names:
        app.console.data("\n\n".join(render_help(method) for method in chosen))
    else:
        _show_list(app, chosen)
    return True


def _show_list(app: AppContext, chosen: Sequence[Method]) -> None:
    """Print a table, or names with summaries below them on a terminal that is too narrow for the columns."""
    width = app.console.table_width()
    if width is None or width >= _NARROWEST_TABLE:
        app.console.table([_row(method) for method in chosen], " ", fit=True)
        return
    wrapped = textwrap.TextWrapper(width - 1, initial_indent="  ", subsequent_indent="  ")
    app.console.data_lines(*(line for method in chosen for line in [method.name, *wrapped.wrap(method.summary)]))


def method_help(api: str, name: str) -> str:
    """The help of a method, or an empty string if there is no such method."""
    try:
        return render_help(find_method(api, name))
    except CliError:
        return ""


def open_documentation(app: AppContext, url: str) -> bool:
    """Open a page in the browser and print its URL: on stderr, and without a browser also on stdout."""
    app.console.info(f"Documentation: {url}")
    if not app.open_browser(url):
        app.console.data(url)
    return True


def _row(method: Method) -> Tuple[str, str, str]:
    """One line of the method list: name, parameters and first sentence."""
    names = [parameter.name for parameter in method.parameters] + (["options"] if method.open_ended else [])
    return method.name, f"({_fitted(names)}", method.summary


def _fitted(names: List[str]) -> str:
    """Join names as `a, b)`, shortened to `a, ...)` if they do not fit in the column."""
    text = ", ".join(names) + ")"
    while len(text) > _PARAMETERS_WIDTH and len(names) > 1:
        names = names[:-1]
        text = ", ".join(names) + ", ...)"
    return text


def as_rows(methods: Sequence[Method]) -> List[Dict[str, Any]]:
    """The methods as JSON objects. `parameters` can be given by position or by name, `options` only by name."""
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
    """The signature and the docstring of a method."""
    return f"{method.signature}\n\n{method.doc}".rstrip()
