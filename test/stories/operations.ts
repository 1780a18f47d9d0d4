import type { Answer, Stage } from "./stage.ts";

/** Lets time pass until an operation has ended, however long its patience. */
export async function endOf(stage: Stage, id: string): Promise<Answer["body"]> {
  for (let looks = 0; looks < 200; looks += 1) {
    await stage.alarms();
    const { body: operation } = await stage.call("GET", `/v1/operations/${id}`);
    if (["succeeded", "failed", "aborted"].includes(operation.status)) return operation;
    await stage.pass(looks < 8 ? 2 : 60);
  }
  throw new Error(`the operation ${id} did not end`);
}
