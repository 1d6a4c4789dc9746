import { type DutError, explain } from "#pkg/errors/dut-error.ts";
import { versionHeader } from "./headers.ts";
import type { HttpHandler } from "./rpc-handler.ts";
import { protocolVersion } from "./version.ts";

/** google.rpc.Code of permission_denied. */
const grpcCode = 7;

/** Of the last envelope of a stream of Connect, which has the error. */
const endStreamFlag = 2;

/** Answers permission_denied before anything of a request but its head has been looked at, in the protocol that its head names. */
export function denyRequest(...[request, response, error]: [...Parameters<HttpHandler>, DutError]): void {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim() ?? "";
  const message = explain(error);
  const fault = { code: error.code, message };
  response.setHeader(versionHeader, protocolVersion);
  if (type.startsWith("application/grpc")) {
    response.setHeader("content-type", type);
    response.setHeader("grpc-status", grpcCode);
    response.setHeader("grpc-message", encodeURIComponent(message));
    response.end();
  } else if (type.startsWith("application/connect+")) {
    response.setHeader("content-type", type);
    const body = Buffer.from(JSON.stringify({ error: fault }));
    const head = Buffer.alloc(5);
    head.writeUInt8(endStreamFlag, 0);
    head.writeUInt32BE(body.length, 1);
    response.end(Buffer.concat([head, body]));
  } else {
    response.setHeader("content-type", "application/json");
    response.statusCode = 403;
    response.end(`${JSON.stringify(fault)}\n`);
  }
}
