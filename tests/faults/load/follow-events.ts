import { setTimeout as sleep } from "node:timers/promises";
import { type ApiClient, type LoggedEvent, loggedEvent } from "../../support/api-client.ts";
import type { Load } from "./keep-busy.ts";

/** Somebody who reads the log as it grows, and goes on where it was when an answer breaks off. */
export interface Follower extends Load {
  readonly name: string;
  /** In the order in which they came. */
  readonly seen: readonly LoggedEvent[];
}

const LOOK_EVERY_MS = 100;
const AGAIN_AFTER_MS = 300;
const READ_AT_ONCE = 50;

/** Reads page by page. */
export function followByPages(client: ApiClient): Follower {
  const seen: LoggedEvent[] = [];
  return follow("a reader of pages", seen, async () => {
    const page = await client.events(seen.at(-1)?.seq ?? 0, READ_AT_ONCE);
    seen.push(...page);
    if (page.length < READ_AT_ONCE) await sleep(LOOK_EVERY_MS);
  });
}

/** Reads the stream, as `EventSource` does. */
export function followByStream(apiUrl: string, apiKey: string): Follower {
  const seen: LoggedEvent[] = [];
  return follow("a reader of the stream", seen, async (signal) => {
    const response = await fetch(`${apiUrl}/api/events`, {
      headers: {
        authorization: `Bearer ${apiKey}`,
        accept: "text/event-stream",
        "last-event-id": String(seen.at(-1)?.seq ?? 0),
      },
      signal,
    });
    if (!response.ok || response.body === null) throw new Error(`answered ${response.status}`);
    let rest = "";
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + text).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) seen.push(loggedEvent.parse(JSON.parse(data)));
      }
    }
  });
}

function follow(name: string, seen: readonly LoggedEvent[], read: (signal: AbortSignal) => Promise<void>): Follower {
  const stopping = new AbortController();
  const reading = (async () => {
    while (!stopping.signal.aborted) await read(stopping.signal).catch(() => sleep(AGAIN_AFTER_MS));
  })();
  return {
    name,
    seen,
    stop: async () => {
      stopping.abort();
      await reading;
    },
  };
}
