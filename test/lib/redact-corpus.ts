import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A secret in a text: what must go, and the text around it that must stay. */
export interface PlantedSecret {
  kind: string;
  context: string;
  text: string;
  secret: string;
}

/** A reproducible source of numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Random = () => number;

const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = UPPER.toLowerCase();
const DIGITS = "0123456789";
const ALNUM = UPPER + LOWER + DIGITS;
const BASE32 = `${UPPER}234567`;
const HEX = `${DIGITS}abcdef`;

function letters(random: Random, alphabet: string, length: number): string {
  let text = "";
  for (let at = 0; at < length; at++) text += alphabet[Math.floor(random() * alphabet.length)];
  return text;
}

const t = (prefix: string, alphabet: string, length: number) => (random: Random) =>
  prefix + letters(random, alphabet, length);
const URLSAFE = `${ALNUM}-_`;

/**
 * Tokens as their issuers make them, by kind. Written from the issuers' documentation and not from the rules
 * under test, with real lengths.
 */
export const TOKEN_MAKERS: Readonly<Record<string, (random: Random) => string>> = {
  openai: t("sk-", ALNUM, 48),
  "openai project": (r) => `sk-proj-${letters(r, URLSAFE, 74)}T3BlbkFJ${letters(r, URLSAFE, 74)}`,
  "openai service account": t("sk-svcacct-", URLSAFE, 60),
  anthropic: (r) => `sk-ant-api03-${letters(r, URLSAFE, 93)}AA`,
  openrouter: t("sk-or-v1-", HEX, 64),
  "github classic": t("ghp_", ALNUM, 36),
  "github oauth": t("gho_", ALNUM, 36),
  "github server": t("ghs_", ALNUM, 36),
  "github fine-grained": (r) => `github_pat_${letters(r, ALNUM, 22)}_${letters(r, ALNUM, 59)}`,
  gitlab: t("glpat-", URLSAFE, 20),
  "gitlab runner": t("glrt-", URLSAFE, 20),
  "slack bot": (r) => `xoxb-${letters(r, DIGITS, 12)}-${letters(r, DIGITS, 12)}-${letters(r, ALNUM, 24)}`,
  "slack user": (r) => `xoxp-${letters(r, DIGITS, 11)}-${letters(r, DIGITS, 11)}-${letters(r, HEX, 32)}`,
  "slack app": (r) => `xapp-1-A${letters(r, UPPER + DIGITS, 10)}-${letters(r, DIGITS, 13)}-${letters(r, HEX, 64)}`,
  "slack webhook": (r) =>
    `https://hooks.slack.com/services/T${letters(r, UPPER + DIGITS, 10)}/B${letters(r, UPPER + DIGITS, 10)}/${letters(r, ALNUM, 24)}`,
  "aws access key": t("AKIA", BASE32, 16),
  "aws temporary key": t("ASIA", BASE32, 16),
  "google api": t("AIza", URLSAFE, 35),
  "google oauth secret": t("GOCSPX-", URLSAFE, 28),
  "google access": t("ya29.", URLSAFE, 120),
  "stripe live": t("sk_live_", ALNUM, 24),
  "stripe test": t("sk_test_", ALNUM, 99),
  "stripe restricted": t("rk_live_", ALNUM, 99),
  "stripe webhook": t("whsec_", ALNUM, 32),
  sendgrid: (r) => `SG.${letters(r, URLSAFE, 22)}.${letters(r, URLSAFE, 43)}`,
  mailgun: t("key-", HEX, 32),
  brevo: (r) => `xkeysib-${letters(r, HEX, 64)}-${letters(r, ALNUM, 16)}`,
  npm: t("npm_", ALNUM, 36),
  pypi: (r) => `pypi-AgEIcHlwaS5vcmc${letters(r, URLSAFE, 150)}`,
  rubygems: t("rubygems_", HEX, 48),
  docker: t("dckr_pat_", URLSAFE, 27),
  "hugging face": t("hf_", ALNUM, 34),
  replicate: t("r8_", ALNUM, 37),
  groq: t("gsk_", ALNUM, 52),
  perplexity: t("pplx-", ALNUM, 48),
  xai: t("xai-", ALNUM, 80),
  nvidia: t("nvapi-", URLSAFE, 64),
  databricks: t("dapi", HEX, 32),
  digitalocean: t("dop_v1_", HEX, 64),
  netlify: t("nfp_", ALNUM, 40),
  supabase: t("sbp_", HEX, 40),
  planetscale: t("pscale_tkn_", URLSAFE, 43),
  linear: t("lin_api_", ALNUM, 40),
  notion: t("ntn_", ALNUM, 46),
  "notion classic": t("secret_", ALNUM, 43),
  airtable: (r) => `patA${letters(r, ALNUM, 13)}.${letters(r, HEX, 64)}`,
  figma: t("figd_", URLSAFE, 40),
  postman: (r) => `PMAK-${letters(r, HEX, 24)}-${letters(r, HEX, 34)}`,
  shopify: t("shpat_", HEX, 32),
  square: t("sq0atp-", URLSAFE, 22),
  doppler: t("dp.pt.", ALNUM, 43),
  vault: t("hvs.", URLSAFE, 90),
  pulumi: t("pul-", HEX, 40),
  grafana: (r) => `glsa_${letters(r, ALNUM, 32)}_${letters(r, HEX, 8)}`,
  "new relic": t("NRAK-", UPPER + DIGITS, 27),
  atlassian: t("ATATT3xFfGF0", URLSAFE, 180),
  age: t("AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
  dynatrace: (r) => `dt0c01.${letters(r, UPPER + DIGITS, 24)}.${letters(r, UPPER + DIGITS, 64)}`,
  tailscale: (r) => `tskey-auth-${letters(r, ALNUM, 17)}-${letters(r, ALNUM, 32)}`,
  sonar: t("sqp_", HEX, 40),
  telegram: (r) => `${1 + Math.floor(r() * 9)}${letters(r, DIGITS, 9)}:AA${letters(r, URLSAFE, 33)}`,
  "azure client": (r) => `${letters(r, ALNUM, 3)}8Q~${letters(r, URLSAFE, 34)}`,
  jwt: (r) => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { sub: letters(r, DIGITS, 10), name: letters(r, ALNUM, 12), iat: 1_700_000_000 };
    return `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}.${letters(r, URLSAFE, 43)}`;
  },
  "private key": (r) => {
    const lines = Array.from({ length: 6 }, () => letters(r, `${ALNUM}+/`, 64));
    return `-----BEGIN RSA PRIVATE KEY-----\n${lines.join("\n")}\n-----END RSA PRIVATE KEY-----`;
  },
};

