"""JSON from elsewhere that is nested so deeply that Python's decoder gives up: an error line, or plain text."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from cloudinary_cli.agent.responses import explain_cloud, explain_signup
from cloudinary_cli.errors import ApiError, CliError
from cloudinary_cli.net.connector import checked
from cloudinary_cli.transfer.engine.filters import item_filter

NESTED = "[" * 100_000


def test_config_json(invoke: Callable[..., Any], config_json: Path) -> None:
    config_json.write_text('{"a": ' + NESTED)
    done = invoke("config", "-ls")
    assert done.code == 1 and str(config_json) in done.err and len(done.err.splitlines()) == 1
    assert "recursion" not in done.err


def test_an_error_of_the_agent_api() -> None:
    for explain in (explain_signup, explain_cloud):
        assert "{" in explain(ApiError('Error 400 - {"error": ' + NESTED, 400))


def test_a_response_of_the_api() -> None:
    response = SimpleNamespace(status=500, data=NESTED.encode(), headers={})
    assert checked(response).data == response.data


def test_a_report_to_retry(tmp_path: Path) -> None:
    (tmp_path / "report.jsonl").write_text(NESTED)
    with pytest.raises(CliError, match="report.jsonl"):
        item_filter((), None, str(tmp_path / "report.jsonl"))
