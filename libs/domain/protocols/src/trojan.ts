import { connectionLink, type TrojanConnection } from "./connection.ts";
import { connectedPlace } from "./connected-place.ts";
import { derivedSecret } from "./derived-secret.ts";
import type { Protocol } from "./protocol.ts";
import type { LinkedKey, LinkSettings } from "./share-link.ts";

/** A Trojan user in Xray, apart from the e-mail. */
export interface TrojanAccount {
  readonly protocol: "trojan";
  /** 22 characters of base64url. */
  readonly password: string;
}

/** Trojan. Its password is all that lets a client in: 128 bits. */
export const trojan: Protocol<TrojanAccount> = {
  name: "trojan",
  accountOf: ({ uuid }) => ({ protocol: "trojan", password: passwordOf(uuid) }),
  isValidAccount: ({ password }) => isTrojanPassword(password),
  isSameAccount: (one, other) => one.password === other.password,
  inConfig: { protocol: "trojan", members: ["password"], valuesOf: ({ password }) => [password] },
  connectionOf,
  shareLink: (key, settings) => connectionLink(connectionOf(key, settings), settings.noFlow),
};

const PASSWORD_BYTES = 16;

/** Whether a password is one that a key may have. */
export function isTrojanPassword(text: string): boolean {
  return /^[A-Za-z0-9_-]{22}$/.test(text);
}

function passwordOf(uuid: string): string {
  return derivedSecret(uuid, "trojan", PASSWORD_BYTES).toString("base64url");
}

function connectionOf(key: LinkedKey, settings: LinkSettings): TrojanConnection {
  return { protocol: "trojan", ...connectedPlace(key, settings), password: passwordOf(key.uuid) };
}
