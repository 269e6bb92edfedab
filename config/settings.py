"""All settings, from the environment. Nothing needs to be set on one machine; docs/settings.md lists what can be."""

import json
import re
import secrets
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config import embedded
from config.kept import kept_secret
from config.logs import settings_for
from pipeline.sources.live.outbound import ForbiddenAddress, Reach, check_url

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = embedded.LOCAL_DIR
CACHE_DIR = LOCAL_DIR / "cache"

env = environ.Env()


def _secret_key() -> str:
    """Return SECRET_KEY; on one machine it is made once and kept under .local/."""
    if key := env.str("SECRET_KEY", default=""):
        return str(key)
    if env.str("DATABASE_URL", default=""):
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. It is required when DATABASE_URL is set. Set it to a long random string."
        )
    try:
        return kept_secret("secret_key", lambda: secrets.token_urlsafe(50))
    except OSError as error:
        raise ImproperlyConfigured(
            f"The secret key cannot be kept in {LOCAL_DIR}: {error.strerror}. Is the disk full, or does the folder "
            "belong to another user? Or set SECRET_KEY to a long random string."
        ) from error


def _whole(name: str, default: int) -> int:
    """Return the whole number, not below 0, that a variable says."""
    said = env.str(name, default="").strip() or str(default)
    if not said.isdecimal():
        raise ImproperlyConfigured(f"{name}={said} is not valid. Set it to a whole number.")
    return int(said)


def _object(name: str) -> dict[str, Any]:
    """Return the JSON object that a variable says; an empty one where it says nothing."""
    said = env.str(name, default="").strip() or "{}"
    try:
        found = json.loads(said)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise ImproperlyConfigured(f'{name} is not a JSON object such as {{"key": "value"}}.')
    return found


def _prices() -> dict[str, Any]:
    found = _object("LLM_PRICES")
    numbers = all(
        isinstance(price, int | float) and not isinstance(price, bool) and price >= 0 for price in found.values()
    )
    if found and not ({"input", "output"} <= set(found) <= {"input", "output", "cached"} and numbers):
        raise ImproperlyConfigured(
            'LLM_PRICES must look like {"input": 0.15, "output": 0.6, "cached": 0.075}, in dollars per million '
            "tokens; cached can be left out."
        )
    return found


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

# --- A host that others can reach, by TLS that a proxy in front speaks ---------------------------------------------
# HTTPS=true says so. The proxy sets X-Forwarded-Proto and X-Forwarded-For itself; nobody else reaches the web server.
HTTPS = env.bool("HTTPS", default=False)
CSRF_TRUSTED_ORIGINS = env.list(
    "CSRF_TRUSTED_ORIGINS", default=[f"https://{'*' * host.startswith('.')}{host}" for host in ALLOWED_HOSTS if HTTPS]
)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^-/(alive|ready)/$"]  # asked from inside, where there is no TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = _whole("HSTS_SECONDS", 31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS and env.bool("HSTS_SUBDOMAINS", default=True)
SECURE_HSTS_PRELOAD = HTTPS and env.bool("HSTS_PRELOAD", default=True)

# What a request may carry; config/gunicorn.py limits its size before it comes here.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000  # the admin posts one for each selected row
DATA_UPLOAD_MAX_NUMBER_FILES = 10

# Failed logins within so many seconds: from one address with one name, and from one address with any, before more are
# refused for as long.
LOGIN_LIMITS = {"name": 5, "address": 50, "seconds": 900}

INSTALLED_APPS = [
    "config.site.LeitmotifAdminConfig",  # Django's admin with our pages in it
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "psqlextra",
    "django_celery_beat",
    "ninja",  # else the API's page would fetch its scripts from far away
    "pipeline",
    "sessions",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "sessions.chat.once_per_request.one_session_per_request",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"pages": "pipeline.web.pages.tags"},
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = LOCAL_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "pipeline" / "web" / "static"]
WHITENOISE_USE_FINDERS = True

# --- PostgreSQL ---------------------------------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", default="") or embedded.database_url()
HAS_OWN_DATABASE = bool(env.str("DATABASE_URL", default=""))  # not the embedded one of a single machine


