import { createHash } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import { ScriptedAgent } from "../../cmds/dutctl/test/scripted-agent.ts";

/** What an evil agent does with a run: asks for a file, sends one, or fails it with a text. */
export type Deed =
  | { readonly kind: "ask"; readonly name: string }
  | { readonly kind: "send"; readonly name: string; readonly content: Buffer }
  | { readonly kind: "fail"; readonly message: string };

export interface EvilAgent extends AsyncDisposable {
  readonly address: string;
  /** How many messages with anything of a file it was sent by all its clients. */
  readonly got: number;
}

/** An agent that speaks both protocols and does to every run what `deed` says then. */
export async function openEvilAgent(deed: () => Deed): Promise<EvilAgent> {
  let got = 0;
  const agent = await ScriptedAgent.start(
    {
      list: () => ({ devices: [{ name: "board\x1b]52;c;aGk=\x07\nevil" }] }),
      run: async function* (requests) {
        const messages = requests[Symbol.asyncIterator]();
        await messages.next();
        const what = deed();
        if (what.kind === "fail") {
          throw new ConnectError(what.message, Code.Aborted);
        }
        if (what.kind === "send") {
          yield { msg: { case: "file", value: { path: what.name, content: what.content } } };
          return;
        }
        yield { msg: { case: "fileRequest", value: { path: what.name } } };
        for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
          got += next.value.msg.case === "file" ? 1 : 0;
        }
      },
    },
    undefined,
    {
      runs: {
        run: async function* (requests) {
          const messages = requests[Symbol.asyncIterator]();
          await messages.next();
          const what = deed();
          yield { msg: { case: "started", value: { runId: "run", inputWindow: 65_536n, fileWindow: 4_194_304n } } };
          if (what.kind === "fail") {
            yield { offset: 0n, msg: { case: "end", value: { code: "aborted", message: what.message } } };
            return;
          }
          if (what.kind === "send") {
            const { name, content } = what;
            const size = BigInt(content.length);
            const sha256 = createHash("sha256").update(content).digest();
            yield { offset: 0n, msg: { case: "fileHead", value: { transfer: 1, name, size, mode: 0o755 } } };
            yield { offset: 1n, msg: { case: "fileChunk", value: { transfer: 1, offset: 0n, data: content } } };
            yield { offset: 1n + size, msg: { case: "fileEnd", value: { transfer: 1, size, sha256 } } };
            yield { offset: 2n + size, msg: { case: "end", value: { code: "ok" } } };
            return;
          }
          yield { offset: 0n, msg: { case: "fileRequest", value: { transfer: 1, name: what.name } } };
          for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
            const { case: kind } = next.value.msg;
            got += kind === "fileHead" || kind === "fileChunk" || kind === "fileEnd" ? 1 : 0;
            if (kind === "fileRefusal" || kind === "cancel") {
              break;
            }
          }
          yield { offset: 1n, msg: { case: "end", value: { code: "canceled", message: "refused" } } };
        },
      },
    },
  );
  return {
    address: agent.address,
    get got() {
      return got;
    },
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}
