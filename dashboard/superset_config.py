"""How the project's own Superset runs: on this machine only, and telling nobody about it.

`tools/superset.py` starts it and says by environment where things lie. For a Superset of your own
nothing here is needed: import the bundle (docs/superset.md).
"""

import os
from pathlib import Path

HOME = Path(os.environ["JOURNEY_SUPERSET_HOME"])

SECRET_KEY = (HOME / "secret_key").read_text()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{HOME / 'superset.db'}"
# two threads may want to write the metadata at once: wait instead of failing
SQLALCHEMY_ENGINE_OPTIONS = {"connect_args": {"timeout": 30}}

# Nothing is kept between two questions, so that a new publication is seen at the next one.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
# what a browser says it is looking at, and nothing else: in this process's memory
FILTER_STATE_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 86400}
EXPLORE_FORM_DATA_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 86400}
RATELIMIT_STORAGE_URI = "memory://"

# A cookie of its own: cookies do not tell ports apart, and you may run another one.
SESSION_COOKIE_NAME = "customer_journey_superset"
SESSION_COOKIE_SAMESITE = "Lax"
# Superset's pages ask a company outside for a picture, to count their users, and no setting in 6.1
# leaves it out: the browser is told to load nothing but from here. Loopback is served without TLS.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}

SHOW_STACKTRACE = False
