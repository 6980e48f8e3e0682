import { readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { isPublicAddress } from "@veil/webhooks";
import { PRIVATE_DESTINATIONS } from "@veil/xray-config";
import { expect, it, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";

/** Networks of which nothing may be reached from where VPN users or webhooks lead, as text. */
type Networks = readonly string[];

const egress = z.object({
  spec: z.object({
    egress: z.array(
      z.object({
        to: z
          .array(z.object({ ipBlock: z.object({ cidr: z.string(), except: z.array(z.string()) }).optional() }))
          .optional(),
      }),
    ),
  }),
});

/** What a policy leaves out of the Internet, and all IPv6 but the one network that it names. */
function leftOutBy(path: string): Networks {
  const documents = parseAllDocuments(readFileSync(path, "utf8")).map((document): unknown => document.toJS());
  const blocks = documents
    .flatMap((document) => egress.safeParse(document).data?.spec.egress ?? [])
    .flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => ipBlock ?? []));
  const wide = blocks.filter(({ cidr }) => ["0.0.0.0/0", "2000::/3"].includes(cidr));
  expect(wide.map(({ cidr }) => cidr)).toEqual(["0.0.0.0/0", "2000::/3"]);
  return [...wide.flatMap(({ except }) => except), "::/3", "4000::/2", "8000::/1"];
}

function deniedByUnit(path: string): Networks {
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => /^IPAddressDeny=(.*)$/.exec(line)?.[1]?.split(" ") ?? []);
}

const guards: readonly (readonly [string, () => Networks])[] = [
  ["the routing rules of Xray", () => PRIVATE_DESTINATIONS],
  ["the policy of webhooks", () => leftOutBy("k8s/base/network-policies.yaml")],
  ["the policy of Xray", () => leftOutBy("k8s/components/xray/xray.yaml")],
  ["the unit of Xray", () => deniedByUnit("deploy/systemd/veil-xray.service")],
];

/** One address of each network, and the ones that clouds give to what is theirs. */
const samples = [
  ...PRIVATE_DESTINATIONS.map((network) => network.replace(/\/\d+$/, "")),
  ...["100.100.100.200", "168.63.129.16", "169.254.169.254", "255.255.255.255"],
  ...["::1", "64:ff9b:1::1", "100::1", "5f00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1"],
];

test("what Xray's rules shut is no target of webhooks", () => {
  expect(samples.filter(isPublicAddress)).toEqual([]);
});

it.each(guards)("%s shut what is private to webhooks", (_name, networks) => {
  const shut = new BlockList();
  for (const network of networks()) {
    const [address = "", bits] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    shut.addSubnet(address, Number(bits), family);
  }
  const open = samples.filter((address) => !shut.check(address, isIP(address) === 6 ? "ipv6" : "ipv4"));
  expect(open).toEqual([]);
});
