"""What all Admin API routes share: authorization, the rate limit, and its headers."""

from __future__ import annotations

import math
from email.utils import formatdate

from flask import Blueprint, Response, request

from .auth_check import check_admin
from .state import RefusedCall, state

WINDOW = 3600  # seconds


def admin_blueprint(name: str) -> Blueprint:
    """A blueprint under /v1_1/<cloud> whose routes require authorization."""
    blueprint = Blueprint(name, __name__, url_prefix="/v1_1/<cloud>")
    blueprint.before_request(_authorize)
    blueprint.after_request(_rate_headers)
    return blueprint


def _authorize() -> None:
    check_admin(str((request.view_args or {})["cloud"]))
    current = state()
    current.counters.add("admin_calls")
    current.usage.add(_window_counter())
    if current.usage.get(_window_counter()) > current.settings.rate_limit:
        raise RefusedCall(420, f"Rate Limit Exceeded. Limit of {current.settings.rate_limit} api operations reached.")


def _window_counter() -> str:
    return f"admin_calls_{int(state().clock.now()) // WINDOW}"


def _rate_headers(response: Response) -> Response:
    current, limit = state(), state().settings.rate_limit
    reset_at = (math.floor(current.clock.now() / WINDOW) + 1) * WINDOW
    response.headers["X-FeatureRateLimit-Limit"] = str(limit)
    response.headers["X-FeatureRateLimit-Remaining"] = str(max(0, limit - current.usage.get(_window_counter())))
    response.headers["X-FeatureRateLimit-Reset"] = formatdate(reset_at, usegmt=True)
    return response
