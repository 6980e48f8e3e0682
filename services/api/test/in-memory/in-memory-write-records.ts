import type {
  Claim,
  Completion,
  JoinRequest,
  Participation,
  WriteRecords,
  WriteState,
} from "../../src/idempotency/write-records.ts";
import { readOutcome, storeOutcome } from "../../src/idempotency/stored-outcome.ts";
import type { Outcome } from "../../src/reply/reply.ts";

interface StoredWrite {
  fingerprint: string;
  request: string;
  state: "running" | "resolving" | "final" | "retryable";
  leader: string;
  leaseUntil: number;
  attempt: number;
  startedAt: number;
  outcome: Outcome | null;
}

/** Writes in one process, with the same rules as those in Redis. */
export class InMemoryWriteRecords implements WriteRecords {
  readonly writes = new Map<string, StoredWrite>();
  /** Runs before every step; throwing makes it fail. */
  beforeStep: () => Promise<void> = async () => undefined;

  async join(id: string, asked: JoinRequest): Promise<Participation> {
    await this.beforeStep();
    const write = this.writes.get(id);
    const { fingerprint, request, participant, leaseMs } = asked;
    const lead = (attempt: number, startedAt: number) => {
      const leaseUntil = Date.now() + leaseMs;
      const state = "running" as const;
      const fresh = { fingerprint, request, state, leader: participant, leaseUntil, attempt, startedAt, outcome: null };
      this.writes.set(id, fresh);
      return { attempt, startedAt };
    };
    if (write === undefined) return { role: "leader", ...lead(1, asked.startedAt) };
    if (write.fingerprint !== fingerprint) return { role: "key-mismatch" };
    if (write.state === "final" && write.outcome !== null) return { role: "replay", outcome: write.outcome };
    if (write.state === "retryable") return { role: "leader", ...lead(write.attempt + 1, asked.startedAt) };
    if (write.leaseUntil < Date.now()) return { role: "takeover", ...lead(write.attempt, write.startedAt) };
    return { role: "follower", attempt: write.attempt, startedAt: write.startedAt };
  }

  async claimOutcome(id: string, participant: string, attempt: number, leaseMs: number): Promise<Claim> {
    await this.beforeStep();
    const write = this.writes.get(id);
    if (write === undefined || write.attempt !== attempt) return { state: "gone" };
    if (write.outcome !== null) return { state: "completed", outcome: write.outcome };
    const leftMs = write.leaseUntil - Date.now();
    if (write.leader !== participant && leftMs >= 0) return { state: "wait", leftMs };
    Object.assign(write, { state: "resolving", leader: participant, leaseUntil: Date.now() + leaseMs });
    return { state: "granted" };
  }

  async complete(id: string, { participant, attempt, outcome, end }: Completion): Promise<Claim> {
    await this.beforeStep();
    const { reply, packed } = await storeOutcome(outcome);
    const write = this.writes.get(id);
    if (write === undefined || write.attempt !== attempt) return { state: "gone" };
    if (write.outcome !== null) return { state: "completed", outcome: write.outcome };
    if (write.state === "resolving" && write.leader !== participant) {
      return { state: "wait", leftMs: Math.max(0, write.leaseUntil - Date.now()) };
    }
    Object.assign(write, { state: end, outcome: readOutcome(reply, packed), request: "" });
    return { state: "granted" };
  }

  async forget(id: string, participant: string, attempt: number): Promise<void> {
    await this.beforeStep();
    const write = this.writes.get(id);
    if (write?.leader !== participant || write.attempt !== attempt || write.outcome !== null) return;
    if (attempt === 1) this.writes.delete(id);
    else Object.assign(write, { state: "retryable", request: "" });
  }

  async release(id: string, participant: string): Promise<void> {
    await this.beforeStep();
    const write = this.writes.get(id);
    if (write?.leader === participant && write.outcome === null) write.leaseUntil = 0;
  }

  async read(id: string): Promise<WriteState | null> {
    await this.beforeStep();
    const write = this.writes.get(id);
    if (write === undefined) return null;
    const { fingerprint, request, attempt, outcome, leaseUntil } = write;
    return { fingerprint, request, attempt, outcome, abandoned: outcome === null && leaseUntil < Date.now() };
  }
}
