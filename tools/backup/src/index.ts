/** Backups: MongoDB and the secrets in one archive. Knows no engine that has to be started, and no orchestrator. */
export { type Command, parseCommand } from "./parse-command.ts";
export { runCommand, type SecretPlace } from "./run-command.ts";
export { type BackedUpSecrets, OPTIONAL_SECRET_NAMES, SECRET_NAMES, type SecretName } from "./secret-files.ts";
