"""What the journal's triggers must leave as they found it."""

from __future__ import annotations

import pytest
from django.db import connection

from crm.models import Deal

pytestmark = pytest.mark.django_db


def test_the_memory_the_triggers_work_with_is_given_back():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '5MB'")
        Deal.objects.bulk_create(Deal(name=str(i)) for i in range(10))
        Deal.objects.update(stage="seen")
        cursor.execute("SHOW work_mem")
        assert cursor.fetchone() == ("5MB",)
