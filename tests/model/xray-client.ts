import { CALL_DEADLINE_MS } from "@veil/keys";
import {
  AccountMismatchError,
  type ChangeOptions,
  type InboundDefinition,
  InboundExistsError,
  InboundMissingError,
  type InboundUser,
  XrayAnswerInvalidError,
  type XrayNode,
  XrayIndeterminateError,
  XrayUnreachableError,
} from "@veil/xray-grpc";
import { keyIdOfEmail } from "@veil/protocols";
import { type Answer, describe, type Request, isSameAccount, type SimulatedXray } from "./simulated-xray.ts";
import type { SimulatedRedis } from "./simulated-redis.ts";
import type { Process, World } from "./world.ts";

/** The part of a gateway that the worker uses. */
export type UsedXrayNode = Pick<
  XrayNode,
  | "name"
  | "reachable"
  | "addUser"
  | "removeUser"
  | "listUsers"
  | "countUsers"
  | "readInbound"
  | "describeInbound"
  | "removeInbound"
  | "addInbound"
  | "blockUsers"
  | "unblockUsers"
  | "listBlockedUsers"
  | "readCounter"
  | "uptimeSeconds"
>;

/** The faults of a call although nothing is wrong with the node, as probabilities. */
export interface CallMischief {
  lostAnswer: number;
}

const BULK_TIMEOUT_MS = 15_000;
const PROBE_MS = 1_000;
const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;

interface ClientSystem {
  readonly world: World;
  readonly callMischief: CallMischief;
  readonly redis: Pick<SimulatedRedis, "isTakenFrom">;
  readonly violated: (what: string, detail: string) => void;
}

/** One process's connection to one Xray, with the behavior of the real gateway: no call while the node counts as hung. */
export class XrayClient implements UsedXrayNode {
  readonly #inboundTag: string;
  readonly #world: World;
  readonly #process: Process;
  readonly #xray: SimulatedXray;
  readonly #system: ClientSystem;
  #silent = false;

  constructor(xray: SimulatedXray, inboundTag: string, process: Process, system: ClientSystem) {
    this.#xray = xray;
    this.#inboundTag = inboundTag;
    this.#process = process;
    this.#world = system.world;
    this.#system = system;
  }

  get name(): string {
    return this.#xray.name;
  }

  get reachable(): boolean {
    return this.#xray.reachable && !this.#silent;
  }

