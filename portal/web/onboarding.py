"""``/welcome``: a person without a company names theirs."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from portal.core.errors import Conflict, Invalid
from portal.models import User
from portal.services.signups import check_may_found, found_customer
from portal.web.accounts.forms import plain_name
from portal.web.visits import guarded


class CompanyForm(forms.Form):
    name = forms.CharField(
        label=_("Company name"), max_length=200, validators=[plain_name],
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        help_text=_("As your colleagues know it."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    def answer(user: User) -> HttpResponse:
        form = CompanyForm(request.POST or None)
        try:
            if form.is_valid():
                found_customer(user, name=form.cleaned_data["name"])
                return redirect("dashboard")
            check_may_found(user)
        except Invalid as exc:
            form.add_error("name", exc.errors["name"])
        except Conflict as exc:
            if exc.code == "already_member":  # the same form, sent twice
                return redirect("dashboard")
            raise
        return render(request, "portal/welcome.html", {"form": form})

    return guarded(request, answer)
