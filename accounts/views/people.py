"""Pages about oneself: profile and news."""

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms.people import ProfileForm
from accounts.http import redirect_after, render_page
from accounts.paging import read_history_page
from accounts.services import preferences
from accounts.services.letters import write
from accounts.services.notifications import mark_read, visible_to
from accounts.services.personal_data import archive_name, export_person
from accounts.views.home import posted, signed_in


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name, language and appearance."""
    user = signed_in(request)
    form = ProfileForm(posted(request), user=user)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        preferences.introduce(name=data["name"], language=data["language"], by=user)
        preferences.choose_theme(theme=data["theme"], by=user)
        with translation.override(data["language"] or translation.get_language()):
            messages.success(request, _("Your profile was saved."))
        response = redirect_after(request, reverse("accounts:profile"))
        if not data["language"]:
            # The choice of an earlier visit would still stand before the browser's language.
            response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return response
    status = 422 if form.errors else 200
    return render_page(request, "accounts/profile.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def personal_data(request: HttpRequest) -> HttpResponseBase:
    """Say what is stored about the person, and hand it out."""
    user = signed_in(request)
    if request.method == "POST":
        file = export_person(user=user, by=user, now=timezone.now())
        return FileResponse(file, as_attachment=True, filename=archive_name(user))
    return render_page(request, "accounts/personal_data.html", {})


@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """List what the person was told, over all accounts, newest first."""
    rows = visible_to(signed_in(request)).select_related("account", "user")
    is_unread = request.GET.get("show") == "unread"
    if is_unread:
        rows = rows.filter(read_at=None)
    page = read_history_page(rows, request.GET)
    context = {
        "page": page,
        "lines": [(row, write(row)) for row in page.rows],
        "is_unread": is_unread,
        "title": _("Notifications"),
    }
    return render_page(request, "accounts/notifications.html", context, partial="list")


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything as read."""
    mark_read(pk=None, by=signed_in(request), now=timezone.now())
    return redirect_after(request, reverse("accounts:notifications"))


@require_POST
def read_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one piece of news as read, and go where it leads."""
    user = signed_in(request)
    found = visible_to(user).filter(pk=pk).first()
    if found is None:
        raise Http404
    mark_read(pk=pk, by=user, now=timezone.now())
    is_followed = "follow" in request.POST and found.path
    return redirect_after(request, found.path if is_followed else reverse("accounts:notifications"))
