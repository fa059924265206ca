"""The WSGI application: published documents first, everything else through Django."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")

from django.core.wsgi import get_wsgi_application

from portal.config.chunked import ChunkedBodies
from portal.published.application import Published

application = Published(ChunkedBodies(get_wsgi_application()))