/** Secrets that nothing but their key gives away. */
export const PLAIN_MAKERS: Readonly<Record<string, (random: Random) => string>> = {
  "hex 32": (r) => letters(r, HEX, 32),
  "hex 64": (r) => letters(r, HEX, 64),
  "base64 40": (r) => letters(r, `${ALNUM}+/`, 40),
  "base64 padded": (r) => `${letters(r, `${ALNUM}+/`, 42)}==`,
  "letters and digits 20": (r) => letters(r, ALNUM, 19) + letters(r, DIGITS, 1),
  "url-safe 43": (r) => letters(r, URLSAFE, 43),
  uuid: (r) => [8, 4, 4, 4, 12].map((length) => letters(r, HEX, length)).join("-"),
  password: (r) => `${letters(r, LOWER, 5)}${letters(r, DIGITS, 3)}!${letters(r, UPPER, 4)}${letters(r, DIGITS, 1)}`,
};

type Context = (secret: string, random: Random) => string;

/** Ways to say that a value is secret. */
export const KEYED_CONTEXTS: Readonly<Record<string, Context>> = {
  "json key": (s) => JSON.stringify({ user: "ada", api_key: s, retries: 3 }),
  "json in json": (s) => JSON.stringify({ cmd: JSON.stringify({ access_token: s }) }),
  "json pretty": (s) => JSON.stringify({ name: "build", clientSecret: s }, null, 2),
  "environment line": (s) => `HOST=db1\nSERVICE_API_TOKEN=${s}\nPORT=5432`,
  "exported variable": (s) => `export DB_PASSWORD="${s}" && make deploy`,
  "authorization header": (s) => `curl -H "Authorization: Bearer ${s}" https://api.test/v1/me`,
  "key header": (s) => `X-Api-Key: ${s}\r\nAccept: */*`,
  "url credentials": (s) => `git clone https://ci:${encodeURIComponent(s)}@git.test/team/app.git`,
  "url parameter": (s) => `GET https://api.test/v1/items?page=2&access_token=${encodeURIComponent(s)}&sort=asc`,
  "flag with blank": (s) => `deployctl push --env prod --auth-token ${s} --verbose`,
  "flag with equals": (s) => `deployctl push --password=${s} --verbose`,
  "argument list": (s) => JSON.stringify(["deployctl", "--api-key", s, "push"]),
  "single quotes": (s) => `const config = { clientSecret: '${s}', region: "eu" };`,
  "yaml value": (s) => `database:\n  password: "${s}"\n  pool: 5`,
  "toml value": (s) => `[service]\nsecret_key = "${s}"\nworkers = 4`,
  "value on the next line": (s) => `{\n  "secret_access_key":\n    "${s}"\n}`,
  "yaml block": (s) => `auth:\n  token: >-\n    ${s}\n  retries: 2`,
  "continued flag": (s) => `deployctl push \\\n  --token \\\n    "${s}"`,
  "joined pieces": (s) => {
    const half = Math.ceil(s.length / 2);
    return `const token =\n  "${s.slice(0, half)}" +\n  "${s.slice(half)}";`;
  },
};

