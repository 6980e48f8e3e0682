import { protocolOf } from "@veil/protocols";
import { codecOf } from "./codecs.ts";
import { InvalidXrayRequestError } from "./errors.ts";
import type { InboundUser } from "./inbound-user.ts";
import { emailFault } from "./user-email-fault.ts";

/** @throws {InvalidXrayRequestError} when the e-mail is none that we would give to a user. */
export function checkEmail(email: string): void {
  const fault = emailFault(email);
  if (fault !== null) throw new InvalidXrayRequestError(`the e-mail ${JSON.stringify(email)} ${fault}`);
}

/** @throws {InvalidXrayRequestError} when the tag is blank. */
export function checkTag(tag: string): void {
  if (tag.trim() === "") throw new InvalidXrayRequestError("a blank tag");
}

/**
 * Checks a user for an inbound that takes accounts of the kind `accountType`: no other kind is sent. Other users pass as
 * Xray listed them.
 *
 * @throws {InvalidXrayRequestError} when the user may not be sent.
 */
export function checkUser(user: InboundUser, accountType: string): void {
  const { email, account } = user;
  if (account.protocol === "other") {
    if (email === "") throw new InvalidXrayRequestError("a user without an e-mail");
    checkKind(email, account.type, accountType);
    return;
  }
  checkEmail(email);
  checkKind(email, codecOf(account).accountType, accountType);
  if (!protocolOf(account).isValidAccount(account)) {
    throw new InvalidXrayRequestError(`the account of ${email} is malformed`);
  }
}

function checkKind(email: string, type: string, expected: string): void {
  if (type !== expected) {
    throw new InvalidXrayRequestError(`${email} has an account of the kind ${JSON.stringify(type)}, not ${expected}`);
  }
}
