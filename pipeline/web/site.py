"""The admin site with our pages in it: the same login, permissions and address, one bar on top, one stylesheet.

Django's own pages stay for raw rows, below Administration. All answers carry a content security policy; that of our
pages allows no script but those that the page itself names.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.functional import SimpleLazyObject

ADMIN_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Of Django's own pages, which need no inline script; some of its widgets set a style."""


class LeitmotifSite(AdminSite):
    """Django's admin, with Home in the place of its first page."""

    site_header = "Leitmotif"
    site_title = "Leitmotif"
    index_title = "Administration"
    enable_nav_sidebar = True

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the addresses of our pages, then Django's."""
        from pipeline.web.pages import addresses  # the models are not there when the site is made

        ours = [path(place, self.admin_view(view), name=name) for place, name, view in addresses()]
        return [*ours, path("administration/", self.admin_view(self.administration), name="administration"),
                *super().get_urls()]  # fmt: skip

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show Home."""
        from pipeline.web.pages.home import home  # here, as in get_urls

        return home(request)

    def administration(self, request: HttpRequest) -> TemplateResponse:
        """Show Django's list of all tables."""
        return super().index(request, {"title": "Administration"})

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every page of the site knows: Django's, and the bar on top, counted only where it is shown."""
        from pipeline.web.pages.frame import bar

        found = request.user.has_perm("pipeline.view_conversation")
        return {
            **super().each_context(request),
            "bar": SimpleLazyObject(lambda: bar(request)),
            "search_url": reverse("admin:search") if found else "",
        }

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Wrap a view as Django does; the answer gets a content security policy if it has none of its own."""
        wrapped = super().admin_view(view, cacheable)

        def guarded(*args: Any, **kwargs: Any) -> HttpResponse:
            return _with_policy(wrapped(*args, **kwargs))

        return update_wrapper(guarded, wrapped)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Ask for name and password."""
        return _with_policy(super().login(request, extra_context))


def _with_policy(response: HttpResponse) -> HttpResponse:
    response.headers.setdefault("Content-Security-Policy", ADMIN_POLICY)
    return response