/** Nothing says it is a secret; only its form does. */
export const BARE_CONTEXTS: Readonly<Record<string, Context>> = {
  plain: (s) => `use ${s} for the staging account, please`,
  "end of sentence": (s) => `The staging account uses ${s}.`,
  quoted: (s) => `call("${s}")`,
  "in backticks": (s) => `it printed \`${s}\` and stopped`,
  "in a JSON string": (s) => JSON.stringify({ output: `first line\n${s}\nlast line` }),
  "in a list": (s) => `- one\n- ${s}\n- three`,
  "in a diff": (s) => `@@ -1,2 +1,2 @@\n-old line\n+${s}\n context`,
  coloured: (s) => `\u001b[32m${s}\u001b[0m done`,
};

/** Cut by a line break where nothing but the form gives it away. */
export const SPLIT_CONTEXTS: Readonly<Record<string, Context>> = {
  "wrapped by a terminal": (s) => {
    const cut = Math.max(12, Math.floor(s.length / 2));
    return `key printed: ${s.slice(0, cut)}\n${s.slice(cut)}\nready`;
  },
  "joined strings": (s) => {
    const cut = Math.max(12, Math.floor(s.length / 2));
    return `call(\n  "${s.slice(0, cut)}" +\n    "${s.slice(cut)}",\n);`;
  },
};

/** Every maker in every context, `rounds` times. */
export function plant(
  makers: Readonly<Record<string, (random: Random) => string>>,
  contexts: Readonly<Record<string, Context>>,
  rounds: number,
  seed: number,
): PlantedSecret[] {
  const random = seededRandom(seed);
  const planted: PlantedSecret[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [kind, make] of Object.entries(makers)) {
      for (const [context, place] of Object.entries(contexts)) {
        const secret = make(random);
        planted.push({ kind, context, secret, text: place(secret, random) });
      }
    }
  }
  return planted;
}

/** Pieces of a secret that must not be left: any eight of its characters in a row are telling. */
export function leaks(clean: string, secret: string): boolean {
  const body = secret.replace(/^https:\/\/[^/]+\/[^/]+\//, "");
  for (let at = 0; at + 10 <= body.length; at++) {
    if (clean.includes(body.slice(at, at + 10))) return !body.slice(at, at + 10).includes("-----");
  }
  return body.length < 10 && clean.includes(body);
}

const FOLDER = join(import.meta.dir, "../corpora/secrets");

/** Hand-written lines without a secret, and lines made from templates with hashes, ids and test data. */
export function cleanLines(made: number, seed: number): string[] {
  const written = readFileSync(join(FOLDER, "clean.txt"), "utf8").split("\n").filter(Boolean);
  const templates = readFileSync(join(FOLDER, "clean-templates.txt"), "utf8").split("\n").filter(Boolean);
  const random = seededRandom(seed);
  const lines = Array.from({ length: made }, (_, index) => fill(templates[index % templates.length] ?? "", random));
  return [...written, ...lines];
}

const WORDS = "parser session bucket cache router worker ledger cursor branch widget planner".split(" ");

function fill(template: string, random: Random): string {
  return template.replace(/\{(\w+?)(\d*)\}/g, (_, name: string, size: string) => {
    const length = Number(size || 8);
    switch (name) {
      case "hex":
        return letters(random, HEX, length);
      case "num":
        return letters(random, "123456789", length);
      case "base":
        return letters(random, `${ALNUM}+/`, length);
      case "uuid":
        return [8, 4, 4, 4, 12].map((part) => letters(random, HEX, part)).join("-");
      case "word":
        return WORDS[Math.floor(random() * WORDS.length)] ?? "parser";
      default:
        throw new Error(`unknown slot "${name}"`);
    }
  });
}
