"""A small console of its own, to try the layout with: a list, and a dialog that adds to it."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from accounts.access import AccountAccess, account_page
from accounts.http import close_dialog, render_page
from accounts.templatetags.console import TONES

#: What was added; emptied by each test.
THINGS: list[str] = []
#: Statuses that the dialog answers with instead of its form, the next one first.
FAILURES: list[int] = []


class ThingForm(forms.Form):
    """Two fields, so that a refused form has a summary of its faults."""

    name = forms.CharField(label="Name", help_text="As customers hear it.")
    colour = forms.ChoiceField(
        label="Colour", choices=[("r", "Red"), ("g", "Green")], widget=forms.RadioSelect
    )
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea)


@account_page()
def things(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """List what was added."""
    return render(request, "look/list.html", {"things": THINGS, "tones": list(TONES)})


@account_page()
def add(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Add a thing, or fail as the test wishes."""
    if FAILURES:
        return HttpResponse(status=FAILURES.pop(0))
    form = ThingForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return render_page(request, "look/add.html", {"form": form}, status=status)
    THINGS.append(form.cleaned_data["name"])
    messages.success(request, "The thing was added.")
    return close_dialog(
        request,
        "things-changed",
        url=f"/console/{access.account.uin}/",
        refresh="look/list.html#list",
        context={"things": THINGS},
    )


urlpatterns = [
    path("console/<uin>/", things, name="start"),
    path("console/<uin>/add/", add, name="add"),
    path("", include("config.urls")),
]
