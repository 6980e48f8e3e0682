import { setTimeout as sleep } from "node:timers/promises";
import { keyIdOfEmail } from "@veil/protocols";
import { afterAll, beforeAll } from "vitest";
import { checkAnswers } from "./invariants/check-answers.ts";
import { checkConnections } from "./invariants/check-connections.ts";
import { checkKeys } from "./invariants/check-keys.ts";
import { becomeQuiet, waitUntilQuiet } from "./invariants/wait-until-quiet.ts";
import type { KeyBook } from "./load/key-book.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import { newBook, WRITE_DEADLINE_MS } from "./rounds/key-round.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";

let testbed: FaultTestbed;

beforeAll(async () => {
  testbed = await startFaultTestbed({ workers: 2 });
  await becomeQuiet(testbed);
});

afterAll(() => testbed.stop());

const KEYS = 6;
/** More than are cleared away without a question. */
const MANY_KEYS = 60;
/** Reconciliations come every five seconds. */
const THREE_PASSES_MS = 15_000;
/** Far above any id that a test makes. */
const DAMAGED_ID = 900_000;

faultTest(
  "records that cannot be read stand in MongoDB while Xray restarts",
  () => testbed.tally,
  async (run) => {
    const book = newBook(testbed);
    await book.createMany(KEYS);
    await damage();
    await testbed.node.process.restart();
    await untilNodeHolds(book);
    await Promise.all([book.createMany(KEYS), ...book.untouched.slice(0, 2).map(({ name }) => book.delete(name))]);
    const keyId = book.keyIdOf(book.untouched[0]?.name ?? "") ?? 0;
    const { caller } = book;
    await caller.sync();
    for (const read of [caller.list, caller.get, caller.link, caller.traffic]) await read(keyId);
    await repair();
    run.rounds += 1;
    run.findings.enter(
      "reads",
      caller.asked.flatMap(({ what, outcome }) => (outcome.kind === "answered" ? [] : [`${what} was ${outcome.kind}`])),
    );
    await checkAll(book, run);
  },
);

faultTest(
  "the records of all keys vanish from MongoDB and come back",
  () => testbed.tally,
  async (run) => {
    const book = newBook(testbed);
    await book.createMany(MANY_KEYS);
    await waitUntilQuiet(testbed);
    const putBack = await emptyDatabase();
    await sleep(THREE_PASSES_MS);
    const held = await usersOfNode();
    const lost = book.stories.map(({ name }) => book.keyIdOf(name) ?? 0).filter((keyId) => !held.has(keyId));
    run.findings.enter("braked", [
      ...lost.map((keyId) => `the node has lost key ${keyId}`),
      ...((await isBraked()) ? [] : ["no worker shows veil_reconcile_brake"]),
    ]);
    await putBack();
    run.rounds += 1;
    await checkAll(book, run);
    await sleep(THREE_PASSES_MS);
    run.findings.enter("braked", (await isBraked()) ? ["a worker still shows veil_reconcile_brake"] : []);
  },
);

/** Empties the database, as a wrong address or a restored backup would. @returns puts everything back */
async function emptyDatabase(): Promise<() => Promise<void>> {
  const emptied = ["creations", "keys"].map((name) => testbed.mongo.connection.collection(name));
  const documents = await Promise.all(emptied.map((collection) => collection.find().toArray()));
  for (const collection of emptied) await collection.deleteMany({});
  return async () => {
    for (const [index, collection] of emptied.entries()) await collection.insertMany(documents[index] ?? []);
  };
}

/** As an operator's slip or a version far ahead might leave them. */
async function damage(): Promise<void> {
  for (const collection of ["keys", "creations", "traffic", "usage"]) {
    await testbed.mongo.connection.collection<{ _id: string }>(collection).insertOne({
      _id: String(DAMAGED_ID),
      ...{ key_id: DAMAGED_ID, uuid: 7, name: [], phase: 1, log: "none", decided: false, deadline: "soon" },
    });
  }
}

async function repair(): Promise<void> {
  for (const collection of ["keys", "creations", "traffic", "usage"]) {
    await testbed.mongo.connection.collection<{ _id: string }>(collection).deleteOne({ _id: String(DAMAGED_ID) });
  }
}

/** The API's list can't be compared with the damaged record, so the node is asked alone. */
async function untilNodeHolds(book: KeyBook): Promise<void> {
  const wanted = book.untouched.map(({ name }) => book.keyIdOf(name) ?? 0);
  const until = performance.now() + THREE_PASSES_MS;
  while (performance.now() < until) {
    const held = await usersOfNode().catch(() => new Set<number | null>());
    if (wanted.every((keyId) => held.has(keyId))) return;
    await sleep(200);
  }
}

async function usersOfNode(): Promise<ReadonlySet<number | null>> {
  const node = testbed.xray.get(testbed.node.name);
  return new Set(((await node?.listUsers()) ?? []).map(({ email }) => keyIdOfEmail(email)));
}

async function isBraked(): Promise<boolean> {
  const pages = await Promise.all(testbed.workers.map(async ({ opsUrl }) => (await fetch(`${opsUrl}/metrics`)).text()));
  return pages.some((page) => /^veil_reconcile_brake\{[^}]*\} 1$/m.test(page));
}

async function checkAll(book: KeyBook, run: FaultRun): Promise<void> {
  checkAnswers(book.caller.asked, { withinMs: WRITE_DEADLINE_MS, mayStayUnanswered: false }, run.findings);
  await checkKeys(testbed, book.stories, run.findings);
  await checkConnections(testbed, book.stories, run.findings);
}
