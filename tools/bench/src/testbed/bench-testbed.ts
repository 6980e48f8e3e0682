import type { XrayNode } from "@veil/xray-grpc";
import type { Connection } from "mongoose";
import type { ProcessIds } from "../harness/process-usage.ts";

export interface BenchTestbedOptions {
  /** Active keys at the start. */
  readonly keys: number;
  /** With a second inbound, without TLS, through which the keys can move bytes; then nothing but requests syncs. */
  readonly metered?: boolean;
  /** Xray nodes, workers and collectors; 1 of each when absent. */
  readonly nodes?: number;
  readonly workers?: number;
  readonly collectors?: number;
}

export interface SeededKey {
  readonly keyId: number;
  readonly uuid: string;
  /** Of its subscription. */
  readonly token: string;
}

/** A running system: three services as `npm start` starts them, with an Xray of their own. */
export interface BenchTestbed {
  /** How many keys it had at its start. */
  readonly keys: number;
  readonly seeded: readonly SeededKey[];
  readonly apiUrl: string;
  /** Headers of every request. */
  readonly headers: Record<string, string>;
  readonly workerMetricsUrl: string;
  /** Where all services show their metrics. */
  readonly metricsUrls: readonly string[];
  readonly mongodbUri: string;
  readonly mongo: Connection;
  /** The first node. */
  readonly xray: XrayNode;
  /** `host:port` of Xray's API. */
  readonly xrayApi: string;
  /** The port of the second inbound; 0 when there is none. */
  readonly meteredPort: number;
  /** Kills Xray and starts it again, empty; resolves when its API takes connections. */
  restartXray(): Promise<void>;
  pids(): ProcessIds;
  stop(): Promise<void>;
}

/** Resolves when Xray holds so many users. @throws when it does not within two minutes */
export async function untilUsers(testbed: Pick<BenchTestbed, "xray">, users: number, everyMs = 10): Promise<void> {
  const giveUpAt = performance.now() + 120_000;
  while (performance.now() < giveUpAt) {
    const count = await testbed.xray.countUsers().catch(() => -1);
    if (count >= users) return;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`Xray did not come to hold ${users} users within two minutes`);
}
