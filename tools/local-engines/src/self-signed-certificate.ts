import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export interface SelfSignedCertificate {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS #8. */
  privateKey: string;
}

const ECDSA_WITH_SHA256 = oid([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]);
const COMMON_NAME = oid([0x55, 0x04, 0x03]);
const SUBJECT_ALT_NAME = oid([0x55, 0x1d, 0x11]);
const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * A fresh P-256 key with a certificate for `serverName`, valid for ten years: an X.509 version 3 structure (RFC 5280,
 * section 4.1) written out in DER, since Node can read certificates and not make them.
 */
export function selfSignedCertificate(serverName: string, now = new Date()): SelfSignedCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const toBeSigned = tbsCertificate(serverName, publicKey, now);
  const signature = sign("sha256", toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, sequence(ECDSA_WITH_SHA256), bitString(signature));
  return {
    certificate: pem("CERTIFICATE", certificate),
    privateKey: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}

function tbsCertificate(serverName: string, publicKey: KeyObject, now: Date): Buffer {
  const version3 = explicit(0, tagged(0x02, Buffer.from([2])));
  const serialNumber = tagged(0x02, Buffer.concat([Buffer.from([0x01]), randomBytes(8)]));
  const name = sequence(set(sequence(COMMON_NAME, tagged(0x0c, Buffer.from(serverName)))));
  const validity = sequence(
    utcTime(new Date(now.getTime() - DAY_MS)),
    utcTime(new Date(now.getTime() + 3_650 * DAY_MS)),
  );
  const dnsName = tagged(0x82, Buffer.from(serverName));
  const extensions = explicit(3, sequence(sequence(SUBJECT_ALT_NAME, tagged(0x04, sequence(dnsName)))));
  return sequence(
    version3,
    serialNumber,
    sequence(ECDSA_WITH_SHA256),
    name,
    validity,
    name,
    publicKey.export({ format: "der", type: "spki" }),
    extensions,
  );
}

function tagged(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), derLength(content.length), content]);
}

function derLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  if (length < 0x100) return Buffer.from([0x81, length]);
  return Buffer.from([0x82, length >> 8, length & 0xff]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function set(...parts: Buffer[]): Buffer {
  return tagged(0x31, Buffer.concat(parts));
}

function explicit(number: number, content: Buffer): Buffer {
  return tagged(0xa0 | number, content);
}

function bitString(content: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([0]), content]));
}

/** YYMMDDhhmmssZ: good until 2049. */
function utcTime(time: Date): Buffer {
  return tagged(0x17, Buffer.from(`${time.toISOString().replace(/\D/g, "").slice(2, 14)}Z`));
}

function oid(content: number[]): Buffer {
  return tagged(0x06, Buffer.from(content));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