def _database(url: str) -> dict[str, Any]:
    """Return the connection a URL names; a host that is a folder (a socket) stands there percent-encoded."""
    form = "DATABASE_URL must look like postgres://user:password@host:5432/name"
    try:
        parts: dict[str, Any] = environ.Env.db_url_config(url, engine="psqlextra.backend")
    except ValueError as error:
        raise ImproperlyConfigured(f"{form}; percent-encode special characters in the password.") from error
    if urlsplit(url).scheme not in ("postgres", "postgresql") or not parts["NAME"]:
        raise ImproperlyConfigured(f"{form}.")
    options = {"connect_timeout": 10, **parts.get("OPTIONS", {})}
    return {
        **parts, "HOST": unquote(parts["HOST"]), "OPTIONS": options, "CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True
    }  # fmt: skip


DATABASES = {"default": _database(DATABASE_URL)}
PG_PROGRAM = embedded.client_program  # where pg_dump is, for `manage.py backup`
POSTGRES_EXTRA_AUTO_EXTENSION_SET_UP = False  # no extension is required

# --- Celery over Redis --------------------------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default="") or embedded.redis_url()
REDIS_PREFIX = env.str("REDIS_PREFIX", default="leitmotif:")


# Celery and the Redis client read the options of a URL differently, or not at all: what is not here would work for one.
_REDIS_HOST = r"([^/?#]*@)?(\[[0-9a-fA-F:.]+\]|[^/?#@:\[\]]+)(:\d+)?"
_REDIS_FORMS = (
    rf"redis://{_REDIS_HOST}(/\d*)?",
    rf"rediss://{_REDIS_HOST}(/\d*)?\?(?=.*ssl_cert_reqs=)ssl_\w+=[^&#]+(&ssl_\w+=[^&#]+)*",
    r"unix://[^?#]*/[^?#]+(\?db=\d+)?",
)


def _celery_url(redis_url: str) -> str:
    """Return the URL in the form Celery wants: its words for a socket and a database are redis+socket, virtual_host."""
    if not any(re.fullmatch(form, redis_url) for form in _REDIS_FORMS):
        raise ImproperlyConfigured(
            "REDIS_URL must look like redis://host:6379/3, rediss://host:6379/3?ssl_cert_reqs=required or "
            "unix:///path?db=3, where 3 is the number of the database; other options are not supported."
        )
    if not redis_url.startswith("unix://"):
        return redis_url
    return redis_url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=")


CELERY_BROKER_URL = CELERY_RESULT_BACKEND = _celery_url(REDIS_URL)
# A message that a dead worker held comes back after this long. It must exceed the longest chunk: see CLAIM_TIMEOUT
# for what makes a run go on sooner than that.
VISIBILITY_TIMEOUT = _whole("VISIBILITY_TIMEOUT", 3600)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": REDIS_PREFIX,
    "visibility_timeout": VISIBILITY_TIMEOUT,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"global_keyprefix": REDIS_PREFIX}
CELERY_RESULT_BACKEND_ALWAYS_RETRY = True
CELERY_RESULT_BACKEND_MAX_RETRIES = 20
CELERY_RESULT_EXPIRES = 3600
CELERY_RESULT_CHORD_EXPIRES = 86_400
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TRACK_STARTED = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_TASK_SEND_SENT_EVENT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 1000  # else Celery opens a new database connection for every task
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_IMPORTS = [  # Celery looks only for tasks.py by itself
    "pipeline.runs.schedule",
    "pipeline.runs.retention",
    "pipeline.runs.uploading",
]
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "watch live runs": {"task": "pipeline.watch_runs", "schedule": 10.0, "options": {"expire_seconds": 30}},
    "queue heartbeats": {"task": "pipeline.send_heartbeats", "schedule": 10.0, "options": {"expire_seconds": 30}},
    "numbers for /metrics": {"task": "pipeline.count_tallies", "schedule": 15.0, "options": {"expire_seconds": 15}},
    "watch imports": {"task": "pipeline.watch_uploads", "schedule": 30.0, "options": {"expire_seconds": 30}},
    "retention": {"task": "pipeline.apply_retention", "schedule": 3600.0},
    "chat housekeeping": {"task": "chat.keep_house", "schedule": 60.0},
    "resend lost answers": {"task": "chat.catch_up", "schedule": 15.0, "options": {"expire_seconds": 15}},
    "chat health warnings": {"task": "chat.watch_sessions", "schedule": 600.0},
}
CELERY_TASK_ROUTES = {
    "pipeline.extract_chunk": {"queue": "extract"},
    "pipeline.advance_run": {"queue": "merge"},
    "pipeline.find_pairs": {"queue": "default"},  # seconds, and somebody waits for it at a page
    "pipeline.judge_run": {"queue": "extract"},  # it waits for answers, as reading does, and must not hold up a merge
    # what may take minutes while no run waits for it, so that nothing that is waited for is behind it
    "pipeline.consolidate_profile": {"queue": "background"},
    "pipeline.draw_map": {"queue": "background"},
    "pipeline.look_into_upload": {"queue": "background"},
    "pipeline.import_upload": {"queue": "background"},
    "pipeline.scheduled_run": {"queue": "background"},
    "pipeline.apply_retention": {"queue": "background"},
}

