"""The API keeps to its description: whatever schemathesis makes of it, right or wrong, is answered as it says.

No answer is an error of ours, none has a status, content type, header or shape that the description does not name. The
ids of rows that exist are asked for as well as those that schemathesis thinks of.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from pytest_django import Settings

from config.api import api
from pipeline.models import Company, Conversation, Merge, Orphan, Run, Story, Theme
from tests.pipeline.web.api.programs import token_for
from tests.support.factories import NOON, MergeFactory

SCOPES = ["read", "review", "import", "operate", "chat_read"]


@pytest.fixture
def known(run: Run, settings: Settings, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Rows of each kind, by the names that their ids have in addresses."""
    for signal in (request_started, request_finished):  # as Django's own client does: the test's transaction goes on
        signal.disconnect(close_old_connections)
    settings.UPLOADS_DIR, settings.HEARTBEAT_PATIENCE, settings.API_REQUESTS_A_MINUTE = str(tmp_path), 0, 0
    company = Company.objects.create(external_id="c1", name="Firm", created_at=NOON, updated_at=NOON)
    MergeFactory()
    story = Story.objects.open().order_by("id")[0]
    yield {
        "run_id": run.pk,
        "story_id": story.pk,
        "orphan_id": Orphan.objects.waiting().get().pk,
        "theme_id": Theme.objects.order_by("id")[0].pk,
        "signature_id": story.signature_id,
        "conversation_id": Conversation.objects.order_by("id")[0].pk,
        "company_id": company.pk,
        "record_id": Merge.objects.order_by("id")[0].pk,
        "kind": "merge",
    }
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
def test_the_api_answers_as_it_says(known: dict[str, Any]) -> None:
    assert not (found := list(broken(known, examples=2))), "\n".join(found)


EXAMPLES = int(os.environ.get("API_EXAMPLES", "25"))
"""Requests for each route, right and wrong, with ids that exist and without, in the long version."""


@pytest.mark.slow
@pytest.mark.django_db
def test_the_api_answers_as_it_says_whatever_is_sent(known: dict[str, Any]) -> None:
    assert not (found := list(broken(known, examples=EXAMPLES))), "\n".join(found)


def broken(known: dict[str, Any], examples: int) -> Iterator[str]:
    """Yield what the API did that its description does not say."""
    from schemathesis.generation import GenerationMode

    asked = 0
    for operation in operations():
        mine = {each.name: known[each.name] for each in operation.path_parameters if each.name in known}
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for parts in ({}, mine) if mine else ({},):
                asked += 1
                cases = operation.as_strategy(mode, path_parameters=parts or None)
                for fault in faults(cases, examples, are_wrong=mode == GenerationMode.NEGATIVE):
                    yield f"{operation.label} ({mode.value}): {fault}"
    assert asked > 100


def operations() -> Iterator[Any]:
    """Yield the routes as schemathesis knows them. It sends them with a token: that is not varied here."""
    import schemathesis  # a second to import, which only these tests pay for
    from schemathesis.core.result import Ok

    told = json.loads(json.dumps(api.get_openapi_schema()))
    for methods in told["paths"].values():
        for one in methods.values():
            one.pop("security")
    schema = schemathesis.openapi.from_dict(told)
    schema.app = get_wsgi_application()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def faults(cases: Any, examples: int, *, are_wrong: bool) -> Iterator[object]:
    """Yield what is wrong with the answers to some of these cases."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    rules = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
        *([checks.negative_data_rejection] if are_wrong else []),
    ]
    headers = {"Authorization": f"Bearer {token_for(SCOPES)}"}

    @given(case=cases)
    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case: Any) -> None:
        case.validate_response(case.call(headers=headers), checks=rules)

    try:
        ask()
    except Unsatisfiable:  # nothing can be wrong about it
        return
    except BaseExceptionGroup as failures:
        yield from failures.exceptions
    except Exception as error:
        yield repr(error)
