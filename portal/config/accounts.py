"""Settings of accounts that no environment variable changes: passwords, allauth, its second factors."""

# Signing in
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_LENGTH = 10
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "MinimumLengthValidator": {"min_length": PASSWORD_LENGTH},
        "UserAttributeSimilarityValidator": {"user_attributes": ("name", "email")},
        "CommonPasswordValidator": {},
        "NumericPasswordValidator": {},
    }.items()
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/dashboard"
ACCOUNT_ADAPTER = "portal.web.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "add_email": "portal.web.accounts.forms.AddEmailForm",
    "login": "portal.web.accounts.forms.LoginForm",
    "signup": "portal.web.accounts.forms.SignupForm",
    "reset_password": "portal.web.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "portal.web.accounts.forms.PasswordByMailForm",
    "change_password": "portal.web.accounts.forms.ChangePasswordForm",
    "set_password": "portal.web.accounts.forms.SetPasswordForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# Nobody signs in with an address they haven't proven: memberships are given by e-mail.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
"""In the browser that signed up; in any other the person signs in."""
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300

# Identity providers
SOCIALACCOUNT_ADAPTER = "portal.web.oidc.adapter.SocialAccountAdapter"
SOCIALACCOUNT_FORMS = {
    "signup": "portal.web.accounts.forms.SocialSignupForm",
    "disconnect": "portal.web.accounts.forms.DisconnectForm",
}

# Second factors
MFA_ADAPTER = "portal.web.mfa.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# Else nobody with a second factor could change their address; nobody signs in with one unproven anyway.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
# A phone's clock may be off by half a minute; each code is accepted once all the same.
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "portal.web.mfa.SignInCodeForm",
    "reauthenticate": "portal.web.mfa.ConfirmCodeForm",
    "activate_totp": "portal.web.mfa.EnrolAppForm",
    "login_webauthn": "portal.web.passkeys.SignInPasskeyForm",
    "authenticate_webauthn": "portal.web.passkeys.SecondPasskeyForm",
    "reauthenticate_webauthn": "portal.web.passkeys.ConfirmPasskeyForm",
    "add_webauthn": "portal.web.passkeys.AddPasskeyForm",
    "edit_webauthn": "portal.web.passkeys.RenamePasskeyForm",
}
