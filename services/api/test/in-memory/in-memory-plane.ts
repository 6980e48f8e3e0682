import { randomUUID } from "node:crypto";
import { itemJobId } from "@veil/job-contract";
import type { KeyRecord } from "@veil/keys";
import type { KeyPage, KeyReader, RequestedAttributes, TrafficFigures, TrafficReader } from "../../src/ports.ts";
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
    findMany: async (keyIds) => {
      await this.beforeRead();
      return new Map([...this.keys].filter(([keyId]) => keyIds.includes(keyId)));
    },
    findByCreateJobs: async (jobs) => {
      await this.beforeRead();
      return new Map([...this.keys.values()].filter(({ job }) => jobs.includes(job)).map((key) => [key.job, key]));
    },
    findByUuid: async (uuid) => {
      await this.beforeRead();
      return [...this.keys.values()].find((key) => key.uuid === uuid) ?? null;
    },
    listActive: (page) => this.#listActive(page),
    listActiveIds: (page) => this.#listActive(page),
    activeAmong: async (keyIds) => {
      await this.beforeRead();
      return new Set(keyIds.filter((keyId) => this.keys.get(keyId)?.phase === "active"));
    },
    countActive: async () => {
      await this.beforeRead();
      return [...this.keys.values()].filter(({ phase }) => phase === "active").length;
    },
  };

  readonly trafficReader: TrafficReader = {
    find: async (keyId) => {
      await this.beforeRead();
      return this.traffic.get(keyId) ?? null;
    },
    findMany: async (keyIds) => {
      await this.beforeRead();
      return new Map([...this.traffic].filter(([keyId]) => keyIds.includes(keyId)));
    },
  };

  /** Decides a key, as the worker does for a create job. */
  addKey(key: Partial<KeyRecord> = {}): KeyRecord {
    const keyId = key.keyId ?? Math.max(0, ...this.keys.keys()) + 1;
    const added: KeyRecord = {
      flow: "",
      keyId,
      uuid: randomUUID(),
      name: null,
      createdAt: Math.floor(Date.now() / 1_000),
      job: `create-${randomUUID()}`,
      phase: "active",
      activated: true,
      cancelled: false,
      deleter: null,
      indeterminate: [],
      ...key,
    };
    this.keys.set(keyId, added);
    return added;
  }

  async *#listActive({
    after = 0,
    limit = Number.POSITIVE_INFINITY,
  }: KeyPage = {}): AsyncGenerator<readonly KeyRecord[]> {
    await this.beforeRead();
    const active = [...this.keys.values()].filter(({ phase, keyId }) => phase === "active" && keyId > after);
    yield active.slice(0, limit);
  }

  #create(requested: RequestedAttributes, job: string) {
    const made = [...this.keys.values()].find((key) => key.job === job);
    return { outcome: "created", key: made ?? this.addKey({ ...requested, job }) } as const;
  }

  #delete(keyId: number, job: string) {
    const key = this.keys.get(keyId);
    if (key?.phase !== "active") return { outcome: key?.deleter === job ? "deleted" : "not-found" } as const;
    this.keys.set(keyId, { ...key, phase: "gone", deleter: job });
    this.traffic.delete(keyId);
    return { outcome: "deleted" } as const;
  }

  #cancel(job: string): void {
    for (const key of this.keys.values()) {
      if (key.job === job) this.keys.set(key.keyId, { ...key, phase: "gone", cancelled: true });
    }
  }

  #scripts(): JobScripts {
    return {
      "create-key": ({ key }, job) => finished<"create-key">(this.#create(key, job)),
      "create-keys": ({ keys }, job) => {
        const items = keys.map((requested, index) => this.#create(requested, itemJobId(job, index)));
        return finished<"create-keys">({ outcome: "done", items });
      },
      "cancel-creation": ({ job }) => {
        this.#cancel(job);
        return finished<"cancel-creation">({ outcome: "cancelled" });
      },
      "cancel-creations": ({ jobs }) => {
        for (const job of jobs) this.#cancel(job);
        return finished<"cancel-creations">({ outcome: "cancelled" });
      },
      "delete-key": ({ key_id }, job) => finished<"delete-key">(this.#delete(key_id, job)),
      "delete-keys": ({ key_ids }, job) => {
        const items = key_ids.map((keyId, index) => this.#delete(keyId, itemJobId(job, index)));
        return finished<"delete-keys">({ outcome: "done", items });
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
