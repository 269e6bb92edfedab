"""How gunicorn serves the web application: `gunicorn --config config/gunicorn.py`.

Its variables are listed in docs/howto/serve-others.md.
"""

import os
import resource

_open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]

wsgi_app = "config.wsgi"
bind = f"{os.environ.get('WEB_HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_class = "config.web_worker.BufferedWorker"
# Half of the open files a process may have; the rest is for databases, logs and static files.
worker_connections = int(os.environ.get("WEB_CONNECTIONS", min(1000, _open_files // 2)))
backlog = 1024
keepalive = 5  # seconds a browser may keep an idle connection for its next request
graceful_timeout = 20
limit_request_line = 4094  # bytes
limit_request_fields = 100
limit_request_field_size = 8190
sendfile = False  # the time-out of a client that reads nothing holds for writing only
control_socket_disable = True
proc_name = "leitmotif-web"

if os.environ.get("LOG_FORMAT") == "json":
    from config.logs import settings_for

    _level = os.environ.get("LOG_LEVEL", "WARNING")
    logconfig_dict = settings_for("json", _level) | {
        "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False}}
    }
