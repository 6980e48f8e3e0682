import {
  type HandledKey,
  type KeyHistory,
  type KeyPhase,
  type KeyStep,
  type KeyVersion,
  type StepStamp,
  StoreUnavailableError,
  type KeysToEnter,
} from "@veil/keys";
import { unchanged } from "@veil/keys/testing";
import type { VlessFlow } from "@veil/protocols";
import { SimulatedDevices } from "./simulated-devices.ts";
import { SimulatedLog } from "./simulated-events.ts";
import type { Process, World } from "./world.ts";

export interface CreationDocument {
  readonly job: string;
  /** Null for a job that may never claim. */
  readonly keyId: number | null;
  readonly uuid: string;
  readonly flow: VlessFlow;
  readonly name: string | null;
  readonly owner: string | null;
  readonly createdAt: number;
  readonly deadline: number;
  readonly groups?: readonly string[];
  decided: boolean;
}

export interface KeyDocument {
  readonly keyId: number;
  readonly uuid: string;
  readonly flow: VlessFlow;
  readonly name: string | null;
  readonly owner: string | null;
  readonly createdAt: number;
  readonly job: string;
  phase: KeyPhase;
  readonly activated: boolean;
  cancelled: boolean;
  readonly deleters: string[];
  readonly indeterminate: Set<string>;
  /** The key's first version; later ones take its place. */
  version: (Omit<KeyVersion, "name" | "uuid"> & Partial<Pick<KeyVersion, "name" | "uuid">>) | null;
  readonly hands: Set<string>;
  readonly clear: Set<string>;
  readonly endings: StepStamp[];
  /** Ids of events that are marked as logged. */
  readonly relayed: Set<string>;
}

/** Due work is carried out in less. */
const GOING_MS = 8_000;

/** The faults of one operation, as probabilities. */
export interface MongoMischief {
  lostReply: number;
  lateWrite: number;
}

/** The documents, and the ways in which MongoDB fails. Each operation of the driver is one atomic step. */
export class SimulatedMongo {
  readonly creations = new Map<string, CreationDocument>();
  readonly keys = new Map<number, KeyDocument>();
  readonly externalIds = new Map<string, KeysToEnter>();
  /** Hands that were entered into many keys at once, with those keys. */
  readonly handsOfMany = new Map<string, Set<number>>();
  /** The bytes that each key has ever moved, as the ledger has them. */
  readonly lifetimes = new Map<number, number>();
  readonly vault = new Map<string, string>();
  readonly log = new SimulatedLog();
  readonly devices = new SimulatedDevices();
  readonly mischief: MongoMischief = { lostReply: 0, lateWrite: 0 };
  lastKeyId = 0;
  up = true;
  readonly #world: World;
  #late: (() => void)[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Milliseconds since the epoch. */
  get now(): number {
    return this.#world.now;
  }

  /** Whether there is a key that still has to go, or to be put right on some node. */
  get hasUnfinished(): boolean {
    return [...this.keys.values()].some(({ phase, indeterminate }) => phase === "deleting" || indeterminate.size > 0);
  }

  /** Whether a key is going out of service by itself, or did a moment ago. */
  get hasJustEnded(): boolean {
    return [...this.keys.values()].some(({ version }) => {
      const endsAt = (version?.terms.expiresAt ?? 0) * 1_000;
      return endsAt < this.now + GOING_MS && endsAt > this.now - GOING_MS;
    });
  }

  read<T>(process: Process, label: string, effect: () => T): Promise<T> {
    return this.#world.call(process, `mongo ${label}`, () => {
      this.#mustBeUp();
      return effect();
    });
  }

  /** A write may fail although it happened, or although it is going to happen. */
  write<T>(process: Process, label: string, effect: () => T): Promise<T> {
    return this.#world.call(process, `mongo ${label}`, () => {
      this.#mustBeUp();
      const { random } = this.#world;
      if (random.chance(this.mischief.lateWrite)) {
        this.#applyLate(label, effect);
        throw new StoreUnavailableError(new Error("the write hangs"));
      }
      const result = effect();
      if (random.chance(this.mischief.lostReply)) {
        this.#world.fault();
        this.#world.log(() => `mongo ${label}: the reply is LOST`);
        throw new StoreUnavailableError(new Error("the reply was lost"));
      }
      return result;
    });
  }

  /** All writes that hang are applied now. */
  applyAllLate(): void {
    for (const apply of this.#late.splice(0)) apply();
  }

  find(keyId: number): HandledKey | null {
    const found = this.keys.get(keyId);
    return found === undefined ? null : toHandledKey(found);
  }

  /** The part of a key that the relay reads. */
  historyOf(keyId: number): KeyHistory | null {
    const document = this.keys.get(keyId);
    if (document === undefined) return null;
    const { endings, relayed, version } = document;
    const [deletion = null] = endings;
    return { key: toHandledKey(document), steps: version?.outbox ?? [], deletion, relayed: new Set(relayed) };
  }

  #applyLate(label: string, effect: () => unknown): void {
    this.#world.fault();
    this.#world.log(() => `mongo ${label}: HANGS`);
    const apply = (): void => {
      this.#late = this.#late.filter((other) => other !== apply);
      this.#world.log(() => `mongo ${label}: applied LATE`);
      effect();
    };
    this.#late.push(apply);
    const delay = this.#world.random.chance(0.5) ? 500 : 12_000;
    this.#world.after(this.#world.random.between(1, delay), null, () => {
      if (this.#late.includes(apply)) apply();
    });
  }

  #mustBeUp(): void {
    if (!this.up) throw new StoreUnavailableError(new Error("away"));
  }
}

export function toHandledKey(document: KeyDocument): HandledKey {
  return {
    keyId: document.keyId,
    uuid: document.uuid,
    flow: document.flow,
    name: document.name,
    owner: document.owner,
    createdAt: document.createdAt,
    job: document.job,
    phase: document.phase,
    activated: document.activated,
    cancelled: document.cancelled,
    deleter: document.deleters[0] ?? null,
    indeterminate: [...document.indeterminate],
    ...(document.version === null ? unchanged(document) : versionOf(document.version)),
    outbox: unrelayed(document),
    hands: [...document.hands],
    clear: [...document.clear],
  };
}

/** Steps of which some event is not marked. */
function unrelayed({ version, relayed }: KeyDocument): KeyStep[] {
  return (version?.outbox ?? []).filter(({ events }) => events.some(({ id }) => !relayed.has(id)));
}

function versionOf({ fence: _fence, ...rest }: NonNullable<KeyDocument["version"]>): Omit<typeof rest, "fence"> {
  return rest;
}
