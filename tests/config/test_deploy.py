"""The settings of a host that others can reach: with what the how-to names, Django's own check finds nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def documented() -> dict[str, str]:
    """Return the environment that docs/howto/serve-others.md shows."""
    section = (ROOT / "docs" / "howto" / "serve-others.md").read_text()
    return dict(re.findall(r"^    export (\w+)='?([^'\n]*)'?$", section, re.MULTILINE))


def check(**environment: str) -> str:
    """Return what `manage.py check --deploy` prints; it needs no server."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "REDIS_URL")}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return f"{done.returncode} {done.stdout}{done.stderr}"


def test_the_documented_environment_passes_the_check() -> None:
    environment = documented()
    assert {"HTTPS", "ALLOWED_HOSTS", "SECRET_KEY", "DATABASE_URL", "REDIS_URL"} <= set(environment)
    assert check(**environment) == "0 System check identified no issues (0 silenced).\n"


def test_without_https_it_warns() -> None:
    said = check(**{**documented(), "HTTPS": "false"})
    assert said.startswith("1 ")
    assert {"security.W004", "security.W008", "security.W012", "security.W016"} <= set(
        re.findall(r"security\.W\d+", said)
    )


def test_cookies_and_origins_follow() -> None:
    program = (
        "from django.conf import settings as s; print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, "
        "s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS, s.SECURE_PROXY_SSL_HEADER, s.CSRF_TRUSTED_ORIGINS)"
    )
    environment = {**os.environ, **documented(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    said = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, env=environment, text=True)
    assert said == ("True True True 31536000 ('HTTP_X_FORWARDED_PROTO', 'https') ['https://leitmotif.example.com']\n")
