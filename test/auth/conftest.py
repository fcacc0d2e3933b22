"""Fixtures of the tests of logins."""

from __future__ import annotations

from typing import Dict

import pytest

from test.support.commands import Cld
from test.support.keychain import KeychainFile


@pytest.fixture
def env(login_env: Dict[str, str]) -> Dict[str, str]:
    """The variables of a login against the sandbox, whose browser gives consent."""
    return login_env


@pytest.fixture
def logged_in(cld: Cld, env: Dict[str, str], keychain: KeychainFile) -> Dict[str, str]:
    """An encrypted login named `work`; returns its environment."""
    done = cld("login", "work", "--keyring", env=env)
    assert done.code == 0, done.err
    keychain.forget_calls()
    return env
