import { randomUUID } from "node:crypto";
import type { KeyRecord } from "@veil/key-lifecycle";
import type { KeyReader, TrafficFigures, TrafficReader } from "../../src/ports.ts";
import { finished, InMemoryJobs, type JobScripts } from "./in-memory-jobs.ts";

/**
 * Worker, collector and MongoDB in one process, for the failures that real ones can't be made to show on cue.
 * By default every job succeeds at once.
 */
export class InMemoryPlane {
  /** Ids only grow, so the order of insertion is that of the ids. */
  readonly keys = new Map<number, KeyRecord>();
  readonly traffic = new Map<number, TrafficFigures>();
  readonly jobs = new InMemoryJobs(this.#scripts());
  /** Runs before every read of the store; throwing makes it fail. */
  beforeRead: () => Promise<void> = async () => undefined;

  readonly keyReader: KeyReader = {
    find: async (keyId) => {
      await this.beforeRead();
      return this.keys.get(keyId) ?? null;
    },
    findByCreateJob: async (job) => {
      await this.beforeRead();
      return [...this.keys.values()].find((key) => key.job === job) ?? null;
    },
    listActive: () => this.#listActive(),
  };

  readonly trafficReader: TrafficReader = {
    find: async (keyId) => {
      await this.beforeRead();
      return this.traffic.get(keyId) ?? null;
    },
  };

  /** Decides a key, as the worker does for a create job. */
  addKey(key: Partial<KeyRecord> = {}): KeyRecord {
    const keyId = key.keyId ?? Math.max(0, ...this.keys.keys()) + 1;
    const added: KeyRecord = {
      keyId,
      uuid: randomUUID(),
      name: null,
      createdAt: Math.floor(Date.now() / 1_000),
      job: `create-${randomUUID()}`,
      phase: "active",
      activated: true,
      cancelled: false,
      deleter: null,
      unsure: [],
      ...key,
    };
    this.keys.set(keyId, added);
    return added;
  }

  async *#listActive(): AsyncGenerator<KeyRecord> {
    await this.beforeRead();
    for (const key of this.keys.values()) {
      if (key.phase === "active") yield key;
    }
  }

  #scripts(): JobScripts {
    return {
      "create-key": ({ name }, job) => {
        const { keyId, uuid, createdAt } = this.addKey({ name, job });
        return finished<"create-key">({
          outcome: "created",
          key: { key_id: keyId, uuid, name, created_at: createdAt },
        });
      },
      "cancel-creation": ({ job }) => {
        for (const key of this.keys.values()) {
          if (key.job === job) this.keys.set(key.keyId, { ...key, phase: "gone", cancelled: true });
        }
        return finished<"cancel-creation">({ outcome: "cancelled" });
      },
      "delete-key": ({ key_id }, job) => {
        const key = this.keys.get(key_id);
        if (key?.phase !== "active") return finished<"delete-key">({ outcome: "not-found" });
        this.keys.set(key_id, { ...key, phase: "gone", deleter: job });
        this.traffic.delete(key_id);
        return finished<"delete-key">({ outcome: "deleted" });
      },
      "refresh-traffic": ({ key_id }) => {
        const figures = this.traffic.get(key_id);
        if (figures === undefined) return finished<"refresh-traffic">({ outcome: "stale" });
        const { upload, download, lastUpdated } = figures;
        return finished<"refresh-traffic">({ outcome: "fresh", upload, download, last_updated: lastUpdated });
      },
      "reset-traffic": ({ key_id }) => {
        const { upload, download } = this.traffic.get(key_id) ?? { upload: 0, download: 0 };
        this.traffic.set(key_id, { upload: 0, download: 0, lastUpdated: Math.floor(Date.now() / 1_000) });
        return finished<"reset-traffic">({ outcome: "reset", previous_upload: upload, previous_download: download });
      },
      "sync-traffic": () => {
        const active = [...this.keys.values()].filter((key) => key.phase === "active");
        return finished<"sync-traffic">({ outcome: "synced", updated: active.length, errors: 0 });
      },
    };
  }
}
