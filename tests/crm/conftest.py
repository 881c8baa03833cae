"""People and records the CRM's tests start from."""

from __future__ import annotations

import pytest

from crm.models import Company, Deal, User
from records.models import PropertyDefinition


@pytest.fixture
def boss(db):
    return User.objects.create_superuser("boss", first_name="Ada", last_name="Boss", time_zone="Europe/Stockholm")


@pytest.fixture
def seller(db):
    return User.objects.create_user("moses.frase", first_name="Moses", last_name="Frase", is_staff=True)


@pytest.fixture
def admin_page(client, boss):
    client.force_login(boss)
    return client


@pytest.fixture
def product(db):
    options = [{"value": "GTK 500", "label": "GTK 500"}, {"value": "GTXPro", "label": "GTXPro"}]
    return PropertyDefinition.objects.create(
        object_type="deal", slug="product", label="Product", type="select", options=options
    )


@pytest.fixture
def deal(db, seller):
    return Deal.objects.create(name="Big one", stage="engaging", amount=1000, owner=seller)


@pytest.fixture
def company(db):
    return Company.objects.create(name="Cancity")
