const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether `text` is a random (version 4) UUID in its canonical form: lower case, with dashes. */
export function isUuidV4(text: string): boolean {
  return UUID_V4.test(text);
}

/**
 * Whether Xray takes two UUIDs for the same VLESS user. It leaves bytes 6 and 7, the third group, out of the match and
 * uses them as a routing hint, so `…-4a7b-…` opens what `…-4fff-…` opens. Case and dashes don't count either.
 */
export function isSameUuidInXray(one: string, other: string): boolean {
  return one === other || matchedPart(one) === matchedPart(other);
}

function matchedPart(uuid: string): string {
  const hex = uuid.replaceAll("-", "").toLowerCase();
  return hex.slice(0, 12) + hex.slice(16);
}
