/**
 * VLESS encryption as clients name it: how the first bytes look, how often keys are exchanged, what is padded, and the server's
 * public keys, of X25519 or ML-KEM-768. The server's own `decryption`, which holds private keys, is none.
 */
export const VLESS_ENCRYPTION =
  /^mlkem768x25519plus\.(?:native|xorpub|random)\.(?:0rtt|1rtt)(?:\.\d{1,5}-\d{1,5}-\d{1,5})*(?:\.[\w-]{43}|\.[\w-]{1579})+$/;

/** More than one key of ML-KEM-768 with padding takes. A link with more would fit into no QR code. */
export const LONGEST_VLESS_ENCRYPTION = 2_000;
