import { z } from "zod";

export const QR_MESSAGE = "of must be subscription or link";

const subjects = ["subscription", "link"] as const;

/** The target of a QR code. */
export type QrSubject = (typeof subjects)[number];

/** Selects the target of a QR code. */
export const qrQuerySchema = z.object({
  of: z
    .enum(subjects, QR_MESSAGE)
    .default("subscription")
    .meta({ description: "`subscription` for the key's `subscription_url`, `link` for its share link." }),
});