# --- The pipeline -------------------------------------------------------------------------------------------------
THEME_MAP = env.bool("THEME_MAP", default=True)  # whether themes join the map when a run has finished
SOURCES = {
    "file": "pipeline.sources.file.FileSource",
    "books": "pipeline.sources.books.source.BooksSource",
    "chats": "sessions.source.ChatsSource",
    "intercom": "pipeline.sources.live.intercom.IntercomSource",
    "zendesk": "pipeline.sources.live.zendesk.ZendeskSource",
    "sql": "pipeline.sources.live.sql.SqlSource",
    "feed": "pipeline.sources.live.feeds.FeedSource",
    "websites": "pipeline.sources.websites.source.WebsitesSource",
}
FEEDS = env.dict("FEEDS", default={})  # of the source `feed:NAME`, what gives its dicts, by dotted path
FORMATS = [  # of files, in the order in which they are asked what a file is; the surest is taken
    "pipeline.sources.formats.mail.Mail",
    "pipeline.sources.formats.chat_log.ChatLog",
    "pipeline.sources.formats.subtitles.Subtitles",
    "pipeline.sources.formats.zendesk.ZendeskTickets",
    "pipeline.sources.formats.zendesk.ZendeskEvents",
    "pipeline.sources.formats.intercom.IntercomConversations",
    "pipeline.sources.formats.freshdesk.FreshdeskTickets",
    "pipeline.sources.formats.hubspot.HubSpotTickets",
    "pipeline.sources.formats.hubspot.HubSpotMessages",
    "pipeline.sources.formats.helpscout.HelpScoutConversations",
    "pipeline.sources.formats.front.FrontConversations",
    "pipeline.sources.formats.front.FrontMessages",
    "pipeline.sources.formats.chatwoot.ChatwootConversations",
    "pipeline.sources.formats.chatwoot.ChatwootMessages",
    "pipeline.sources.formats.crisp.CrispConversations",
    "pipeline.sources.formats.crisp.CrispMessages",
    "pipeline.sources.formats.gorgias.GorgiasTickets",
    "pipeline.sources.formats.gorgias.GorgiasMessages",
    "pipeline.sources.formats.drift.DriftConversations",
    "pipeline.sources.formats.drift.DriftMessages",
    "pipeline.sources.formats.slack.SlackExport",
    "pipeline.sources.formats.discord.DiscordChat",
    "pipeline.sources.formats.telegram.TelegramChat",
    "pipeline.sources.formats.messenger.MessengerChat",
    "pipeline.sources.formats.matrix.MatrixRoom",
    "pipeline.sources.formats.teams.TeamsChat",
    "pipeline.sources.formats.google_chat.GoogleChat",
    "pipeline.sources.formats.signal.SignalMessages",
    "pipeline.sources.formats.zulip.ZulipMessages",
    "pipeline.sources.formats.chatgpt.ChatGptConversations",
    "pipeline.sources.formats.claude.ClaudeConversations",
    "pipeline.sources.formats.model_chats.OpenAssistantTrees",
    "pipeline.sources.formats.model_chats.ShareGptConversations",
    "pipeline.sources.formats.model_chats.WildChatConversations",
    "pipeline.sources.formats.model_chats.OpenAiMessages",
    "pipeline.sources.formats.model_turns.ModelTurns",
    "pipeline.sources.formats.github.GitHubIssues",
    "pipeline.sources.formats.jira.JiraJson",
    "pipeline.sources.formats.trello.TrelloCards",
    "pipeline.sources.formats.jira.JiraXml",
    "pipeline.sources.formats.stack_exchange.StackExchangePosts",
    "pipeline.sources.formats.sms.SmsBackup",
    "pipeline.sources.formats.app_reviews.AppStoreFeed",
    "pipeline.sources.formats.app_reviews.PlayReviews",
    "pipeline.sources.formats.youtube.YouTubeComments",
    "pipeline.sources.formats.surveys.TypeformResponses",
    "pipeline.sources.formats.surveys.SurveyMonkeyResponses",
    "pipeline.sources.formats.surveys.QualtricsResponses",
    "pipeline.sources.formats.conversations.Conversations",
    "pipeline.sources.formats.xlsx.WorkbookFormat",
    "pipeline.sources.formats.parquet.ParquetFormat",
    "pipeline.sources.formats.table.TableFormat",
    "pipeline.sources.formats.json_tables.JsonTable",
    "pipeline.sources.formats.any_json.AnyJson",
    "pipeline.sources.formats.any_xml.AnyXml",
    "pipeline.sources.formats.transcript.Transcript",
]
PROFILES = {
    "support": "pipeline.extract.profiles.support.SUPPORT",
    "sample": "pipeline.extract.profiles.support.SAMPLE",
    "figurative": "pipeline.extract.profiles.figurative.FIGURATIVE",
    "company": "pipeline.extract.profiles.company.COMPANY",
}
EXTRACTORS = {
    "local": "pipeline.extract.local.LocalExtractor",
    "llm": "pipeline.extract.llm.reader.LlmExtractor",
    "null": "pipeline.extract.null.NullExtractor",
}
# Besides pipeline.runs.erase, what holds text of customers, by dotted path: see docs/howto/erase-and-retain.md.
ERASERS = ["sessions.upkeep.erase"]
# Empty: the English model that is installed; better, multilingual (`manage.py get_model`), or a folder with
# model.safetensors and tokenizer.json. With EMBEDDING_URL it is the model that the endpoint is asked for.
EMBEDDING_MODEL = env.str("EMBEDDING_MODEL", default="")
# An endpoint that speaks the OpenAI embeddings API, as https://host/v1, its key, and the languages its model reads (BCP
# 47, none: all). What conversations say is sent there.
EMBEDDING_URL = env.str("EMBEDDING_URL", default="")
EMBEDDING_KEY = env.str("EMBEDDING_KEY", default="")
EMBEDDING_LANGUAGES = frozenset(env.list("EMBEDDING_LANGUAGES", default=[]))

