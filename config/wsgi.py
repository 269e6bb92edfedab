"""The web application: `gunicorn config.wsgi`."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    embedded.hold()
except embedded.EmbeddedError as error:
    print(error, file=sys.stderr)
    raise SystemExit(3) from None  # gunicorn ends; after any other code it would start a new worker, without end

application = get_wsgi_application()
