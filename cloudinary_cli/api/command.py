"""Runs `admin`, `uploader` and `provisioning`: checks, confirms and calls a method, prints and saves the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any, Dict, Optional, Sequence, Tuple

from cloudinary_cli.api import arguments as params
from cloudinary_cli.api.command_line import in_utf8
from cloudinary_cli.api.listing import find_method
from cloudinary_cli.api.method import Method
from cloudinary_cli.api.several_files import call_each, for_each_file
from cloudinary_cli.api.transformations import checked, collected
from cloudinary_cli.api.values import FILE_PARAMETERS
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError, ConfigError, DetailedExit, Status
from cloudinary_cli.net.chunks import DEFAULT_CHUNK_WORKERS, ChunkWorkers
from cloudinary_cli.progress import Progress
from cloudinary_cli.sdk import activation
from cloudinary_cli.sdk import pages as pagination
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.system.result_file import output_file
from cloudinary_cli.text import to_json

# These methods need no credentials, because they create an account.
_ANONYMOUS = frozenset(["create_agent_account", "create_cloud"])

# These delete all matching assets, up to 1000 per call.
_MASS_DELETIONS = frozenset(["delete_all_resources", "delete_resources_by_prefix", "delete_resources_by_tag"])
# -A would repeat one of these methods for every page, and so change data repeatedly.
_CHANGING = (
    *("ack_", "add_", "analyze", "call_", "create_", "delete_"),
    *("publish_", "rename_", "reorder_", "restore", "test_", "update"),
)
# The cursor, and the list that it pages through, of methods whose response has several lists.
_CURSORS = {"resource": "derived_next_cursor", "resource_by_asset_id": "derived_next_cursor"}
_LISTS = {"resource": "derived", "resource_by_asset_id": "derived", "transformation": "derived"}
_DEFAULT_LISTS = ("resources", "folders", "tags", "transformations", "presets", "mappings")


@dataclass(frozen=True)
class ApiRequest:
    """The options of an API command. `words` are the method and its arguments."""

    api: str
    words: Tuple[str, ...] = ()
    strings: Tuple[params.Pair, ...] = ()
    parsed: Tuple[params.Pair, ...] = ()
    force: bool = False
    auto_paginate: bool = False
    filter_fields: Tuple[str, ...] = ()
    save: Optional[str] = None
    chunk_workers: int = DEFAULT_CHUNK_WORKERS


@dataclass(frozen=True)
class ApiResult:
    """The result of a call. `complete` is False if the user wanted only the first page of a longer listing."""

    result: Any
    complete: bool = True
    error: Optional[CliError] = None


def run(app: AppContext, request: ApiRequest) -> Status:
    """Call the method, print its result as JSON and save it. Return INCOMPLETE if the user answered no to a question.

    :raises CliError: the method, its arguments or the configuration is invalid, or the call failed.
    """
    method = find_method(request.api, request.words[0])
    given = params.Arguments(request.words[1:], request.strings, request.parsed)
    calls = [checked(method, params.bind(method, collected(method, one))) for one in for_each_file(method, given)]
    _check(app, request, method, calls)
    prepared = [_prepared(method, call) for call in calls]
    with output_file(request.save) as save:
        settings = _prepare_sdk(app, request.api, method.name)
        if not _confirmed(app, request, method):
            app.console.info("Stopping.")
            return DetailedExit.INCOMPLETE
        outcome = _outcome(app, request, method, [{**settings, **kwargs} for kwargs in prepared])
        try:
            app.console.json(outcome.result)
        finally:  # also when the reader of stdout, such as `head`, has exited
            save(to_json(outcome.result))
    if outcome.error is not None:
        raise outcome.error
    return True if outcome.complete else DetailedExit.INCOMPLETE


def _prepared(method: Method, call: params.Call) -> Dict[str, Any]:
    sent = {name: value if name in FILE_PARAMETERS else in_utf8(value) for name, value in call.kwargs.items()}
    return {**_defaults(method, call.kwargs), **sent}


def _outcome(app: AppContext, request: ApiRequest, method: Method, calls: Sequence[Dict[str, Any]]) -> ApiResult:
    if len(calls) == 1:
        return _call_with_file(app, request, method, calls[0])
    responses, error = call_each(app, calls, lambda kwargs: _call_with_file(app, request, method, kwargs).result)
    return ApiResult(responses, error=error)


def _check(app: AppContext, request: ApiRequest, method: Method, calls: Sequence[params.Call]) -> None:
    """Check the request before anything is sent, and print warnings.

    :raises CliError: -A is given for a method that changes data, or a local file cannot be read.
    """
    if request.auto_paginate and method.name.startswith(_CHANGING):
        raise CliError(
            f"-A/--auto_paginate lists all pages, and '{method.name}' is not a listing. Run it without -A"
            " (again, while the response has a cursor or says that it is partial)."
        )
    file = _file_of(calls[0].kwargs)
    if file and len(calls) == 1:
        from cloudinary_cli.api.file_argument import check

        check(method, file)
    for name in calls[0].unknown:
        app.console.warning(f"{params.describe_unknown(method, name)} It probably has no effect.")
    if request.filter_fields and not request.auto_paginate:
        app.console.warning("-ff/--filter_fields has no effect without -A/--auto_paginate.")


def _defaults(method: Method, given: Dict[str, Any]) -> Dict[str, Any]:
    """Let the server detect the type of an uploaded file; the SDK's default is image or raw."""
    if method.name != "upload_large":
        return {"resource_type": "auto"} if method.name in ("upload", "unsigned_upload") else {}
    from cloudinary_cli.api.file_argument import is_remote

    return {"resource_type": "auto"} if is_remote(_file_of(given)) else {}


