/**
 * Characters that a token's body is made of. `alnum` [A-Za-z0-9], `word` alnum and "_", `token` word and
 * "-", `dotted` token and ".", `base64` alnum and "+/=_-", `hex`, `upper` [A-Z0-9].
 */
export type BodyClass = "alnum" | "word" | "token" | "dotted" | "base64" | "hex" | "upper";

/** A kind of credential that its first characters give away. */
export interface PrefixRule {
  kind: string;
  /** Exact, case included, at least three characters. */
  prefix: string;
  body: BodyClass;
  /** Least characters of the body. */
  min: number;
  /**
   * Usual length of the body: a shorter one at the end of a line is taken to go on in the next. Without it
   * the body is expected to be on one line.
   */
  full?: number;
}

type Row = readonly [kind: string, prefixes: string, body: BodyClass, min: number, full?: number];

/**
 * What issuers document about their tokens, as shapes only: prefix, alphabet, a least length. Exact lengths,
 * infixes and checksums are left out on purpose, because issuers change them without notice.
 */
const ROWS: readonly Row[] = [
  ["openai-compatible key", "sk-", "token", 16, 180],
  ["github token", "ghp_ gho_ ghu_ ghs_ ghr_", "word", 16, 36],
  ["github fine-grained token", "github_pat_", "word", 16, 82],
  ["gitlab token", "glpat- gldt- glrt- glptt- glcbt- glft- glsoat- glimt- glagent- glwt-", "dotted", 16, 20],
  ["gitlab runner registration", "GR1348941", "token", 16, 20],
  ["slack token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxc- xoxd- xoxe- xoxe.", "dotted", 10, 50],
  ["slack app token", "xapp-", "token", 16, 90],
  ["slack webhook", "hooks.slack.com/services/", "base64", 20, 46],
  ["slack webhook", "hooks.slack.com/workflows/", "base64", 20, 80],
  ["discord webhook", "discord.com/api/webhooks/ discordapp.com/api/webhooks/", "base64", 30, 90],
  ["teams webhook", "webhook.office.com/webhookb2/", "base64", 30, 200],
  ["aws access key id", "AKIA ASIA ABIA ACCA", "upper", 16, 16],
  ["aws bedrock key", "ABSK", "base64", 60, 128],
  ["google api key", "AIza", "token", 30, 35],
  ["google oauth secret", "GOCSPX-", "token", 16, 28],
  ["google oauth access token", "ya29.", "dotted", 16, 120],
  ["stripe secret key", "sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_", "alnum", 16, 107],
  ["stripe webhook secret", "whsec_", "base64", 16, 32],
  ["sendgrid key", "SG.", "dotted", 40, 66],
  ["mailgun key", "key-", "hex", 32, 32],
  ["brevo key", "xkeysib- xsmtpsib-", "token", 32, 81],
  ["npm token", "npm_", "alnum", 30, 36],
  ["pypi token", "pypi-", "token", 32, 160],
  ["rubygems key", "rubygems_", "hex", 32, 48],
  ["docker token", "dckr_pat_ dckr_oat_", "token", 16, 27],
  ["hugging face token", "hf_ api_org_", "alnum", 30, 34],
  ["replicate token", "r8_", "alnum", 30, 37],
  ["groq key", "gsk_", "alnum", 30, 52],
  ["perplexity key", "pplx-", "alnum", 30, 48],
  ["xai key", "xai-", "alnum", 40, 80],
  ["nvidia key", "nvapi-", "token", 40, 64],
  ["langsmith key", "lsv2_pt_ lsv2_sk_", "word", 30, 43],
  ["together key", "tgp_v1_", "token", 30, 43],
  ["elevenlabs key", "sk_", "hex", 40, 48],
  ["databricks token", "dapi", "hex", 32, 32],
  ["digitalocean token", "dop_v1_ doo_v1_ dor_v1_", "hex", 32, 64],
  ["heroku key", "HRKU-", "token", 30, 60],
  ["fly token", "fm1_ fm2_ fo1_", "base64", 32, 160],
  ["netlify token", "nfp_", "alnum", 30, 40],
  ["vercel token", "vcp_ vci_ vca_ vcr_", "alnum", 24, 60],
  ["render key", "rnd_", "alnum", 24, 32],
  ["railway or neon key", "napi_", "alnum", 32, 64],
  ["supabase key", "sbp_ sb_secret_", "word", 24, 40],
  ["planetscale credential", "pscale_tkn_ pscale_pw_ pscale_oauth_ pscale_api_", "dotted", 24, 43],
  ["linear key", "lin_api_ lin_oauth_", "alnum", 24, 40],
  ["notion token", "ntn_", "alnum", 40, 46],
  ["notion token", "secret_", "alnum", 40, 43],
  ["airtable token", "patA patB patC patD", "dotted", 60, 78],
  ["figma token", "figd_ figo_ figu_", "token", 24, 40],
  ["postman key", "PMAK-", "token", 32, 59],
  ["shopify token", "shpat_ shpss_ shpca_ shppa_ shptka_", "hex", 32, 32],
  ["square token", "sq0atp- sq0csp- sq0idp-", "token", 20, 43],
  ["square token", "EAAA", "token", 56, 60],
  ["paypal token", "access_token$production$ access_token$sandbox$", "alnum", 16],
  ["dropbox token", "sl.", "token", 100, 135],
  ["doppler token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", "dotted", 32, 43],
  ["vault token", "hvs. hvb. hvr.", "token", 20, 90],
  ["terraform cloud token", "atlasv1.", "token", 40, 67],
  ["pulumi token", "pul-", "hex", 32, 40],
  ["grafana token", "glsa_ glc_", "base64", 24, 41],
  ["new relic key", "NRAK- NRIK- NRII- NRRA- NRJS-", "alnum", 16, 27],
  ["sentry token", "sntrys_ sntryu_ sntrya_", "base64", 32, 64],
  ["atlassian token", "ATATT3 ATCTT3 ATBB ATSTT3", "base64", 24, 186],
  ["age secret key", "AGE-SECRET-KEY-1", "upper", 32, 58],
  ["1password service token", "ops_ey", "base64", 40, 800],
  ["buildkite token", "bkua_ bkaj_ bkat_", "hex", 32, 40],
  ["circleci token", "CCIPAT_ CCIPRJ_", "word", 24, 63],
  ["contentful token", "CFPAT-", "token", 30, 43],
  ["clojars token", "CLOJARS_", "alnum", 40, 60],
  ["dynatrace token", "dt0c01. dt0s01. dt0s16.", "dotted", 40, 89],
  ["easypost key", "EZAK EZTK", "alnum", 40, 54],
  ["duffel token", "duffel_live_ duffel_test_", "token", 30, 43],
  ["shippo token", "shippo_live_ shippo_test_", "hex", 32, 40],
  ["flutterwave key", "FLWSECK_TEST- FLWSECK-", "alnum", 12, 32],
  ["frame.io token", "fio-u-", "token", 40, 64],
  ["infracost key", "ico-", "alnum", 30, 32],
  ["prefect key", "pnu_ pnb_", "alnum", 30, 36],
  ["readme key", "rdme_", "alnum", 40, 70],
  ["typeform token", "tfp_", "dotted", 40, 59],
  ["adafruit key", "aio_", "alnum", 24, 28],
  ["alibaba access key", "LTAI", "alnum", 16, 20],
  ["tencent secret id", "AKID", "alnum", 30, 32],
  ["artifactory token", "AKCp", "alnum", 50, 69],
  ["tailscale key", "tskey-", "token", 20, 50],
  ["snyk token", "snyk_uat. snyk_sat.", "dotted", 30, 100],
  ["sourcegraph token", "sgp_", "word", 40, 57],
  ["sonar token", "sqp_ sqa_ squ_", "hex", 32, 40],
  ["yandex key", "AQVN", "token", 34, 36],
  ["posthog key", "phx_", "alnum", 36, 43],
  ["launchdarkly key", "sdk- api- mob-", "token", 36],
  ["resend key", "re_", "word", 30],
  ["asana token", "1/12", "dotted", 40],
  ["facebook token", "EAAC EAAG EAAJ EAAH", "alnum", 60, 180],
  ["cloudflare key", "v1.0-", "token", 60, 171],
  ["plaid token", "access-production- access-sandbox-", "token", 32, 36],
  ["scaleway key", "SCW", "upper", 17, 17],
  ["openshift token", "sha256~", "token", 40, 43],
  ["microsoft teams or azure devops token", "azdo_", "alnum", 40],
  ["deno deploy token", "ddp_ ddo_", "alnum", 30, 36],
  ["mergify or codecov token", "mka_", "token", 32],
  ["weights and biases key", "wandb_v1_", "token", 30, 70],
];