# A language model that reads (--extractor llm), at any endpoint that speaks OpenAI's chat completions. The key comes
# from the environment or from a file, and goes nowhere but into the header of the request.
LLM_MODEL = env.str("LLM_MODEL", default="")
LLM_BASE_URL = env.str("LLM_BASE_URL", default="") or "https://api.openai.com/v1"
LLM_API_KEY = env.str("LLM_API_KEY", default="")
LLM_API_KEY_FILE = env.str("LLM_API_KEY_FILE", default="")
LLM_EXTRA_BODY = _object("LLM_EXTRA_BODY")  # JSON that is added to each question, as {"provider": {...}}
LLM_PRICES = _prices()  # dollars per million tokens, as {"input": 0.15, "output": 0.6, "cached": 0.075}
LLM_DEADLINE = float(_whole("LLM_DEADLINE", 120))  # seconds for one answer, from the question to the last byte
LLM_CONCURRENCY = _whole("LLM_CONCURRENCY", 8)  # questions of a run under way over all workers, without --concurrency
# Files: what the endpoint says is written to the one, or read from the other in place of an endpoint.
LLM_RECORD = env.str("LLM_RECORD", default="")
LLM_REPLAY = env.str("LLM_REPLAY", default="")
# What the provider allows; 0: not known. Kept over all workers.
LLM_REQUESTS_PER_MINUTE = _whole("LLM_REQUESTS_PER_MINUTE", 0)
LLM_TOKENS_PER_MINUTE = _whole("LLM_TOKENS_PER_MINUTE", 0)
# Where files lie that people upload for a run, and how many bytes the web server takes of one.
UPLOADS_DIR = env.str("UPLOADS_DIR", default=str(LOCAL_DIR / "uploads"))
UPLOAD_LIMIT = _whole("UPLOAD_LIMIT", 2_000_000_000)  # bytes of a file; a large one comes in pieces
# Where people reach Flower, for links to it: https://flower.example.org. Empty: no links.
FLOWER_URL = env.str("FLOWER_URL", default="")
MODELS_DIR = env.str("MODELS_DIR", default=str(LOCAL_DIR / "models"))  # where get_model keeps what it fetched
# What a language model is not told, besides what has a known form (see pipeline.extract.redaction): regions whose
# telephone numbers are looked for without a country code, your own patterns by kind (RE2's syntax: linear time), and
# functions by dotted path that are given a text and yield (start, end, kind).
REDACTION_REGIONS = env.list("REDACTION_REGIONS", default=["US", "GB"])
REDACTION_PATTERNS = env.json("REDACTION_PATTERNS", default={})
REDACTION_DETECTORS = env.list("REDACTION_DETECTORS", default=[])
# Seconds after which a chunk that nobody touched is given to another worker. Whoever is at work renews its claim.
CLAIM_TIMEOUT = _whole("CLAIM_TIMEOUT", 30)
# Seconds without a heartbeat after which a run no longer blocks its source.
RUN_LOST_AFTER = _whole("RUN_LOST_AFTER", 180)
# Seconds that a heartbeat has to come back through each queue before a run may start.
HEARTBEAT_PATIENCE = _whole("HEARTBEAT_PATIENCE", 10)
QUEUE_SILENT_AFTER = _whole("QUEUE_SILENT_AFTER", 25)  # seconds; beat sends a heartbeat through each queue every 10

