"""The public names that other code may rely on: each can be imported, and importing does nothing."""

from __future__ import annotations

import importlib
from typing import Any, Callable

import pytest

from cloudinary_cli.console import Console
from cloudinary_cli.logs import install_logging, set_level
from cloudinary_cli.utils import utils
from test.conftest import Result

NAMES = {
    "defaults": """CLOUDINARY_HOME CLOUDINARY_CLI_CONFIG_FILE OLD_CLOUDINARY_CLI_CONFIG_FILE DEFAULT_CONFIG_KEY
        NO_CONFIG_MESSAGE NO_DEFAULT_CONFIG_MESSAGE INCOMPLETE_CONFIG_MESSAGE DEFAULT_REGION CLOUDINARY_REGION
        normalize_region api_host_for_region oauth_base_url_for_region oauth_authorize_url_for_region
        oauth_token_url_for_region oauth_revoke_url_for_region OAUTH_CLIENT_ID OAUTH_SCOPES OAUTH_REDIRECT_HOST
        OAUTH_REDIRECT_PORT OAUTH_CALLBACK_PATH OAUTH_DEFAULT_CLIENT_ID OAUTH_DEFAULT_SCOPES
        OAUTH_DEFAULT_REDIRECT_HOST OAUTH_DEFAULT_REDIRECT_PORT OAUTH_CALLBACK_TIMEOUT_SECONDS
        OAUTH_EXPIRY_SKEW_SECONDS OAUTH_HTTP_TIMEOUT_SECONDS logger""",
    "auth": """login logout refresh_url_if_stale refresh_config refresh_configs relogin_command
        list_oauth_login_names""",
    "auth.flow": """generate_pkce_pair build_authorize_url exchange_code refresh revoke oauth_error_detail
        oauth_error_body""",
    "auth.session": "Session to_cloudinary_url from_cloudinary_url is_oauth_url strip_oauth_internal_keys",
    "auth.loopback_server": "start_callback_server wait_for_callback",
    "auth.callback_page": "callback_page",
    "auth.oauth_config": "OAuthConfig install_oauth_config install_env_config",
    "utils.config_utils": """load_config save_config update_config remove_config_keys config_lock config_mtime
        get_default_config_name set_default_config clear_default_config save_named_config remove_named_config
        user_config_names is_reserved_config_name cloud_name_from_url config_type build_config_url validate_config_url
        refresh_cloudinary_config verify_cloudinary_url ping_cloudinary config_to_dict show_cloudinary_config
        cloudinary_config_details is_valid_cloudinary_config is_env_configured config_optional migrate_old_config
        initialize""",
    "utils.config_resolver": """resolve_cli_config active_config_name active_config_is_env active_config_is_url
        get_cloudinary_config config_to_api_kwargs""",
    "utils.config_listing": """list_configs render_config_table config_meta active_config_meta config_type_label
        SYNTHETIC_NAMES""",
    "utils.file_utils": "atomic_write",
    "utils.json_utils": "write_json_to_file read_json_from_file update_json_file print_json",
    "utils.utils": "is_interactive prompt_user get_user_action confirm_action log_exception",
    "utils.api_utils": "call_api",
    "utils.env_config": "env_config_error",
    "core.config": "config_command",
    "core.auth": "login logout",
    "cli": "main cli",
    "cli_group": "cli",
}


@pytest.mark.parametrize("module", sorted(NAMES))
def test_public_names(module: str) -> None:
    loaded = importlib.import_module(f"cloudinary_cli.{module}")
    assert [name for name in NAMES[module].split() if not hasattr(loaded, name)] == []


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def give(text: str) -> None:
        import io
        import sys

        # The functions take no stream: stdin is all that they read.
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return give


@pytest.mark.parametrize(
    ("typed", "action", "confirmed"),
    [("Y\n", "go", True), ("yes\n", "go", True), ("n\n", "stay", False), ("\n", "stay", False), ("", "stay", False)],
)
def test_questions(answer: Callable[[str], None], capfd: Any, typed: str, action: str, confirmed: bool) -> None:
    answer(typed)
    assert utils.get_user_action("Go? ", {"y": "go", "yes": "go", "default": "stay"}) == action
    answer(typed)
    assert utils.confirm_action("Go?") is confirmed
    assert utils.is_interactive() is False
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err.startswith("Go? ")


def test_a_prompt_at_the_end_of_stdin(answer: Callable[[str], None]) -> None:
    answer("")
    assert utils.prompt_user("Name: ", "Give it as an argument.") is None
    answer(" word \n")
    assert utils.prompt_user("Name: ") == "word"


def test_an_exception_is_one_line(capfd: Any) -> None:
    install_logging(Console(), "DEBUG")
    utils.log_exception(ValueError("broken"), "It failed.", "details")
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "error: It failed." and lines[1] == "debug: details"
    assert lines[-1] == "debug: ValueError: broken"
    set_level("INFO")
    utils.log_exception(ValueError("broken"))
    assert capfd.readouterr().err == "error: broken\n"


def test_python_dash_m_works_by_both_names(cld: Callable[..., Result]) -> None:
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-m", "cloudinary_cli.cli", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, cld("--version").out)
