"""The WSGI application: published documents first, everything else through Django."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")

from django.core.wsgi import get_wsgi_application

from portal.config.chunked import ChunkedBodies

_pages = ChunkedBodies(get_wsgi_application())

# Models can be imported from here on.
from portal.published.application import Published  # noqa: E402
from portal.published.metrics import Metrics  # noqa: E402
from portal.services.access_tokens import may_read_metrics  # noqa: E402
from portal.services.uses import uses  # noqa: E402

uses.flush_regularly()
application = Published(_pages, Metrics(may_read_metrics))
