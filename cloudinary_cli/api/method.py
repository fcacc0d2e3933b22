"""Describes an SDK method from its signature and docstring, without calling it.

The SDK passes most arguments through `**options` and silently ignores the ones it does not know. The names that it
reads without documenting them are listed in undocumented.py.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Sequence, Tuple

from cloudinary_cli.api.undocumented import TYPES, undocumented_options
from cloudinary_cli.api.values import Parameter

_TYPE = re.compile(r"^\s*:type\s+(\w+)\s*:\s*(.+?)\s*$", re.MULTILINE)
_KEYWORD = re.compile(r"^\s*:keyword\s+(?:([^:\n]*?)\s+)?(\w+)\s*:", re.MULTILINE)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Method:
    """One SDK method. `options` are the documented keywords that are not in the signature.

    `open_ended` is True for a method with `**options`; `undocumented` are the names that it takes beside `options`.
    """

    name: str
    signature: str
    function: Callable[..., Any]
    parameters: Tuple[Parameter, ...] = ()
    options: Mapping[str, Parameter] = field(default_factory=dict)
    open_ended: bool = False
    doc: str = ""
    undocumented: FrozenSet[str] = frozenset()

    @property
    def required(self) -> List[Parameter]:
        return [parameter for parameter in self.parameters if parameter.required]

    @property
    def summary(self) -> str:
        """The first sentence of the docstring, on one line."""
        paragraph = " ".join(re.split(r"\n\s*\n|\n\s*:", self.doc.strip(), maxsplit=1)[0].split())
        return re.split(r"(?<=[.!?])\s", paragraph, maxsplit=1)[0]

    def parameter(self, name: str) -> Parameter:
        """The parameter or documented option of that name, or else a parameter without a type."""
        found = next((parameter for parameter in self.parameters if parameter.name == name), None)
        return found or self.options.get(name) or Parameter(name)

    def is_parameter(self, name: str) -> bool:
        return any(parameter.name == name for parameter in self.parameters)

    def documented_names(self) -> List[str]:
        return [parameter.name for parameter in self.parameters] + list(self.options)

    def knows(self, name: str) -> bool:
        """True for a parameter or an option of the method, documented or not."""
        return self.is_parameter(name) or name in self.options or name in self.undocumented


def describe(name: str, function: Callable[..., Any], like: Sequence[Callable[..., Any]] = ()) -> Method:
    """Describe a method.

    :param like: functions whose documented options this method also takes, without documenting them.
    """
    signature = inspect.signature(function)
    types = _documented_types([*like, function])
    types.update(TYPES.get(name, {}))
    parameters = tuple(
        Parameter(key, types.pop(key, ""), value.default is inspect.Parameter.empty)
        for key, value in signature.parameters.items()
        if value.kind in _POSITIONAL
    )
    open_ended = any(value.kind is inspect.Parameter.VAR_KEYWORD for value in signature.parameters.values())
    types.pop("options", None)
    options = {key: Parameter(key, text) for key, text in types.items()} if open_ended else {}
    return Method(
        name,
        f"{name}{signature}",
        function,
        parameters,
        options,
        open_ended,
        inspect.getdoc(function) or "",
        undocumented_options(name, function.__module__) if open_ended else frozenset(),
    )


def _documented_types(functions: Sequence[Callable[..., Any]]) -> Dict[str, str]:
    types: Dict[str, str] = {}
    for function in functions:
        doc = function.__doc__ or ""
        types.update((name, kind or "") for kind, name in _KEYWORD.findall(doc))
        own = inspect.signature(function).parameters
        last = function is functions[-1]
        # The parameters of the functions in `like` are not options of this method.
        types.update((name, kind) for name, kind in _TYPE.findall(doc) if last or name not in own)
    return types
