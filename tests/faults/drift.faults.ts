import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { userEmail } from "@veil/protocols";
import type { XrayNode } from "@veil/xray-grpc";
import { afterAll, beforeAll, describe } from "vitest";
import { keepBusy } from "./load/keep-busy.ts";
import { Random } from "./load/random.ts";
import { INBOUND_TAG } from "@veil/engines";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";
import { checkConnections } from "./invariants/check-connections.ts";
import { checkKeys } from "./invariants/check-keys.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { faultTest } from "./report/fault-test.ts";
import { newBook } from "./rounds/key-round.ts";

let testbed: FaultTestbed;
let node: XrayNode;

beforeAll(async () => {
  testbed = await startFaultTestbed({ workers: 3 });
  await becomeQuiet(testbed);
  const direct = testbed.xray.get(testbed.node.name);
  if (direct === undefined) throw new Error("the node is not connected");
  node = direct;
});

afterAll(() => testbed.stop());

const KEYS = 30;
const TOUCHED = 5;
/** Within so long a node is listed although the number of its users is right. */
const LISTED_WITHIN_MS = 10 * 60_000;
/** Far above any key id that a test makes. */
const FIRST_ORPHAN = 900_000;

interface Meddling {
  readonly name: string;
  readonly meddle: (keyIds: readonly number[]) => Promise<void>;
  /** Whether the node holds as many users as before, so that no count shows it. */
  readonly isCountKept?: boolean;
}

/** Somebody changes the users of a node past the API. */
const meddlings: readonly Meddling[] = [
  {
    name: "users are removed behind our back",
    meddle: (keyIds: readonly number[]) => each(keyIds, (keyId) => node.removeUser(userEmail(keyId))),
  },
  {
    name: "orphans with names of ours appear",
    meddle: (keyIds: readonly number[]) => each(keyIds, (_, index) => addUser(FIRST_ORPHAN + index, randomUUID())),
  },
  {
    name: "users get another uuid",
    isCountKept: true,
    meddle: (keyIds: readonly number[]) =>
      each(keyIds, async (keyId) => {
        await node.removeUser(userEmail(keyId));
        await addUser(keyId, randomUUID());
      }),
  },
  {
    name: "the inbound is removed",
    meddle: async () => {
      await node.removeInbound();
    },
  },
];

describe(`node ${INBOUND_TAG}`, () => {
  for (const { name, meddle, isCountKept = false } of meddlings) {
    faultTest(
      name,
      () => testbed.tally,
      async (run) => {
        const book = newBook(testbed);
        await book.createMany(KEYS);
        const random = new Random(run.rounds);
        const load = keepBusy(book, random, 4);
        await sleep(500);
        const keyIds = book.untouched.slice(0, TOUCHED).map((story) => book.keyIdOf(story.name) ?? 0);
        const before = await usersOf(keyIds);
        await meddle(keyIds);
        await sleep(1_000);
        await load.stop();
        if (isCountKept) await untilPutRight(keyIds, before);
        run.rounds += 1;
        await checkKeys(testbed, book.stories, run.findings);
        await checkConnections(testbed, book.stories, run.findings);
      },
      isCountKept ? 2 * LISTED_WITHIN_MS : undefined,
    );
  }
});

async function each(keyIds: readonly number[], act: (keyId: number, index: number) => Promise<unknown>): Promise<void> {
  for (const [index, keyId] of keyIds.entries()) await act(keyId, index);
}

/** Users of some keys as the node holds them, as text. */
async function usersOf(keyIds: readonly number[]): Promise<string> {
  const emails = new Set(keyIds.map(userEmail));
  const users = (await node.listUsers()).filter(({ email }) => emails.has(email));
  return JSON.stringify(users.toSorted((a, b) => (a.email < b.email ? -1 : 1)));
}

/** Waits for the next listing; what is wrong after that is for the checks to say. */
async function untilPutRight(keyIds: readonly number[], before: string): Promise<void> {
  const giveUpAt = Date.now() + LISTED_WITHIN_MS;
  while (Date.now() < giveUpAt && (await usersOf(keyIds)) !== before) await sleep(1_000);
}

async function addUser(keyId: number, uuid: string): Promise<void> {
  await node.addUser({ email: userEmail(keyId), account: { protocol: "vless", uuid, flow: "" } });
}
