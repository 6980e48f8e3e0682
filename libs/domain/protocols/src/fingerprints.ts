/**
 * The TLS handshakes that a Reality client can imitate: the names that Xray 26.3.27, sing-box 1.13 and 1.14, and mihomo
 * 1.19.27 all take, and with which each of them gets through a handshake (tried with all four). Lower case, which sing-box and
 * mihomo insist on.
 *
 * Left out on purpose: names of single browser versions, such as `hellochrome_131`, which only Xray knows; and `android` and
 * `360`, which all of them know and none can dial with, since they offer no TLS 1.3.
 */
export const fingerprints = ["chrome", "firefox", "safari", "edge", "ios", "qq", "random", "randomized"] as const;

/** The hint for a name that is none of them. */
export const fingerprintHint = `must be a TLS fingerprint that every client can dial with: ${fingerprints.join(", ")}`;
