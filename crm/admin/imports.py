"""The import screens: choose a file, map its columns, look at the first rows, start, watch, read the report."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from crm.admin.import_mapping import MappingForm
from crm.chores import ring
from crm.import_words import WORDS
from crm.record_links import may
from records.ids import id_of
from records.importing.reading import LARGEST_FILE, read
from records.importing.reporting import fault_file, report, sentences
from records.importing.running import preview, start
from records.importing.suggesting import suggest
from records.models import ImportRun
from records.object_types import object_types
from records.problems import DocumentError

FAULTS_SHOWN = 50


class UploadForm(forms.Form):
    """The file and what its rows are."""

    object_type = forms.ChoiceField(label=gettext_lazy("What is in the file?"))
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        help_text=gettext_lazy("Any separator and encoding; the first row names the columns."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = self.fields["object_type"]
        assert isinstance(kinds, forms.ChoiceField)
        kinds.choices = [
            (one.slug, capfirst(str(one.label_plural)))
            for one in object_types.values()
            if may(user, "add", one) and may(user, "change", one)
        ]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(_("The file is larger than 50 MB. Split it."))
        self.content = file.read()
        try:
            self.table = read(self.content)
        except DocumentError as error:
            raise forms.ValidationError([str(problem.message) for problem in error.problems]) from error
        if not self.table.lines:
            raise forms.ValidationError(_("The file has no rows below the names of its columns. Add some."))
        return file


@admin.register(ImportRun)
class ImportRunAdmin(admin.ModelAdmin):
    change_list_template = "admin/crm/import_list.html"
    list_display = ("file_name", "object_type", "status", "progress", "created_by", "created_at")
    list_filter = ("status", "object_type")
    search_fields = ("file_name",)

    @admin.display(description=gettext_lazy("rows done"))
    def progress(self, run: ImportRun) -> str:
        return _("%(done)d of %(total)d") % {"done": run.done, "total": run.total} if run.total else "–"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("content").select_related("created_by")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Imports are started by those who may add them."""
        return self.has_add_permission(request)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/preview/", wrap(require_POST(self.preview_view)), name="records_importrun_preview"),
            path("<int:pk>/progress/", wrap(self.progress_view), name="records_importrun_progress"),
            path("<int:pk>/errors.csv", wrap(self.errors_view), name="records_importrun_errors"),
        ]
        return own + super().get_urls()

    def render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        base = self.admin_site.each_context(request)
        return TemplateResponse(request, f"admin/crm/{template}", base | {"opts": self.opts} | context)

    def run(self, request: HttpRequest, pk: str | int) -> ImportRun:
        run = ImportRun.objects.filter(pk=id_of(str(pk)) or 0).first()
        if run is None or run.object_type not in object_types:
            raise Http404(_("There is no such import."))
        if not may(request.user, "view", object_types[run.object_type]) or not self.has_view_permission(request, run):
            raise PermissionDenied
        return run

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Choose a file."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = UploadForm(*files, user=request.user, initial={"object_type": request.GET.get("object_type", "")})
        if form.is_valid():
            object_type = object_types[form.cleaned_data["object_type"]]
            run = ImportRun.objects.create(
                object_type=object_type.slug,
                file_name=form.cleaned_data["file"].name[:250],
                content=form.content,
                total=len(form.table.lines),
                plan=suggest(object_type, form.table, WORDS.get(object_type.slug)),
                created_by_id=request.user.pk,
            )
            return redirect("admin:records_importrun_change", run.pk)
        return self.render(request, "import_upload.html", {"title": _("Import records"), "form": form})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Map the columns of a file that waits for it; else show how the import went."""
        run = self.run(request, unquote(object_id))
        if run.status != ImportRun.Status.DRAFT:
            if request.method == "POST":
                messages.info(request, _("This import has been started already."))
                return redirect("admin:records_importrun_change", run.pk)
            return self.render(request, "import_report.html", self.report_of(run))
        self.check_may_import(request, run)
        table = read(bytes(run.content))
        form = MappingForm(request.POST or None, run=run, table=table, user=request.user)
        if request.method == "POST" and form.is_valid():
            try:
                start(run, form.plan())
            except DocumentError as error:
                form.refuse(error)
            else:
                ring()
                messages.success(request, _("The import has started."))
                return redirect("admin:records_importrun_change", run.pk)
        context = {"title": _("Map the columns of %(file)s") % {"file": run.file_name}, "form": form, "run": run}
        context["encoding"] = table.encoding.removesuffix("-sig").upper()
        return self.render(request, "import_mapping.html", context | {"table": table})

    def check_may_import(self, request: HttpRequest, run: ImportRun) -> None:
        object_type = object_types[run.object_type]
        allowed = may(request.user, "add", object_type) and may(request.user, "change", object_type)
        if not (allowed and self.has_add_permission(request)):
            raise PermissionDenied

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What the first rows would become: a fragment."""
        run = self.run(request, pk)
        self.check_may_import(request, run)
        table = read(bytes(run.content))
        form = MappingForm(request.POST, run=run, table=table, user=request.user)
        context: dict[str, Any] = {"table": table, "rows": [], "problems": []}
        try:
            if form.is_valid():
                context["rows"] = preview(object_types[run.object_type], form.plan(), table, request.user)
            else:
                context["problems"] = [str(error) for errors in form.errors.values() for error in errors]
        except DocumentError as error:
            context["problems"] = [str(problem.message) for problem in error.problems]
        return self.render(request, "import_preview.html", context)

    def report_of(self, run: ImportRun) -> dict[str, Any]:
        finished = run.status in (ImportRun.Status.DONE, ImportRun.Status.FAILED)
        return {
            "title": run.file_name,
            "run": run,
            "finished": finished,
            "report": report(run),
            "sentences": sentences(run) if finished else [],
            "faults": run.faults.all()[:FAULTS_SHOWN],
            "object_type": object_types[run.object_type],
            "list_url": f"admin:crm_{object_types[run.object_type].model._meta.model_name}_changelist",
        }

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far the import has come: a fragment that asks again until it is done."""
        return self.render(request, "import_progress.html", self.report_of(self.run(request, pk)))

    def errors_view(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        """The rows with problems as a file; its mark lets spreadsheets see that it is UTF-8."""
        run = self.run(request, pk)
        response = StreamingHttpResponse(chain("\ufeff", fault_file(run)), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="import-{run.pk}-problems.csv"'
        return response
