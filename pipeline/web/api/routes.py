"""The REST API put together: its routes, its description, and the page that shows it."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, re_path
from ninja import NinjaAPI, Router, Swagger

from pipeline.web.api import (
    companies,
    conversations,
    decisions,
    exports,
    orphans,
    runs,
    signatures,
    stories,
    themes,
    uploads,
)
from pipeline.web.api.door import WRITES, Bearer
from pipeline.web.api.problems import CONTENT_TYPE, Problem, answer_errors, in_our_shape, unknown_address

ROUTERS: dict[str, Router] = {
    "/uploads": uploads.router,
    "/sources": runs.sources,
    "/runs": runs.router,
    "/stories": stories.router,
    "/orphans": orphans.router,
    "/themes": themes.router,
    "/signatures": signatures.router,
    "/decisions": decisions.router,
    "/pairs": decisions.pairs,
    "/conversations": conversations.router,
    "/search": conversations.searching,
    "/companies": companies.router,
    "/exports": exports.router,
}

DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Of the page that describes an API: Swagger UI comes from ninja's files, without inline scripts; it sets styles."""

ERRORS = (400, 401, 403, 404, 409, 411, 413, 422, 429, 503)
"""Statuses with which a route may say that something is wrong."""

DESCRIPTION = """
Every request carries `Authorization: Bearer TOKEN`. A token is made with
`./manage.py api_token make NAME --scope SCOPE` or in the admin; each route names the scope it needs.

**Lists** come a page at a time: hand `next` back as `cursor` until it is null.

**Writes** take an `Idempotency-Key`: sent again within a day under the same key, a write happens once and is answered
as the first time (`Idempotency-Replayed: true`); the same key with another request is refused with 422.

**Errors** have the content type `application/problem+json` and the shape `Problem`.

**Pace**: `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds) say how many requests of this minute are left; beyond
them comes 429 with `Retry-After`.
"""


class DocsPage(Swagger):
    """The description as a page that tries things out, with nothing loaded from elsewhere."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Return the page with a policy that allows only our own scripts."""
        page = super().render_page(request, api, **kwargs)
        page.headers["Content-Security-Policy"] = DOCS_POLICY
        return page


class RestApi(NinjaAPI):
    """A ninja API whose description names what the door and the errors add to each route."""

    def get_openapi_operation_id(self, operation: Any) -> str:
        """Return the function's name, which is unique in the API: clients that are generated call it so."""
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        """Return the description, with errors, scopes, idempotency keys and the headers of the pace."""
        schema = super().get_openapi_schema(**kwargs)
        schemas = schema["components"].setdefault("schemas", {})
        model = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(model.pop("$defs", {}))
        schemas["Problem"] = model
        scopes = self._scopes()
        for methods in schema["paths"].values():
            for method, told in methods.items():
                _complete(told, method.upper(), scopes[told["operationId"]])
        return schema

    def _scopes(self) -> dict[str, str]:
        """Return the scope that each route needs, by the name of its function."""
        found = {}
        for _, router in self._routers:
            for view in router.path_operations.values():
                for operation in view.operations:
                    found[operation.view_func.__name__] = getattr(operation.view_func, "needs_scope", "")
        return found


def _complete(told: dict[str, Any], method: str, scope: str) -> None:
    """Add to the description of a route what is the same for all."""
    told["description"] = f"{told.get('description', '').strip()}\n\nScope: `{scope}`."
    for answer in told["responses"].values():
        answer.setdefault("headers", {}).update(_PACE)
    for status in ERRORS:
        told["responses"].setdefault(status, _PROBLEM)
    if method in WRITES:
        told.setdefault("parameters", []).append(_KEY)


_PROBLEM: dict[str, Any] = {
    "description": "An error",
    "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}

_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "description": "your own word for this write: sent again, it happens once",
}

_PACE: Mapping[str, Any] = {
    f"X-RateLimit-{name}": {"description": what, "schema": {"type": "integer"}}
    for name, what in (
        ("Limit", "requests a minute"), ("Remaining", "left of this minute"), ("Reset", "seconds to the next minute"),
    )
}  # fmt: skip


def make_api(more: Mapping[str, Router]) -> RestApi:
    """Return the API with all routes of ours and `more`, by the address below it."""
    api = RestApi(
        title="Leitmotif",
        version="1",
        description=DESCRIPTION.strip(),
        auth=Bearer(),
        urls_namespace="api",
        docs=DocsPage(),
    )
    for address, router in {**ROUTERS, **more}.items():
        api.add_router(address, router)
    answer_errors(api)
    return api


def addresses_of(api: NinjaAPI) -> tuple[list[URLPattern | URLResolver], str, str]:
    """Return an API's addresses for `path("api/v1/", ...)`; whatever else is asked below it is a problem too."""
    patterns, app_name, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern) and pattern.callback is not None:
            pattern.callback = in_our_shape(pattern.callback)
    return [*patterns, re_path("", unknown_address)], app_name, namespace
