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

it("tells links apart by their names, as lists do", () => {
  const connections = [exampleConnection(), exampleConnection({ port: 8443 })];
  const { links } = subscriptionInfo(exampleSubscription({}, { connections }), "omit");
  expect(links.map((link) => decodeURIComponent(new URL(link).hash))).toEqual(["#Anna", "#Anna (2)"]);
});

it("gives no links of a key that can't be used", () => {
  expect(subscriptionInfo(exampleSubscription({ status: "expired" }), "omit")).toMatchObject({
    status: "expired",
    links: [],
  });
});
