import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { startVpnClient } from "../../support/vpn-client.ts";
import type { Findings } from "../report/findings.ts";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import type { FleetNode } from "./fleet-node.ts";
import type { MovedKey } from "./group-movers.ts";

const listedKeys = z.object({
  keys: z.array(z.object({ key_id: z.number(), uuid: z.string(), status: z.string(), groups: z.array(z.string()) })),
});
type ListedKeys = z.infer<typeof listedKeys>["keys"];
const linkList = z.object({ links: z.array(z.object({ node: z.string(), link: z.string() })) });

const QUIET_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 500;
const MOST_KEYS = 1_000;
const BODY_BYTES = 100_000;
const SILENT_FOR_MS = 5_000;
/** More clients at once would take the processor from the system. */
const CLIENTS_AT_ONCE = 4;

/** Waits until every inbound of every node holds exactly the keys of its groups, and compares them with the answers. */
export async function checkGroups(
  testbed: FaultTestbed,
  nodes: readonly FleetNode[],
  keys: readonly MovedKey[],
  findings: Findings,
): Promise<void> {
  const { listed, faults } = await becomeAgreed(testbed, nodes);
  findings.enter("agree", faults.slice(0, 10));
  const groupsOf = new Map(listed.map(({ key_id, groups }) => [key_id, groups]));
  const ofAnswers = keys.map(({ keyId, groups, isGone }) => ({ keyId, said: isGone ? [] : groups }));
  const wrong = ofAnswers.filter(({ keyId, said }) => !isSameList(groupsOf.get(keyId) ?? [], said));
  findings.enter(
    "answered",
    wrong.map(
      ({ keyId, said }) => `key ${keyId} is of ${String(groupsOf.get(keyId))}, and was answered as of ${String(said)}`,
    ),
  );
}

async function becomeAgreed(
  testbed: FaultTestbed,
  nodes: readonly FleetNode[],
): Promise<{ readonly listed: ListedKeys; readonly faults: readonly string[] }> {
  const begun = performance.now();
  while (true) {
    const listed = await listKeys(testbed);
    const faults = (await Promise.all(nodes.map((node) => faultsOf(node, listed)))).flat();
    if (faults.length === 0 || performance.now() - begun > QUIET_WITHIN_MS) return { listed, faults };
    await sleep(LOOK_EVERY_MS);
  }
}

async function listKeys({ client }: FaultTestbed): Promise<ListedKeys> {
  const { keys } = listedKeys.parse(await client.write("GET", `/api/keys?limit=${MOST_KEYS}`, undefined, "a read"));
  if (keys.length === MOST_KEYS) throw new Error("more keys than one page shows");
  return keys;
}

async function faultsOf({ name, groups, inbounds }: FleetNode, listed: ListedKeys): Promise<string[]> {
  const wanted = listed.filter((key) => key.groups.some((group) => groups.includes(group)));
  const emails = new Set(wanted.map(({ key_id }) => `${key_id}@veil`));
  const held = await Promise.all(inbounds.map((inbound) => inbound.listUsers().catch(() => null)));
  return held.flatMap((users, index) => {
    const place = `inbound ${index} of node ${name}`;
    if (users === null) return [`${place} can't be read`];
    const found = new Set(users.map(({ email }) => email).filter((email) => email.endsWith("@veil")));
    const lacking = [...emails].filter((email) => !found.has(email)).length;
    const orphans = [...found].filter((email) => !emails.has(email)).length;
    return lacking + orphans === 0 ? [] : [`${place} lacks ${lacking} keys and has ${orphans} orphans`];
  });
}

/** Real clients dial each link of each key: every inbound of every node of its groups, and carry bytes. */
export async function checkLinks(
  testbed: FaultTestbed,
  nodes: readonly FleetNode[],
  keys: readonly MovedKey[],
  findings: Findings,
): Promise<void> {
  const dials: { readonly where: string; readonly link: string }[] = [];
  for (const { keyId, groups } of keys) {
    const { links } = linkList.parse(
      await testbed.client.write("GET", `/api/keys/${keyId}/links`, undefined, "a read"),
    );
    const wanted = nodes.filter((node) => node.groups.some((group) => groups.includes(group)));
    const expected = wanted.reduce((sum, { inbounds }) => sum + inbounds.length, 0);
    findings.enter(
      "answered",
      links.length === expected ? [] : [`key ${keyId} has ${links.length} of ${expected} links`],
    );
    dials.push(...links.map(({ node, link }, index) => ({ where: `link ${index} of key ${keyId} to ${node}`, link })));
  }
  const waiting = dials.values();
  const dialing = Array.from({ length: CLIENTS_AT_ONCE }, async () => {
    for (const { where, link } of waiting) {
      const moved = await download(testbed, link);
      testbed.tally.bytes += moved;
      findings.enter("connects", moved === BODY_BYTES ? [] : [`${where} carried ${moved} of ${BODY_BYTES} bytes`]);
    }
  });
  await Promise.all(dialing);
}

async function download(testbed: FaultTestbed, link: string): Promise<number> {
  const client = await startVpnClient(testbed.xrayBinary, link);
  try {
    return await client.download(testbed.bytes.downloadUrl(BODY_BYTES), SILENT_FOR_MS).catch(() => 0);
  } finally {
    await client.stop();
  }
}

/**
 * The ledger must hold of keys that nothing moves through at the moment what the processes have counted in all their
 * lives.
 */
export async function checkLedger(
  testbed: FaultTestbed,
  nodes: readonly FleetNode[],
  keys: readonly MovedKey[],
  findings: Findings,
): Promise<void> {
  await testbed.client.sync();
  for (const { keyId } of keys) {
    const counted = await Promise.all(nodes.map((node) => node.counted(keyId)));
    const expected = counted.reduce((sum, bytes) => sum + bytes, 0);
    const { total } = await testbed.client.traffic(keyId);
    findings.enter("traffic", total === expected ? [] : [`key ${keyId} has ${total} bytes of ${expected} counted`]);
  }
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return JSON.stringify(one.toSorted()) === JSON.stringify(other.toSorted());
}
