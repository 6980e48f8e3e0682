import { setTimeout as sleep } from "node:timers/promises";
import type { Asked } from "../load/caller.ts";
import type { KeyBook } from "../load/key-book.ts";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import { checkAnswers } from "../invariants/check-answers.ts";
import { checkConnections } from "../invariants/check-connections.ts";
import { checkKeys } from "../invariants/check-keys.ts";
import { watchLiveness } from "../invariants/watch-liveness.ts";
import type { FaultRun } from "../report/fault-test.ts";
import { newBook, WRITE_DEADLINE_MS } from "./key-round.ts";

export type ReadName = "list" | "get" | "link" | "traffic";

/** A part of the system that is not there for a while, alive or not. */
export interface Outage {
  readonly testbed: FaultTestbed;
  readonly begin: () => Promise<void>;
  readonly end: () => Promise<void>;
  /** Names of the services that can't answer probes meanwhile. */
  readonly away: readonly string[];
  /** The most that a write may take once the outage is known; the write deadline where nobody can know it. */
  readonly writesWithinMs: number;
  /** Reads that do not need the missing part. */
  readonly reads: readonly ReadName[];
  /** True when the rest of the system suffices for writes. */
  readonly writesSucceed?: boolean;
}

const SEEDED_KEYS = 4;
const DELETED_KEYS = 2;
const CREATED_KEYS = 3;
/** All that can know of an outage know by then: time-outs are 2 to 3 s. */
const KNOWN_AFTER_MS = 5_000;
/** A figure of traffic is waited for a second and a half before the stored one is answered. */
const READS_WITHIN_MS = 3_000;

/** Writes as an outage begins, writes and reads while it is known, writes when it is over. */
export async function outageRound({ testbed, begin, end, ...outage }: Outage, run: FaultRun): Promise<void> {
  const [surprised, knowing, afterwards] = [newBook(testbed), newBook(testbed), newBook(testbed)];
  const books = [surprised, knowing, afterwards];
  await Promise.all(books.map((book) => book.createMany(SEEDED_KEYS)));
  const readKey = knowing.keyIdOf(knowing.untouched.at(-1)?.name ?? "") ?? 0;

  await begin();
  const liveness = watchLiveness(testbed, outage.away);
  const surprise = writeSome(surprised);
  await sleep(KNOWN_AFTER_MS);
  const writing = writeSome(knowing);
  const reads = newBook(testbed).caller;
  const answers = await Promise.all(outage.reads.map((name) => reads[name](readKey)));
  await Promise.all([surprise, writing]);
  run.findings.enter("reads", answers.flatMap(readFaults));
  if (outage.writesSucceed) {
    run.findings.enter("answered", [...surprised.caller.asked, ...knowing.caller.asked].flatMap(refusals));
  }
  run.findings.enter("deadline", await liveness.stop());
  await end();
  await writeSome(afterwards);

  run.rounds += 1;
  run.notes.push(`slowest write when surprised ${slowest(surprised)} ms, when known ${slowest(knowing)} ms`);
  const mayStayUnanswered = false;
  for (const book of [surprised, afterwards]) {
    checkAnswers(book.caller.asked, { withinMs: WRITE_DEADLINE_MS, mayStayUnanswered }, run.findings);
  }
  checkAnswers(knowing.caller.asked, { withinMs: outage.writesWithinMs, mayStayUnanswered }, run.findings);
  const stories = books.flatMap((book) => book.stories);
  await checkKeys(testbed, stories, run.findings);
  await checkConnections(testbed, stories, run.findings);
}

async function writeSome(book: KeyBook): Promise<void> {
  const doomed = book.untouched.slice(0, DELETED_KEYS);
  await Promise.all([book.createMany(CREATED_KEYS), ...doomed.map(({ name }) => book.delete(name))]);
}

function readFaults({ what, outcome, tookMs }: Asked<unknown>): string[] {
  if (outcome.kind === "refused") return [`${what} was answered ${outcome.detail}`];
  if (outcome.kind === "unanswered") return [`${what} was not answered: ${outcome.reason}`];
  return tookMs > READS_WITHIN_MS ? [`${what} took ${Math.round(tookMs)} ms`] : [];
}

function refusals({ what, outcome }: Asked<unknown>): string[] {
  return outcome.kind === "answered" ? [] : [`${what} was ${outcome.kind}`];
}

function slowest({ caller }: KeyBook): number {
  return Math.round(Math.max(...caller.asked.map(({ tookMs }) => tookMs)));
}
