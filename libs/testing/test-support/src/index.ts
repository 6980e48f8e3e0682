/** Fixtures on real engines for the tests of libs and services. Nothing that runs in production knows it. */
export { CertificateAuthority, type IssuedCertificate } from "./certificate-authority.ts";
export { documentedMetricLines, metricLines } from "./metrics-table.ts";
export { ownDatabase, ownPrefix } from "./own-database.ts";
export { sharedClockAhead } from "./shared-clock-ahead.ts";
export { startTestXray, type TestXray } from "./start-test-xray.ts";
export { startTlsFront, type TlsFront } from "./start-tls-front.ts";
export { askByUdp, startUdpEcho, type UdpEcho, type UdpTarget } from "./udp.ts";
export { type Answer, type Received, startWebhookReceiver, take, type WebhookReceiver } from "./webhook-receiver.ts";
