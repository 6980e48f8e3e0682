import { Caller } from "../load/caller.ts";
import { KeyBook } from "../load/key-book.ts";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import { checkAnswers } from "../invariants/check-answers.ts";
import { createAndLook, deleteAndLook } from "../invariants/check-at-once.ts";
import { checkConnections } from "../invariants/check-connections.ts";
import { checkKeys } from "../invariants/check-keys.ts";
import type { FaultRun } from "../report/fault-test.ts";

const CREATED_AT_ONCE = 6;
const DELETED_AT_ONCE = 3;
export const WRITE_DEADLINE_MS = 10_000;

let books = 0;

/** A book whose names no other one uses. */
export function newBook({ client, tally }: FaultTestbed): KeyBook {
  books += 1;
  return new KeyBook(new Caller(client, tally), `k${books}`);
}

export interface KeyRound {
  readonly testbed: FaultTestbed;
  /** Called once some keys exist, before requests go out; what it returns is awaited after their answers. */
  readonly fault: () => () => Promise<void>;
  /** True when Xray itself is away for a while, so that the node can't be asked what it holds. */
  readonly nodeSuffers: boolean;
  /** True when the API is killed, or Redis and MongoDB are away at once. */
  readonly mayStayUnanswered: boolean;
}

/** Creates and deletes keys beside a fault, then checks all invariants about keys. */
export async function keyRound(round: KeyRound, run: FaultRun): Promise<void> {
  const { testbed, fault, nodeSuffers, mayStayUnanswered } = round;
  const book = newBook(testbed);
  await book.createMany(DELETED_AT_ONCE);
  const ended = fault();
  if (nodeSuffers) await createAndDelete(book);
  else await createAndDeleteLooking(book, testbed, run);
  await ended();
  run.rounds += 1;
  checkAnswers(book.caller.asked, { withinMs: WRITE_DEADLINE_MS, mayStayUnanswered }, run.findings);
  await checkKeys(testbed, book.stories, run.findings);
  await checkConnections(testbed, book.stories, run.findings);
}

/** One of the keys is deleted twice at once. */
function doomedOf(book: KeyBook): { readonly once: readonly string[]; readonly twice: readonly string[] } {
  const names = book.untouched.slice(0, DELETED_AT_ONCE).map(({ name }) => name);
  return { once: names.slice(1), twice: names.slice(0, 1) };
}

async function createAndDelete(book: KeyBook): Promise<void> {
  const { once, twice } = doomedOf(book);
  const deletions = [...once, ...twice, ...twice].map((name) => book.delete(name));
  await Promise.all([book.createMany(CREATED_AT_ONCE), ...deletions]);
}

async function createAndDeleteLooking(book: KeyBook, testbed: FaultTestbed, { findings }: FaultRun): Promise<void> {
  const { once, twice } = doomedOf(book);
  const creations = Array.from({ length: CREATED_AT_ONCE }, () => createAndLook(book, testbed, findings));
  const deletions = [...once, ...twice].map((name) => deleteAndLook(book, name, testbed, findings));
  await Promise.all([...creations, ...deletions, ...twice.map((name) => book.delete(name))]);
}

/** How many requests ended how, for a note. */
export function outcomesOf(asked: KeyBook["caller"]["asked"]): string {
  const count = (kind: string) => asked.filter(({ outcome }) => outcome.kind === kind).length;
  const slowest = Math.max(...asked.map(({ tookMs }) => tookMs));
  return `${count("answered")} answered, ${count("refused")} refused, ${count("unanswered")} unanswered; slowest ${Math.round(slowest)} ms`;
}
