/** Below those that the system gives away (ip_local_port_range), so that none of them is in the way. */
const firstPort = 20_000;

let given = 0;

/** Where a program may listen that has to be told and does not say which port it was given. */
export interface OwnPlace {
  readonly host: string;
  readonly port: number;
}

/** A place that nobody else is at: an address of the loopback network that is this process's alone, and a port that is given once. */
export function ownPlace(): OwnPlace {
  const { pid } = process;
  const host = `127.${64 + (pid >> 16)}.${(pid >> 8) & 0xff}.${pid & 0xff}`;
  return { host, port: firstPort + given++ };
}
