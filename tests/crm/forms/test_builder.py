"""The form builder in the admin: what one builds is what visitors see."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from crm.models import Form, FormSubmission, User
from records.clock import database_now
from records.models import Access, Event
from records.object_types import object_types
from records.property_access.granting import grant
from tests.crm.forms.conftest import make_form

pytestmark = pytest.mark.django_db
ADD = "admin:crm_form_add"
BARE = {
    "name": "Webinar", "slug": "", "kind": "form", "active": "on", "appearance": "auto", "minimum_seconds": "0",
    "consents-TOTAL_FORMS": "0", "consents-INITIAL_FORMS": "0", "fields-INITIAL_FORMS": "0",
}  # fmt: skip
EMAIL = {"property": "contact.email", "required": "on"}


@pytest.fixture
def admin_page(client, db):
    client.force_login(User.objects.create_superuser("boss"))
    return client


def fields(*rows):
    sent = {"fields-TOTAL_FORMS": str(len(rows))}
    for number, row in enumerate(rows):
        sent |= {f"fields-{number}-{name}": value for name, value in ({"position": str(number)} | row).items()}
    return sent


def add(page, *rows, **facts):
    return page.post(reverse(ADD), BARE | fields(*rows) | facts)


def errors(response):
    found = [str(one) for one in response.context["errors"]]
    return " ".join(found)


def test_a_form_is_built_and_seen(admin_page, client):
    begun = admin_page.get(reverse(ADD))
    rows = begun.context["inline_admin_formsets"][0].formset.forms
    assert [row["property"].value() for row in rows] == ["contact.email", "contact.first_name", "contact.last_name"]
    add(
        admin_page,
        EMAIL | {"position": "1"},
        {"property": "contact.city", "options": "Oslo\nBergen", "label": "Where?", "position": "0"},
        {"property": "contact.lead_status", "hidden": "on", "value": "new"},
    )
    form = Form.objects.get()
    assert form.slug == "webinar"
    page = client.get(f"/forms/{form.token}/")
    assert [field.label for field in page.context["answers"]] == ["Where?", "Email"]
    built = admin_page.get(reverse("admin:crm_form_change", args=[form.pk])).content.decode()
    assert f"/forms/{form.token}/?embed=1" in built
    assert "preview=1" in built


@pytest.mark.parametrize(
    ("rows", "facts", "told"),
    [
        ([{"property": "contact.city"}], {}, "Add the contact’s email address"),
        ([EMAIL, EMAIL], {}, "duplicate"),
        ([EMAIL, {"property": "company.city"}], {}, "Add the company’s name or domain"),
        ([EMAIL, {"property": "contact.owner"}], {}, "Visitors do not learn who the users are"),
        ([EMAIL, {"property": "contact.city", "hidden": "on"}], {}, "needs a value"),
        ([EMAIL | {"hidden": "on", "value": "a@b.example"}], {}, "has to be asked"),
        ([EMAIL, {"property": "contact.lead_score", "hidden": "on", "value": "high"}], {}, "is not a number"),
        ([EMAIL, {"property": "contact.lead_status", "options": "hot"}], {}, "“hot” is not an option"),
        ([EMAIL], {"redirect_url": "javascript:alert(1)"}, "is not a web address"),
        ([EMAIL], {"redirect_url": "https://a;b.example/"}, "is not a web address"),
        ([EMAIL], {"embed_origins": "example.com"}, "is not the address of a website"),
        ([EMAIL], {"kind": "document"}, "Give the document itself or its address"),
    ],
)
def test_what_cannot_work_is_said(admin_page, rows, facts, told):
    assert told in errors(add(admin_page, *rows, **facts))
    assert not Form.objects.exists()


def test_a_form_writes_only_what_its_builder_may_write(client):
    ann = User.objects.create_user("ann", is_staff=True)
    allowed = ("add_form", "change_form", "view_form", "add_contact", "change_contact")
    ann.user_permissions.set(Permission.objects.filter(codename__in=allowed, content_type__app_label="crm"))
    client.force_login(ann)
    assert "You may not add and change companies" in errors(add(client, EMAIL, {"property": "company.name"}))
    assert add(client, EMAIL).status_code == 302


def restricted(levels):
    """Somebody who builds forms and may not do everything with these properties of contacts."""
    ann = User.objects.create_user("ann", is_staff=True)
    allowed = ("add_form", "change_form", "view_form", "add_contact", "change_contact", "view_contact")
    ann.user_permissions.set(Permission.objects.filter(codename__in=allowed, content_type__app_label="crm"))
    group = Group.objects.create(name="Builders")
    ann.groups.add(group)
    grant(group, object_types["contact"], levels, by=None, now=database_now())
    return ann


@pytest.mark.covers("PRM-05", "PRM-06")
@pytest.mark.parametrize("level", [Access.VIEW, Access.NONE])
def test_nobody_lets_visitors_or_hidden_fields_change_what_they_may_not_edit(client, level):
    client.force_login(restricted({"lead_status": level}))
    hidden = {"property": "contact.lead_status", "hidden": "on", "value": "new"}
    for row in ({"property": "contact.lead_status"}, hidden):
        refused = errors(add(client, EMAIL, row))
        assert ("not change it" if level else "no access to") in refused and not Form.objects.exists()
    page = client.get(reverse(ADD)).content.decode()
    options = [part for part in page.split("<option") if 'value="contact.lead_status"' in part]
    why = "you may see it but not change it" if level else "you have no access to it"
    assert options and all("disabled" in option and why in option for option in options)
    assert add(client, EMAIL, {"property": "contact.city"}).status_code == 302


@pytest.mark.covers("PRM-06")
def test_a_field_others_have_made_of_it_is_kept_moved_or_removed_but_not_changed(client):
    client.force_login(restricted({"job_title": Access.VIEW}))
    form = make_form()
    title = form.fields.get(property="contact.job_title")
    address, bare = reverse("admin:crm_form_change", args=[form.pk]), BARE | {"fields-INITIAL_FORMS": "3"}

    def save(**facts):
        rows = []
        for number, field in enumerate(form.fields.order_by("position")):
            rows.append(
                {"id": str(field.pk), "form": str(form.pk), "property": field.property, "position": str(number)}
            )
        rows[2] |= facts
        response = client.post(address, bare | {"name": form.name} | fields(*rows))
        assert response.status_code == 302, errors(response)
        return form.fields.filter(pk=title.pk).first()

    kept = save(property="contact.job_title", hidden="on", value="Boss", required="on", position="7")
    assert (kept.property, kept.hidden, kept.value, kept.required, kept.position) == (
        title.property,
        False,
        "",
        False,
        7,
    )
    assert save(property="contact.city").property == "contact.job_title"
    assert save(DELETE="on") is None


def test_submissions_are_listed_filtered_and_exported(admin_page, client, send):
    first, second = make_form("One"), make_form("Two")
    send(first, email="ann@example.com", job_title="=1+1")
    send(second, email="ben@example.com", first_name="Ben")
    address = reverse("admin:crm_formsubmission_changelist")
    assert "ben@example.com" in admin_page.get(address).content.decode()
    chosen = f"?form__id__exact={first.pk}"
    assert "ben@example.com" not in admin_page.get(address + chosen).content.decode()
    found = admin_page.get(reverse("admin:crm_formsubmission_export") + chosen)
    lines = b"".join(found.streaming_content).decode().splitlines()
    assert lines[0].startswith("\ufeffSent,Form,Contact,Page,Consents,")
    assert lines[1].endswith(",ann@example.com,Ann,'=1+1")
    assert len(lines) == 2
    one = FormSubmission.objects.get(form=first)
    shown = admin_page.get(reverse("admin:crm_formsubmission_change", args=[one.pk])).content.decode()
    assert "Job title" in shown
    forms_list = admin_page.get(reverse("admin:crm_form_changelist")).content.decode()
    assert "Open the form" in forms_list


def test_an_export_by_a_filter_there_is_not_leads_to_the_list_that_says_so(admin_page):
    answer = admin_page.get(reverse("admin:crm_formsubmission_export") + "?nonsense=1")
    assert (answer.status_code, answer.url) == (302, reverse("admin:crm_formsubmission_changelist") + "?e=1")


def test_submissions_are_for_those_who_may_see_contacts(client, send):
    send(make_form())
    ann = User.objects.create_user("ann", is_staff=True)
    ann.user_permissions.set(Permission.objects.filter(codename="view_formsubmission"))
    client.force_login(ann)
    assert client.get(reverse("admin:crm_formsubmission_changelist")).status_code == 403
    assert client.get(reverse("admin:crm_formsubmission_export")).status_code == 403
    ann.user_permissions.add(Permission.objects.get(codename="view_contact"))
    assert client.get(reverse("admin:crm_formsubmission_changelist")).status_code == 200


def test_a_form_with_submissions_stays(admin_page, send):
    form = make_form()
    send(form)
    page = admin_page.post(reverse("admin:crm_form_delete", args=[form.pk]), {"post": "yes"})
    assert page.status_code == 200
    assert Form.objects.filter(pk=form.pk).exists()


@pytest.mark.covers("FLT-25")
def test_a_document_is_handed_to_who_has_filled_in_the_form(admin_page, send, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    file = SimpleUploadedFile("../../price list.html", b"<script>alert(1)</script>", content_type="text/html")
    add(admin_page, EMAIL, kind="document", document=file)
    form = Form.objects.get()
    asked = admin_page.get(f"/forms/{form.token}/document/?key=1")
    assert (asked.status_code, asked.url) == (302, f"/forms/{form.token}/")
    thanks = send(form).url
    page = admin_page.get(thanks).content.decode()
    assert "Get the document" in page
    assert Event.objects.values_list("event", "properties__form").get() == ("form_submitted", "webinar")
    key = thanks.partition("?")[2]
    got = admin_page.get(f"/forms/{form.token}/document/?{key}")
    assert got["Content-Disposition"] == 'attachment; filename="price_list.html"'
    assert got["Content-Type"] == "application/octet-stream"
    assert b"".join(got.streaming_content) == b"<script>alert(1)</script>"
    other = make_form("Other")
    assert admin_page.get(f"/forms/{other.token}/document/?{key}").status_code == 302
