"""The Authlib classes of the device authorization grant (RFC 8628): polling and issuing codes."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant

from .device_store import DeviceCredential
from .grants import Credential
from .settings import allowed_scope
from .state import state

GRANT_TYPE: str = DeviceCodeGrant.GRANT_TYPE
ENDPOINT_PATH = "/oauth2/device/auth"
PAGE_PATH = "/device"


class DeviceGrant(DeviceCodeGrant):  # type: ignore[misc]
    """The response to a poll: pending, slow down, denied, expired, or a grant."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]

    def query_device_credential(self, device_code: str) -> Optional[DeviceCredential]:
        return state().devices.find(device_code)

    def query_user_grant(self, user_code: str) -> Optional[Tuple[Optional[Credential], bool]]:
        """The user's decision, or None while there is none."""
        found = state().devices.find_by_user_code(user_code)
        if found is None or found.denied:
            return None, False
        grant = state().devices.grant(found)
        return None if grant is None else (grant, grant.live)

    def should_slow_down(self, credential: DeviceCredential) -> bool:
        """Whether the client polls faster than it was told."""
        return state().devices.is_too_fast(credential)


class DeviceEndpoint(DeviceAuthorizationEndpoint):  # type: ignore[misc]
    """Issues codes."""

    CLIENT_AUTH_METHODS = ["none"]

    @property
    def EXPIRES_IN(self) -> int:
        """Lifetime of a code in seconds."""
        return state().settings.device_lifetime

    @property
    def INTERVAL(self) -> float:
        """Seconds between two polls."""
        interval = state().settings.device_interval
        return int(interval) if interval == int(interval) else interval

    def get_verification_uri(self) -> str:
        return f"{state().base_url}{PAGE_PATH}"

    def save_device_credential(self, client_id: str, scope: Optional[str], data: Dict[str, Any]) -> None:
        """Record the code; with automatic approval it is approved at once."""
        store, settings = state().devices, state().settings
        codes = (data["device_code"], data["user_code"])
        store.add(codes, client_id, allowed_scope(scope), settings.device_lifetime, settings.device_interval)
        state().counters.add("device_requests")
        if settings.auto_approve:
            found = store.find(data["device_code"])
            if found is not None and store.decide(found, settings.cloud_name):
                state().counters.add("approvals")
