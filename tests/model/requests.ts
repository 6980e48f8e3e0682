import { isWanted, type SettableTerms } from "@veil/keys";
import { ApiReplica, type Answer, type DeleteAnswer } from "./api-process.ts";
import { DeviceArrivals } from "./device-arrivals.ts";
import { KeyChanges, someTerms } from "./key-changes.ts";
import type { System } from "./system.ts";

/** One key that a caller asks for, and what became of its requests. */
export interface Errand {
  readonly id: string;
  readonly terms: Partial<SettableTerms>;
  answer: Answer | null;
  replays: Answer[];
  /** Nobody asked for its deletion before this. */
  deletionAsked: boolean;
  deletes: DeleteAnswer[];
  deletesAsked: number;
  /** The replica that answered the creation. */
  replica: ApiReplica | null;
}

export interface RequestPlan {
  readonly errands: number;
  readonly replays: boolean;
  readonly duplicateDeletes: boolean;
  /** Whether keys have terms, and are changed. */
  readonly changes: boolean;
  /** Whether callers repeat changes under an `Idempotency-Key`. */
  readonly repeats: boolean;
  /** Whether devices fetch their subscriptions. */
  readonly devices: boolean;
}

/** Until then a delivery or a lease of a process that died may stand in the way of others. */
const AFTERMATH_MS = 20_000;

/** Long enough for some to come when the lead of a request that died is over. */
const LATEST_REPLAY_MS = 35_000;

/** The callers: creations, replays of them, deletions, and two deletions of one key. */
export class Requests {
  readonly errands: Errand[] = [];
  readonly changes: KeyChanges;
  readonly devices: DeviceArrivals;
  readonly #system: System;
  readonly #replicas: ApiReplica[];
  /** Requests that will come or are under way. */
  readonly #creationsWithinMs: number;
  readonly #longestPauseMs: number;
  #open: { replica: ApiReplica | null }[] = [];

  constructor(system: System, plan: RequestPlan) {
    this.#system = system;
    this.#replicas = ["api-0", "api-1"].map((name) => new ApiReplica(system.newProcess(name), system));
    this.#creationsWithinMs = system.world.random.pick([1_000, 5_000, 20_000]);
    this.#longestPauseMs = system.world.random.pick([30, 300, 4_000]);
    this.devices = new DeviceArrivals(system, (ms, request) => this.#later(ms, request));
    this.changes = new KeyChanges(system, (ms, request) => this.#later(ms, request), plan.repeats);
    if (plan.changes) for (let count = system.world.random.below(4); count > 0; count -= 1) this.changes.planPut();
    for (let count = 0; count < plan.errands; count += 1) this.#plan(String(count), plan);
  }

  get open(): number {
    return this.#open.length;
  }

  get replicas(): readonly ApiReplica[] {
    return this.#replicas;
  }

  /** Its requests are never answered, and what it remembered is forgotten. */
  crash(replica: ApiReplica): void {
    this.#system.world.kill(replica.process);
    const index = this.#replicas.indexOf(replica);
    const restarted = new ApiReplica(this.#system.newProcess(`${replica.process.name}'`), this.#system);
    this.#replicas.splice(index, 1, restarted);
    this.#open = this.#open.filter((request) => request.replica !== replica);
  }

  #plan(id: string, plan: RequestPlan): void {
    const { random } = this.#system.world;
    const errand: Errand = {
      id,
      terms: { ...(plan.changes && someTerms(this.#system)), ...(plan.devices && { deviceLimit: 2 }) },
      answer: null,
      replays: [],
      deletionAsked: false,
      deletes: [],
      deletesAsked: 0,
      replica: null,
    };
    this.errands.push(errand);
    const isDeleted = random.chance(0.6);
    const isReplayed = plan.replays && random.chance(0.4);
    const isDeletedTwice = plan.duplicateDeletes && random.chance(0.4);
    const begin = random.between(0, this.#creationsWithinMs);
    this.#later(begin, async (replica) => {
      await this.#create(errand, isReplayed, replica);
      if (plan.changes && errand.answer?.status === 200) this.changes.plan(errand.answer.keyId, errand.terms);
      if (plan.devices && errand.answer?.status === 200) this.devices.plan(errand.answer.keyId);
      if (errand.answer?.status !== 200 || !isDeleted) return;
      const { keyId } = errand.answer;
      for (let count = isDeletedTwice ? 2 : 1; count > 0; count -= 1) {
        this.#later(random.between(0, this.#longestPauseMs), (other) => this.#delete(errand, keyId, other));
      }
    });
    if (isReplayed) {
      this.#later(begin + random.between(10, LATEST_REPLAY_MS), async (replica) => {
        errand.replays.push(await replica.replay(id, errand.terms));
      });
    }
  }

  async #create(errand: Errand, isReplayed: boolean, replica: ApiReplica): Promise<void> {
    const { world } = this.#system;
    const isCalm = this.#calmFromNow(0);
    errand.answer = await replica.create(errand.id, errand.terms, isReplayed);
    errand.replica = replica;
    world.log(() => `ANSWER to creation ${errand.id}: ${JSON.stringify(errand.answer)}`);
    if (errand.answer.status === 200 && isCalm()) this.#mustBeUsable(errand.answer);
  }

  async #delete(errand: Errand, keyId: number, replica: ApiReplica): Promise<void> {
    const isCalm = this.#calmFromNow(AFTERMATH_MS);
    errand.deletionAsked = true;
    this.changes.touched(keyId);
    errand.deletesAsked += 1;
    const answer = await replica.delete(keyId, `${errand.id}-${errand.deletesAsked}`);
    errand.deletes.push(answer);
    this.#system.world.log(() => `ANSWER to the deletion of key ${keyId}: ${answer}`);
    if (answer === 200 && isCalm()) this.#mustBeUseless(errand);
  }

