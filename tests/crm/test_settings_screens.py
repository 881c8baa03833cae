"""Import screen, custom properties, users and teams, enrolling by hand."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from crm.models import Company, Deal, Pipeline, Team, User
from records.clock import database_now
from records.models import ImportRun, PropertyDefinition
from workflows.models import Enrollment, Revision, Workflow
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db
FILE = "opportunity_id,sales_agent,product,account,deal_stage,close_date,close_value\n" + (
    "A1,Moses Frase,GTXPro,Cancity,Won,3/1/2017,1054\nA2,Moses Frase,GTK 500,,Engaging,10/20/2017,x\n"
)


def upload(admin_page, content=FILE, slug="deal"):
    file = SimpleUploadedFile("deals.csv", content.encode(), content_type="text/csv")
    return admin_page.post(reverse("admin:records_importrun_add"), {"object_type": slug, "file": file})


def chosen(form, **changes):
    """What the mapping form would send as it is shown, with some choices changed by column."""
    data = {name: form[name].value() or "" for name in form.fields}
    places = {header: f"column_{i}" for i, header in enumerate(form.table.headers)}
    return data | {places.get(key, key): value for key, value in changes.items()}


def test_a_file_is_mapped_previewed_imported_and_imported_again_without_a_change(admin_page, company, seller):
    response = upload(admin_page)
    run = ImportRun.objects.get()
    page = admin_page.get(response.url)
    form = page.context["form"]
    data = chosen(form, product="new:select")
    assert (data["upsert_by"], data["column_4"], data["column_6"]) == ("column:opportunity_id", "stage", "amount")
    assert (data["column_1"], data["column_3"], data["date_5"]) == ("owner", "link:company", "m/d/Y")
    shown = admin_page.post(reverse("admin:records_importrun_preview", args=[run.pk]), data).content.decode()
    assert "is not a number" in shown
    assert not Deal.objects.exists()

    assert admin_page.post(response.url, data).status_code == 302
    tick(database_now())
    told = admin_page.get(response.url).content.decode()
    assert "Of 2 rows, 1 were created" in told
    assert "1 row was not imported." in told
    problems = b"".join(admin_page.get(reverse("admin:records_importrun_errors", args=[run.pk])).streaming_content)
    assert b"A2" in problems
    deal = Deal.objects.get()
    assert (deal.name, deal.stage, str(deal.close_date), deal.owner) == ("A1", "won", "2017-03-01", seller)

    again = upload(admin_page, FILE.replace(",x\n", ",5\n"))
    data = chosen(admin_page.get(again.url).context["form"])
    assert (data["upsert_by"], data["column_2"]) == ("opportunity_id", "product")
    admin_page.post(again.url, data)
    tick(database_now())
    run = ImportRun.objects.order_by("-pk").first()
    assert (run.counts["unchanged"], run.counts["created"]) == (1, 1)


def test_a_file_that_is_no_table_is_refused(admin_page):
    assert "The file is empty" in upload(admin_page, " \n").content.decode()
    assert not ImportRun.objects.exists()


def test_a_mapping_that_cannot_work_says_so_and_starts_nothing(admin_page):
    response = upload(admin_page)
    form = admin_page.get(response.url).context["form"]
    page = admin_page.post(response.url, chosen(form, deal_stage="amount"))
    assert "Two columns fill" in page.content.decode()
    assert ImportRun.objects.get().status == "draft"


def test_only_those_who_may_change_records_import_them(client, seller):
    client.force_login(seller)
    assert client.get(reverse("admin:records_importrun_add")).status_code == 403
    run = ImportRun.objects.create(object_type="deal", file_name="a.csv", content=FILE.encode())
    assert client.get(reverse("admin:records_importrun_change", args=[run.pk])).status_code == 403
    assert client.post(reverse("admin:records_importrun_preview", args=[run.pk])).status_code == 403


def test_a_custom_property_is_added_changed_and_deleted(admin_page):
    url = reverse("admin:records_propertydefinition_add")
    data = {"object_type": "deal", "label": "Deal size", "type": "select", "options": "s: Small\nLarge"}
    assert admin_page.post(url, data).status_code == 302
    definition = PropertyDefinition.objects.get()
    assert definition.slug == "deal_size"
    assert definition.options == [{"value": "s", "label": "Small"}, {"value": "Large", "label": "Large"}]
    Deal.objects.create(name="A", custom={"deal_size": "s"})
    page = admin_page.get(reverse("admin:records_propertydefinition_delete", args=[definition.pk])).content.decode()
    assert "1 of the deals loses its value" in page
    admin_page.post(reverse("admin:records_propertydefinition_delete", args=[definition.pk]))
    assert not PropertyDefinition.objects.exists()
    assert Deal.objects.get().custom == {}


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"label": "Stage", "type": "text"}, "already have a property"),
        ({"label": "Size", "type": "select"}, "needs options"),
        ({"label": "Size", "type": "boolean", "unique": "on"}, "cannot be unique"),
        ({"label": "Size", "type": "text", "slug": "9 lives"}, "Start with a letter"),
    ],
)
def test_a_property_that_cannot_be_is_refused_with_a_reason(admin_page, facts, words):
    url = reverse("admin:records_propertydefinition_add")
    response = admin_page.post(url, {"object_type": "deal", **facts})
    assert words in response.content.decode()
    assert not PropertyDefinition.objects.exists()


def test_a_pipeline_with_records_cannot_be_deleted(admin_page):
    pipeline = Pipeline.objects.get(object_type="deal")
    Deal.objects.create(name="A", pipeline=pipeline.slug)
    assert (
        admin_page.post(reverse("admin:crm_pipeline_delete", args=[pipeline.pk]), {"post": "yes"}).status_code == 403
    )
    assert admin_page.get(reverse("admin:crm_pipeline_change", args=[pipeline.pk])).status_code == 200


def test_users_and_teams_have_pages(admin_page, seller):
    for name in ("user", "team"):
        assert admin_page.get(reverse(f"admin:crm_{name}_changelist")).status_code == 200
        assert admin_page.get(reverse(f"admin:crm_{name}_add")).status_code == 200
    page = admin_page.get(reverse("admin:crm_user_change", args=[seller.pk])).content.decode()
    assert "time_zone" in page


@pytest.fixture
def workflow(boss):
    workflow = Workflow.objects.create(name="Follow up", object_type="deal", status="on", created_by=boss)
    definition = {"format": 1, "name": "Follow up", "object": "deal", "trigger": {"kind": "manual"}, "steps": []}
    now = database_now()
    workflow.live = Revision.objects.create(workflow=workflow, number=1, definition=definition, published_at=now)
    workflow.save()
    return workflow


def test_records_are_enrolled_by_hand_from_page_and_list_and_told_why_not(admin_page, boss, deal, workflow):
    page = admin_page.get(reverse("admin:crm_deal_change", args=[deal.pk])).content.decode()
    assert "Enroll in workflow…" in page
    url = reverse("admin:crm_deal_enroll")
    response = admin_page.post(url, {"record": deal.pk, "workflow": workflow.pk}, follow=True)
    assert "1 record was enrolled in “Follow up”." in response.content.decode()
    enrollment = Enrollment.objects.get()
    assert (enrollment.record_id, enrollment.cause["kind"]) == (deal.pk, "manual")
    assert "Follow up" in admin_page.get(reverse("admin:crm_deal_change", args=[deal.pk])).content.decode()

    other = Deal.objects.create(name="Other")
    listed = reverse("admin:crm_deal_changelist")
    asked = admin_page.post(listed, {"action": "enroll_selected", "_selected_action": [deal.pk, other.pk]})
    assert "Follow up" in asked.content.decode()
    response = admin_page.post(url, {"record": [deal.pk, other.pk], "workflow": workflow.pk}, follow=True)
    told = response.content.decode()
    assert "1 record was enrolled in “Follow up”." in told
    assert "1 record was not enrolled in “Follow up”: The record" in told
    assert "Choose a workflow" in admin_page.post(url, {"record": deal.pk}, follow=True).content.decode()


def test_without_the_permission_nobody_enrolls(client, seller, deal, workflow):
    User.objects.filter(pk=seller.pk).update(is_superuser=False)
    client.force_login(seller)
    url = reverse("admin:crm_deal_enroll")
    assert client.post(url, {"record": deal.pk, "workflow": workflow.pk}).status_code == 403
    assert not Enrollment.objects.exists()
    assert Company.objects.count() == 0


def test_the_list_of_imports_invites_to_import(admin_page):
    told = admin_page.get("/admin/records/importrun/").content.decode()
    assert "Nothing has been imported yet" in told
    assert "Import records" in told


def test_a_pipeline_in_use_says_on_its_form_that_it_stays(admin_page, deal):
    deal.pipeline = "sales"
    deal.save()
    pipeline = Pipeline.objects.get(object_type="deal")
    assert (
        "1 record is in this pipeline" in admin_page.get(f"/admin/crm/pipeline/{pipeline.pk}/change/").content.decode()
    )


def as_shown(page):
    """What the form of a page and those of its rows would send as they are shown."""
    formsets = [one.formset for one in page.context["inline_admin_formsets"]]
    forms = [page.context["adminform"].form, *(one.management_form for one in formsets)]
    forms += [form for one in formsets for form in one.initial_forms]
    sent = {f"{form.add_prefix(name)}": form[name].value() for form in forms for name in form.fields}
    sent |= {f"{one.prefix}-TOTAL_FORMS": len(one.initial_forms) for one in formsets}
    return {name: "" if value is None else value for name, value in sent.items() if not name.endswith("DELETE")}


def test_what_records_and_workflows_hold_by_its_internal_name_keeps_it(admin_page):
    pipeline, team = Pipeline.objects.get(object_type="deal"), Team.objects.create(name="East", slug="east")
    names = list(pipeline.stages.order_by("position").values_list("slug", flat=True))
    url = reverse("admin:crm_pipeline_change", args=[pipeline.pk])
    sent = as_shown(admin_page.get(url))
    sent |= {"label": "Renamed", "slug": "other", "object_type": "ticket", "stages-0-slug": "x", "stages-0-label": "X"}
    assert admin_page.post(url, sent).status_code == 302
    pipeline.refresh_from_db()
    assert (pipeline.label, pipeline.slug, pipeline.object_type) == ("Renamed", "sales", "deal")
    assert list(pipeline.stages.order_by("position").values_list("slug", flat=True)) == names
    assert pipeline.stages.get(slug=names[0]).label == "X"
    url = reverse("admin:crm_team_change", args=[team.pk])
    assert admin_page.post(url, as_shown(admin_page.get(url)) | {"name": "West", "slug": "west"}).status_code == 302
    team.refresh_from_db()
    assert (team.name, team.slug) == ("West", "east")
