import type { Client, ClientChannel } from "ssh2";

/** RFC 4254, 6.10. */
const known: readonly string[] = "ABRT ALRM FPE HUP ILL INT KILL PIPE QUIT SEGV TERM USR1 USR2".split(" ");

/** What ssh2 does not show: its own `signal` of a channel does nothing once the command's stdin has ended. */
interface Inside {
  readonly client: { readonly _protocol: { signal(channel: number, name: string): void } };
  readonly channel: {
    readonly outgoing: { readonly id: number; readonly state: "open" | "eof" | "closing" | "closed" };
  };
}

/** Asks the server to send a signal to a command; nothing tells whether it does. False for a name that servers do not know. */
export function sendSignal(client: Client, channel: ClientChannel, name: NodeJS.Signals): boolean {
  const short = name.replace(/^SIG/, "");
  if (!known.includes(short)) {
    return false;
  }
  const { _protocol: protocol } = client as unknown as Inside["client"];
  const { id, state } = (channel as unknown as Inside["channel"]).outgoing;
  if (state === "open" || state === "eof") {
    protocol.signal(id, short);
  }
  return true;
}
