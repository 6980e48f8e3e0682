import { type Actor, type EventHints, SYSTEM } from "@veil/events";
import { changedByWriteOf, knowsWriteOf, remember, type RememberedJobs } from "@veil/idempotency";
import { type ApiToken, MOST_TOKENS, MOST_TOKENS_OF_OWNER, type TokenChange, type TokenRights } from "./api-token.ts";
import { rightsBeyond } from "./rights.ts";
import type { TokenStore } from "./ports.ts";
import { tokenSubject } from "./token-events.ts";

/** The ports that the changes of tokens need. */
export interface TokenPorts {
  readonly tokens: TokenStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Asked before each write that is reported. */
  readonly hints: EventHints;
}

interface TokenJob {
  /** Id of the job. */
  readonly job: string;
  /** Milliseconds since the epoch; nothing is begun after it. */
  readonly deadline: number;
  /** The caller who asks for it. */
  readonly actor?: Actor;
}

interface OfOneToken {
  readonly id: string;
  /** The rights of whoever asks for it. */
  readonly giver: TokenRights;
}

interface Taken {
  readonly outcome: "taken";
  readonly detail: string;
}

/** The giver lacks rights that the token has, or would get. */
interface Refused {
  readonly outcome: "refused";
  /** The rights, as a caller may read it. */
  readonly beyond: string;
}

/** The deadline had passed: nothing was done. */
interface TooLate {
  readonly outcome: "too-late";
}

export type ChangeTokenResult =
  | { readonly outcome: "changed"; readonly token: ApiToken }
  | { readonly outcome: "not-found" }
  | Refused
  | Taken
  | TooLate;

type CreateTokenResult = { readonly outcome: "created"; readonly token: ApiToken } | Taken | TooLate;
type DeleteTokenResult = { readonly outcome: "deleted" } | { readonly outcome: "not-found" } | Refused | TooLate;

/**
 * Makes a token. May run twice: one that the job made, or another attempt of its write, is its own. Each attempt brings another id and
 * hash, so that it may be another token than the one that was asked for.
 */
export async function createToken(
  {
    job,
    deadline,
    token,
    actor = SYSTEM,
  }: TokenJob & { readonly token: Omit<ApiToken, "revision" | keyof RememberedJobs> },
  { tokens, now, hints }: TokenPorts,
): Promise<CreateTokenResult> {
  const found = await tokens.find(token.id);
  if (found !== null) return knowsWriteOf(found, job, now()) ? created(found) : taken(token.name);
  const all = await tokens.list();
  const own = changedByWriteOf(job, all, now());
  if (own !== null) return created(own);
  if (now() > deadline) return { outcome: "too-late" };
  const most = mostThereAre(all, token);
  if (most !== null) return { outcome: "taken", detail: `there are ${most} tokens already: delete one first` };
  const made: ApiToken = { ...token, revision: 1, ...remember({ jobs: [] }, job, now()) };
  const hint = await hints.expect(tokenSubject(token.id));
  const end = await tokens.insert(made, { actor, at: Math.floor(now() / 1_000) });
  hint.ready();
  if (end === "inserted") return created(made);
  const first = changedByWriteOf(job, await tokens.list(), now());
  return first === null ? taken(token.name) : created(first);
}

/**
 * Changes a token: all of it or nothing. May run twice: the second time it finds what it did, and changes nothing.
 *
 * The giver's rights are compared with what the token has when it is changed, so that nobody gets hold of one that was given
 * more meanwhile.
 */
export async function changeToken(
  { job, deadline, id, change, giver }: TokenJob & OfOneToken & { readonly change: TokenChange },
  { tokens, now }: TokenPorts,
): Promise<ChangeTokenResult> {
  for (;;) {
    const found = await tokens.find(id);
    if (found === null || !sees(giver, found)) return { outcome: "not-found" };
    if (knowsWriteOf(found, job, now())) return { outcome: "changed", token: found };
    if (now() > deadline) return { outcome: "too-late" };
    const jobs = remember(found, job, now());
    const token: ApiToken = { ...found, ...change, revision: found.revision + 1, ...jobs };
    const beyond = rightsBeyond(found, giver) ?? rightsBeyond(token, giver);
    if (beyond !== null) return { outcome: "refused", beyond };
    const end = await tokens.replace(token, found.revision);
    if (end === "taken") return taken(token.name);
    if (end === "replaced") return { outcome: "changed", token };
  }
}

/** Deletes a token. Delivered again it may find that it has done so. */
export async function deleteToken(
  {
    id,
    deadline,
    redelivered,
    giver,
    actor = SYSTEM,
  }: Omit<TokenJob, "job"> & OfOneToken & { readonly redelivered: boolean },
  { tokens, now, hints }: TokenPorts,
): Promise<DeleteTokenResult> {
  const found = await tokens.find(id);
  if (found === null) return { outcome: redelivered ? "deleted" : "not-found" };
  if (!sees(giver, found)) return { outcome: "not-found" };
  if (now() > deadline) return { outcome: "too-late" };
  const beyond = rightsBeyond(found, giver);
  if (beyond !== null) return { outcome: "refused", beyond };
  const hint = await hints.expect(tokenSubject(id));
  const isGone = (await tokens.remove(id, { actor, at: Math.floor(now() / 1_000) })) || redelivered;
  hint.ready();
  return { outcome: isGone ? "deleted" : "not-found" };
}

/** Whether a caller sees a token: those of other owners are not there for it. */
function sees(giver: TokenRights, token: ApiToken): boolean {
  return giver.owner === null || giver.owner === token.owner;
}

/** The limit that a further token would exceed; null when there is none. Some that are made at the same moment may. */
function mostThereAre(tokens: readonly ApiToken[], { owner }: Pick<ApiToken, "owner">): number | null {
  if (tokens.length >= MOST_TOKENS) return MOST_TOKENS;
  const ofOwner = owner === null ? 0 : tokens.filter((token) => token.owner === owner).length;
  return ofOwner >= MOST_TOKENS_OF_OWNER ? MOST_TOKENS_OF_OWNER : null;
}

function created(token: ApiToken): CreateTokenResult {
  return { outcome: "created", token };
}

function taken(name: string): Taken {
  return { outcome: "taken", detail: `the name ${name} is taken` };
}
