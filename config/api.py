"""The REST API of the whole project: the pipeline's routes, and what the chats add to them."""

from pipeline.web.api.routes import addresses_of, make_api
from sessions.api import reading

api = make_api({"/sessions": reading.router})

urls = addresses_of(api)
"""For `path("api/v1/", urls)`."""
