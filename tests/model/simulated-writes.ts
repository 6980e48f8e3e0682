import type { Answer } from "./api-process.ts";

/** As long as a request leads, by Redis' time. */
const LEASE_MS = 13_000;

interface Write {
  state: "running" | "judging" | "completed";
  leader: string;
  leaseUntil: number;
  readonly startedAt: number;
  answer: Answer | null;
}

/** A request's place in a write, as `WriteRecords` of the API gives it. */
export type Place =
  | { readonly role: "takeover" | "follower"; readonly startedAt: number }
  | { readonly role: "replay"; readonly answer: Answer };

/** What became of an attempt to decide a write's outcome. */
export type Claim =
  | { readonly state: "granted" | "wait" | "gone" }
  | { readonly state: "completed"; readonly answer: Answer };

/** The records of writes that several requests take part in: each method is one script in Redis. */
export class SimulatedWrites {
  readonly #now: () => number;
  #writes = new Map<string, Write>();

  constructor(now: () => number) {
    this.#now = now;
  }

  begin(id: string, leader: string, startedAt: number): true {
    const leaseUntil = this.#now() + LEASE_MS;
    this.#writes.set(id, { state: "running", leader, leaseUntil, startedAt, answer: null });
    return true;
  }

  /** Null for a write that nobody began, or whose record is lost. */
  join(id: string, participant: string): Place | null {
    const write = this.#writes.get(id);
    if (write === undefined) return null;
    if (write.answer !== null) return { role: "replay", answer: write.answer };
    const { startedAt } = write;
    if (write.leaseUntil >= this.#now()) return { role: "follower", startedAt };
    Object.assign(write, { state: "running", leader: participant, leaseUntil: this.#now() + LEASE_MS });
    return { role: "takeover", startedAt };
  }

  /** Lets one participant resolve the outcome, and from then on no other complete the write. */
  claim(id: string, participant: string): Claim {
    const write = this.#writes.get(id);
    if (write === undefined) return { state: "gone" };
    if (write.answer !== null) return { state: "completed", answer: write.answer };
    if (write.leader !== participant && write.leaseUntil >= this.#now()) return { state: "wait" };
    Object.assign(write, { state: "judging", leader: participant, leaseUntil: this.#now() + LEASE_MS });
    return { state: "granted" };
  }

  complete(id: string, participant: string, answer: Answer): Claim {
    const write = this.#writes.get(id);
    if (write === undefined) return { state: "gone" };
    if (write.answer !== null) return { state: "completed", answer: write.answer };
    if (write.state === "judging" && write.leader !== participant) return { state: "wait" };
    Object.assign(write, { state: "completed", answer });
    return { state: "granted" };
  }

  copy(): ReadonlyMap<string, Write> {
    return new Map([...this.#writes].map(([id, write]) => [id, { ...write }]));
  }

  restore(copy: ReadonlyMap<string, Write>): void {
    this.#writes = new Map([...copy].map(([id, write]) => [id, { ...write }]));
  }
}
