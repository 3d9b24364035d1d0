import * as v from "valibot";

const text = v.nullish(v.string());

/**
 * `auth.json` as every Codex writes it. Unknown fields are kept, so that writing back what was read loses
 * nothing. An old file may have only OPENAI_API_KEY.
 */
export const authFileSchema = v.looseObject({
  auth_mode: text,
  OPENAI_API_KEY: text,
  tokens: v.nullish(
    v.looseObject({
      id_token: v.optional(v.unknown()),
      access_token: text,
      refresh_token: text,
      account_id: text,
    }),
  ),
  last_refresh: text,
});

export type AuthFile = v.InferOutput<typeof authFileSchema>;

/** The file that `login --with-api-key` writes. */
export function apiKeyAuthFile(key: string): AuthFile {
  return { auth_mode: "apikey", OPENAI_API_KEY: key };
}
