"""A user: a person who signs in with an e-mail address, and their membership of customers."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Now

from portal.core.ids import new_id


def _new_id() -> str:
    return new_id("usr")


class UserManager(BaseUserManager["User"]):
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Addresses are kept in lower case: one mailbox, one account."""
        return (email or "").strip().lower()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a user; without a password nobody can sign in until it is set by mail."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def called(self, name: str) -> "models.QuerySet[User]":
        """The user with that public id or e-mail, as an empty or one-row set."""
        return self.filter(models.Q(public_id=name) | models.Q(email=self.normalize_email(name)))


class User(AbstractBaseUser, PermissionsMixin):
    public_id = models.CharField(max_length=40, unique=True, default=_new_id, editable=False)
    email = models.EmailField("e-mail", unique=True, error_messages={"unique": "Somebody has this e-mail."})
    name = models.CharField(max_length=200, blank=True)
    is_staff = models.BooleanField("staff", default=False, help_text="May sign in to this admin.")
    is_active = models.BooleanField("active", default=True, help_text="Clear this instead of deleting.")
    date_joined = models.DateTimeField(db_default=Now(), editable=False)
    language = models.CharField(
        max_length=16, blank=True, db_default="", help_text="Empty: what the browser asks for."
    )
    time_zone = models.CharField(
        max_length=64, blank=True, db_default="", help_text="Empty: what the browser tells."
    )
    wants_key_mail = models.BooleanField(
        "mail when keys are issued or replaced", default=True, db_default=True
    )
    wants_reminders = models.BooleanField("mail before keys expire", default=True, db_default=True)
    customers: "models.ManyToManyField[Any, Any]" = models.ManyToManyField(
        "portal.Customer", through="portal.Membership", related_name="users"
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["-id"], name="user_staff", condition=models.Q(is_staff=True)),
            models.Index(fields=["-id"], name="user_inactive", condition=models.Q(is_active=False)),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def identity(self) -> str:
        """How audit entries and keys name the person as the one who did something, as ``Actor.identity``."""
        return f"user {self.public_id}"


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        DEVELOPER = "developer", "Developer"
        VIEWER = "viewer", "Viewer"

    customer = models.ForeignKey(
        "portal.Customer", models.CASCADE, related_name="memberships", db_index=False
    )
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role, default=Role.DEVELOPER)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "user"], name="one_membership_a_customer_and_user")
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.customer}"
