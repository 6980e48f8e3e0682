import { randomBytes } from "node:crypto";
import { type CreateTokenBody, messages, type TokenBody, type UpdateTokenBody } from "@veil/http-contract";
import { changedByWriteOf } from "@veil/idempotency";
import {
  type ApiToken,
  newToken,
  rightsBeyond,
  TOKEN_SEED_BYTES,
  type TokenChange,
  type TokenReader,
} from "@veil/tokens";
import { ContradictionError, RightsBeyondError, TIMED_OUT, TokenNotFoundError, WriteFailedError } from "../errors.ts";
import { readWithin } from "../jobs/read-within.ts";
import { runDeletion } from "../jobs/run-deletion.ts";
import { type PayloadStamp, planWriteJob, runWriteJob, type WritePorts } from "../jobs/run-write-job.ts";
import { notAppliedError, writeJob, type WriteOperation } from "../jobs/write-jobs.ts";
import type { WriteLimits } from "../jobs/write-limits.ts";
import { type Caller, callerOf, type RequestScope } from "../ports.ts";

export interface ManageTokensPorts extends WritePorts {
  readonly tokens: TokenReader;
  /** The secrets of the settings, whose names no token can have: events tell callers apart by their names. */
  readonly secrets: () => readonly { readonly name: string | null }[];
}

/** A token that was just made. */
export interface MadeToken {
  readonly token: ApiToken;
  /** The token's text behind `Bearer`; null when another request made it, which alone knew it. */
  readonly text: string | null;
}

/**
 * Makes a token. Redis and the store hold its hash only.
 *
 * @throws {RightsBeyondError} when it would have rights that the caller lacks
 * @throws {ContradictionError} when its name is taken, or there are too many; {@link WriteFailedError} when it was not made
 */
export async function createToken(
  body: CreateTokenBody,
  scope: RequestScope,
  ports: ManageTokensPorts,
): Promise<MadeToken> {
  const caller = callerOf(scope);
  const { name, scopes, rate = null, expires_at: expiresAt = null } = body;
  const { owner = caller.owner, addresses = caller.addresses } = body;
  const beyond = rightsBeyond({ scopes, owner, addresses }, caller);
  if (beyond !== null) throw new RightsBeyondError(beyond);
  refuseNameOfSecret(name, ports);
  const { token: text, id, hash } = newToken(randomBytes(TOKEN_SEED_BYTES));
  const createdAt = Math.floor(ports.clock.now() / 1_000);
  const job = planWriteJob("createToken", scope, ports);
  const token = { id, hash, name, scopes, owner, rate, expiresAt, addresses, createdAt };
  const payload = (stamp: PayloadStamp) => ({ token, ...stamp });
  const onNoOutcome = async (limits: WriteLimits) => ({
    outcome: "created" as const,
    token: await madeBy(job.id, "createToken", limits, ports),
  });
  const result = await runWriteJob({ job, payload, onNoOutcome }, scope, ports);
  if (result.outcome === "created") return { token: result.token, text: result.token.hash === hash ? text : null };
  throw result.outcome === "taken"
    ? new ContradictionError("taken", result.detail)
    : notAppliedError("createToken", result);
}

/**
 * Changes a token.
 *
 * @throws {TokenNotFoundError} when the caller sees none of this id; otherwise as {@link createToken}
 */
export async function updateToken(
  id: string,
  body: UpdateTokenBody,
  scope: RequestScope,
  ports: ManageTokensPorts,
): Promise<ApiToken> {
  if (body.name !== undefined) refuseNameOfSecret(body.name, ports);
  const job = planWriteJob("updateToken", scope, ports);
  const payload = (stamp: PayloadStamp) => ({ token_id: id, giver: rightsOf(scope), change: changeOf(body), ...stamp });
  const onNoOutcome = async (limits: WriteLimits) => ({
    outcome: "changed" as const,
    token: await madeBy(job.id, "updateToken", limits, ports),
  });
  const result = await runWriteJob({ job, payload, onNoOutcome }, scope, ports);
  switch (result.outcome) {
    case "changed":
      return result.token;
    case "not-found":
      throw new TokenNotFoundError(id);
    case "refused":
      throw new RightsBeyondError(result.beyond);
    case "taken":
      throw takenError(body.name ?? "");
    default:
      throw notAppliedError("updateToken", result);
  }
}

/** Deletes a token. @throws as {@link updateToken} does */
export async function deleteToken(id: string, scope: RequestScope, ports: ManageTokensPorts): Promise<void> {
  const job = planWriteJob("deleteToken", scope, ports);
  const payload = (stamp: PayloadStamp) => ({ token_id: id, giver: rightsOf(scope), ...stamp });
  const isThere = async () => {
    const found = await ports.tokens.find(id);
    return found !== null && seesToken(scope, found);
  };
  const notFound = () => new TokenNotFoundError(id);
  const result = await runDeletion({ job, payload, isThere, notFound }, scope, ports);
  switch (result.outcome) {
    case "deleted":
    case "gone":
      return;
    case "not-found":
      throw notFound();
    case "refused":
      throw new RightsBeyondError(result.beyond);
    default:
      throw notAppliedError("deleteToken", result);
  }
}

/** The tokens that the caller sees: all, or those of its owner. */
export async function listTokens(
  scope: RequestScope,
  { tokens }: Pick<ManageTokensPorts, "tokens">,
): Promise<ApiToken[]> {
  return (await tokens.list()).filter((token) => seesToken(scope, token));
}

function seesToken(scope: RequestScope, token: ApiToken): boolean {
  const { owner } = callerOf(scope);
  return owner === null || token.owner === owner;
}

/** A token as callers see it. */
export function tokenBody(token: ApiToken): TokenBody {
  return {
    id: token.id,
    name: token.name,
    scopes: [...token.scopes],
    owner: token.owner,
    rate: token.rate,
    expires_at: token.expiresAt,
    addresses: token.addresses === null ? null : [...token.addresses],
    created_at: token.createdAt,
  };
}

/** The fields of a body, as a change of a token. */
function changeOf({ expires_at: expiresAt, name, scopes, owner, rate, addresses }: UpdateTokenBody): TokenChange {
  return {
    ...(name !== undefined && { name }),
    ...(scopes !== undefined && { scopes }),
    ...(owner !== undefined && { owner }),
    ...(rate !== undefined && { rate }),
    ...(addresses !== undefined && { addresses }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

function rightsOf(scope: RequestScope): Pick<Caller, "scopes" | "owner" | "addresses"> {
  const { scopes, owner, addresses } = callerOf(scope);
  return { scopes, owner, addresses };
}

/** Without the worker's result: the token names the job that made or changed it. */
async function madeBy(
  job: string,
  operation: WriteOperation,
  limits: WriteLimits,
  ports: ManageTokensPorts,
): Promise<ApiToken> {
  const tokens = await readWithin(() => ports.tokens.list(), operation, limits, ports);
  const made = changedByWriteOf(job, tokens, ports.clock.now());
  if (made === null) throw new WriteFailedError(writeJob(operation).action, TIMED_OUT);
  return made;
}

/** @throws {ContradictionError} */
function refuseNameOfSecret(name: string, { secrets }: Pick<ManageTokensPorts, "secrets">): void {
  if (secrets().some((secret) => secret.name === name)) throw takenError(name);
}

function takenError(name: string): ContradictionError {
  return new ContradictionError("taken", messages.tokenNameTaken(name));
}
