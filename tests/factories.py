"""Objects that tests start from."""

import factory
from allauth.account.models import EmailAddress

from portal.core.clock import now
from portal.core.ids import new_id
from portal.core.keyed_hashes import keyed_hash
from portal.core.sealing import seal
from portal.models import Customer, Membership, PhoneToken, Plan, Subscription, User
from portal.models.phone_token import PHONE
from portal.services.phone_tokens import LIFETIME
from provisioning.secret import Secret


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"user{n}@example.com")
    name = factory.Sequence(lambda n: f"User {n}")
    password = factory.django.Password("correct horse battery")

    @factory.post_generation
    def proven(self, create: bool, extracted: bool | None, **_: object) -> None:
        """Unless ``proven=False`` the person has shown that the mailbox is theirs."""
        if create and extracted is not False:
            EmailAddress.objects.create(user=self, email=self.email, verified=True, primary=True)


class CustomerFactory(factory.django.DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    public_id = factory.LazyFunction(lambda: new_id("cus"))
    external_id = factory.SelfAttribute("public_id")
    name = factory.Sequence(lambda n: f"Customer {n}")


class MembershipFactory(factory.django.DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    customer = factory.SubFactory(CustomerFactory)
    role = "owner"


class PlanFactory(factory.django.DjangoModelFactory[Plan]):
    class Meta:
        model = Plan

    slug = factory.Sequence(lambda n: f"plan-{n}")
    name = factory.Sequence(lambda n: f"Plan {n}")


class SubscriptionFactory(factory.django.DjangoModelFactory[Subscription]):
    class Meta:
        model = Subscription

    customer = factory.SubFactory(CustomerFactory)
    plan = factory.SubFactory(PlanFactory)


class PhoneTokenFactory(factory.django.DjangoModelFactory[PhoneToken]):
    """A record of a token that was given out just now; ``number`` is in E.164."""

    class Meta:
        model = PhoneToken

    class Params:
        number = "+15555550123"

    xid = factory.Sequence(lambda n: f"order-{n}")
    ordinal = 1
    phone_hash = factory.LazyAttribute(lambda token: keyed_hash(PHONE, token.number))
    sealed_number = factory.LazyAttribute(lambda token: seal(Secret(token.number)))
    issued_at = factory.LazyFunction(now)
    expires_at = factory.LazyAttribute(lambda token: token.issued_at + LIFETIME)
    fingerprint = "f" * 64
    client_hash = factory.LazyFunction(lambda: keyed_hash("client address", "192.0.2.1"))
