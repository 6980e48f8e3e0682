"""A shop's bot without its chat: sells keys, one or many, shows what they used, and closes them.

VEIL_API_URL=http://127.0.0.1:8000 VEIL_API_KEY=… python shop_bot.py sell ORDER NAME
… shop_bot.py bulk ORDER COUNT | usage | close KEY_ID…
"""

import os
import sys

from veil_api import VeilApi

api = VeilApi(os.environ.get("VEIL_API_URL", "http://127.0.0.1:8000"), os.environ.get("VEIL_API_KEY", ""))


def sell(order, name):
    key_id = api.create_key(name, order)["key_id"]
    print(f"Key {key_id}: {api.link(key_id)}")


def bulk(order, count):
    answer = api.create_keys([f"{order}-{index + 1}" for index in range(int(count))], order)
    print(f"Made {answer['succeeded']} keys, {answer['failed']} failed")
    for result in answer["results"]:
        if result["status"] == "error":
            print(result["detail"])


def usage():
    for traffic in api.list("traffic"):
        print(f"Key {traffic['key_id']}: {traffic['total']} bytes")


def close(*key_ids):
    answer = api.delete_keys([int(key_id) for key_id in key_ids])
    print(f"Closed {answer['succeeded']} keys, {answer['failed']} were not there")


COMMANDS = {"sell": sell, "bulk": bulk, "usage": usage, "close": close}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit("say one of: " + ", ".join(COMMANDS))
    COMMANDS[sys.argv[1]](*sys.argv[2:])
