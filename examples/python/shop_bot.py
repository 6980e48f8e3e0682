"""A shop's bot without its chat: sells keys, one or many, shows what they used, and closes them.

VEIL_API_URL=http://127.0.0.1:8000 VEIL_API_KEY=… python shop_bot.py sell ORDER NAME
… shop_bot.py bulk ORDER COUNT | usage | close KEY_ID…
… shop_bot.py trial CUSTOMER | buy CUSTOMER DAYS GIGABYTES | renew CUSTOMER DAYS ORDER | upgrade CUSTOMER GIGABYTES
… shop_bot.py qr CUSTOMER FILE | ban CUSTOMER | lost CUSTOMER | refund CUSTOMER
"""

import os
import sys
import time

from veil_api import VeilApi

# As the page and the apps count it: with 10**9 a customer who bought 100 GB would see 93.1 GB.
GIGABYTE = 2**30
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


def show(key):
    end = "no end" if key["expires_at"] is None else time.strftime("%Y-%m-%d", time.gmtime(key["expires_at"]))
    limit = "no limit" if key["traffic_limit"] is None else f"{key['traffic_limit'] / GIGABYTE:g} GB"
    print(f"Key {key['key_id']}: {key['status']}, {end}, {limit}, {key['subscription_url']}")


def trial(customer):
    """A day that begins with the first byte, a week from now at the latest."""
    until = int(time.time()) + 7 * 86400
    terms = {"hold_for": 86400, "hold_until": until, "traffic_limit": GIGABYTE, "tag": "trial"}
    show(api.put_key(customer, terms))


def buy(customer, days, gigabytes):
    expires_at = int(time.time()) + int(days) * 86400
    terms = {"hold_for": None, "hold_until": None, "expires_at": expires_at, "tag": "paid"}
    show(api.put_key(customer, {**terms, "traffic_limit": int(gigabytes) * GIGABYTE}))


def renew(customer, days, order):
    show(api.extend_key(api.find(customer)["key_id"], int(days), order))


def upgrade(customer, gigabytes):
    change = {"traffic_limit": int(gigabytes) * GIGABYTE, "reset_traffic": True}
    show(api.change_key(api.find(customer)["key_id"], change))


def qr(customer, file):
    """What a bot sends beside `subscription_url`: a picture that the customer's app reads with the camera."""
    with open(file, "wb") as picture:
        picture.write(api.qr(api.find(customer)["key_id"]))


def ban(customer):
    show(api.change_key(api.find(customer)["key_id"], {"enabled": False}))


def lost(customer):
    show(api.revoke_key(api.find(customer)["key_id"]))


def refund(customer):
    print(api.forget(customer)["message"])


COMMANDS = {
    **{"sell": sell, "bulk": bulk, "usage": usage, "close": close},
    **{"trial": trial, "buy": buy, "renew": renew, "upgrade": upgrade, "qr": qr, "ban": ban},
    **{"lost": lost, "refund": refund},
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit("say one of: " + ", ".join(COMMANDS))
    COMMANDS[sys.argv[1]](*sys.argv[2:])
