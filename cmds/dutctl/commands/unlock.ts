import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { LockState } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
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
async function forceByV1({ device, keepRun }: Unlock, context: Context): Promise<string[]> {
  const { devices, world } = context;
  if (keepRun) {
    throw new DutError("failed_precondition", "the old protocol cannot keep a run when it unlocks", {
      hint: `without keep: dutctl ${device} unlock force`,
    });
  }
  const holder = await holderByV1(device, context);
  await devices.unlock({ device, force: true }, unary(world.signal));
  if (holder === undefined) {
    return [];
  }
  const { owner, expiresAt } = holder;
  return [`it was ${expiresAt === 0n ? "in use" : "locked"} by ${quote(owner)}`];
}

/** Not knowing it does not hinder the unlocking. */
async function holderByV1(device: string, { devices, log, world }: Context): Promise<LockState | undefined> {
  try {
    const { devices: all } = await devices.list({}, unary(world.signal));
    return all.find(({ name }) => name === device)?.lock;
  } catch (error) {
    if (!(error instanceof DutError)) {
      throw error;
    }
    log.debug("it is not known who has the device", { err: error });
    return undefined;
  }
}
