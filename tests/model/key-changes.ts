import { attemptId } from "@veil/idempotency";
import { isVisible, isWanted, isWantedOn, type KeyChange, type SettableTerms } from "@veil/keys";
import type { ApiReplica, ChangeAnswer } from "./api-process.ts";
import type { System } from "./system.ts";

/** One change that a caller asks for, and its answer. */
export interface AskedChange {
  /** Of its first attempt. */
  readonly job: string;
  readonly keyId: number | null;
  readonly change: KeyChange;
  /** Of a put by it. */
  readonly externalId: string | null;
  answers: ChangeAnswer[];
  /** Which attempt the next request of it takes part in. */
  attempt: number;
}

/** Has a request come after a while, at some replica of the API. */
export type Later = (ms: number, request: (replica: ApiReplica) => Promise<void>) => void;

/**
 * A term that no history reaches, also not by all of its extensions together: whose key ends later began with it, and what
 * was added shows by the end.
 */
export const FAR_S = 1_000_000_000;

/** The terms that a key begins with. */
export function someTerms(system: System): Partial<SettableTerms> {
  const groups = system.fleet.someGroups();
  return { ...ungroupedTerms(system), ...(groups !== null && { groups }) };
}

function ungroupedTerms({ world }: System): Partial<SettableTerms> {
  const { random } = world;
  const now = Math.floor(world.now / 1_000);
  switch (random.pick(["none", "none", "soon", "limit", "hold", "far", "off", "id"] as const)) {
    case "none":
      return {};
    case "soon":
      return { expiresAt: now + 1 + random.below(20) };
    case "limit":
      return { trafficLimit: 100 + random.below(2_000) };
    case "hold":
      return { holdFor: 1 + random.below(10), holdUntil: now + 1 + random.below(20) };
    case "far":
      return { expiresAt: now + FAR_S };
    case "off":
      return { enabled: false };
    case "id":
      return { externalId: random.pick(EXTERNAL_IDS) };
  }
}

const EXTERNAL_IDS = ["one", "two"] as const;
const LONGEST_PAUSE_MS = 6_000;
const LATEST_REPEAT_MS = 12_000;
/** Of one write: its caller gives up then. */
const MOST_ATTEMPTS = 4;
/** Until then a delivery or a lease of a process that died may stand in the way of others. */
const AFTERMATH_MS = 20_000;

/** The callers who change keys: one after the other, at once, and by the caller's own id. */
export class KeyChanges {
  readonly asked: AskedChange[] = [];
  readonly #system: System;
  readonly #later: Later;
  readonly #areRepeated: boolean;
  /** Requests of each key that are open, and how many there were. */
  readonly #open = new Map<number, { now: number; ever: number }>();
  /** Puts, of which nobody knows beforehand what key they change. */
  readonly #puts = { now: 0, ever: 0 };

  /** @param areRepeated whether callers repeat what was answered as not done, under an `Idempotency-Key`: as new attempts */
  constructor(system: System, later: Later, areRepeated: boolean) {
    this.#system = system;
    this.#later = later;
    this.#areRepeated = areRepeated;
  }

