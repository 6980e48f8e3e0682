import { create } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { codecOf } from "./codecs.ts";
import {
  AccountMismatchError,
  InboundMissingError,
  InboundUnsupportedError,
  InvalidXrayRequestError,
  XrayAnswerInvalidError,
  XrayIndeterminateError,
  XrayUnreachableError,
} from "./errors.ts";
import {
  AddUserOperationSchema,
  HandlerService,
  RemoveUserOperationSchema,
} from "./generated/xray/app/proxyman/command_pb.ts";
import { type TypedMessage, TypedMessageSchema } from "./generated/xray/common/serial_pb.ts";
import { decodeUser, encodeUser, type InboundUser, isSameUser } from "./inbound-user.ts";
import type { Inbounds } from "./inbounds.ts";
import type { NodeCalls } from "./node-calls.ts";
import { isRefusal } from "./call-failure.ts";
import { checkEmail, checkUser } from "./request-checks.ts";
import { packTyped } from "./typed-message.ts";

const { alterInbound, getInboundUsers, getInboundUsersCount } = HandlerService.method;

export interface ChangeOptions {
  /**
   * Called right before each call that changes a user: there may be several, and other calls before them. An error that
   * it throws ends the operation without that call. From then on the call lasts for its deadline at most, its waits
   * included.
   */
  readonly beforeCall?: () => void;
}

/** The users of one inbound. */
export class InboundUsers {
  readonly #calls: NodeCalls;
  readonly #inbounds: Inbounds;
  readonly #tag: string;
  /** The account type that the inbound takes, and how often the connection had been lost when that was seen. */
  #accountType: { value: Promise<string>; readonly losses: number } | null = null;

  constructor(calls: NodeCalls, inbounds: Inbounds, tag: string) {
    this.#calls = calls;
    this.#inbounds = inbounds;
    this.#tag = tag;
  }

  async add(user: InboundUser, { beforeCall }: ChangeOptions = {}): Promise<"added" | "exists"> {
    const accountType = await this.#accountTypeOfInbound();
    if (user.account.protocol !== "other" && codecOf(user.account).accountType !== accountType)
      throw new InboundUnsupportedError(this.#calls.node, "addUser", this.#tag, accountType);
    checkUser(user, accountType);
    const operation = addOperation(user);
    // Someone else may remove the user between the refusal and the look: then it can be added after all.
    for (let attempt = 1; ; attempt++) {
      beforeCall?.();
      if (await this.#alter("addUser", operation, "user-exists")) return "added";
      const found = await this.#get("addUser", user.email);
      if (found !== null) {
        if (isSameUser(found, user)) return "exists";
        throw new AccountMismatchError(this.#calls.node, "addUser", user.email);
      }
      if (attempt === 3) {
        throw new XrayAnswerInvalidError(this.#calls.node, "addUser", `${user.email} exists and can't be found`);
      }
    }
  }

  async remove(email: string, { beforeCall }: ChangeOptions = {}): Promise<"removed" | "absent"> {
    // A listed user can be removed, also under an e-mail that we would never give.
    if (email === "") throw new InvalidXrayRequestError("a user without an e-mail");
    const operation = packTyped(RemoveUserOperationSchema, { email });
    beforeCall?.();
    return (await this.#alter("removeUser", operation, "user-missing")) ? "removed" : "absent";
  }

  get(email: string): Promise<InboundUser | null> {
    checkEmail(email);
    return this.#get("getUser", email);
  }

  async list(): Promise<InboundUser[]> {
    const request = { tag: this.#tag };
    const { users } = await this.#inInbound("listUsers", () => this.#calls.bulk("listUsers", getInboundUsers, request));
    return users.map(decodeUser);
  }

  async count(): Promise<number> {
    const request = { tag: this.#tag };
    const call = () => this.#calls.short("countUsers", getInboundUsersCount, request);
    return Number((await this.#inInbound("countUsers", call)).count);
  }

  async #get(method: string, email: string): Promise<InboundUser | null> {
    const request = { tag: this.#tag, email };
    const { users } = await this.#inInbound(method, () => this.#calls.short(method, getInboundUsers, request));
    // Xray answers with one blank user when there is none.
    const found = users.find((user) => user.account !== undefined);
    return found === undefined ? null : decodeUser(found);
  }

  /** True when the operation was applied, false when it was refused for `nothingToDo`. */
  async #alter(method: string, operation: TypedMessage, nothingToDo: "user-exists" | "user-missing"): Promise<boolean> {
    try {
      const request = { tag: this.#tag, operation };
      await this.#inInbound(method, () => this.#calls.short(method, alterInbound, request));
      return true;
    } catch (error) {
      if (isRefusal(error, nothingToDo)) return false;
      throw error;
    }
  }

  async #inInbound<T>(method: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (isRefusal(error, "inbound-missing")) throw this.#missing(method);
      throw error;
    }
  }

  /**
   * Looked up once for every connection: a process of another config may be behind the next. A call waits for as long as it
   * may last, and the look-up goes on for those that come after.
   */
  #accountTypeOfInbound(): Promise<string> {
    const { losses } = this.#calls;
    if (this.#accountType?.losses === losses) return this.#accountType.value;
    const lookUp = this.#lookUpAccountType();
    const lookedUp = { value: this.#calls.waitFor("addUser", lookUp), losses };
    this.#accountType = lookedUp;
    lookUp.then(
      () => {
        lookedUp.value = lookUp;
      },
      () => {
        if (this.#accountType === lookedUp) this.#accountType = null;
      },
    );
    return lookedUp.value;
  }

  async #lookUpAccountType(): Promise<string> {
    try {
      const type = await this.#inbounds.accountType("addUser");
      if (type === null) throw this.#missing("addUser");
      return type;
    } catch (error) {
      if (!(error instanceof XrayIndeterminateError)) throw error;
      // The unanswered call was a question: nobody was added.
      throw new XrayUnreachableError(this.#calls.node, "addUser", "hung", error.details);
    }
  }

  #missing(method: string): InboundMissingError {
    return new InboundMissingError(this.#calls.node, method, this.#tag);
  }
}

function addOperation(user: InboundUser): TypedMessage {
  const { typeName, field } = AddUserOperationSchema;
  const value = new BinaryWriter().tag(field.user.number, WireType.LengthDelimited).bytes(encodeUser(user)).finish();
  return create(TypedMessageSchema, { type: typeName, value });
}
