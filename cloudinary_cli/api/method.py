"""Describes an SDK method from its signature and docstring: parameters, documented types, option names; calls nothing.

The SDK passes most arguments through `**options` and drops the ones it does not know without a word. Its names are
therefore read from three places: the signature, the docstring, and, for what is documented nowhere, the code.
"""

from __future__ import annotations

import dis
import inspect
import re
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, Mapping, Sequence, Set, Tuple

from cloudinary_cli.api.values import Parameter

_TYPE = re.compile(r"^\s*:type\s+(\w+)\s*:\s*(.+?)\s*$", re.MULTILINE)
_KEYWORD = re.compile(r"^\s*:keyword\s+(?:([^:\n]*?)\s+)?(\w+)\s*:", re.MULTILINE)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

_ARCHIVE_LISTS = dict.fromkeys(
    ["public_ids", "fully_qualified_public_ids", "prefixes", "tags", "target_tags", "transformations"], "list[str]"
)
# What the SDK accepts without documenting its type.
_UNDOCUMENTED: Mapping[str, Mapping[str, str]] = {
    "create_archive": _ARCHIVE_LISTS,
    "create_zip": _ARCHIVE_LISTS,
    "download_archive_url": _ARCHIVE_LISTS,
    "download_zip_url": _ARCHIVE_LISTS,
    "download_folder": _ARCHIVE_LISTS,
    "cloudinary_url": {"source": "str"},
    "private_download_url": {"public_id": "str", "format": "str"},
    "api_sign_request": {"api_secret": "str"},
    "verify_api_response_signature": dict.fromkeys(["public_id", "version", "signature"], "str"),
    "verify_notification_signature": dict.fromkeys(["body", "timestamp", "signature"], "str"),
}


@dataclass(frozen=True)
class Method:
    """What is known about one SDK method. `options` are the documented keywords that are not in the signature."""

    name: str
    signature: str
    function: Callable[..., Any]
    parameters: Tuple[Parameter, ...] = ()
    options: Mapping[str, Parameter] = field(default_factory=dict)
    open_ended: bool = False
    doc: str = ""

    @property
    def required(self) -> List[Parameter]:
        return [parameter for parameter in self.parameters if parameter.required]

    @property
    def summary(self) -> str:
        """First sentence of the docstring, on one line."""
        paragraph = " ".join(re.split(r"\n\s*\n|\n\s*:", self.doc.strip(), maxsplit=1)[0].split())
        return re.split(r"(?<=[.!?])\s", paragraph, maxsplit=1)[0]

    def parameter(self, name: str) -> Parameter:
        """The parameter or documented option of that name; an untyped one when there is none."""
        found = next((parameter for parameter in self.parameters if parameter.name == name), None)
        return found or self.options.get(name) or Parameter(name)

    def is_parameter(self, name: str) -> bool:
        return any(parameter.name == name for parameter in self.parameters)

    def documented_names(self) -> List[str]:
        return [parameter.name for parameter in self.parameters] + list(self.options)

    def knows(self, name: str) -> bool:
        """True for a name that the signature, the docstring or the SDK's code mentions."""
        if self.is_parameter(name) or name in self.options:
            return True
        return self.open_ended and name in mentioned_names(self.function)


def describe(name: str, function: Callable[..., Any], like: Sequence[Callable[..., Any]] = ()) -> Method:
    """Describe a method.

    :param like: functions whose documented options this method takes as well, without repeating them.
    """
    signature = inspect.signature(function)
    types = _documented_types([*like, function])
    types.update(_UNDOCUMENTED.get(name, {}))
    parameters = tuple(
        Parameter(key, types.pop(key, ""), value.default is inspect.Parameter.empty, True)
        for key, value in signature.parameters.items()
        if value.kind in _POSITIONAL
    )
    open_ended = any(value.kind is inspect.Parameter.VAR_KEYWORD for value in signature.parameters.values())
    types.pop("options", None)
    options = {key: Parameter(key, text) for key, text in types.items()} if open_ended else {}
    return Method(name, f"{name}{signature}", function, parameters, options, open_ended, inspect.getdoc(function) or "")


def _documented_types(functions: Sequence[Callable[..., Any]]) -> Dict[str, str]:
    types: Dict[str, str] = {}
    for function in functions:
        doc = function.__doc__ or ""
        types.update((name, kind or "") for kind, name in _KEYWORD.findall(doc))
        own = inspect.signature(function).parameters
        last = function is functions[-1]
        # A parameter of a lookalike is not an option of this method.
        types.update((name, kind) for name, kind in _TYPE.findall(doc) if last or name not in own)
    return types


def mentioned_names(function: Callable[..., Any]) -> FrozenSet[str]:
    """Identifiers in the code of `function` and of the functions of its package that it calls.

    The SDK picks options by name (`options.get("x")`, `only(options, "x")`), so a name that is nowhere in that code
    has no effect. The reverse does not hold: this may only be used to warn.
    """
    package = function.__module__.partition(".")[0]
    found: Set[str] = set()
    seen: Set[Any] = set()
    todo: List[Any] = [function]
    while todo:
        current = todo.pop()
        if current in seen or not current.__module__.startswith(package):
            continue
        seen.add(current)
        for code in _codes(current.__code__):
            found.update(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
            found.update(_identifiers(code.co_consts))
            for value in _referenced(code, current.__globals__):
                if isinstance(value, FunctionType):
                    todo.append(value)
                else:
                    found.update(_identifiers(value))
    return frozenset(found)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _identifiers(values: Any) -> Iterator[str]:
    for value in [*values.keys(), *values.values()] if isinstance(values, dict) else values:
        if isinstance(value, (tuple, list)):
            yield from _identifiers(value)
        elif isinstance(value, str) and _IDENTIFIER.match(value):
            yield value


def _referenced(code: CodeType, scope: Mapping[str, Any]) -> Iterator[Any]:
    """Functions and tables that the code names, directly or as an attribute of a module it names."""
    # By instruction: co_names alone would take `params.update(...)` for the API method `update`.
    steps = [(step.opname, step.argval) for step in dis.get_instructions(code)]
    values = [scope[name] for opname, name in steps if opname == "LOAD_GLOBAL" and name in scope]
    attributes = {name for opname, name in steps if opname in ("LOAD_ATTR", "LOAD_METHOD")}
    modules = [value for value in values if isinstance(value, ModuleType)]
    values.extend(vars(module)[name] for module in modules for name in attributes & vars(module).keys())
    return (value for value in values if isinstance(value, (FunctionType, list, tuple, dict)))
