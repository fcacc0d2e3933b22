"""Assembles the Flask application: routes, error responses, request log."""

from __future__ import annotations

import uuid
from typing import Tuple

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from . import (
    admin_api,
    admin_assets,
    admin_delete,
    admin_metadata,
    admin_settings,
    control,
    delivery_routes,
    oauth,
    provisioning_api,
    provisioning_keys,
    search_api,
    upload_api,
)
from .gate import ENTRY, Gate, fields_of
from .settings import SandboxSettings
from .state import EXTENSION, RefusedCall, SandboxState, state
from .storage import Storage

BLUEPRINTS = (
    control.blueprint,
    provisioning_api.blueprint,
    provisioning_keys.claim_blueprint,
    admin_api.blueprint,
    admin_assets.blueprint,
    admin_delete.blueprint,
    admin_settings.blueprint,
    admin_metadata.blueprint,
    search_api.blueprint,
    upload_api.blueprint,
    delivery_routes.blueprint,
)


def create_app(settings: SandboxSettings, base_url: str) -> Flask:
    """The sandbox as a WSGI application. `base_url` is the address that clients use."""
    app = Flask("cloudinary_cli.sandbox", static_folder=None)
    app.url_map.merge_slashes = False
    # A data URI is an ordinary form field and may exceed Flask's default limits, which protect public servers.
    app.config.update(MAX_FORM_MEMORY_SIZE=1 << 30, MAX_FORM_PARTS=20_000)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions[EXTENSION] = SandboxState(settings, base_url.rstrip("/"), Storage(settings.data_dir.resolve()))
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    oauth.init_app(app)
    app.register_error_handler(RefusedCall, _api_error)
    app.register_error_handler(HTTPException, _http_error)
    app.after_request(_finish)
    app.wsgi_app = Gate(app.wsgi_app, app.extensions[EXTENSION])  # type: ignore[method-assign]
    return app


def _api_error(error: RefusedCall) -> Tuple[Response, int]:
    response = jsonify({"error": {"message": error.message}})
    # A header has one line of ASCII.
    response.headers["X-Cld-Error"] = " ".join(error.message.encode("ascii", "replace").decode("ascii").splitlines())
    return response, error.status


def _http_error(error: HTTPException) -> Tuple[Response, int]:
    return _api_error(RefusedCall(error.code or 500, f"{error.name}: {request.method} {request.path}"))


def _finish(response: Response) -> Response:
    """Complete the request's entry in the log, and give the response a request ID."""
    if ENTRY in request.environ:
        request.environ[ENTRY].update(fields_of(request), status=response.status_code)
    response.headers["X-Request-Id"] = uuid.uuid4().hex
    if response.status_code >= 400:
        state().counters.add(f"status_{response.status_code}")
    return response