def _file_of(kwargs: Dict[str, Any]) -> str:
    """The local path or URL among the arguments, or an empty string."""
    return next((kwargs[name] for name in FILE_PARAMETERS if isinstance(kwargs.get(name), str)), "")


def _prepare_sdk(app: AppContext, api: str, method: str) -> Dict[str, Any]:
    """Configure the SDK for the call, and return the arguments that come from the configuration.

    :raises ConfigError: the configuration is missing.
    """
    if api != "provisioning":
        app.sdk_config  # noqa: B018 - reading it configures the SDK
        return {}
    # The Provisioning API needs only an account. It uses the API host of the selected cloud, if there is one.
    if method not in _ANONYMOUS:
        activation.install_account(app.environ)
    try:
        fields = app.active.fields
    except ConfigError:
        fields = {}
    activation.activate_anonymous(app.environ, fields)
    return {"upload_prefix": fields["upload_prefix"]} if fields.get("upload_prefix") else {}


def _confirmed(app: AppContext, request: ApiRequest, method: Method) -> bool:
    if request.force:
        return True
    if method.name in _MASS_DELETIONS:
        return app.console.confirm(
            f"Up to 1000 matching assets will be deleted with the Admin API method '{method.name}'. Continue?"
        )
    deletes = method.name.startswith("delete_") or method.name == "destroy"
    return not deletes or app.console.confirm(f"'{method.name}' deletes data. Continue?")


def _call_with_file(app: AppContext, request: ApiRequest, method: Method, kwargs: Dict[str, Any]) -> ApiResult:
    if not _file_of(kwargs):
        progress = Progress()
        with progress.item(method.name), app.console.live(progress.rows):
            return _call(app, request, method, kwargs)
    from cloudinary_cli.api.chunked_upload import upload_in_chunks
    from cloudinary_cli.api.file_argument import call_with_file

    def call(called: Method, given: Dict[str, Any]) -> ApiResult:
        return _call(app, request, called, given)

    def call_in_chunks(file: IO[bytes], name: str, given: Dict[str, Any]) -> ApiResult:
        options = {**given, "unsigned": True} if method.name == "unsigned_upload" else given
        return ApiResult(upload_in_chunks(file, name, options, ChunkWorkers(request.chunk_workers)))

    return call_with_file(app.console, method, kwargs, call, call_in_chunks)


def _call(app: AppContext, request: ApiRequest, method: Method, kwargs: Dict[str, Any]) -> ApiResult:
    if not request.auto_paginate:
        return ApiResult(call_api(method.function, **kwargs))
    cursor_key = _CURSORS.get(method.name, "next_cursor")
    page_size = {"max_results": pagination.PAGE_SIZE} if method.knows("max_results") else {}
    first = call_api(method.function, **{**page_size, **kwargs})
    if not isinstance(first, dict):
        return ApiResult(first)
    if not first.get(cursor_key):
        return ApiResult(_filtered(first, request))
    if not request.force and not app.console.confirm(_more_pages(first)):
        app.console.info("Stopping. The output is partial: the first page only, with the cursor of the next one.")
        return ApiResult(first, complete=False)

    def fetch(cursor: str) -> Any:
        return call_api(method.function, **{**kwargs, "max_results": pagination.PAGE_SIZE, cursor_key: cursor})

    known = _LISTS.get(method.name) or next(
        (name for name in _DEFAULT_LISTS if isinstance(first.get(name), list)), None
    )
    collected = pagination.collect(first, fetch, cursor_key, known)
    return ApiResult(_filtered(collected.result, request, known), error=collected.error)


def _filtered(result: Dict[str, Any], request: ApiRequest, field: Optional[str] = None) -> Dict[str, Any]:
    return pagination.filter_fields(result, request.filter_fields, field) if request.filter_fields else result


def _more_pages(first: Any) -> str:
    remaining = getattr(first, "rate_limit_remaining", None)
    budget = f" You have {remaining} Admin API calls left." if remaining is not None else ""
    return f"There are more pages, each of which takes an Admin API call.{budget} Continue?"
