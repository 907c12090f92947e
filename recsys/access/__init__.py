"""Who may call what: scopes and API keys, without a database and without HTTP."""

from recsys.access.api_key import ApiKey, NewKey, RateLimit, issue_key, secret_parts
from recsys.access.daily_quota import DailyQuota
from recsys.access.scope import Scope
from recsys.access.utc_day import day_name, day_of, day_start, seconds_left

__all__ = [
    "ApiKey",
    "DailyQuota",
    "NewKey",
    "RateLimit",
    "Scope",
    "day_name",
    "day_of",
    "day_start",
    "issue_key",
    "seconds_left",
    "secret_parts",
]
