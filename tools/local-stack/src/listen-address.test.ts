import { expect, it } from "vitest";
import { listenAddress } from "./listen-address.ts";

it.each([
  ["127.0.0.1", "127.0.0.1"],
  ["localhost", "127.0.0.1"],
  ["LOCALHOST", "127.0.0.1"],
  ["[::1]", "::1"],
  ["vpn.example.com", "0.0.0.0"],
])("with the domain %s Xray listens on %s", (domain, address) => expect(listenAddress(domain)).toBe(address));
