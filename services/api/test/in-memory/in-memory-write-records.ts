import type { JsonReply } from "../../src/http/reply.ts";
import type {
  Judgement,
  Settlement,
  Turn,
  TurnRequest,
  WriteRecords,
  WriteState,
} from "../../src/writes/write-records.ts";

interface StoredWrite {
  fingerprint: string;
  request: string;
  state: "running" | "judging" | "final" | "passing";
  leader: string;
  leaseUntil: number;
  attempt: number;
  startedAt: number;
  reply: JsonReply | null;
}

/** Writes in one process, with the same rules as those in Redis. */
export class InMemoryWriteRecords implements WriteRecords {
  readonly writes = new Map<string, StoredWrite>();
  /** Runs before every step; throwing makes it fail. */
  beforeStep: () => Promise<void> = async () => undefined;

  async begin(id: string, asked: TurnRequest): Promise<Turn> {
    await this.beforeStep();
    const write = this.writes.get(id);
    const { fingerprint, request, participant, leaseMs } = asked;
    const lead = (attempt: number, startedAt: number) => {
      const leaseUntil = Date.now() + leaseMs;
      const state = "running" as const;
      const fresh = { fingerprint, request, state, leader: participant, leaseUntil, attempt, startedAt, reply: null };
      this.writes.set(id, fresh);
      return { attempt, startedAt };
    };
    if (write === undefined) return { role: "leader", ...lead(1, asked.startedAt) };
    if (write.fingerprint !== fingerprint) return { role: "stranger" };
    if (write.state === "final" && write.reply !== null) return { role: "settled", reply: write.reply };
    if (write.state === "passing") return { role: "leader", ...lead(write.attempt + 1, asked.startedAt) };
    if (write.leaseUntil < Date.now()) return { role: "heir", ...lead(write.attempt, write.startedAt) };
    return { role: "follower", attempt: write.attempt, startedAt: write.startedAt };
  }

  async judge(id: string, participant: string, attempt: number, leaseMs: number): Promise<Judgement> {
    await this.beforeStep();
    const write = this.writes.get(id);
    if (write === undefined || write.attempt !== attempt) return { state: "gone" };
    if (write.reply !== null) return { state: "settled", reply: write.reply };
    const leftMs = write.leaseUntil - Date.now();
    if (write.leader !== participant && leftMs >= 0) return { state: "wait", leftMs };
    Object.assign(write, { state: "judging", leader: participant, leaseUntil: Date.now() + leaseMs });
    return { state: "granted" };
  }

  async settle(id: string, { participant, attempt, reply, end }: Settlement): Promise<Judgement> {
    await this.beforeStep();
    const write = this.writes.get(id);
    if (write === undefined || write.attempt !== attempt) return { state: "gone" };
    if (write.reply !== null) return { state: "settled", reply: write.reply };
    if (write.state === "judging" && write.leader !== participant) {
      return { state: "wait", leftMs: Math.max(0, write.leaseUntil - Date.now()) };
    }
    Object.assign(write, { state: end, reply });
    return { state: "granted" };
  }

  async release(id: string, participant: string): Promise<void> {
    await this.beforeStep();
    const write = this.writes.get(id);
    if (write?.leader === participant && write.reply === null) write.leaseUntil = 0;
  }

  async read(id: string): Promise<WriteState | null> {
    await this.beforeStep();
    const write = this.writes.get(id);
    if (write === undefined) return null;
    const { fingerprint, request, attempt, reply, leaseUntil } = write;
    return { fingerprint, request, attempt, reply, abandoned: reply === null && leaseUntil < Date.now() };
  }
}
