import { connectionLink } from "@veil/protocols";
import { expect, it } from "vitest";
import { exampleConnection, exampleSubscription } from "../test/example-subscription.ts";
import { subscriptionInfo } from "./subscription-info.ts";

it("tells a program what a subscription is, with its links", () => {
  expect(subscriptionInfo(exampleSubscription({ trafficLimit: null, expiresAt: null }), "omit")).toEqual({
    status: "active",
    upload: 1,
    download: 2,
    traffic_limit: null,
    expires_at: null,
    links: [connectionLink(exampleConnection(), "omit")],
  });
});

it("gives no links of a key that can't be used", () => {
  expect(subscriptionInfo(exampleSubscription({ status: "expired" }), "omit")).toMatchObject({
    status: "expired",
    links: [],
  });
});
