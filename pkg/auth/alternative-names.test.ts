import assert from "node:assert/strict";
import { test } from "node:test";
import { alternativeNames, hostNames } from "./alternative-names.ts";

test("names are read in the order of the certificate, and hosts are those that are one", () => {
  const certificate = {
    subjectAltName: "URI:urn:dutctl:agent:bench, DNS:bench.lab, IP Address:192.0.2.1, DNS:localhost",
  };
  assert.deepEqual(
    [alternativeNames(certificate)[0], hostNames(certificate)],
    [{ kind: "URI", value: "urn:dutctl:agent:bench" }, ["bench.lab", "192.0.2.1", "localhost"]],
  );
});

test("a name that looks like several is one", () => {
  const subjectAltName = 'DNS:"x, URI:urn:dutctl:server:evil, DNS:\\"y\\"", DNS:z';
  assert.deepEqual(alternativeNames({ subjectAltName }), [
    { kind: "DNS", value: 'x, URI:urn:dutctl:server:evil, DNS:"y"' },
    { kind: "DNS", value: "z" },
  ]);
});

test("a certificate without names has none", () => {
  assert.deepEqual(alternativeNames({ subjectAltName: undefined }), []);
});
