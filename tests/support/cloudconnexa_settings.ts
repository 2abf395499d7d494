/** The settings of the fake tenant: values, how they travel, and the release that brought them. */

/** One setting as the API keeps it. */
export interface FakeSetting {
  value: unknown;
  /** A bare word in both directions. */
  text?: true;
  readOnly?: true;
  since?: string;
}

/** A tenant's settings as they are when it is new. */
export function freshSettings(): Map<string, FakeSetting> {
  return new Map<string, FakeSetting>([
    ["auth/trusted-devices-allowed", { value: false }],
    ["auth/two-factor-auth", { value: true }],
    ["auth/saml/group-mappings", { value: { mappings: [] }, readOnly: true }],
    ["auth/ldap/group-mappings", { value: { mappings: [] }, readOnly: true }],
    ["dns/custom-servers", { value: undefined }],
    ["dns/default-suffix", { value: "acme.example", text: true }],
    ["dns/proxy-enabled", { value: false }],
    ["dns/zones", { value: { zones: [] } }],
    ["user/connect-auth", { value: "ON_PRIOR_AUTH", text: true }],
    ["user/device-allowance", { value: 3 }],
    ["user/device-allowance-force-update", { value: false }],
    ["user/device-enforcement", { value: "OFF", text: true }],
    ["user/profile-distribution", { value: "AUTOMATIC", text: true }],
    ["users/connection-timeout", { value: 60 }],
    ["wpc/client-options", { value: [] }],
    ["wpc/default-region", { value: "eu-central-1", text: true }],
    ["wpc/domain-routing-subnet", {
      value: { ipV4Address: "100.64.0.0/12", ipV6Address: "fd:0:0:4000::/50" },
    }],
    ["wpc/subnet", { value: { ipV4Address: ["100.96.0.0/11"], ipV6Address: ["fd:0:0:8000::/49"] } }],
    ["wpc/snat", { value: true }],
    ["wpc/topology", { value: "FULL_MESH", text: true }],
    ["wpc/routes-advanced-configuration-enabled", { value: false, since: "1.2.0" }],
    ["wpc/ip-allocation-mode", { value: "BOTH", text: true, since: "1.2.3" }],
  ]);
}
