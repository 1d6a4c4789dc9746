import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import { answeredInTime } from "#pkg/protocol/answer-in-time.ts";
import { type ClientTls, dial } from "#pkg/protocol/dial.ts";
import { versionHeader } from "#pkg/protocol/headers.ts";
import { protocolVersion } from "#pkg/protocol/version.ts";

/** What a connection of HTTP/1.1 is taken over for. */
export const upgrades = {
  /** The ends change roles: who dialled serves HTTP/2, and who was dialled calls. */
  agent: "dutlab-agent",
  /** A server calls another one, for the agents that the other has. */
  peer: "dutlab-peer",
} as const;

export type UpgradeName = (typeof upgrades)[keyof typeof upgrades];

/** How much of an answer that is none of ours is read for the error, in bytes. */
const shownBytes = 512;

/**
 * Dials and asks for another protocol, by RFC 9110, section 7.8: so it passes where proxies pass WebSockets. Throws
 * unimplemented when the peer does not know the protocol, unavailable when it cannot be reached or has no time, what else
 * it answers as permission_denied, and the signal's reason.
 */
export async function upgrade(
  address: Address,
  name: UpgradeName,
  { tls, signal }: { readonly tls: ClientTls | undefined; readonly signal: AbortSignal },
): Promise<Socket> {
  const socket = await dial(address, signal, tls, "http/1.1");
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const place = formatAddress(address);
  const request = httpRequest({
    createConnection: () => socket,
    method: "GET",
    path: `/dutlab.v1/${name}`,
    headers: {
      host: address.kind === "unix" ? "localhost" : place,
      connection: "Upgrade",
      upgrade: name,
      [versionHeader]: protocolVersion,
    },
  });
  request.once("upgrade", (_, taken, head) => {
    taken.unshift(head);
    resolve(taken as Socket);
  });
  request.once("response", (response) => void refusal(response, place).then(reject, reject));
  request.once("error", (error) => reject(brokenUpgrade(error, place)));
  request.end();
  return await answeredInTime(promise, socket, address, signal);
}

/**
 * Answers a request for another protocol with yes. Resolves when the answer is out: HTTP/2 must not begin on the socket
 * before, because over TLS Node 26.10 takes the end of this write for the end of one of HTTP/2, and aborts the process.
 * Rejects when the connection breaks.
 */
export async function acceptUpgrade(socket: Socket, name: UpgradeName): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const answer = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${name}\r\n\r\n`;
  socket.write(answer, (error) => (error ? reject(error) : resolve()));
  await promise;
}

/** Answers it with no, and why. */
export function refuseUpgrade(socket: Socket, status: 403 | 503, reason: string): void {
  const body = `${reason}\n`;
  const words = { 403: "Forbidden", 503: "Service Unavailable" }[status];
  socket.end(
    `HTTP/1.1 ${status} ${words}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

async function refusal(response: IncomingMessage, place: string): Promise<DutError> {
  const status = response.statusCode ?? 0;
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += chunk;
    if (text.length > shownBytes) {
      break;
    }
  }
  const said = text.trim().slice(0, shownBytes);
  if (status === 503 || status === 502 || status === 504 || status === 429) {
    return new DutError("unavailable", said === "" ? `${place} answers with HTTP status ${status}` : said);
  }
  if (status === 400 || status === 401 || status === 403) {
    return new DutError("permission_denied", said === "" ? `${place} refuses agents` : said);
  }
  return new DutError("unimplemented", `${place} does not take agents that dial in (HTTP status ${status})`);
}

/** A peer that speaks HTTP/2 alone breaks the answer's syntax. */
function brokenUpgrade(error: Error, place: string): DutError {
  const isSyntax = "code" in error && String(error.code).startsWith("HPE_");
  return isSyntax
    ? new DutError("unimplemented", `${place} does not speak HTTP/1.1`, { cause: error })
    : new DutError("unavailable", messageOf(error), { cause: error });
}
