"""A bot and its receiver of webhooks, with the published client; prints what it saw as JSON."""

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from veil_xray_api import WebhookVerificationError, veil_client, verify_webhook
from veil_xray_api.generated.api.keys import create_key, delete_key, get_key, list_keys
from veil_xray_api.generated.api.webhooks import create_webhook, delete_webhook
from veil_xray_api.generated.models import CreateKey, WebhookToCreate

url, flaky_url, token, name = sys.argv[1:]
secret = ""
events = {}
arrived = threading.Condition()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = verify_webhook(body, self.headers, secret)
        except WebhookVerificationError:
            self.send_response(401)
        else:
            with arrived:
                events.setdefault(event["data"]["key"]["key_id"], []).append(event["type"])
                arrived.notify_all()
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def status_of_forged(timestamp, signature):
    headers = {"webhook-id": "e", "webhook-timestamp": timestamp, "webhook-signature": signature, "content-type": "application/json"}
    try:
        return urllib.request.urlopen(urllib.request.Request(hook, b'{"type":"key.created"}', headers)).status
    except urllib.error.HTTPError as error:
        return error.code


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
hook = f"http://127.0.0.1:{server.server_port}/hook"

with veil_client(url, token) as veil, veil_client(flaky_url, token) as flaky:
    webhook = create_webhook.sync(client=veil, body=WebhookToCreate(url=hook, types=["key.*"]))
    secret = webhook.secret
    key = create_key.sync(client=flaky, body=CreateKey(name=name))
    key_id = str(key.key_id)
    now = str(int(time.time()))
    saw = {
        "made": list_keys.sync(client=flaky, name=name).total,
        "forged": max(status_of_forged(*one) for one in (("1", "v1,AAAA"), (now, "v1,AAAA"), (now, "AAAA"))),
        "deleted": delete_key.sync(key_id, client=flaky, idempotency_key=f"delete-{name}").success,
        "missing": get_key.sync(key_id, client=veil).detail == f"Key with id {key_id} not found",
    }
    with arrived:
        arrived.wait_for(lambda: len(events.get(key.key_id, [])) == 2, timeout=30)
    saw["events"] = events.get(key.key_id)
    delete_webhook.sync(webhook.id, client=veil)
print(json.dumps(saw))
