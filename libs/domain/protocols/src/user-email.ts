const OUR_EMAIL = /^([1-9][0-9]*)@veil$/;

/**
 * The e-mail under which a key's user stands in Xray: `<key id>@veil`. It is lower case, because Xray folds case when it
 * looks a user up but not when it names the user's counters, and short, because a rebuilt inbound carries all of them
 * in one message.
 *
 * @throws {RangeError} when `keyId` is not an integer from 1 to 2^53 - 1.
 */
export function userEmail(keyId: number): string {
  if (!isKeyId(keyId)) throw new RangeError(`a key id is an integer from 1 to 2^53 - 1, not ${keyId}`);
  return `${keyId}@veil`;
}

/** The key whose user has this e-mail. `null` means that the user is unmanaged: nothing of ours, never to be touched. */
export function keyIdOfEmail(email: string): number | null {
  const digits = OUR_EMAIL.exec(email)?.[1];
  if (digits === undefined) return null;
  const keyId = Number(digits);
  return isKeyId(keyId) ? keyId : null;
}

function isKeyId(keyId: number): boolean {
  return Number.isSafeInteger(keyId) && keyId >= 1;
}
