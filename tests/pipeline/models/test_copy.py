"""Rows read by COPY are those of a queryset."""

import pytest

from pipeline.models import Signature, Theme
from pipeline.models.copy import read_rows
from tests.support.factories import SignatureFactory

pytestmark = pytest.mark.django_db

COLUMNS = ("id", "normal_form", "vector_sum", "size", "created_run_id")


def test_it_reads_what_a_queryset_reads() -> None:
    for number, key in enumerate(("umlauts_\u00e4\u00f6", 'quotes_"and"_\\tabs', "plain")):
        SignatureFactory(key=key, vector_sum=bytes(range(256)) if number else None, size=number)
    rows = Signature.objects.filter(size__gte=0).exclude(key="plain").order_by("-id")

    read = list(read_rows(rows, COLUMNS))
    expected = list(rows.values_list(*COLUMNS))
    assert [(*row[:2], row[2] and bytes(row[2]), *row[3:]) for row in expected] == read
    assert len(read) == 2


def test_it_reads_nothing_of_none() -> None:
    assert list(read_rows(Theme.objects.none(), ["id"])) == []


def test_the_connection_is_free_again_once_the_rows_are_not_wanted_any_more() -> None:
    SignatureFactory(key="one")
    SignatureFactory(key="two")
    rows = read_rows(Signature.objects.all(), ["key"])
    next(rows)
    rows.close()
    assert Signature.objects.count() == 2
