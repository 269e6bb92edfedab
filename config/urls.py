"""Every page of Leitmotif is in the admin."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

admin.site.site_header = "Leitmotif"
admin.site.site_title = "Leitmotif"
admin.site.index_title = "Stories and runs"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
]
