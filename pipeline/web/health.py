"""`/-/alive/` and `/-/ready/`: what a load balancer, an orchestrator or a monitor asks."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from pipeline.runs.readiness import readiness


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """Say that this process answers. It asks nobody: a server that is away is no reason to start this process again."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Say which checks pass, `{"ready": bool, "checks": {name: bool}}`; 503 while one does not.

    The sentences, which may name hosts and accounts, are for people who are logged in as staff.
    """
    findings = readiness(at=timezone.now())
    is_ready = all(finding.ok for finding in findings)
    told: dict[str, object] = {"ready": is_ready, "checks": {finding.name: finding.ok for finding in findings}}
    if _is_staff(request):
        told["findings"] = [finding.as_json() for finding in findings]
    return JsonResponse(told, status=200 if is_ready else 503)


def _is_staff(request: HttpRequest) -> bool:
    try:
        return bool(request.user.is_staff)
    except Exception:  # the session is in the database, which may be what is away
        return False
