import { setTimeout as sleep } from "node:timers/promises";
import type { Caller } from "../load/caller.ts";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import type { Findings } from "../report/findings.ts";
import { CounterTruth } from "./counter-truth.ts";
import { type Counters, readStillCounters } from "./counters.ts";
import type { MeteredKey } from "./metered-keys.ts";
import { type Bytes, isWithin, noBytes, type Range, textOf } from "./range.ts";
import { scrapeTraffic } from "./watch-metric.ts";

const SYNC_WITHIN_MS = 30_000;
const METRIC_WITHIN_MS = 10_000;
const ASK_AGAIN_MS = 200;

/** Holds what the API and the metric say of traffic against Xray's own counters. */
export class TrafficAccount {
  readonly #testbed: FaultTestbed;
  readonly #caller: Caller;
  readonly #keys: ReadonlyMap<number, CounterTruth>;
  readonly #inbound = new CounterTruth();

  constructor(testbed: FaultTestbed, caller: Caller, keys: readonly MeteredKey[]) {
    this.#testbed = testbed;
    this.#caller = caller;
    this.#keys = new Map(keys.map(({ keyId }) => [keyId, new CounterTruth()]));
  }

  /** Asks for a sync until one is answered without errors, and remembers what it has surely read. */
  async sync(): Promise<Counters> {
    const giveUpAt = performance.now() + SYNC_WITHIN_MS;
    while (true) {
      const counters = await this.#read();
      const { outcome } = await this.#caller.sync();
      if (outcome.kind === "answered" && outcome.value.errors === 0) {
        for (const [keyId, truth] of this.#keys) truth.synced(counters.keys.get(keyId) ?? noBytes);
        this.#inbound.synced(counters.inbound);
        return counters;
      }
      if (performance.now() > giveUpAt) throw new Error(`no sync came to a good end: ${JSON.stringify(outcome)}`);
      await sleep(ASK_AGAIN_MS);
    }
  }

  /** Kills Xray while nothing moves, so that it is known to the byte what it had counted. */
  async killXray(): Promise<void> {
    const last = await this.#read();
    await this.#testbed.node.process.kill();
    for (const [keyId, truth] of this.#keys) truth.lifeEnded(last.keys.get(keyId) ?? noBytes);
    this.#inbound.lifeEnded(last.inbound);
  }

  /** Resets a key while nothing moves. Without an answer it may have happened: the figures shown afterwards decide. */
  async reset(keyId: number, ended: () => Promise<void>, findings: Findings): Promise<void> {
    const counters = await this.sync();
    const current = counters.keys.get(keyId) ?? noBytes;
    const truth = this.#truthOf(keyId);
    const { outcome } = await this.#caller.reset(keyId);
    await ended();
    const isReset = outcome.kind === "answered" || isWithin(await this.#totalOf(keyId), exactly(noBytes));
    if (outcome.kind === "answered") {
      const { previous_upload: upload, previous_download: download } = outcome.value;
      findings.enter("resets", faultOf("the answer of a reset", { upload, download }, truth.range(current)));
    }
    if (isReset) truth.reset(current);
    await this.sync();
    findings.enter("resets", faultOf("a total after a reset", await this.#totalOf(keyId), truth.range(current)));
  }

  /** Syncs, then compares every total and the metric with what they must be. */
  async check(findings: Findings): Promise<void> {
    const counters = await this.checkTotals(findings);
    const range = this.#inbound.range(counters.inbound);
    const opsUrls = this.#testbed.collectors.map(({ opsUrl }) => opsUrl);
    findings.enter("metric", faultOf("veil_traffic_bytes_total", await metricIn(range, opsUrls), range));
  }

  /** Syncs, then compares every key's total with what it must be. */
  async checkTotals(findings: Findings): Promise<Counters> {
    const counters = await this.sync();
    for (const [keyId, truth] of this.#keys) {
      const range = truth.range(counters.keys.get(keyId) ?? noBytes);
      findings.enter("traffic", faultOf(`the total of key ${keyId}`, await this.#totalOf(keyId), range));
    }
    return counters;
  }

  #read(): Promise<Counters> {
    return readStillCounters(this.#testbed, [...this.#keys.keys()]);
  }

  async #totalOf(keyId: number): Promise<Bytes> {
    const { upload, download } = await this.#testbed.client.traffic(keyId);
    return { upload, download };
  }

  #truthOf(keyId: number): CounterTruth {
    const truth = this.#keys.get(keyId);
    if (truth === undefined) throw new Error(`key ${keyId} is not metered`);
    return truth;
  }
}

function exactly(bytes: Bytes): Range {
  return { low: bytes, high: bytes };
}

function faultOf(what: string, shown: Bytes, range: Range): string[] {
  if (isWithin(shown, range)) return [];
  return [`${what} is ${textOf(shown)}, not from ${textOf(range.low)} to ${textOf(range.high)}`];
}

/** The metric follows with the collector's next look at the ledger; one collector at a time shows it. */
async function metricIn(range: Range, opsUrls: readonly string[]): Promise<Bytes> {
  const giveUpAt = performance.now() + METRIC_WITHIN_MS;
  while (true) {
    const [shown = null] = (await Promise.all(opsUrls.map(scrapeTraffic))).filter((bytes) => bytes !== null);
    if ((shown !== null && isWithin(shown, range)) || performance.now() > giveUpAt) return shown ?? noBytes;
    await sleep(ASK_AGAIN_MS);
  }
}
