"""The generated client, with retries and idempotency keys."""

import uuid

import httpx
from httpx_retries import Retry, RetryTransport

from .generated.client import AuthenticatedClient

_READS = ("GET", "HEAD")


def veil_client(url: str, token: str, *, attempts: int = 6, timeout: float = 30.0) -> AuthenticatedClient:
    """A client of one installation, for the functions of ``veil_xray_api.generated.api``, both ``sync`` and ``asyncio``.

    Every write has an ``Idempotency-Key``, one of its own where you give none, and what may work later (no answer, 429, 500,
    503) is tried again with it, as late as the API asks.

    :param url: of the API, such as ``https://bot.example.com``
    :param token: an API token or secret
    :param timeout: seconds that one attempt may take; the API takes less for any answer
    """
    retry = Retry(
        total=attempts - 1,
        allowed_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        status_forcelist=[429, 500, 503],
        backoff_factor=0.5,
        max_backoff_wait=30.0,
    )
    return AuthenticatedClient(
        base_url=url,
        token=token,
        timeout=httpx.Timeout(timeout),
        httpx_args={"transport": _IdempotentTransport(retry=retry)},
    )


class _IdempotentTransport(RetryTransport):
    """Names a write once, before its first attempt."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        _name_write(request)
        return super().handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _name_write(request)
        return await super().handle_async_request(request)


def _name_write(request: httpx.Request) -> None:
    if request.method not in _READS:
        request.headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
