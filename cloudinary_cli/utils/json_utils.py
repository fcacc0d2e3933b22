"""Old import path of helpers for JSON files and JSON output."""

from __future__ import annotations

import json
from typing import Any, Mapping, Optional

from cloudinary_cli.console import Console
from cloudinary_cli.system.files import write_atomically


def print_json(obj: Any) -> None:
    """Print as JSON to stdout, in color only on a terminal."""
    Console().json(obj)


def read_json_from_file(filename: str, does_not_exist_ok: bool = False) -> Any:
    """The file's content; `{}` for a missing file if `does_not_exist_ok`.

    :raises OSError: the file cannot be read. :raises ValueError: it is not JSON.
    """
    try:
        with open(filename, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        if does_not_exist_ok:
            return {}
        raise


def write_json_to_file(
    obj: Any,
    filename: str,
    indent: Optional[int] = 2,
    sort_keys: bool = False,
    atomic: bool = False,
    mode: Optional[int] = None,
) -> None:
    """Write `obj` as UTF-8 JSON; `atomic` replaces the file in one step.

    :raises OSError: the file cannot be written.
    """
    text = json.dumps(obj, indent=indent, sort_keys=sort_keys, ensure_ascii=False, default=str)
    data = text.encode("utf-8", "surrogatepass")
    if atomic:
        write_atomically(filename, data, mode)
        return
    with open(filename, "wb") as file:
        file.write(data)


def update_json_file(
    obj: Mapping[str, Any],
    filename: str,
    indent: Optional[int] = 2,
    sort_keys: bool = False,
    atomic: bool = False,
    mode: Optional[int] = None,
) -> None:
    """Put the members of `obj` into the JSON object in a file; a missing file counts as an empty object.

    :raises OSError: the file cannot be read or written. :raises ValueError: it does not contain a JSON object.
    """
    content = read_json_from_file(filename, does_not_exist_ok=True)
    if not isinstance(content, dict):
        raise ValueError(f"{filename} does not hold a JSON object.")
    write_json_to_file({**content, **obj}, filename, indent, sort_keys, atomic, mode)
