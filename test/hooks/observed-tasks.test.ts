import { expect, test } from "bun:test";
import { ObservedTasks } from "#hooks/observed-tasks.ts";

test("tasks run one after the other, also behind one that fails", async () => {
  const tasks = new ObservedTasks();
  const done: string[] = [];
  const after = (ms: number, name: string) => async () => {
    await Bun.sleep(ms);
    done.push(name);
  };
  const failing = tasks.add(async () => {
    throw new Error("no");
  });
  const [first, second] = [tasks.add(after(20, "first")), tasks.add(after(0, "second"))];
  expect(failing).rejects.toThrow("no");
  await tasks.settle();
  expect(done).toEqual(["first", "second"]);
  await Promise.all([first, second]);
});

test("one that hangs costs the others a moment, once", async () => {
  const tasks = new ObservedTasks();
  const hang = Promise.withResolvers<void>();
  const hanging = tasks.add(() => hang.promise);
  const started = performance.now();
  for (let n = 0; n < 50; n++) await tasks.settle();
  // Fifty moments would be five seconds.
  expect(performance.now() - started).toBeWithin(50, 4000);
  hang.resolve();
  await hanging;
  let isDone = false;
  const next = tasks.add(async () => {
    await Bun.sleep(5);
    isDone = true;
  });
  await tasks.settle();
  expect(isDone).toBe(true);
  await next;
});
