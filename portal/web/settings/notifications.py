"""``/settings/notifications``: which e-mails the person wants."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portal.services.profile import update_profile
from portal.web.settings.person import Person, personal_page, show_person


class NotificationsForm(forms.Form):
    wants_key_mail = forms.BooleanField(
        label=gettext_lazy("Keys are issued or replaced"),
        required=False,
        help_text=gettext_lazy("Your own keys; as an owner, those of all."),
    )
    wants_reminders = forms.BooleanField(
        label=gettext_lazy("Keys are about to expire"),
        required=False,
        help_text=gettext_lazy("30 days, 7 days and 1 day before, once each."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@personal_page
def notifications(request: HttpRequest, person: Person) -> HttpResponse:
    user = person.user
    form = NotificationsForm(
        request.POST if request.method == "POST" else None,
        initial={"wants_key_mail": user.wants_key_mail, "wants_reminders": user.wants_reminders},
    )
    if form.is_valid():
        update_profile(person.actor, user, form.cleaned_data)
        messages.success(request, _("Your choice is saved."))
        return redirect("notifications")
    return show_person(request, person, "portal/settings/notifications.html", {"form": form})
