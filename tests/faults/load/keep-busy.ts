import { setTimeout as sleep } from "node:timers/promises";
import type { KeyBook } from "./key-book.ts";
import type { Random } from "./random.ts";

/** Requests that go on until they are stopped. */
export interface Load {
  /** Resolves when the last answer is there. */
  stop(): Promise<void>;
}

const PAUSE_MS = 20;
const PAUSE_AFTER_FAILURE_MS = 250;
/** Deletions begin above so many keys, so that there is always something to lose. */
const KEYS_TO_KEEP = 20;

/** Creates and deletes keys from several callers at once; now and then two of them delete the same one. */
export function keepBusy(book: KeyBook, random: Random, callers: number): Load {
  let stopped = false;
  const calling = Array.from({ length: callers }, async () => {
    while (!stopped) {
      const isFine = await oneRequest(book, random);
      await sleep(isFine ? PAUSE_MS : PAUSE_AFTER_FAILURE_MS);
    }
  });
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(calling);
    },
  };
}

async function oneRequest(book: KeyBook, random: Random): Promise<boolean> {
  const { untouched } = book;
  if (untouched.length <= KEYS_TO_KEEP || random.next() < 0.5) {
    return (await book.create()).creation.outcome.kind === "answered";
  }
  const { name } = random.pick(untouched);
  const deleters = random.next() < 0.2 ? 2 : 1;
  const asked = await Promise.all(Array.from({ length: deleters }, () => book.delete(name)));
  return asked.every((one) => one?.outcome.kind !== "unanswered");
}
