"""People who sign in: members of accounts and staff alike."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Theme
from accounts.models.indexes import beginning_of
from accounts.text import email_key


class UserManager(BaseUserManager["User"]):
    """Makes users that are known by their email address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user; the address is stored in the form in which sign-in compares it."""
        user = self.model(email=email_key(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a staff user with every permission."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by email address in any case."""
        return self.get(email=email_key(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by email address."""

    email = models.EmailField(_("email address"), unique=True)
    name = models.CharField(_("name"), max_length=64, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    theme = models.CharField(_("theme"), max_length=8, choices=Theme, default=Theme.AUTO)
    is_staff = models.BooleanField(
        _("staff"), default=False, help_text=_("May sign in to the administration.")
    )
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)
    #: From then on the row is only what history refers to (`accounts.services.erasure`).
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        permissions = [("export_user", _("Can download what is stored about a person"))]
        indexes = [
            models.Index(fields=["is_staff", "-id"], name="accounts_user_staff"),
            models.Index(fields=["is_active", "-id"], name="accounts_user_active"),
            beginning_of("email", name="accounts_user_email_begins"),
            beginning_of("name", name="accounts_user_name_begins"),
        ]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_any_case"),
            models.CheckConstraint(
                condition=Q(erased_at=None)
                | Q(is_active=False, is_staff=False, is_superuser=False, name=""),
                name="accounts_user_erased_stays_out",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        """Return the name, or the address where there is none, or that the person is erased."""
        if self.erased_at:
            return gettext("Erased person")
        return self.name or self.email

    def get_short_name(self) -> str:
        """Return the name, or the address where there is none."""
        return self.get_full_name()
