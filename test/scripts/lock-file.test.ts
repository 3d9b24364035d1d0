import { describe, expect, test } from "bun:test";
import { missingPackages } from "../../scripts/lock-file.mjs";

const entry = (version: string, more: object = {}) => ({ version, integrity: `sha512-${version}`, ...more });
const lock = (packages: Record<string, object>) => ({ packages: { "": { name: "codex-ts" }, ...packages } });

describe("missingPackages", () => {
  const wanted = lock({
    "node_modules/a": entry("1.0.0"),
    "node_modules/b": entry("2.0.0"),
    "node_modules/b-darwin": entry("2.0.0", { optional: true }),
    "node_modules/b-linux": entry("2.0.0", { devOptional: true }),
  });

  test("nothing installed: all but the optional ones", () => {
    expect(missingPackages(wanted, undefined)).toEqual(["node_modules/a", "node_modules/b"]);
  });

  test("everything installed: none, though packages for other platforms are absent", () => {
    const installed = { packages: { "node_modules/a": entry("1.0.0"), "node_modules/b": entry("2.0.0") } };
    expect(missingPackages(wanted, installed)).toEqual([]);
  });

  test("another version, or the same version with other content", () => {
    const other = { ...entry("2.0.0"), integrity: "sha512-other" };
    const installed = { packages: { "node_modules/a": entry("0.9.0"), "node_modules/b": other } };
    expect(missingPackages(wanted, installed)).toEqual(["node_modules/a", "node_modules/b"]);
  });

  test("an outdated optional package counts", () => {
    const installed = {
      packages: {
        "node_modules/a": entry("1.0.0"),
        "node_modules/b": entry("2.0.0"),
        "node_modules/b-linux": entry("1.0.0"),
      },
    };
    expect(missingPackages(wanted, installed)).toEqual(["node_modules/b-linux"]);
  });
});
