"""Secret masking, and the human and JSON views of one configuration; pure: no SDK, no store, the clock passed in."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from cloudinary_cli.config.url import parse_account_url
from cloudinary_cli.errors import InvalidConfigUrl
from cloudinary_cli.text import SECRET_KEYS, aligned, redact

MASK = "****"
# The tail tells two secrets apart; of a short one it would give away too much.
_TAIL = 4
_TAIL_FROM_LENGTH = 16

_SECRET_KEY = r"secret|token|passw|passphrase|private|credential|signature|(?:^|_)key$"
_CLEAR_KEYS = frozenset(
    ["api_key", "provisioning_api_key", "private_cdn", "signature_algorithm", "signature_version", "claim_url"]
)
_USER_INFO = r"(?s)((?:\A|[A-Za-z][\w+.-]*://)[^\s/?#:@]*:(?!//)).+@"

_EPOCH_START = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EPOCH = r"-?\d{1,20}\Z"
_ISO = r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?\Z"
OUT_OF_RANGE = "out of range"


# -- masking


def mask(secret: Any) -> str:
    """A fixed width: `****`, and the last 4 characters of a secret of at least 16."""
    text = str(secret)
    return MASK + text[-_TAIL:] if len(text) >= _TAIL_FROM_LENGTH else MASK


def is_secret_key(key: str) -> bool:
    """True for a field whose value must not be shown."""
    name = key.lower()
    return name in SECRET_KEYS or (name not in _CLEAR_KEYS and re.search(_SECRET_KEY, name) is not None)


def masked_value(key: str, value: Any, secret: bool = False) -> Any:
    """A value fit to be shown; whatever is nested under a secret key is secret too."""
    secret = secret or is_secret_key(key)
    if isinstance(value, Mapping):
        return {name: masked_value(str(name), item, secret) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked_value(key, item, secret) for item in value]
    if secret:
        return mask(value)
    # The claim page is for the user to open, so it is shown as it is.
    return redact(mask_user_info(value)) if isinstance(value, str) and key != "claim_url" else value


def mask_user_info(text: str) -> str:
    """Text with the password of `user:password@` masked, whatever characters the password has."""
    return re.sub(_USER_INFO, rf"\1{MASK}@", text)


# -- times


def parse_time(value: Any) -> Optional[datetime]:
    """An epoch in seconds or an ISO 8601 text (UTC when it names no zone); None when it is neither or out of range."""
    epoch = _epoch_of(value)
    try:
        if epoch is not None:
            return _EPOCH_START + timedelta(seconds=epoch)
        match = re.match(_ISO, value) if isinstance(value, str) else None
        if match is None:
            return None
        zone = (match.group(2) or "Z").replace("Z", "+0000").replace(":", "")
        # Python before 3.11 needs the colon in the zone.
        return datetime.fromisoformat(f"{match.group(1)}{zone[:3]}:{zone[3:]}")
    except (OverflowError, ValueError):
        return None


def _epoch_of(value: Any) -> Optional[int]:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    return int(value) if re.match(_EPOCH, str(value)) else None


def duration(seconds: float) -> str:
    """`5m`, `8h`, `3d`: minutes (at least 1) below an hour, hours up to a day, then days; rounded."""
    if seconds < 3600:
        return f"{max(1, int(seconds / 60 + 0.5))}m"
    return f"{int(seconds / 3600 + 0.5)}h" if seconds <= 86400 else f"{int(seconds / 86400 + 0.5)}d"


def day_text(epoch: int) -> str:
    """`2026-01-31`, in UTC; for a time that has no date, `out of range`."""
    moment = parse_time(epoch)
    return moment.date().isoformat() if moment else OUT_OF_RANGE


def _utc(moment: datetime) -> str:
    # Not strftime: its %Y has no leading zeros for early years on some systems.
    return moment.replace(tzinfo=None).isoformat(" ", "seconds") + " UTC"


def _time_json(key: str, value: Any, now: float) -> Any:
    epoch = _epoch_of(value)
    if epoch is None:
        return value
    moment = parse_time(value)
    result: Dict[str, Any] = {"epoch": epoch, "utc": _utc(moment) if moment else None}
    if key == "expires_at":
        result["expired"] = epoch <= now
    return result


def _time_text(key: str, value: Any, now: float) -> str:
    moment, is_epoch = parse_time(value), _epoch_of(value) is not None
    if moment is None:
        return f"{value} ({OUT_OF_RANGE})" if is_epoch else str(value)
    left = moment.timestamp() - now
    if is_epoch:
        state = {"expires_at": ", valid" if left > 0 else ", expired"}.get(key, "")
        return f"{value} ({_utc(moment)}{state})"
    if key != "expires_at":
        return str(value)
    return f"{value} ({f'expires in {duration(left)}' if left > 0 else 'expired'})"


_TIME_KEYS = ("issued_at", "expires_at")


# -- views


def visible_fields(fields: Mapping[str, Any]) -> Dict[str, Any]:
    """The fields that a view shows, masked, in their order; without account_url, which has a section of its own."""
    return {
        key: masked_value(key, value)
        for key, value in fields.items()
        if value not in (None, "") and not key.startswith("_") and key not in ("account_url", "refresh_state")
        if (key, value) != ("signature_algorithm", "sha1")
    }


def account_fields(fields: Mapping[str, Any]) -> Dict[str, Any]:
    """`{"account": {...}}` of the provisioning API, `{"account_url": masked}` when it cannot be parsed, or nothing."""
    url = fields.get("account_url")
    if not url:
        return {}
    try:
        account = parse_account_url(url)
    except InvalidConfigUrl:
        return {"account_url": mask_user_info(str(url))}
    return {
        "account": {
            "account_id": account.account_id,
            "provisioning_api_key": account.provisioning_api_key,
            "provisioning_api_secret": mask(account.provisioning_api_secret or ""),
        }
    }


def details(fields: Mapping[str, Any], now: float) -> Dict[str, Any]:
    """The JSON view: flat masked fields, times as objects, the account last."""
    shown = visible_fields(fields)
    result = {key: _time_json(key, value, now) if key in _TIME_KEYS else value for key, value in shown.items()}
    return {**result, **account_fields(fields)}


def text(fields: Mapping[str, Any], now: float) -> str:
    """The human view: aligned `key: value` lines, then the account's section."""
    rows = [
        (key, _time_text(key, value, now) if key in _TIME_KEYS else _plain(value))
        for key, value in visible_fields(fields).items()
    ]
    account = account_fields(fields)
    unparsable = account.pop("account_url", None)
    lines = _aligned(rows + ([("account_url", unparsable)] if unparsable else [])).splitlines()
    if account:
        section = [(key, _plain(value)) for key, value in account["account"].items() if value]
        lines += ["", "Account (provisioning) API:", _aligned(section)]
    return "\n".join(lines)


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def _aligned(rows: List[Tuple[str, str]]) -> str:
    return aligned([(f"{key}:", value) for key, value in rows], " ")


# -- the functions that other code may rely on, over an object like the SDK's Config


def config_to_dict(config: Any) -> Dict[str, Any]:
    """The attributes of an SDK config (or of a mapping), a login's bookkeeping included; those with _ are left out."""
    attributes = config if isinstance(config, Mapping) else vars(config)
    return {key: value for key, value in attributes.items() if not key.startswith("_")}


def show_cloudinary_config(config: Any, clock: Callable[[], float] = time.time) -> str:
    """The masked human view of an SDK config."""
    return text(config_to_dict(config), clock())


def cloudinary_config_details(config: Any, clock: Callable[[], float] = time.time) -> Dict[str, Any]:
    """The masked JSON view of an SDK config."""
    return details(config_to_dict(config), clock())
