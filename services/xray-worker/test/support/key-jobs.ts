import { randomUUID } from "node:crypto";
import { type JobResult } from "@veil/job-contract";
import { createJobClient, type JobClient } from "@veil/job-queue";
import { expect, vi } from "vitest";

export type CreatedKey = Extract<JobResult<"create-key">, { outcome: "created" }>["key"];

const DEADLINE_MS = 30_000;

/** Submits key jobs and waits for them, as the API does. */
export class KeyJobs {
  readonly client: JobClient;

  private constructor(client: JobClient) {
    this.client = client;
  }

  static async connect(redisUrl: string, prefix: string): Promise<KeyJobs> {
    const client = createJobClient({ redisUrl, prefix, onError: () => undefined });
    await vi.waitFor(() => expect(client.connected).toBe(true));
    return new KeyJobs(client);
  }

  /** @returns the job's id */
  async submitCreate(): Promise<string> {
    const id = `create-${randomUUID()}`;
    const deadline = Date.now() + DEADLINE_MS;
    await this.client.submit("create-key", id, {
      key: { name: null, owner: null, terms: {} },
      deadline,
      request_id: id,
    });
    return id;
  }

  async create(): Promise<CreatedKey> {
    const id = await this.submitCreate();
    const outcome = await this.client.awaitResult("create-key", id, DEADLINE_MS);
    if (outcome.state === "finished" && outcome.result.outcome === "created") return outcome.result.key;
    throw new Error(`no key was created: ${JSON.stringify(outcome)}`);
  }

  createMany(count: number): Promise<CreatedKey[]> {
    return Promise.all(Array.from({ length: count }, () => this.create()));
  }

  async delete(keyId: number): Promise<void> {
    const id = `delete-${randomUUID()}`;
    const deadline = Date.now() + DEADLINE_MS;
    await this.client.submit("delete-key", id, { key_id: keyId, owner: null, deadline, request_id: id });
    const outcome = await this.client.awaitResult("delete-key", id, DEADLINE_MS);
    if (outcome.state === "finished" && outcome.result.outcome === "deleted") return;
    throw new Error(`the key was not deleted: ${JSON.stringify(outcome)}`);
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
