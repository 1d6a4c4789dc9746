import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Invocation } from "../grammar.ts";
import { unary } from "./call-options.ts";
import type { Context } from "./context.ts";
import { preferLab } from "./prefer-lab.ts";

type Unlock = Invocation & { readonly name: "unlock" };

/** Ends the caller's reservation of a device, or with force anybody's, and tells whose it was and what became of a run. */
export async function unlock(call: Unlock, context: Context): Promise<void> {
  const { device, force } = call;
  const { devices, server, options, out, world } = context;
  const ousted = force
    ? await preferLab(
        options,
        () => forceByLab(call, context),
        () => forceByV1(call, context),
      )
    : await devices.unlock({ device, force }, unary(world.signal)).then(() => []);
  await out.write({
    type: "lock-result",
    data: { name: device, lock: undefined },
    metadata: { server, msg: "Unlock Response" },
  });
  for (const data of ousted) {
    await out.write({ type: "notice", data });
  }
}

async function forceByLab({ device, keepRun }: Unlock, { connection, world }: Context): Promise<string[]> {
  const { lock, hold } = await connection.lab.unlock({ device, force: true, keepRun }, unary(world.signal));
  const fate = keepRun ? "goes on" : "was cancelled";
  return [
    ...(lock === undefined ? [] : [`it was locked by ${quote(lock.owner)}`]),
    ...(hold === undefined ? [] : [`the run of ${quote(hold.command)} by ${quote(hold.owner)} ${fate}`]),
  ];
}

/** The answer of the old protocol is empty, so the list tells who has the device before. */
async function forceByV1({ device, keepRun }: Unlock, { devices, server, world }: Context): Promise<string[]> {
  if (keepRun) {
    throw new DutError("failed_precondition", `${server} speaks the old protocol, in which unlock cannot keep a run`, {
      hint: `without keep: dutctl ${device} unlock force`,
    });
  }
  const call = unary(world.signal);
  const holder = (await devices.list({}, call)).devices.find(({ name }) => name === device)?.lock;
  await devices.unlock({ device, force: true }, call);
  if (holder === undefined) {
    return [];
  }
  const { owner, expiresAt } = holder;
  return [`it was ${expiresAt === 0n ? "in use" : "locked"} by ${quote(owner)}`];
}
