/**
 * Made-up secrets. Sources name only a kind, `§{ghp}`, and the text is made here, so that no file of the
 * project holds anything a secret scanner would take for real.
 */
import { createHash } from "node:crypto";

/** A made-up secret that the placeholder `§{<kind>}` became. */
export interface Secret {
  kind: string;
  text: string;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz0123456789";
const MIXED = `${LOWER}ABCDEFGHIJKLMNOPQRSTUVWXYZ`;
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const SHAPES: Readonly<Record<string, (random: (alphabet: string, length: number) => string) => string>> = {
  ghp: (random) => `ghp_${random(MIXED, 36)}`,
  sk: (random) => `sk-proj-${random(MIXED, 48)}`,
  aws: (random) => `AKIA${random(UPPER, 16)}`,
  xoxb: (random) => `xoxb-${random("0123456789", 12)}-${random(MIXED, 24)}`,
  jwt: (random) => `eyJ${random(MIXED, 33)}.eyJ${random(MIXED, 61)}.${random(MIXED, 43)}`,
  password: (random) => random(MIXED, 22),
};

/** Replaces every `§{kind}`; the same kind gives the same secret throughout one session. Adds each to `secrets`. */
export function expandPlaceholders(session: string, text: string, secrets: Secret[]): string {
  return text.replace(/§\{(\w+)\}/g, (_, kind: string) => {
    const known = secrets.find((secret) => secret.kind === kind);
    if (known !== undefined) return known.text;
    const shape = SHAPES[kind];
    if (shape === undefined) throw new Error(`The session source "${session}" asks for a secret of kind "${kind}".`);
    const secret = { kind, text: shape(randomText(`${session}/${kind}`)) };
    secrets.push(secret);
    return secret.text;
  });
}

function randomText(seed: string): (alphabet: string, length: number) => string {
  let round = 0;
  return (alphabet, length) => {
    const bytes = createHash("sha512").update(`${seed}#${round++}`).digest();
    return Array.from({ length }, (_, index) => alphabet[(bytes[index % 64] ?? 0) % alphabet.length]).join("");
  };
}
