import { describe } from "bun:test";
import { rmSync } from "node:fs";
import { type StoreUnderTest, stageOneClaims } from "../conformance/store.ts";
import { rest } from "../conformance/store-outputs.ts";
import { phaseTwo } from "../conformance/store-phase-two.ts";
import { stageOneEnds } from "../conformance/store-stage-one-ends.ts";
import { rolloutFile, testHome } from "./home.ts";

function sqliteUnderTest(): StoreUnderTest {
  const home = testHome();
  return {
    open: () => home.open(),
    addRollout: home.addRollout,
    removeRollout: (id) => rmSync(rolloutFile(home.path, id), { force: true }),
    remove: home.remove,
  };
}

describe("SQLite store", () => {
  stageOneClaims(sqliteUnderTest);
  stageOneEnds(sqliteUnderTest);
  phaseTwo(sqliteUnderTest);
  rest(sqliteUnderTest);
});
