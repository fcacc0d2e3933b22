"""Responses of the provisioning API to the calls of `cld agent`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

SIGNUP = ("signup", "Ann@Example.com", "langchain", "claude", "resize images")
SECRET = "SECRET-0123456789-abcd"
LOGIN = "cloudinary://c?oauth_token=t&refresh_token=r"


def account(**changes: Any) -> Dict[str, Any]:
    environment = {"cloud_name": "acc", "api_key": "111", "api_secret": SECRET}
    reply = {"email": "Ann@Example.com", "plan_name": "Free", "guidance": "Read the mail.", "seats": 1}
    return {**reply, "product_environments": [environment], **changes}


def cloud(name: Any = "cc", **changes: Any) -> Dict[str, Any]:
    return {
        "cloud_name": name,
        "api_key": "222",
        "api_secret": SECRET,
        "delivery_ips": ["203.0.113.7", "2001:db8::1"],
        "expires_at": "2999-01-02T03:04:05Z",
        "claim_url": f"https://claim.example/{name}?token=a%20b&c=d",
        "account_id": "acct",
        "email": "x@cloud.cloudinary.invalid",
        "guidance": "Claim it.",
        **changes,
    }


def saved(config_json: Path) -> Dict[str, Any]:
    content: Dict[str, Any] = json.loads(config_json.read_text())
    return content
