"""Who may call what: scopes and API keys, without a database and without HTTP."""

from recsys.access.api_key import ApiKey, NewKey, RateLimit, issue_key, secret_parts
from recsys.access.scope import Scope

__all__ = ["ApiKey", "NewKey", "RateLimit", "Scope", "issue_key", "secret_parts"]
