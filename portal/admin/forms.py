"""Forms whose values a service stores, and how they offer people and customers."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Model

from portal.admin.actions import add_refusal
from portal.admin.show import describe
from portal.core.errors import PortalError

if TYPE_CHECKING:
    DjangoModelForm = forms.ModelForm[Any]
else:
    DjangoModelForm = forms.ModelForm


class ServiceForm(DjangoModelForm):
    """A form whose values a service stores. ``refusal`` is what the service said to them."""

    refusal: PortalError | None = None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.refusal is not None:
            add_refusal(self, self.refusal)
        return cleaned

    def changes(self, *names: str) -> dict[str, Any]:
        """The values of the changed fields among ``names``."""
        return {name: self.cleaned_data[name] for name in names if name in self.changed_data}


class Named(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Offers people and customers by name; ``str()`` of a model never shows an address."""

    def label_from_instance(self, obj: Model) -> str:
        return describe(obj)