# --- Watched web sites --------------------------------------------------------------------------------------------
# How we introduce ourselves; an address where site owners read who we are is good manners.
WEBSITES_USER_AGENT = env.str("WEBSITES_USER_AGENT", default="Leitmotif/0.1 (company watch)")
WEBSITES_DELAY = env.float("WEBSITES_DELAY", default=0.5)  # seconds between the starts of two requests to one host
WEBSITES_TIMEOUT = env.float("WEBSITES_TIMEOUT", default=30.0)  # seconds that one page may take in all
WEBSITES_MAX_BYTES = _whole("WEBSITES_MAX_BYTES", 5 << 20)  # of a page; larger ones are not read
WEBSITES_ROBOTS = env.bool("WEBSITES_ROBOTS", default=True)  # whether robots.txt is asked and kept to
# Whether pages may lie on our own network or this machine; the addresses of clouds' secrets are refused even then.
WEBSITES_INTERNAL = env.bool("WEBSITES_INTERNAL", default=False)
# Days for which what was last seen of a page stands in for it while it cannot be seen.
WEBSITES_STAND_IN_DAYS = _whole("WEBSITES_STAND_IN_DAYS", 30)

# --- Sessions -----------------------------------------------------------------------------------------------------
SESSION_ZONE = env.str("SESSION_ZONE", default="UTC")  # of users whose own zone is unknown
OFF = "off"


def _span(name: str, unit: str, default: float | str, *, may_be_off: bool = False) -> timedelta | None:
    """Return the length of time that a variable says in hours or days; None where it says `off` and that may be."""
    said = env.str(name, default="").strip() or str(default)
    if may_be_off and said == OFF:
        return None
    try:
        length = timedelta(**{unit: float(said)})
    except (ValueError, OverflowError):
        length = timedelta(0)
    if length <= timedelta(0):
        wanted = f"a number of {unit} above 0" + (f", or {OFF}" if may_be_off else "")
        raise ImproperlyConfigured(f"{name}={said} is not valid. Set it to {wanted}.")
    return length


def _day_end() -> time | None:
    said = env.str("SESSION_DAY_END", default="").strip() or "20:00"
    try:
        return None if said == OFF else time.fromisoformat(said).replace(tzinfo=None)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"SESSION_DAY_END={said} is not a time of day. Write it as 20:00, or {OFF}."
        ) from error


# A rule set to None is off. Day end is the time of day, in the user's zone, after which a new session begins.
SESSION_RULES = {
    "idle": _span("SESSION_IDLE_HOURS", "hours", 7, may_be_off=True),
    "day_end": _day_end(),
    "max_age": _span("SESSION_MAX_AGE_HOURS", "hours", 24, may_be_off=True),
}
# How long a chosen project or task counts, a menu that was shown, a takeover by a person, a silent progress update;
# and how long sessions that are over are kept, and the log of progress updates. None: for ever.
SESSION_LENGTHS = {
    "project": _span("SESSION_PROJECT_HOURS", "hours", 7),
    "task": _span("SESSION_TASK_HOURS", "hours", 4),
    "menu": _span("SESSION_MENU_HOURS", "hours", 7),
    "takeover": _span("SESSION_TAKEOVER_HOURS", "hours", 7),
    "progress": _span("SESSION_PROGRESS_HOURS", "hours", 2),
    "retention": _span("SESSION_RETENTION_DAYS", "days", 90, may_be_off=True),
    "deliveries": _span("SESSION_DELIVERY_DAYS", "days", 30, may_be_off=True),
    "log": _span("SESSION_LOG_DAYS", "days", 365, may_be_off=True),
}