  /** Plans some changes of a key that its creator has received. */
  plan(keyId: number, begun: Partial<SettableTerms>): void {
    const { random } = this.#system.world;
    if (random.chance(0.4)) return;
    for (let count = 1 + random.below(3); count > 0; count -= 1) {
      const change = this.#someChange(begun);
      const write = this.#newWrite(String(keyId));
      const asked = this.#newAsked("change", write, { keyId, change, externalId: null });
      const at = random.between(0, LONGEST_PAUSE_MS);
      const ask = async (replica: ApiReplica) =>
        this.#attempt(asked, ask, () =>
          this.#ask(asked, keyId, () => replica.change(this.#jobOf(write, asked), keyId, change)),
        );
      this.#later(at, ask);
      // The same request again, as its caller sends it who has heard nothing.
      if (random.chance(0.3)) this.#later(at + random.between(0, LATEST_REPEAT_MS), ask);
    }
  }

  /** Plans a put of a key by the caller's own id. */
  planPut(): void {
    const { random } = this.#system.world;
    const externalId = random.pick(EXTERNAL_IDS);
    const write = this.#newWrite(externalId);
    const terms = random.pick([{}, { tag: write }, { enabled: random.chance(0.5) }, { trafficLimit: 500 }]);
    const asked = this.#newAsked("put", write, { keyId: null, change: { set: terms }, externalId });
    const ask = async (replica: ApiReplica) =>
      this.#attempt(asked, ask, async () => {
        this.#puts.now += 1;
        this.#puts.ever += 1;
        const answer = await replica.put(this.#jobOf(write, asked), externalId, terms);
        this.#puts.now -= 1;
        this.#answered(asked, answer);
        return answer;
      });
    this.#later(random.between(0, 20_000), ask);
  }

  /** A key of which somebody asks something else meanwhile. */
  touched(keyId: number): void {
    this.#of(keyId).ever += 1;
  }

  #someChange(begun: Partial<SettableTerms>): KeyChange {
    const groups = this.#system.fleet.someGroups();
    if (groups !== null) return { set: { groups } };
    const { random, now } = this.#system.world;
    const second = Math.floor(now / 1_000);
    if (begun.expiresAt === undefined || begun.expiresAt === null || begun.expiresAt < second + FAR_S / 2) {
      const some: readonly KeyChange[] = [
        {
          set: {
            expiresAt: random.pick([null, second - 5, second + 2 + random.below(20)]),
            holdFor: null,
            holdUntil: null,
          },
        },
        { set: { trafficLimit: random.pick([null, 1 + random.below(2_000)]) } },
        { resetTraffic: true },
        { set: { externalId: random.pick([null, ...EXTERNAL_IDS]) } },
      ];
      if (random.chance(0.5)) return random.pick(some);
    }
    return random.pick([
      { set: { enabled: false } },
      { set: { enabled: true } },
      { set: { tag: String(this.asked.length) } },
      { extendSeconds: 100 * 2 ** this.asked.length },
      { revokeCredentials: true },
      { revokeLink: true },
    ]);
  }

  /** Under an `Idempotency-Key` it ends in what such a key is made into. */
  #newWrite(name: string): string {
    const number = this.asked.length;
    return this.#areRepeated ? `once-${String(number).padStart(12, "0")}` : `${name}-${number}`;
  }

  #newAsked(
    kind: "change" | "put",
    write: string,
    of: Pick<AskedChange, "keyId" | "change" | "externalId">,
  ): AskedChange {
    const asked: AskedChange = {
      job: `${kind}-${this.#areRepeated ? attemptId(write, 1) : write}`,
      ...of,
      answers: [],
      attempt: 1,
    };
    this.asked.push(asked);
    return asked;
  }

  #jobOf(write: string, { attempt }: AskedChange): string {
    return this.#areRepeated ? attemptId(write, attempt) : write;
  }

  /** Whoever hears that nothing was done asks again, in a new attempt; the job of the one before may run all the same. */
  async #attempt(
    asked: AskedChange,
    again: (replica: ApiReplica) => Promise<void>,
    request: () => Promise<ChangeAnswer>,
  ): Promise<void> {
    const { attempt } = asked;
    const answer = await request();
    if (answer.status === 200 || !this.#areRepeated || attempt !== asked.attempt || attempt === MOST_ATTEMPTS) return;
    asked.attempt += 1;
    this.#later(this.#system.world.random.between(0, LONGEST_PAUSE_MS), again);
  }

  #answered(asked: AskedChange, answer: ChangeAnswer): void {
    asked.answers.push(answer);
    this.#system.world.log(() => `ANSWER to ${asked.job}, attempt ${asked.attempt}: ${JSON.stringify(answer)}`);
  }

  async #ask(asked: AskedChange, keyId: number, ask: () => Promise<ChangeAnswer>): Promise<ChangeAnswer> {
    const { world } = this.#system;
    const { faults, isCalm } = world;
    const isOver = world.now > world.lastFaultAt + AFTERMATH_MS;
    const of = this.#of(keyId);
    const wasAlone = of.now === 0 && this.#puts.now === 0;
    const { ever: puts } = this.#puts;
    of.now += 1;
    of.ever += 1;
    const { ever } = of;
    const answer = await ask();
    of.now -= 1;
    this.#answered(asked, answer);
    const isAlone = wasAlone && of.ever === ever && this.#puts.ever === puts;
    if (answer.status === 200 && isAlone && isCalm && isOver && world.isCalm && world.faults === faults) {
      this.#mustBeFollowed(keyId, asked.job);
    }
    return answer;
  }

  /** No fault and nobody else at the key since the request came: every node does as the answer says. */
  #mustBeFollowed(keyId: number, job: string): void {
    const { mongo, xrays, fleet, violated, world } = this.#system;
    const key = mongo.find(keyId);
    if (key === null || !isVisible(key) || !fleet.isSettled) return;
    // About to end, or to begin, by itself.
    if ([-3_000, 3_000].some((ms) => isWanted(key, world.now + ms) !== isWanted(key, world.now))) return;
    for (const { name, inbound } of xrays) {
      const isWantedNow = isWantedOn(key, { groups: fleet.groupsOf(name) }, world.now);
      const uuids = [...(inbound?.byUuid ?? [])].filter(([, email]) => email === `${keyId}@veil`).map(([uuid]) => uuid);
      if (inbound !== null && isWantedNow && !uuids.includes(key.uuid)) {
        violated("changed, answered 200, and the key does not work", `${name} ${job}`);
      }
      if (uuids.some((uuid) => !isWantedNow || uuid !== key.uuid)) {
        violated("changed, answered 200, and what was shut works", `${name} ${job}`);
      }
    }
  }

  #of(keyId: number): { now: number; ever: number } {
    const of = this.#open.get(keyId) ?? { now: 0, ever: 0 };
    this.#open.set(keyId, of);
    return of;
  }
}
