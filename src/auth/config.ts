/** Settings of who may come in: section `auth`. */
import { z } from "zod";

/** How long tokens last, and how guessing is slowed. */
export const AuthConfig = z.strictObject({
  access_token_seconds: z.int().min(60).max(86_400).default(1800).meta({
    description: "How long an access token is accepted",
  }),
  refresh_token_seconds: z.int().min(300).max(31_536_000).default(2_592_000).meta({
    description:
      "How long a session may go unused before its refresh token expires and a new login is needed",
  }),
  login_per_minute: z.int().min(1).max(10_000).default(10).meta({
    description: "Login attempts a minute per user name and address; beyond it the answer is 429",
  }),
  lockout_after: z.int().min(0).max(1000).default(20).meta({
    description: "Wrong passwords in a row that lock a user name; 0 never locks",
  }),
  lockout_seconds: z.int().min(1).max(86_400).default(900).meta({
    description: "How long a locked user name stays locked",
  }),
  min_password_length: z.int().min(8).max(128).default(10).meta({
    description: "Shortest password accepted for a user, in characters",
  }),
  setup_code_seconds: z.int().min(60).max(86_400).default(3600).meta({
    description: "How long the set-up code for the first administrator is valid",
  }),
});

export type AuthConfig = z.output<typeof AuthConfig>;
