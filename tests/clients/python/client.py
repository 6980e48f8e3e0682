"""Calls the API through the client that openapi-python-client generated, and prints what it saw as JSON."""

import json
import sys

from api import AuthenticatedClient
from api.api.batches import delete_keys
from api.api.jobs import get_job
from api.api.keys import create_key, delete_key, get_key, get_key_link, get_key_links, list_keys
from api.api.traffic import get_key_traffic, reset_key_traffic
from api.models import CreateKey, DeleteKeys

url, token, name, order = sys.argv[1:]
with AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True) as client:
    key = create_key.sync(client=client, body=CreateKey(name=name), idempotency_key=order)
    key_id, uuid = str(key.key_id), str(key.uuid)
    page = list_keys.sync(client=client, limit=1, after=key.key_id - 1)
    later = create_key.sync(client=client, body=CreateKey(), prefer="respond-async")
    saw = {
        "id": key.key_id,
        "name": key.name,
        "uuid": uuid,
        "byId": str(get_key.sync(key_id, client=client).uuid),
        "byUuid": get_key.sync(uuid, client=client).key_id,
        "listed": page.keys[0].key_id,
        "total": page.total,
        "link": get_key_link.sync(uuid, client=client).vless_link,
        "links": len(get_key_links.sync(key_id, client=client).links),
        "traffic": get_key_traffic.sync(uuid, client=client, refresh=False).total,
        "reset": reset_key_traffic.sync(key_id, client=client).previous_total,
        "job": get_job.sync(later.job_id, client=client).job_id == later.job_id,
        "deleted": delete_key.sync(uuid, client=client).message,
    }
    batch = delete_keys.sync(client=client, body=DeleteKeys(key_ids=[key.key_id, key.uuid]))
    saw["failed"] = batch.failed
    saw["item"] = batch.results[1].detail
    saw["missing"] = get_key.sync(key_id, client=client).detail
print(json.dumps(saw))
