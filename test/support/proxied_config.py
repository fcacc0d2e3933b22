"""A login for tests of the proxy of `cld exec`."""

from __future__ import annotations

from typing import Optional

from cloudinary_cli.auth.oauth_config import OAuthConfig


class Config:
    """The part of an OAuthConfig that the proxy reads."""

    cloud_name = "demo"
    api_proxy: Optional[str] = None
    relogin_advice = "Run: cld login box"
    has_more = True

    def __init__(self, upload_prefix: str) -> None:
        self.upload_prefix = upload_prefix
        self.tokens = ["t1"]

    @property
    def oauth_token(self) -> str:
        return self.tokens[-1]

    def invalidate_token(self, rejected: str) -> bool:
        if not self.has_more:
            return False
        self.tokens.append(f"t{len(self.tokens) + 1}")
        return True

    has_oauth = True
    call_with_token = OAuthConfig.call_with_token
