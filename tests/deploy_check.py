"""``manage.py check --deploy`` as a production host would run it."""

import os
import subprocess
import sys

ENVIRON = {
    "PATH": os.environ["PATH"],
    "PORTAL_BASE_URL": "https://portal.example.com",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ!?",
    "PORTAL_SEALING_KEYS": "another-secret-of-enough-length-for-sealing",
    "DATABASE_URL": "postgres://portal@127.0.0.1/portal",
    "EMAIL_URL": "smtp+tls://user:password@mail.example.com:587",
}

if __name__ == "__main__":
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    sys.exit(subprocess.call(command, env=ENVIRON))
