export interface SelfSignedCertificate {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS #8. */
  privateKey: string;
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/** A fresh P-256 key with a certificate for the DNS name `serverName`, valid from a day before `now` for ten years. */
export async function selfSignedCertificate(serverName: string, now = new Date()): Promise<SelfSignedCertificate> {
  // Loading it takes 0.1 s, and few starts need a certificate.
  const { generate } = await import("selfsigned");
  const made = await generate([{ name: "commonName", value: serverName }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(now.getTime() - DAY_MS),
    notAfterDate: new Date(now.getTime() + 3_650 * DAY_MS),
  });
  return { certificate: made.cert, privateKey: made.private };
}
