"""The web application: `gunicorn config.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.hold()

application = get_wsgi_application()
