import type { InboundDefinition, InboundUser } from "@veil/xray-grpc";
import type { Machine, World } from "./world.ts";

/** An inbound's users: two maps with no lock over both, as in Xray's validator. */
export interface Inbound {
  readonly definition: InboundDefinition;
  readonly byEmail: Map<string, InboundUser>;
  readonly byUuid: Map<string, string>;
}

export type Request =
  | { readonly method: "add"; readonly user: InboundUser }
  | { readonly method: "remove"; readonly email: string }
  | { readonly method: "get"; readonly email: string }
  | { readonly method: "block" | "unblock"; readonly emails: readonly string[] }
  | { readonly method: "list" | "read inbound" | "remove inbound" | "look" }
  | { readonly method: "add inbound"; readonly definition: InboundDefinition; readonly users: readonly InboundUser[] };

/** How Xray answers; what it refuses, by the text that it gives. */
export type Answer =
  | { readonly text: "ok"; readonly users?: readonly InboundUser[]; readonly definition?: InboundDefinition }
  | { readonly text: "no inbound" | "user exists" | "no user" | "inbound exists" };

export interface Call {
  readonly request: Request;
  readonly answered: (answer: Answer) => void;
  readonly dropped: () => void;
}

interface Work extends Call {
  readonly course: Generator<void, Answer>;
  /** When it arrived, in the time that the process has run; null while it is on its way. */
  since: number | null;
  /** It is on its way until then, in the world's time. */
  readonly arrivesAt: number;
  /** It stands still until then. */
  held: number;
}

/** An Xray that runs gets through with a call in this time, however many there are. */
const LONGEST_CALL_MS = 600;
/** How long a call may be on its way: it then ends after its caller's deadline, but within the time for late calls. */
const LONGEST_DELAY_MS = 3_000;

/** One Xray process. Calls in flight are worked on in no order, each in the sub-steps of the real one. */
export class SimulatedXray implements Machine {
  readonly name: string;
  readonly #world: World;
  readonly #configured: () => Inbound;
  inbound: Inbound | null;
  hung = false;
  reachable = true;
  /** Calls are on their way for seconds. */
  slow = false;
  readonly blocked = new Set<string>();
  startedAt: number;
  restarts = 0;
  readonly #substepMs: number;
  #work: Work[] = [];
  #runningMs = 0;

  constructor(name: string, world: World, configured: () => Inbound) {
    this.name = name;
    this.#world = world;
    this.#configured = configured;
    this.inbound = configured();
    this.startedAt = world.now;
    this.#substepMs = world.random.pick([1, 5, 20]);
  }

  get busy(): boolean {
    return !this.hung && this.#work.length > 0;
  }

  get idle(): boolean {
    return this.#work.length === 0;
  }

  accept(call: Call): void {
    const isDelayed = this.slow && call.request.method !== "look";
    const arrivesAt = this.#world.now + (isDelayed ? this.#world.random.between(0, LONGEST_DELAY_MS) : 0);
    this.#work.push({ ...call, course: serve(this, call.request), since: null, arrivesAt, held: 0 });
  }

  run(elapsedMs: number): void {
    if (this.hung) return;
    this.#runningMs += elapsedMs;
    for (const work of this.#work.slice()) {
      if (work.arrivesAt <= this.#world.now) work.since ??= this.#runningMs;
      if (work.since !== null && this.#runningMs - work.since > LONGEST_CALL_MS) while (!this.#advance(work));
    }
    const { random } = this.#world;
    let substeps = (random.next() * 2 * Math.min(elapsedMs, LONGEST_CALL_MS)) / this.#substepMs;
    for (; this.#work.length > 0 && random.chance(substeps); substeps -= 1) {
      const work = random.pick(this.#work);
      if (work.since === null || work.held > this.#runningMs) continue;
      if (random.chance(0.2)) work.held = this.#runningMs + random.between(0, LONGEST_CALL_MS);
      this.#advance(work);
    }
  }

  /** Whether a call that concerns an e-mail is under way. */
  isBusyWith(email: string): boolean {
    return this.#work.some(({ request }) => emailOf(request) === email);
  }

  restart(): void {
    for (const work of this.#work.splice(0)) work.dropped();
    this.inbound = this.#configured();
    this.blocked.clear();
    this.hung = false;
    this.startedAt = this.#world.now;
    this.restarts += 1;
  }

  /** Connections break; what arrived is carried out all the same. */
  dropConnections(): void {
    for (const work of this.#work) work.dropped();
  }

  #advance(work: Work): boolean {
    const { done, value } = work.course.next();
    if (done !== true) return false;
    this.#work.splice(this.#work.indexOf(work), 1);
    this.#world.log(() => `${this.name} has done ${describe(work.request)}: ${value.text}`);
    work.answered(value);
    return true;
  }
}

function* serve(xray: SimulatedXray, request: Request): Generator<void, Answer> {
  const { inbound } = xray;
  if (request.method === "block") {
    for (const email of request.emails) xray.blocked.add(email);
    return { text: "ok" };
  }
  if (request.method === "unblock") {
    for (const email of request.emails) xray.blocked.delete(email);
    return { text: "ok" };
  }
  if (request.method === "add inbound") {
    if (inbound !== null) return { text: "inbound exists" };
    xray.inbound = inboundWith(request.definition, request.users);
    return { text: "ok" };
  }
  if (inbound === null) return { text: "no inbound" };
  switch (request.method) {
    case "remove inbound":
      xray.inbound = null;
      return { text: "ok" };
    case "read inbound":
      return { text: "ok", definition: inbound.definition };
    case "look":
    case "list":
      return { text: "ok", users: [...inbound.byEmail.values()] };
    case "get":
      return { text: "ok", users: [inbound.byEmail.get(request.email)].filter((user) => user !== undefined) };
    case "add":
      if (inbound.byEmail.has(request.user.email)) return { text: "user exists" };
      inbound.byEmail.set(request.user.email, request.user);
      yield;
      inbound.byUuid.set(uuidOf(request.user), request.user.email);
      return { text: "ok" };
    case "remove": {
      const user = inbound.byEmail.get(request.email);
      if (user === undefined) return { text: "no user" };
      yield;
      inbound.byEmail.delete(request.email);
      yield;
      inbound.byUuid.delete(uuidOf(user));
      return { text: "ok" };
    }
  }
}

export function inboundWith(definition: InboundDefinition, users: readonly InboundUser[]): Inbound {
  return {
    definition,
    byEmail: new Map(users.map((user) => [user.email, user])),
    byUuid: new Map(users.map((user) => [uuidOf(user), user.email])),
  };
}

export function uuidOf({ email, account }: InboundUser): string {
  return account.protocol === "vless" ? account.uuid : email;
}

/** The user whom a request adds, removes or looks at. */
function emailOf(request: Request): string | null {
  if (request.method === "add") return request.user.email;
  return "email" in request ? request.email : null;
}

export function describe(request: Request): string {
  if (request.method === "add") return `add ${request.user.email}`;
  if (request.method === "add inbound") return `add inbound [${request.users.map(({ email }) => email).join(" ")}]`;
  if ("emails" in request) return `${request.method} [${request.emails.join(" ")}]`;
  return "email" in request ? `${request.method} ${request.email}` : request.method;
}

export function isSameAccount(one: InboundUser, other: InboundUser): boolean {
  return uuidOf(one) === uuidOf(other) && flowOf(one) === flowOf(other);
}

export function flowOf({ account }: InboundUser): string | null {
  return account.protocol === "vless" ? account.flow : null;
}
