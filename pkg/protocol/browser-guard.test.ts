import assert from "node:assert/strict";
import { test } from "node:test";
import { type OwnPlace, type RequestOrigin, refuseBrowser } from "./browser-guard.ts";

const curl: RequestOrigin = {
  method: "POST",
  host: "localhost:1024",
  origin: undefined,
  contentType: "application/json",
};

const bench: OwnPlace = { scheme: "http", isOwnName: (host) => host === "bench" };

const accepted: readonly [string, Partial<RequestOrigin>][] = [
  ["a JSON call to localhost", {}],
  ["a call to an address literal", { host: "127.0.0.1:1024" }],
  ["a call to an IPv6 literal", { host: "[::1]:1024" }],
  ["a call by the name that the program listens on", { host: "bench:1024" }],
  [
    "gRPC-Web from a page of this very address",
    { origin: "http://localhost:1024", contentType: "application/grpc-web+proto" },
  ],
  ["a GET, which changes nothing", { method: "GET", contentType: undefined }],
];

for (const [what, change] of accepted) {
  test(`${what} is accepted`, () => {
    assert.equal(refuseBrowser({ ...curl, ...change }, bench), undefined);
  });
}

const refused: readonly [string, Partial<RequestOrigin>, number][] = [
  ["a name that somebody pointed at this machine", { host: "evil.example:1024" }, 403],
  ["no Host at all", { host: undefined }, 403],
  ["a page of another origin", { origin: "https://evil.example" }, 403],
  ["a page without an origin of its own", { origin: "null" }, 403],
  ["a form", { contentType: "application/x-www-form-urlencoded" }, 415],
  ["a multipart form", { contentType: "multipart/form-data; boundary=x" }, 415],
  ["text, which a page may post anywhere", { contentType: "Text/Plain;charset=UTF-8" }, 415],
  ["a body of no type", { contentType: undefined }, 415],
];

for (const [what, change, status] of refused) {
  test(`${what} is refused with ${status}`, () => {
    assert.equal(refuseBrowser({ ...curl, ...change }, bench)?.status, status);
  });
}

test("behind TLS a page of this very address says https, and http is another origin", () => {
  const secure: OwnPlace = { ...bench, scheme: "https" };
  const from = (origin: string) => refuseBrowser({ ...curl, origin }, secure)?.status;
  assert.deepEqual([from("https://localhost:1024"), from("http://localhost:1024")], [undefined, 403]);
});
