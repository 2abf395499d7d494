/** IPsec connectors: how the tunnel is made. What is secret in it comes back in clear from the API. */
import { z } from "zod";
import { optionalFlag, optionalText, text, word, WORDS } from "./fields.ts";

const Phase = z.strictObject({
  encryptionAlgorithms: z.array(z.string()).optional()
    .describe("AES128, AES256, AES128_GCM_16, AES256_GCM_16"),
  integrityAlgorithms: z.array(z.string()).optional().describe("SHA1, SHA2_256, SHA2_384, SHA2_512"),
  diffieHellmanGroups: z.array(z.string()).optional()
    .describe("G_1, G_2, G_5, G_14, G_15, G_16, G_19, G_20, G_24"),
  lifetimeSec: z.int().positive().optional().describe("Life of the keys in seconds, 3600 by default"),
});

const IkeProtocol = z.strictObject({
  protocolVersion: word(["IKE_V1", "IKE_V2"], "Version of IKE"),
  phase1: Phase.optional().describe("The first phase"),
  phase2: Phase.optional().describe("The second phase"),
  rekey: z.strictObject({
    marginTimeSec: z.int().optional().describe("Seconds before the end at which keys are renewed"),
    fuzzPercent: z.int().optional().describe("How much that varies, in percent"),
    replayWindowSize: z.int().optional().describe("Packets the replay protection remembers"),
  }).optional().describe("Renewal of keys"),
  deadPeerDetection: z.strictObject({
    timeoutSec: z.int().optional().describe("Seconds of silence after which the peer is dead"),
    deadPeerHandling: word(["RESTART", "NONE"], "What to do then"),
  }).optional().describe("Noticing that the peer is gone"),
  startupAction: word(["START", "ATTACH"], "Who begins"),
  autoInitiate: optionalFlag("Begin without traffic (release 1.2.3)"),
});

/** IPsec of a connector, as it is sent. */
export const IpSecConfigRequest = z.strictObject({
  platform: word(WORDS.platform, "What stands at the other end"),
  authenticationType: word(WORDS.authenticationType, "How both ends know each other"),
  remoteSitePublicIp: optionalText("Public address of the other end"),
  preSharedKey: optionalText("Key both ends share"),
  caCertificate: optionalText("Certificate of the authority (PEM, up to release 1.2.0)"),
  peerCertificate: optionalText("Certificate of the peer (PEM, up to release 1.2.0)"),
  remoteGatewayCertificate: optionalText("Certificate of the remote gateway (PEM, up to release 1.2.0)"),
  peerCertificatePrivateKey: optionalText("Private key of the peer's certificate (up to release 1.2.0)"),
  peerCertificateKeyPassphrase: optionalText("Passphrase of that key (up to release 1.2.0)"),
  ikeProtocol: IkeProtocol.optional().describe("IKE in detail"),
  hostname: optionalText("Host name of the other end"),
  domain: optionalText("Domain of the other end"),
});
export type IpSecConfigRequest = z.input<typeof IpSecConfigRequest>;

/** Fields of it that must not be shown or written down. */
export const IPSEC_SECRETS = [
  "preSharedKey",
  "peerCertificatePrivateKey",
  "peerCertificateKeyPassphrase",
] as const;

const anyTexts = z.array(z.string()).nullish();
const number = z.number().nullish();

const PhaseAnswer = z.object({
  encryptionAlgorithms: anyTexts,
  integrityAlgorithms: anyTexts,
  diffieHellmanGroups: anyTexts,
  lifetimeSec: number,
});

/** IPsec of a connector, as it comes. */
export const IpSecConfig = z.object({
  platform: text,
  authenticationType: text,
  remoteSitePublicIp: text,
  preSharedKey: text,
  caCertificate: text,
  caCertificateFileName: text,
  peerCertificate: text,
  remoteGatewayCertificate: text,
  peerCertificatePrivateKey: text,
  peerCertificateKeyPassphrase: text,
  ikeProtocol: z.object({
    protocolVersion: text,
    phase1: PhaseAnswer.nullish(),
    phase2: PhaseAnswer.nullish(),
    rekey: z.object({ marginTimeSec: number, fuzzPercent: number, replayWindowSize: number }).nullish(),
    deadPeerDetection: z.object({ timeoutSec: number, deadPeerHandling: text }).nullish(),
    startupAction: text,
    autoInitiate: z.boolean().nullish(),
  }).nullish(),
  hostname: text,
  domain: text,
  connectorState: text,
  pairedAwsConnectorId: text,
  serverId: text,
  serverIp: text,
});
export type IpSecConfig = z.output<typeof IpSecConfig>;
