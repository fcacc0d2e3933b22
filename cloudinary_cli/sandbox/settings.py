"""The settings of a sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

DEFAULT_TTL = 300  # lifetime of an access token, in seconds
FOLDER_MODES = ("dynamic", "fixed")
SCOPES = ("openid", "offline_access", "asset_management", "upload")


def allowed_scope(scope: Optional[str]) -> str:
    """The known scopes among the requested ones; all known scopes when none was requested."""
    wanted = (scope or " ".join(SCOPES)).split()
    return " ".join(name for name in wanted if name in SCOPES)


@dataclass(frozen=True)
class SandboxSettings:
    """The settings of a sandbox.

    The credentials are fixed and public on purpose: the server listens on 127.0.0.1 only and holds test data. Times
    are in seconds.
    """

    data_dir: Path
    ttl: int = DEFAULT_TTL
    cloud_name: str = "sandbox"
    api_key: str = "111111111111111"
    api_secret: str = field(default="sandbox-secret", repr=False)
    client_id: str = "a920ea9c-531b-4613-9783-1d4f4cc10655"
    client_name: str = "Cloudinary CLI"
    account_id: str = "00000000-0000-4000-8000-000000000001"
    provisioning_key: str = "222222222222222"
    provisioning_secret: str = field(default="sandbox-account-secret", repr=False)
    auto_approve: bool = False
    folder_mode: str = "dynamic"
    rotation_grace: int = 0
    rate_limit: int = 100_000
    device_interval: float = 1.0
    device_lifetime: int = 900
    min_chunk: int = 5 * 1024**2  # bytes; every chunk but the last one is larger. Tests with small files lower it.

    def __post_init__(self) -> None:
        if self.folder_mode not in FOLDER_MODES:
            raise ValueError(f"folder_mode must be one of {', '.join(FOLDER_MODES)}, not {self.folder_mode!r}")
        if self.ttl < 1:
            raise ValueError("ttl must be at least one second")