# How long the pipeline keeps what it read and noted; `off`: for ever. `manage.py apply_retention` and beat remove what
# is older; pipeline.runs.retention says what counts as old, and docs/howto/erase-and-retain.md what goes with it.
KEEP = {
    "answers": _span("KEEP_ANSWERS_DAYS", "days", OFF, may_be_off=True),  # raw answers of readers
    "messages": _span("KEEP_MESSAGES_DAYS", "days", OFF, may_be_off=True),  # texts of conversations
    "snapshots": _span("KEEP_SNAPSHOTS_DAYS", "days", OFF, may_be_off=True),  # texts of pages as they were
    "vectors": _span("KEEP_VECTORS_DAYS", "days", OFF, may_be_off=True),  # of themes
    "ledger": _span("KEEP_LEDGER_DAYS", "days", 90, may_be_off=True),  # skipped items, dry runs, settled batches
    "rejects": _span("KEEP_REJECTS_DAYS", "days", 90, may_be_off=True),  # rows of uploads that were refused
    "moves": _span("KEEP_MOVES_DAYS", "days", 365, may_be_off=True),  # which pass moved which theme
}


# Whether the webhook is on our own network: then `http://` and private addresses are called too.
SESSION_WEBHOOK_INTERNAL = env.bool("SESSION_WEBHOOK_INTERNAL", default=False)


def _webhook() -> tuple[str, str]:
    """Return address and secret of the webhook, or two empty words."""
    url, secret = env.str("SESSION_WEBHOOK_URL", default=""), env.str("SESSION_WEBHOOK_SECRET", default="")
    if not url:
        return "", ""
    try:
        check_url(url, Reach(internal=SESSION_WEBHOOK_INTERNAL))
    except ForbiddenAddress as error:
        raise ImproperlyConfigured(
            f"SESSION_WEBHOOK_URL={url!r} cannot be used: {error}. If it is on your own network, set "
            "SESSION_WEBHOOK_INTERNAL=true, which allows http:// and private addresses."
        ) from error
    if len(secret) < 32:
        raise ImproperlyConfigured(
            "SESSION_WEBHOOK_SECRET must have at least 32 characters. The receiver of the webhook needs the same "
            "secret."
        )
    return str(url), str(secret)


# What answers: the dotted path of a sessions.answering.handler.Handler; the example reads its projects from a file.
SESSION_HANDLER = env.str("SESSION_HANDLER", default="sessions.answering.assistant.Assistant")
SESSION_PROJECTS = env.str("SESSION_PROJECTS", default=str(BASE_DIR / "sessions" / "sample" / "projects.json"))
# How many messages of one user are taken, over all processes. 0 is no limit.
_MESSAGES_A_MINUTE = _whole("SESSION_MESSAGES_A_MINUTE", 10)
SESSION_RATE: dict[str, Any] | None = (
    {"messages": _MESSAGES_A_MINUTE, "within": timedelta(minutes=1)} if _MESSAGES_A_MINUTE else None
)
SESSION_BODY_LIMIT = _whole("SESSION_BODY_LIMIT", 65_536)  # bytes
# Where answers are sent to, if they are not polled, and the secret that signs them.
SESSION_WEBHOOK_URL, SESSION_WEBHOOK_SECRET = _webhook()
# How many requests one token may send to the REST API within a minute, over all processes. 0 is no limit.
API_REQUESTS_A_MINUTE = _whole("API_REQUESTS_A_MINUTE", 600)
METRICS_OPEN = env.bool("METRICS_OPEN", default=False)  # /metrics without a token, for a network nobody else is in

LOG_FORMAT = env.str("LOG_FORMAT", default="line")  # or json: see config/logs.py
if LOG_FORMAT not in ("line", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT={LOG_FORMAT} cannot be used. Set it to line or json.")
LOGGING = settings_for(LOG_FORMAT, env.str("LOG_LEVEL", default="WARNING"))