  /** Tells later whether all has been well since now. */
  #calmFromNow(aftermath: number): () => boolean {
    const { world } = this.#system;
    const { faults, isCalm } = world;
    const isOver = world.now > world.lastFaultAt + aftermath;
    return () => isCalm && isOver && world.faults === faults;
  }

  #later(ms: number, request: (replica: ApiReplica) => Promise<void>): void {
    const { world } = this.#system;
    const open: { replica: ApiReplica | null } = { replica: null };
    this.#open.push(open);
    const end = (): void => {
      this.#open = this.#open.filter((other) => other !== open);
    };
    world.after(ms, null, () => {
      const replica = world.random.pick(this.#replicas);
      open.replica = replica;
      world.send(replica.process, "gets a request", () => {
        void request(replica).then(end, (error: unknown) => {
          end();
          this.#system.violated("unexpected error in a request", String(error));
        });
      });
    });
  }

  /** No fault since the request came: whoever dials now connects, unless the inbound is being replaced. */
  #mustBeUsable({ keyId, uuid }: { readonly keyId: number; readonly uuid: string }): void {
    const { xrays, mongo, fleet, world } = this.#system;
    const key = mongo.find(keyId);
    if (key === null || !isWanted(key, world.now - 1_000) || !isWanted(key, world.now + 1_000)) return;
    const [first] = fleet.linkedNodes(key.terms.groups);
    if (first === undefined || !fleet.isSettled) return;
    const linked = xrays.find(({ name }) => name === first);
    const isReplaced = linked?.inbound === null;
    if (isReplaced || linked?.inbound?.byUuid.has(uuid)) return;
    this.#system.violated("answered 200 and the key does not work", uuid);
  }

  #mustBeUseless(errand: Errand): void {
    if (errand.answer?.status !== 200) return;
    const { keyId } = errand.answer;
    // A worker that knows of a node's new groups may have put the user there, and another one that does not yet remove it elsewhere.
    const { fleet, xrays } = this.#system;
    const able = xrays.filter((xray) => !xray.hung && xray.reachable && fleet.isKnownToAll(xray.name));
    if (!able.some((xray) => [...(xray.inbound?.byUuid.values() ?? [])].includes(`${keyId}@veil`))) return;
    this.#system.violated("deletion answered 200 and the key works", `key ${keyId}`);
  }
}
