import fc from "fast-check";

/** Loaded before every test file (bunfig.toml). `FUZZ_SEED=$RANDOM npm test` looks elsewhere. */
const DEFAULT_SEED = 20_261_123;

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.FUZZ_SEED ?? DEFAULT_SEED) });
