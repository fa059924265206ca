"""The function that API Gateway calls; ``lambda_function.lambda_handler`` is the name a new function has."""

import logging
import os

from aws_authorizer.authorizer import Authorizer
from aws_authorizer.settings import load_settings

logging.getLogger().setLevel(logging.INFO)

# Kept from invocation to invocation: keys and status lists are fetched once for many.
_authorizer = Authorizer(load_settings(os.environ))


def lambda_handler(event: object, context: object) -> dict[str, object]:
    """Return a policy or a simple response; raises exactly ``Unauthorized`` for 401."""
    return _authorizer.answer(event)
