"""Choosing users: from a list while there are few of them, by typing a part of the name where they are thousands."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.vocabulary import remembered

#: So many users are offered in a list; where there are more, they are searched for.
FEW = 200
SUGGESTED = 20
#: Words of a search that count.
WORDS = 4


def active() -> QuerySet[Any]:
    """The users something may be handed over to, by username."""
    return get_user_model()._default_manager.filter(is_active=True).order_by("username")


def few() -> tuple[Any, ...] | None:
    """All active users, by username; None where there are more than a list can show."""
    found = remembered("records.people.few", lambda: tuple(active()[: FEW + 1]))
    return found if len(found) <= FEW else None


def named(text: str) -> QuerySet[Any]:
    """The active users every word of a text is a part of whose names."""
    found = active()
    for word in text.split()[:WORDS]:
        found = found.filter(
            Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
        )
    return found.order_by("first_name", "last_name", "username")


def there(usernames: Collection[str]) -> set[str]:
    """Those of some usernames that active users have."""
    listed = few()
    if listed is not None:
        return {user.get_username() for user in listed} & set(usernames)
    return set(active().filter(username__in=usernames).values_list("username", flat=True)) if usernames else set()


def labels(usernames: Collection[str]) -> dict[str, str]:
    """What the users of some usernames are called; what nobody is called any more is marked."""
    users = get_user_model()._default_manager.filter(username__in=usernames) if usernames else ()
    found = {user.get_username(): str(user) for user in users if user.is_active}
    return {name: found.get(name) or _("%(name)s (not active)") % {"name": name} for name in usernames}


class PersonInput(forms.TextInput):
    """A username that is typed; the page suggests whom it may mean. `fixed` are values that mean somebody, too."""

    def __init__(self, attrs: dict[str, Any] | None = None, *, fixed: Iterable[tuple[str, str]] = ()) -> None:
        self.fixed = list(fixed)
        super().__init__({"autocomplete": "off", "spellcheck": "false", "maxlength": "150"} | (attrs or {}))

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        own = attrs or {}
        place = f"{own.get('id') or f'id_{name}'}-people"
        hint = {
            "list": place, "data-people": reverse("records:people"), "placeholder": _("Type a name or a username"),
        }  # fmt: skip
        options = format_html_join("", '<option value="{}" label="{}" data-fixed></option>', self.fixed)
        field = super().render(name, value, hint | own, renderer)
        return format_html('{}<datalist id="{}">{}</datalist>', field, place, options)


class PeopleInput(forms.CheckboxSelectMultiple):
    """Several users: those that are chosen can be unticked, and one more can be typed, again and again."""

    def __init__(self, attrs: dict[str, Any] | None = None, *, fixed: Iterable[tuple[str, str]] = ()) -> None:
        self.fixed = list(fixed)
        super().__init__(attrs)

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        known = dict(self.fixed)
        chosen = [str(one) for one in value or () if str(one) and str(one) not in known]
        self.choices = [*self.fixed, *labels(list(dict.fromkeys(chosen))).items()]
        boxes = super().render(name, value, attrs, renderer) if self.choices else ""
        own = f"{(attrs or {}).get('id') or f'id_{name}'}-more"
        more = PersonInput({"aria-label": _("One more user"), "data-refresh": "panel"})
        return format_html("{}{}", boxes, more.render(name, "", {"id": own}, renderer))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        found = super().value_from_datadict(data, files, name)
        return [one for one in found if one != ""] if isinstance(found, list) else found


class PersonSelect(forms.Select):
    """A list of users; one that has left and is chosen still stands in it, so that saving changes nothing."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        groups = super().optgroups(name, value, attrs)
        listed = {str(option["value"]) for _name, options, _index in groups for option in options}
        missing = [one for one in value if one and str(one).isdecimal() and str(one) not in listed]
        gone = get_user_model()._default_manager.filter(pk__in=missing) if missing else ()
        for user in gone:
            label = _("%(name)s (not active)") % {"name": user}
            option = self.create_option(name, user.pk, label, True, len(groups), attrs=attrs)
            groups.append((None, [option], len(groups)))
        return groups


class ListedPersonField(forms.ModelChoiceField):
    """One user, from a list of the active ones."""

    def __init__(self, listed: Iterable[Any], **kwargs: Any) -> None:
        super().__init__(get_user_model()._default_manager.all(), widget=PersonSelect, **kwargs)
        empty = [("", self.empty_label)] if self.empty_label is not None else []
        self.choices = [*empty, *((user.pk, str(user)) for user in listed)]


class TypedPersonField(forms.ModelChoiceField):
    """One user, by username; the record's form gives the user's id."""

    default_error_messages = {
        "invalid_choice": gettext_lazy("There is no user “%(value)s”. Use the username of an existing user.")
    }

    def __init__(self, **kwargs: Any) -> None:
        users = get_user_model()._default_manager.all()
        super().__init__(users, to_field_name=get_user_model().USERNAME_FIELD, widget=PersonInput, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            users = get_user_model()._default_manager.filter(pk=value)
            return users.values_list(get_user_model().USERNAME_FIELD, flat=True).first()
        return super().prepare_value(value)


def person_field(**kwargs: Any) -> forms.ModelChoiceField:
    """The field for one user of this installation, with as many of them as it has."""
    listed = few()
    return TypedPersonField(**kwargs) if listed is None else ListedPersonField(listed, **kwargs)
