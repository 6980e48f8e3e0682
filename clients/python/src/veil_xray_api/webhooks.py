"""What a receiver of webhooks needs."""

import json
from collections.abc import Mapping
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

__all__ = ["WebhookVerificationError", "verify_webhook"]


def verify_webhook(body: bytes, headers: Mapping[str, str], secret: str) -> dict[str, Any]:
    """The event of a delivery, once its signature and its time are verified.

    As it came, so that a receiver also takes what a newer server reports; ``Event.from_dict`` of
    ``veil_xray_api.generated.models`` makes an ``Event`` of it.

    :param body: exactly as it came, not parsed and written again
    :param headers: of the request, their names in any case
    :param secret: ``whsec_…``, as the answer that made the webhook shows it
    :raises WebhookVerificationError: when the signature is wrong, or the timestamp is more than five minutes off: answer 401
    """
    webhook = Webhook(secret)
    try:
        webhook.verify(body, {name.lower(): value for name, value in headers.items()})
    except ValueError as error:
        # The library takes it for granted that a signature has its form, and a body is UTF-8.
        raise WebhookVerificationError("Malformed signature or body") from error
    event: dict[str, Any] = json.loads(body)
    return event