  async addUser(user: InboundUser, { beforeCall }: ChangeOptions = {}): Promise<"added" | "exists"> {
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      beforeCall?.();
      if ((await this.#inInbound("addUser", { method: "add", user })).text === "ok") return "added";
      const [found] = usersOf(await this.#inInbound("addUser", { method: "get", email: user.email }));
      if (found === undefined) continue;
      if (isSameAccount(found, user)) return "exists";
      throw new AccountMismatchError(this.name, "addUser", user.email);
    }
    throw new XrayAnswerInvalidError(this.name, "addUser", `${user.email} exists and can't be found`);
  }

  async removeUser(email: string, { beforeCall }: ChangeOptions = {}): Promise<"removed" | "absent"> {
    beforeCall?.();
    this.#mustBeLeased(email);
    const answer = await this.#inInbound("removeUser", { method: "remove", email });
    return answer.text === "ok" ? "removed" : "absent";
  }

  async blockUsers(emails: readonly string[]): Promise<void> {
    await this.#call("blockUser", { method: "block", emails });
  }

  async unblockUsers(emails: readonly string[]): Promise<void> {
    await this.#call("unblockUsers", { method: "unblock", emails });
  }

  async listBlockedUsers(): Promise<string[]> {
    await this.#call("listBlockedUsers", { method: "look" });
    return [...this.#xray.blocked];
  }

  /** A user that is blocked here is always quiet. */
  readCounter(): Promise<number> {
    return Promise.resolve(0);
  }

  async listUsers(): Promise<InboundUser[]> {
    return usersOf(await this.#inInbound("listUsers", { method: "list" }));
  }

  async readInbound(): Promise<InboundDefinition | null> {
    const answer = await this.#call("readInbound", { method: "read inbound" });
    return answer.text === "ok" && answer.definition !== undefined ? answer.definition : null;
  }

  /** Links are not part of this model. */
  describeInbound(): Promise<null> {
    return Promise.resolve(null);
  }

  async removeInbound(): Promise<"removed" | "absent"> {
    const answer = await this.#call("removeInbound", { method: "remove inbound" });
    return answer.text === "ok" ? "removed" : "absent";
  }

  async addInbound(definition: InboundDefinition, users: readonly InboundUser[]): Promise<InboundUser[]> {
    const answer = await this.#call("addInbound", { method: "add inbound", definition, users });
    if (answer.text === "inbound exists") throw new InboundExistsError(this.name, "addInbound", definition.tag);
    return [];
  }

  async countUsers(): Promise<number> {
    await this.#look("countUsers");
    if (this.#xray.inbound === null) throw new InboundMissingError(this.name, "countUsers", this.#inboundTag);
    return this.#xray.inbound.byEmail.size;
  }

  async uptimeSeconds(): Promise<number> {
    await this.#look("uptimeSeconds");
    return Math.floor((this.#world.now - this.#xray.startedAt) / 1000);
  }

  async #inInbound(method: string, request: Request): Promise<Answer> {
    const answer = await this.#call(method, request);
    if (answer.text === "no inbound") throw new InboundMissingError(this.name, method, this.#inboundTag);
    return answer;
  }

  /** A process that removes a user holds its key's lease at that moment, however long it waited for something else before. */
  #mustBeLeased(email: string): void {
    if (!this.#system.redis.isTakenFrom(this.#process, keyIdOfEmail(email) ?? 0)) return;
    this.#system.violated("user removed after the lease was lost", `${this.#process.name} ${this.name} ${email}`);
  }

  /** A look that changes nothing and takes no time while all is well. */
  async #look(method: string): Promise<void> {
    if (this.#xray.hung || this.#silent || !this.#xray.reachable) await this.#call(method, { method: "look" });
  }

  #call(method: string, request: Request): Promise<Answer> {
    if (this.#silent) return Promise.reject(new XrayUnreachableError(this.name, method, "hung", "waiting for it"));
    if (!this.#xray.reachable) {
      return Promise.reject(new XrayUnreachableError(this.name, method, "no-connection", "no connection"));
    }
    if (this.#process.state === "dead") return new Promise(() => undefined);
    this.#world.log(() => `${this.#process.name} asks ${this.name}: ${describe(request)}`);
    return new Promise((resolve, reject) => {
      let open = true;
      const end = (label: string, arrive: () => void): void => {
        if (!open) return;
        open = false;
        this.#world.send(this.#process, `hears ${this.name} on ${describe(request)}: ${label}`, arrive);
      };
      const fail = (code: number, text: string): void =>
        end(text, () => reject(new XrayIndeterminateError(this.name, method, code, text)));
      this.#xray.accept({
        request,
        answered: (answer) => end(answer.text, () => resolve(answer)),
        dropped: () => fail(UNAVAILABLE, "connection dropped"),
      });
      const timeout =
        request.method === "list" || request.method === "add inbound" ? BULK_TIMEOUT_MS : CALL_DEADLINE_MS;
      this.#world.after(timeout, this.#process, () => {
        if (!open) return;
        this.#becomeSilent();
        fail(DEADLINE_EXCEEDED, "no answer in time");
      });
      if (this.#world.random.chance(this.#system.callMischief.lostAnswer)) {
        this.#world.fault();
        this.#world.after(this.#world.random.between(0, 300), null, () => fail(UNAVAILABLE, "connection dropped"));
      }
    });
  }

  /** Asked about once a second until it answers, by a call like any other. */
  #becomeSilent(): void {
    if (this.#silent) return;
    this.#silent = true;
    this.#world.unresponsive.set(this, this.#process);
    this.#probe();
  }

  #probe(): void {
    let asked = true;
    const answered = (): void => {
      if (!asked) return;
      this.#silent = false;
      this.#world.unresponsive.delete(this);
    };
    if (this.#xray.reachable) {
      const end = (): void => this.#world.send(this.#process, `hears of ${this.name} again`, answered);
      this.#xray.accept({ request: { method: "look" }, answered: end, dropped: () => undefined });
    }
    this.#world.after(PROBE_MS, this.#process, () => {
      asked = false;
      if (this.#silent) this.#probe();
    });
  }
}

function usersOf(answer: Answer): InboundUser[] {
  return answer.text === "ok" ? [...(answer.users ?? [])] : [];
}
