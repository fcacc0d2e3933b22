"""Writes search results page by page, as JSON, JSON Lines or CSV, without keeping earlier pages in memory."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import IO, Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

from cloudinary_cli.search.request import SearchRequest, csv_path, csv_row, without_formula
from cloudinary_cli.system.file_access import own_descriptor
from cloudinary_cli.system.result_file import ResultFile
from cloudinary_cli.text import to_json

Write = Callable[[str], None]
Items = Sequence[Dict[str, Any]]
_INDENT = "  "


class JsonArray:
    """A JSON array, laid out like json.dumps(indent=2) at the depth `indent`."""

    def __init__(self, write: Write, indent: str = "", encoding: Optional[str] = "utf-8") -> None:
        self._write, self._indent, self._encoding = write, indent, encoding
        self._opened = False

    def add(self, items: Items) -> None:
        self._write("".join(self._element(item) for item in items))

    def finish(self) -> None:
        self._write(f"\n{self._indent}]" if self._opened else "[]")

    def _element(self, item: Any) -> str:
        separator = "," if self._opened else "["
        self._opened = True
        inner = self._indent + _INDENT
        return f"{separator}\n{inner}{_nested(item, self._encoding, inner)}"


class JsonDocument:
    """A JSON object whose list `field` is written in parts. `head` precedes the list; finish() writes the rest."""

    def __init__(self, write: Write, field: str, head: Mapping[str, Any], encoding: Optional[str]) -> None:
        self._write, self._encoding = write, encoding
        write("{\n" + "".join(f"{self._member(key, value)},\n" for key, value in head.items()))
        write(f"{_INDENT}{json.dumps(field)}: ")
        self._items = JsonArray(write, _INDENT, encoding)

    def add(self, items: Items) -> None:
        self._items.add(items)

    def finish(self, tail: Mapping[str, Any]) -> None:
        self._items.finish()
        self._write("".join(f",\n{self._member(key, value)}" for key, value in tail.items()) + "\n}\n")

    def _member(self, key: str, value: Any) -> str:
        return f"{_INDENT}{json.dumps(key)}: {_nested(value, self._encoding, _INDENT)}"


class JsonLines:
    """JSON Lines: one item per line. The other members of a response are omitted."""

    def __init__(self, write: Write, encoding: Optional[str]) -> None:
        self._write, self._encoding = write, encoding

    def add(self, items: Items) -> None:
        self._write("".join(to_json(item, self._encoding, indent=None) + "\n" for item in items))

    def finish(self, tail: Mapping[str, Any]) -> None:
        pass


class NoOutput:
    """Discards the results, for --quiet."""

    def add(self, items: Items) -> None:
        pass

    def finish(self, tail: Mapping[str, Any]) -> None:
        pass


class CsvTable:
    """Rows of known columns, with a header.

    :param escape: escape text that a spreadsheet would run as a formula.
    """

    def __init__(self, file: ResultFile, columns: List[str], escape: bool = False) -> None:
        self._columns, self._escape = columns, escape
        self._writer = csv.writer(file)
        self._writer.writerow([without_formula(name) for name in columns] if escape else columns)

    def add(self, items: Items) -> None:
        self._writer.writerows(csv_row(item, self._columns, self._escape) for item in items)

    def finish(self) -> None:
        pass


class SpooledCsvTable:
    """Rows whose columns are known only at the end. Columns are in the order of their first appearance.

    The rows are kept in `spool`, an empty file that is open for reading and writing.
    """

    def __init__(self, file: ResultFile, spool: IO[str], escape: bool = False) -> None:
        self._file, self._spool, self._escape = file, spool, escape
        self._columns: Dict[str, None] = {}

    def add(self, items: Items) -> None:
        for item in items:
            self._columns.update(dict.fromkeys(item))
        with self._file.errors():
            self._spool.writelines(json.dumps(item) + "\n" for item in items)
            self._spool.flush()

    def finish(self) -> None:
        table = CsvTable(self._file, list(self._columns), self._escape)
        self._spool.seek(0)
        for line in self._spool:
            table.add([json.loads(line)])


def _close(spool: IO[str]) -> None:
    with suppress(OSError):  # closing writes what add() could not write; that error was already raised
        spool.close()


def _nested(value: Any, encoding: Optional[str], indent: str) -> str:
    # JSON strings contain no line breaks, so every line break belongs to the layout.
    return to_json(value, encoding).replace("\n", f"\n{indent}")


# -- files


@dataclass(frozen=True)
class FileOutput:
    """A file for the list of results."""

    file: ResultFile
    table: Union[JsonArray, CsvTable, SpooledCsvTable]
    name: str

    @property
    def path(self) -> str:
        return self.file.path

    def save(self) -> str:
        """Complete the file, and return a message that says so."""
        self.table.finish()
        self.file.commit()
        return f"Saved {self.name} to '{self.path}' file"


def open_files(stack: ExitStack, request: SearchRequest) -> List[FileOutput]:
    """Open the output files before the search, so that an unwritable path is reported first.

    :param stack: closes the files. Files that were not saved keep their content.
    :raises CliError: a path cannot be written.
    """
    files = []
    if request.json_file:
        file = stack.enter_context(ResultFile(request.json_file, "--json"))
        files.append(FileOutput(file, JsonArray(file.write), "search JSON"))
    if request.csv_file:
        file = stack.enter_context(ResultFile(_csv_target(request.csv_file), "--csv"))
        files.append(FileOutput(file, _csv_table(stack, file, request), "search"))
    return files


def _is_device(path: str) -> bool:
    """True for a pipe or device, such as a shell's process substitution `>(...)`, and for /dev/stdout in any case."""
    if own_descriptor(path) is not None:
        return True
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _csv_target(name: str) -> str:
    return name if _is_device(name) else csv_path(name)


def _csv_table(stack: ExitStack, file: ResultFile, request: SearchRequest) -> Union[CsvTable, SpooledCsvTable]:
    if request.kept_fields:
        return CsvTable(file, request.kept_fields, request.csv_escape)
    # In the directory of the result, whose disk needs room for it anyway. The temporary directory may be in memory.
    directory = os.path.dirname(os.path.realpath(file.path))
    usable = directory if os.access(directory, os.W_OK) and not _is_device(file.path) else None
    spool: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", dir=usable)  # noqa: SIM115
    stack.callback(_close, spool)
    return SpooledCsvTable(file, spool, request.csv_escape)
