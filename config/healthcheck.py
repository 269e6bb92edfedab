"""`python -m config.healthcheck`: ask this machine's web server whether it is alive; exit code 1 if it does not say so.

For a container's health check, which has no curl and must name a host that the server answers to.
"""

import http.client
import os
import sys

TIMEOUT = 4.0  # seconds


def main() -> int:
    """Return 0 if `/-/alive/` answers 200."""
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".") or "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=TIMEOUT)
    try:
        connection.request("GET", "/-/alive/", headers={"Host": host})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"the web server does not answer: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    return 0 if status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
