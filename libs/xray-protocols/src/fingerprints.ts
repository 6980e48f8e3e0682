/** The names that Xray, sing-box and mihomo all take, and with which each of them gets through a Reality handshake. */
const COMMON = ["chrome", "firefox", "safari", "edge", "ios", "qq", "random", "randomized"] as const;

/**
 * Names that Xray takes for Reality beside them. Most belong to one version of a browser, and sing-box and mihomo know
 * none of those. Some, `android` and `360` among them, offer no TLS 1.3: a client reads such a link and cannot dial.
 */
const XRAY_ONLY = [
  "android",
  "360",
  "randomizednoalpn",
  "hello360_7_5",
  "hello360_11_0",
  "hello360_auto",
  "helloandroid_11_okhttp",
  "hellochrome_58",
  "hellochrome_62",
  "hellochrome_70",
  "hellochrome_72",
  "hellochrome_83",
  "hellochrome_87",
  "hellochrome_96",
  "hellochrome_100",
  "hellochrome_100_psk",
  "hellochrome_102",
  "hellochrome_106_shuffle",
  "hellochrome_112_psk_shuf",
  "hellochrome_114_padding_psk_shuf",
  "hellochrome_115_pq",
  "hellochrome_115_pq_psk",
  "hellochrome_120",
  "hellochrome_120_pq",
  "hellochrome_131",
  "hellochrome_auto",
  "helloedge_85",
  "helloedge_106",
  "helloedge_auto",
  "hellofirefox_55",
  "hellofirefox_56",
  "hellofirefox_63",
  "hellofirefox_65",
  "hellofirefox_99",
  "hellofirefox_102",
  "hellofirefox_105",
  "hellofirefox_120",
  "hellofirefox_auto",
  "helloios_11_1",
  "helloios_12_1",
  "helloios_13",
  "helloios_14",
  "helloios_auto",
  "helloqq_11_1",
  "helloqq_auto",
  "hellorandomized",
  "hellorandomizedalpn",
  "hellorandomizednoalpn",
  "hellosafari_16_0",
  "hellosafari_auto",
] as const;

/**
 * The TLS handshakes that a Reality client can imitate, by the names that Xray 26.3.27 has for them; lower case, which
 * sing-box and mihomo insist on.
 */
export const fingerprints = [...COMMON, ...XRAY_ONLY] as const;

/** What to write instead of a name that is none of them. */
export const fingerprintHint = `must be the name of a TLS fingerprint that Xray knows, such as ${COMMON.join(", ")}`;
