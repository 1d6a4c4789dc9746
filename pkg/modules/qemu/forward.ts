import { z } from "zod";

/** A port of the agent's computer that leads to one of the board. */
export interface Forward {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  /** Undefined is the address that the board gets by DHCP. */
  readonly guestAddress: string | undefined;
  readonly guestPort: number;
}

const form = /^(tcp|udp):(?:([\d.]*):)?(\d{1,5})-([\d.]*):(\d{1,5})$/;

/** An option that holds a forward in QEMU's words. */
export function forwardOption() {
  return z.string().refine(isForward, {
    error: "expected a forward such as tcp:127.0.0.1:2222-:22, with IPv4 addresses and ports from 1 to 65535",
  });
}

/** `tcp:127.0.0.1:2222-:22`, in a form that `forwardOption` takes. An address that is left out is this computer alone. */
export function parseForward(text: string): Forward {
  const [, protocol, address, port, guestAddress, guestPort] = form.exec(text) ?? [];
  return {
    protocol: protocol as Forward["protocol"],
    address: address || "127.0.0.1",
    port: Number(port),
    guestAddress: guestAddress || undefined,
    guestPort: Number(guestPort),
  };
}

/** As the user network of QEMU takes it. */
export function renderForward({ protocol, address, port, guestAddress = "", guestPort }: Forward): string {
  return `${protocol}:${address}:${port}-${guestAddress}:${guestPort}`;
}

function isForward(text: string): boolean {
  const { address, guestAddress, port, guestPort } = parseForward(text);
  return (
    form.test(text) &&
    [address, guestAddress ?? address].every((ip) => z.ipv4().safeParse(ip).success) &&
    [port, guestPort].every((number) => number >= 1 && number <= 65_535)
  );
}
