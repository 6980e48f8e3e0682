import { z } from "zod";

/**
 * Secrets that a system needs to be the same one elsewhere, and the port that its links carry where no setting has it. Passwords
 * of engines are not among them: a new system has its own.
 */
export const SECRET_NAMES = [
  "api-secret-key",
  "api-readonly-key",
  "admin-password",
  "reality-private-key",
  "reality-port",
  "webhook-secret-key",
] as const;
export type SecretName = (typeof SECRET_NAMES)[number];
export const secretName = z.enum(SECRET_NAMES);

/** Those that there are, none of them empty. */
export type BackedUpSecrets = Readonly<Partial<Record<SecretName, string>>>;
