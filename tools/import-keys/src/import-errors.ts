/** The base of failures of an import whose one sentence is all that its user needs. */
export abstract class ImportError extends Error {}

/** Thrown when a database is not one of the first implementation, or holds something that can't be taken over. */
export class LegacyDatabaseError extends ImportError {
  override readonly name = "LegacyDatabaseError";
}

/** Thrown when a key of the database can't have its id here, because another one has it or has its UUID. */
export class ImportConflictError extends ImportError {
  override readonly name = "ImportConflictError";
  /** The ids concerned. */
  readonly keyIds: readonly number[];

  constructor(keyIds: readonly number[]) {
    super(
      `${keyIds.length} key ids or UUIDs are in use by other keys here (${shown(keyIds)}); import into an empty Veil`,
    );
    this.keyIds = keyIds;
  }
}

/** Thrown when a node is not as an import needs it. Nothing was changed. */
export class NodeNotReadyError extends ImportError {
  override readonly name = "NodeNotReadyError";
  readonly node: string;

  constructor(node: string, fault: string, cause?: unknown) {
    super(`Xray node ${node}: ${fault}`, { cause });
    this.node = node;
  }
}

/** Thrown when a key's accounts on the nodes have different flows, so that no single one serves all its clients. */
export class KeyFlowsDifferError extends ImportError {
  override readonly name = "KeyFlowsDifferError";
  readonly keyIds: readonly number[];

  constructor(keyIds: readonly number[]) {
    super(
      `${keyIds.length} keys have accounts with and without xtls-rprx-vision (${shown(keyIds)}); leave one of each`,
    );
    this.keyIds = keyIds;
  }
}

/** Thrown when a node has accounts under the e-mails of before that say neither a UUID nor a flow. Nothing was changed. */
export class AccountsUnreadableError extends ImportError {
  override readonly name = "AccountsUnreadableError";
  readonly emails: readonly string[];

  constructor(node: string, emails: readonly string[]) {
    super(
      `Xray node ${node}: the accounts of ${shown(emails)} can't be read, so nobody knows the flow of their keys; ` +
        "remove these users from Xray, then run this again",
    );
    this.emails = emails;
  }
}

/** Thrown when another import, or a worker, kept what must be ours for too long. */
export class ImportBusyError extends ImportError {
  override readonly name = "ImportBusyError";

  constructor(subject: string) {
    super(`${subject} is held by another process; try again`);
  }
}

/** Thrown when the import was asked to stop between two steps. A further run goes on. */
export class ImportStoppedError extends ImportError {
  override readonly name = "ImportStoppedError";

  constructor() {
    super("stopped; the same command goes on where this ended");
  }
}

/** Thrown when some users could not be replaced. A further run goes on. */
export class ImportIncompleteError extends ImportError {
  override readonly name = "ImportIncompleteError";
  readonly keyIds: readonly number[];

  constructor(node: string, keyIds: readonly number[]) {
    super(`Xray node ${node}: ${keyIds.length} users are not replaced yet; run the same command again`);
    this.keyIds = keyIds;
  }
}

function shown(names: readonly (number | string)[]): string {
  return names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "");
}
