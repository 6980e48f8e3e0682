"""The calls of the Veil Xray API with three retries each."""

import time
import uuid
from urllib.parse import quote

import requests

RETRY_DELAYS = (1, 3, 9)
TIMEOUT = 60


class VeilError(Exception):
    """An error answer that another try does not change."""

    def __init__(self, status, detail):
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


class VeilApi:
    """Every write has an Idempotency-Key that its retries share, so a retry never does twice what the first try did."""

    def __init__(self, url, api_key):
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {api_key}"

    def create_key(self, name, order=None):
        """`order` names the sale: a bot that crashes and sells the same order again gets the same key."""
        return self.call("POST", "/api/keys", {"name": name}, f"create-{order or uuid.uuid4()}")

    def create_keys(self, names, order=None):
        """Up to 1000 keys in one call."""
        body = {"keys": [{"name": name} for name in names]}
        return self.call("POST", "/api/keys/batch", body, f"create-{order or uuid.uuid4()}")

    def put_key(self, customer, terms):
        """Makes or renews the key of a customer, who is named by the bot's own id."""
        return self.call("PUT", self.path_of(customer), terms, f"put-{uuid.uuid4()}")

    def find(self, customer):
        return self.call("GET", self.path_of(customer))

    def change_key(self, key_id, change):
        """Changes what is named, such as {"enabled": False}."""
        return self.call("PATCH", f"/api/keys/{key_id}", change, f"change-{uuid.uuid4()}")

    def extend_key(self, key_id, days, order):
        """`order` names the payment: the same one adds once."""
        return self.call("POST", f"/api/keys/{key_id}/extend", {"days": days}, f"extend-{order}")

    def revoke_key(self, key_id):
        """Another link and other credentials, for who lost theirs."""
        body = {"link": True, "credentials": True}
        return self.call("POST", f"/api/keys/{key_id}/revoke", body, f"revoke-{uuid.uuid4()}")

    def forget(self, customer):
        """Deletes a customer's key."""
        return self.call("DELETE", self.path_of(customer), idempotency_key=f"forget-{uuid.uuid4()}")

    @staticmethod
    def path_of(customer):
        return f"/api/keys/by-external-id/{quote(customer, safe='')}"

    def delete_key(self, key_id):
        return self.call("DELETE", f"/api/keys/{key_id}", idempotency_key=f"delete-{key_id}")

    def delete_keys(self, key_ids, order=None):
        body = {"key_ids": list(key_ids)}
        return self.call("POST", "/api/keys/batch-delete", body, f"delete-{order or uuid.uuid4()}")

    def link(self, key_id):
        return self.call("GET", f"/api/keys/{key_id}/link")["vless_link"]

    def qr(self, key_id):
        """The QR code of a key's subscription as a PNG, to be sent as a photo."""
        return self.call("GET", f"/api/keys/{key_id}/qr.png", read=lambda response: response.content)

    def list(self, what="keys", limit=1000):
        """All keys, or their traffic with what="traffic", read page by page."""
        after = 0
        while True:
            page = self.call("GET", f"/api/{what}?limit={limit}&after={after}")[what]
            yield from page
            if len(page) < limit:
                return
            after = page[-1]["key_id"]

    def call(self, method, path, body=None, idempotency_key=None, read=lambda response: response.json()):
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        for delay in (*RETRY_DELAYS, None):
            try:
                response = self.session.request(method, self.url + path, json=body, headers=headers, timeout=TIMEOUT)
                answer = read(response) if response.ok else response.json()
            except (requests.ConnectionError, requests.Timeout, ValueError):
                if delay is None:
                    raise
                time.sleep(delay)
                continue
            if response.ok:
                return answer
            if delay is None or (response.status_code < 500 and response.status_code != 429):
                raise VeilError(response.status_code, answer["detail"])
            time.sleep(max(delay, int(response.headers.get("Retry-After", 0))))
