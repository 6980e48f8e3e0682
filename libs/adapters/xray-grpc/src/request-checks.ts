import { protocolOf } from "@veil/protocols";
import { codecOf } from "./codecs.ts";
import { InvalidXrayRequestError } from "./errors.ts";
import type { InboundUser } from "./inbound-user.ts";

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

/**
 * The fault in an e-mail for a user, `null` when there is none. Xray takes any text, but a user with an empty one can't
 * be listed, counted or removed; one in upper case has counters that its lower-case name doesn't find; `>` divides the
 * parts of a counter's name; and `regexp:` makes a routing rule match many.
 */
export function emailFault(email: string): string | null {
  if (email === "") return "is empty";
  if (email !== email.toLowerCase()) return "is not in lower case";
  if (/[\s\p{Cc}>]/u.test(email)) return "holds a space, a control character or >";
  if (email.startsWith("regexp:")) return "is a pattern";
  return null;
}
