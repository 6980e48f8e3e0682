import { orTooLate } from "@veil/job-contract";
import type { JobHandlers } from "@veil/job-queue";
import { actorOf } from "./actor-of.ts";
import { orUnreadable } from "./or-unreadable.ts";
import { changeToken, createToken, deleteToken, type TokenPorts } from "@veil/tokens";

export type TokenJobHandlers = Pick<JobHandlers<"veil-keys">, "create-token" | "change-token" | "delete-token">;

/** The handlers for all jobs on API tokens. */
export function tokenJobHandlers(ports: TokenPorts): TokenJobHandlers {
  return {
    "create-token": ({ token, deadline, ...asked }, { jobId: job }) =>
      orTooLate(createToken({ job, deadline, token, actor: actorOf(asked) }, ports)),
    "change-token": ({ token_id: id, giver, change, deadline }, { jobId: job }) =>
      orUnreadable("token", () => orTooLate(changeToken({ job, deadline, id, giver, change }, ports))),
    "delete-token": ({ token_id: id, giver, deadline, ...asked }, { redelivered }) =>
      orUnreadable("token", () =>
        orTooLate(deleteToken({ id, giver, deadline, redelivered, actor: actorOf(asked) }, ports)),
      ),
  };
}
