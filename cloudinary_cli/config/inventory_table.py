"""The inventory as a table, and the warning about logins that end soon. Pure functions of rows and the time."""

# Annotations are evaluated here, as in inventory.py.

import time
from typing import List, Mapping, Optional, Sequence

from cloudinary_cli.config.inventory import ConfigRow
from cloudinary_cli.config.login_state import LoginState, State
from cloudinary_cli.config.view import day_text, duration
from cloudinary_cli.text import aligned, display_width, one_line

_SHOWN_NAMES = 5
_SCOPES = "SCOPES"
_MIN_SCOPES = 20  # columns
_NO_LOGIN = LoginState(State.UNVERIFIED)


def render_config_table(rows: Sequence[ConfigRow], now: Optional[float] = None, width: Optional[int] = None) -> str:
    """The table of `cld config -ls`, with a footer when a Claimable Cloud can still be claimed.

    :param now: epoch seconds; the time of the call by default.
    :param width: of the terminal, see text.aligned().
    """
    columns: List[List[str]] = [
        ["NAME", *(row.name for row in rows)],
        ["CLOUD", *(row.cloud_name for row in rows)],
        ["TYPE", *(row.type for row in rows)],
        ["DEFAULT", *("*" * row.default for row in rows)],
        ["ACTIVE", *("*" * row.active for row in rows)],
    ]
    if any(row.email for row in rows):
        columns.append(["EMAIL", *(row.email or "" for row in rows)])
    if any(row.claim for row in rows):
        columns.append(["STATUS", *(row.claim.status if row.claim else "" for row in rows)])
    if any(row.directory for row in rows):
        columns.append(["DIRECTORY", *("*" * row.directory for row in rows)])
    if any(row.login for row in rows):
        columns += _login_columns([row.login or _NO_LOGIN for row in rows], now)
    shown = columns
    if width is not None and columns[-1][0] == _SCOPES:
        # A few letters of the scopes say nothing, and the other columns would be cut for them.
        others = aligned(list(zip(*columns[:-1]))).splitlines()
        shown = columns[:-1] if max(map(display_width, others)) > width - _MIN_SCOPES else columns
    table = aligned(list(zip(*shown)), width=width)
    if width is not None and max(map(display_width, table.splitlines())) > width:
        table = _blocks(columns)
    return "\n".join([table, *_footer(rows)])


def _blocks(columns: Sequence[Sequence[str]]) -> str:
    """The rows one below the other, for a terminal that is too narrow for all columns."""
    heads, *rows = zip(*columns)
    filled = [[(f"{head}:", cell) for head, cell in zip(heads, row) if cell] for row in rows]
    return "\n\n".join(aligned(cells, " ") for cells in filled)


def _login_columns(logins: Sequence[LoginState], now: Optional[float]) -> List[List[str]]:
    """STATE, EXPIRES IN, RENEW BY and SCOPES; the last two only if they are known for one of the logins."""
    moment = time.time() if now is None else now
    states = {state: state.value.replace("-", " ") for state in State}
    left = [(login.expires_at or 0) - moment for login in logins]
    columns = [
        ["STATE", *("" if login is _NO_LOGIN else states[login.state] for login in logins)],
        ["EXPIRES IN", *(duration(seconds) if seconds > 0 else "" for seconds in left)],
    ]
    if any(login.renewable_until for login in logins):
        columns.append(["RENEW BY", *_dates([login.renewable_until for login in logins])])
    if any(login.scopes for login in logins):
        columns.append([_SCOPES, *(login.scopes or "" for login in logins)])
    return columns


def _dates(times: Sequence[Optional[int]]) -> List[str]:
    days = [moment // 86400 if moment else None for moment in times]
    shown = {day: day_text(day * 86400) if day is not None else "" for day in set(days)}
    return [shown[day] for day in days]


def _footer(rows: Sequence[ConfigRow]) -> List[str]:
    live = [row for row in rows if row.claim is not None and not row.claim.expired]
    if not live:
        return []
    count = "1 Claimable Cloud is" if len(live) == 1 else f"{len(live)} Claimable Clouds are"
    return ["", f"{count} not claimed yet, and will be deleted on expiry.", "Claim with: cld agent cloud claim [NAME]"]


def renewal_warning(ends: Mapping[str, int]) -> str:
    """The warning about logins that can be renewed for a short time only.

    :param ends: for each login, when that time ends, in epoch seconds.
    """
    import shlex

    names = [f"'{one_line(name, None)}'" for name in ends]
    shown = ", ".join(names[:_SHOWN_NAMES]) + (f" and {len(names) - _SHOWN_NAMES} more" if names[_SHOWN_NAMES:] else "")
    command = "-ra" if len(ends) > 1 else f"-r {shlex.quote(one_line(next(iter(ends)), None))}"
    when = day_text(min(ends.values()))
    return f"{shown}: not used for long, and probably cannot be renewed after {when}. Renew now: cld config {command}"
