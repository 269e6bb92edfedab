"""Pages are in the admin; programs use /api/v1/, chats the API below /api/; monitors read /metrics and /-/ready/."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from config import api
from config.login import ThrottledLoginForm
from config.metrics import metrics
from pipeline.web import admin as of_pipeline  # noqa: F401  Django looks for an admin module at the top of an app only
from pipeline.web import health
from sessions.api import routes

admin.autodiscover()
admin.site.login_form = ThrottledLoginForm

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("api/", routes.urls),
    path("metrics", metrics),
    path("-/alive/", health.alive),
    path("-/ready/", health.ready),
]
