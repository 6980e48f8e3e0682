"""Client of the Veil Xray API."""

from .client import veil_client
from .generated.client import AuthenticatedClient
from .webhooks import WebhookVerificationError, verify_webhook

__all__ = ["AuthenticatedClient", "WebhookVerificationError", "veil_client", "verify_webhook"]
