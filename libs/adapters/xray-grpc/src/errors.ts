import type { status } from "@grpc/grpc-js";

/** The base of every failed call to a node: says which node, and which method of `XrayNode`. */
export abstract class XrayError extends Error {
  readonly node: string;
  readonly method: string;

  constructor(node: string, method: string, message: string) {
    super(`Xray node ${node}, ${method}: ${message}`);
    this.node = node;
    this.method = method;
  }
}

/**
 * Why a call was not sent: there is no connection, the node answers nothing and is waited for, the call's time passed
 * while it waited for a slot, or the node was closed by `close()`.
 */
export type UnreachableReason = "no-connection" | "hung" | "queue" | "closed";

/** Thrown when a call was never handed to a connection: it surely did not happen and will not. */
export class XrayUnreachableError extends XrayError {
  override readonly name = "XrayUnreachableError";
  readonly reason: UnreachableReason;

  constructor(node: string, method: string, reason: UnreachableReason, details: string) {
    super(node, method, `not sent (${reason}): ${details}`);
    this.reason = reason;
  }
}

/**
 * Thrown when a call went out and no answer came back: a deadline, a dropped connection, a broken reply. It may have
 * happened, and while the process lives it may still happen later.
 */
export class XrayIndeterminateError extends XrayError {
  override readonly name = "XrayIndeterminateError";
  /** The gRPC status code. */
  readonly code: status;
  readonly details: string;

  constructor(node: string, method: string, code: status, details: string) {
    super(node, method, `outcome unknown, gRPC code ${code}: ${details}`);
    this.code = code;
    this.details = details;
  }
}

/** Thrown when Xray refuses a call for a reason that no other class names. The same call will be refused again. */
export class XrayRejectedError extends XrayError {
  override readonly name = "XrayRejectedError";
  /** The gRPC status code. Nearly always 2, so `details` carries the meaning. */
  readonly code: status;
  readonly details: string;

  constructor(node: string, method: string, code: status, details: string) {
    super(node, method, `refused, gRPC code ${code}: ${details}`);
    this.code = code;
    this.details = details;
  }
}

/** Thrown when the node has no inbound of that tag: it is being replaced, or it is gone. Says nothing about users. */
export class InboundMissingError extends XrayError {
  override readonly name = "InboundMissingError";
  readonly tag: string;

  constructor(node: string, method: string, tag: string) {
    super(node, method, `there is no inbound ${tag}`);
    this.tag = tag;
  }
}

/** Thrown when an inbound is to be added under a tag that is taken. */
export class InboundExistsError extends XrayError {
  override readonly name = "InboundExistsError";
  readonly tag: string;

  constructor(node: string, method: string, tag: string) {
    super(node, method, `there is already an inbound ${tag}`);
    this.tag = tag;
  }
}

/**
 * Thrown when a new inbound can't listen, as a rule because its port is taken. Xray keeps its tag all the same, as an
 * inbound that serves nobody: remove it before the next attempt.
 */
export class InboundNotListeningError extends XrayError {
  override readonly name = "InboundNotListeningError";
  readonly tag: string;
  readonly details: string;

  constructor(node: string, method: string, tag: string, details: string) {
    super(node, method, `the inbound ${tag} can't listen: ${details}`);
    this.tag = tag;
    this.details = details;
  }
}

/** Of an inbound of Shadowsocks 2022 that began without a client: one for its own key alone, for as long as it is there. */
const SHADOWSOCKS_OF_ONE = "xray.proxy.shadowsocks_2022.ServerConfig";

/** Thrown when an inbound takes no users that this package knows: nothing is sent to it. */
export class InboundUnsupportedError extends XrayError {
  override readonly name = "InboundUnsupportedError";
  readonly tag: string;
  /** The full name of its settings, for example `xray.proxy.trojan.ServerConfig`. */
  readonly type: string;

  constructor(node: string, method: string, tag: string, type: string) {
    super(node, method, `the inbound ${tag} ${faultOfKind(type)}`);
    this.tag = tag;
    this.type = type;
  }

  /** The end of a sentence that begins with the inbound. */
  get fault(): string {
    return faultOfKind(this.type);
  }
}

function faultOfKind(type: string): string {
  return type === SHADOWSOCKS_OF_ONE
    ? "has no client in its config: Xray takes users for shadowsocks-2022 only where there was one from the start"
    : `is of the kind ${type}, whose users are none that keys can be`;
}

/** Thrown when another account stands under the e-mail of a user that is to be added. Nothing was changed. */
export class AccountMismatchError extends XrayError {
  override readonly name = "AccountMismatchError";
  readonly email: string;

  constructor(node: string, method: string, email: string) {
    super(node, method, `another account stands under ${email}`);
    this.email = email;
  }
}

/** Thrown when an answer can't be understood or holds a number beyond 2^53 - 1. */
export class XrayAnswerInvalidError extends XrayError {
  override readonly name = "XrayAnswerInvalidError";
  constructor(node: string, method: string, fault: string) {
    super(node, method, `invalid answer: ${fault}`);
  }
}

/**
 * Thrown instead of sending a request that is malformed. Xray would take some of these silently and be ended by others,
 * so this is always a fault of the caller.
 */
export class InvalidXrayRequestError extends TypeError {
  override readonly name = "InvalidXrayRequestError";
  constructor(fault: string) {
    super(`invalid request to Xray: ${fault}`);
  }
}
