import { setTimeout as sleep } from "node:timers/promises";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import type { Bytes } from "./range.ts";

/** Scrapes that go on until they are stopped. */
export interface MetricWatch {
  /** @returns every decrease that was seen */
  stop(): Promise<readonly string[]>;
}

const SCRAPE_EVERY_MS = 200;

/** Scrapes `veil_traffic_bytes_total` of every collector: a figure once shown is never undercut, also by a new process. */
export function watchMetric({ collectors }: FaultTestbed): MetricWatch {
  const decreases: string[] = [];
  let stopped = false;
  const watching = collectors.map(async ({ opsUrl }) => {
    let last: Bytes | null = null;
    while (!stopped) {
      const shown = await scrapeTraffic(opsUrl);
      if (shown !== null && last !== null && (shown.upload < last.upload || shown.download < last.download)) {
        decreases.push(`the metric fell from ${JSON.stringify(last)} to ${JSON.stringify(shown)}`);
      }
      last = shown ?? last;
      await sleep(SCRAPE_EVERY_MS);
    }
  });
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(watching);
      return decreases;
    },
  };
}

/** The bytes that a collector shows; null while it can't be scraped or shows nothing yet. */
export async function scrapeTraffic(opsUrl: string): Promise<Bytes | null> {
  try {
    const text = await (await fetch(`${opsUrl}/metrics`, { signal: AbortSignal.timeout(2_000) })).text();
    const value = (direction: string) =>
      new RegExp(`^veil_traffic_bytes_total\\{[^}]*direction="${direction}"[^}]*\\} (\\S+)$`, "m").exec(text)?.[1];
    const [upload, download] = [value("upload"), value("download")];
    return upload === undefined || download === undefined
      ? null
      : { upload: Number(upload), download: Number(download) };
  } catch {
    return null;
  }
}