/**
 * Prefixes that stand for a credential only in one exact form of the rest, because words and identifiers
 * begin like them as well. Matched from the prefix on.
 */
const EXACT_FORMS: Readonly<Record<string, string>> = {
  "launchdarkly key": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])",
  "resend key": "[A-Za-z0-9]{8}_[A-Za-z0-9]{20,24}(?!\\w)",
  "asana token": "[0-9]{13,15}:[0-9a-f]{32}",
  "sendgrid key": "[A-Za-z0-9_-]{16,32}\\.[A-Za-z0-9_-]{16,64}",
};

const CLASSES: Readonly<Record<BodyClass, string>> = {
  alnum: "A-Za-z0-9",
  word: "A-Za-z0-9_",
  token: "A-Za-z0-9_-",
  dotted: "A-Za-z0-9_.-",
  base64: "A-Za-z0-9+/=_-",
  hex: "0-9A-Fa-f",
  upper: "A-Z0-9",
};

/** Every kind with one rule per prefix. */
export function prefixRules(): PrefixRule[] {
  return ROWS.flatMap(([kind, prefixes, body, min, full]) =>
    prefixes.split(" ").map((prefix) => ({ kind, prefix, body, min, ...(full === undefined ? {} : { full }) })),
  );
}

/** The source of a regular expression for what follows a rule's prefix. */
export function bodyPattern(rule: PrefixRule): string {
  return EXACT_FORMS[rule.kind] ?? `[${CLASSES[rule.body]}]{${rule.min},}`;
}

/** The source of a regular expression for any run of a rule's body, of any length. */
export function runPattern(rule: PrefixRule): string {
  return `[${CLASSES[rule.body]}]+`;
}
