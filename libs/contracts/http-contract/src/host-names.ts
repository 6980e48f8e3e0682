const LAST_PORT = 65_535;
/** The values that `isHost` accepts, in words. */
export const HOST_WORDS = "a host name or an IP address without a port";

export const LONGEST_HOST = 253;
export const HOST_NAME = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/;
const LONGEST_LABEL = 63;
const ASCII = /^\p{ASCII}*$/u;
const IN_LETTERS = /^[\p{L}\p{M}\p{N}._-]+$/u;
const IPV4 = /^[\d.]+$/;
const IPV6 = /^\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?$/;

/**
 * A host as clients dial it: no core makes Punycode of a name in other letters than Latin ones. The same where it is none, and null
 * of null.
 */
export function asciiHost<Text extends string | null>(text: Text): Text | string {
  return text === null ? text : inAscii(text);
}

function inAscii(text: string): string {
  const url = `http://${text}/`;
  return !ASCII.test(text) && IN_LETTERS.test(text) && URL.canParse(url) ? new URL(url).hostname : text;
}

/** `host:port` with the host as {@link asciiHost} writes it. */
export function asciiAddress(address: string): string {
  return address.replace(/^[^:[]+/, inAscii);
}

/** Whether a text is a host name, not an IP address. */
export function isHostName(text: string): boolean {
  return isNameOrIpv4(text) && !IPV4.test(text);
}

/** Whether a text is a host name, in whichever letters, or an IP address, IPv6 with or without brackets. */
export function isHost(text: string): boolean {
  if (isNameOrIpv4(inAscii(text))) return true;
  return text.length <= LONGEST_HOST && IPV6.test(text) && URL.canParse(`http://[${text.replace(/^\[|\]$/g, "")}]/`);
}

/** Texts that a resolver takes for a number, such as `127.1` or `0x7f000001`, count only as four numbers with dots here. */
function isNameOrIpv4(text: string): boolean {
  if (text.length > LONGEST_HOST || !HOST_NAME.test(text)) return false;
  if (text.split(".").some((label) => label.length > LONGEST_LABEL)) return false;
  const url = `http://${text}/`;
  return URL.canParse(url) && new URL(url).hostname === text.toLowerCase();
}

/** Whether a text is `host:port`. */
export function isAddress(text: string): boolean {
  const end = text.lastIndexOf(":");
  const [host, port] = [text.slice(0, end), text.slice(end + 1)];
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > LAST_PORT) return false;
  return isHost(host) && (!host.includes(":") || host.startsWith("["));
}
