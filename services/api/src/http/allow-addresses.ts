import { BlockList } from "node:net";
import { messages } from "@veil/http-contract";
import { parseClientAddress } from "@veil/runtime";
import { networkOf } from "@veil/tokens";
import type { RequestHandler } from "express";
import { HttpError } from "./http-error.ts";

/** Lets only requests from the listed addresses through. @param allowed null when all may come */
export function allowAddresses(allowed: BlockList | null): RequestHandler {
  return (request, _response, next) => {
    if (allowed !== null && !contains(allowed, request.ip ?? "")) throw new HttpError(403, messages.addressNotAllowed);
    next();
  };
}

/** The proxies whose `X-Forwarded-For` is believed: how many there are, or which; false for none. */
export type TrustedProxies = false | number | BlockList;

/**
 * The value of Express's setting `trust proxy`. Addresses are compared by what they mean: Express by itself believes no proxy
 * whose address stands in the header with a port.
 */
export function trustProxies(trusted: TrustedProxies): false | number | ((address: string) => boolean) {
  return typeof trusted === "object" ? (address) => contains(trusted, address) : trusted;
}

/** Whether an address is among those listed; every address is when there is no list. */
export function isFrom(address: string | undefined, listed: readonly string[] | null): boolean {
  if (listed === null) return true;
  const list = addressList(listed);
  return list !== null && contains(list, address ?? "");
}

function contains(list: BlockList, text: string): boolean {
  const address = parseClientAddress(text);
  return address !== null && list.check(address.text, address.family);
}

/** Makes a list from `10.0.0.0/8` and `2001:db8::7`. Null when an entry is neither an address nor a CIDR range. */
export function addressList(entries: readonly string[]): BlockList | null {
  const list = new BlockList();
  for (const entry of entries) {
    const network = networkOf(entry);
    if (network === null) return null;
    list.addSubnet(network.address, network.prefix, network.family);
  }
  return list;
}
