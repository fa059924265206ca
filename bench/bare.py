"""The least a WSGI application can do: the yardstick for the JWKS."""

BODY = b"x" * 914


def application(environ, start_response):  # the bare protocol
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]
