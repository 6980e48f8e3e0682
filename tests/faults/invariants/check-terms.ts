import { keyIdOfEmail } from "@veil/protocols";
import { linkOfNoKey, startKeyProber } from "../../support/key-prober.ts";
import type { BotKey } from "../load/change-terms.ts";
import type { Findings } from "../report/findings.ts";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";

/** The terms that a key is expected to have now. */
export interface ExpectedTerms {
  readonly key: Pick<BotKey, "keyId" | "uuid">;
  readonly status: "active" | "expired" | "disabled";
  /** Null where it does not matter. */
  readonly expiresAt: number | null;
}

const SAMPLED = 8;
const PROBED_BYTES = 1_000;
const CONNECTS_WITHIN_MS = 10_000;
/** A key that is turned away gets no answer; one that works is answered in a small part of this. */
const TURNED_AWAY_AFTER_MS = 2_000;

/** Holds what bots were answered against the API, every node, and real clients. */
export async function checkTerms(
  { client, xray, bytes, xrayBinary, tally }: FaultTestbed,
  expected: readonly ExpectedTerms[],
  findings: Findings,
): Promise<void> {
  const faults: string[] = [];
  for (const { key, status, expiresAt } of expected) {
    const shown = await client.terms(key.keyId);
    if (shown.status !== status) faults.push(`key ${key.keyId} is ${shown.status} and was answered ${status}`);
    if (expiresAt !== null && shown.expires_at !== expiresAt) {
      faults.push(`key ${key.keyId} ends ${Number(shown.expires_at) - expiresAt} s later than was answered`);
    }
  }
  for (const [name, node] of xray) {
    const users = new Set((await node.listUsers()).map(({ email }) => keyIdOfEmail(email)));
    for (const { key, status } of expected) {
      if (users.has(key.keyId) !== (status === "active")) {
        faults.push(`node ${name} ${users.has(key.keyId) ? "has" : "lacks"} key ${key.keyId}, which is ${status}`);
      }
    }
  }
  const active = expected.filter(({ status }) => status === "active").slice(0, SAMPLED);
  const out = expected.filter(({ status }) => status !== "active").slice(0, SAMPLED);
  const [first] = active;
  if (first === undefined) throw new Error("no key is left that should work");
  const link = await client.link(first.key.keyId);
  const linkOf = ({ key }: ExpectedTerms): string => linkOfNoKey(key.uuid, link);
  const prober = await startKeyProber(xrayBinary, [...active, ...out].map(linkOf));
  try {
    const url = bytes.downloadUrl(PROBED_BYTES);
    for (const each of active) {
      if (await prober.connects(linkOf(each), url, CONNECTS_WITHIN_MS)) continue;
      faults.push(`key ${each.key.keyId} is active and does not connect`);
    }
    await Promise.all(
      out.map(async (each) => {
        if (!(await prober.connects(linkOf(each), url, TURNED_AWAY_AFTER_MS))) return;
        faults.push(`key ${each.key.keyId} is ${each.status} and connects`);
      }),
    );
    tally.bytes += active.length * PROBED_BYTES;
  } finally {
    await prober.stop();
  }
  findings.enter("terms", faults);
}
