import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { checkHttps, httpsOptions, parseOrigin } from "./options.ts";

const schema = z.strictObject(httpsOptions).check(({ value, issues }) => checkHttps(value, issues));

const problems = (options: object) =>
  schema.safeParse(options).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);

test("a host is a name or an address, with a port if need be", () => {
  assert.deepEqual(
    ["bmc", "bmc:8443", "10.0.0.5", "fe80::1", "[fe80::1]:8443", "https://bmc/", "http://bmc:80"].map(parseOrigin),
    [
      "https://bmc",
      "https://bmc:8443",
      "https://10.0.0.5",
      "https://[fe80::1]",
      "https://[fe80::1]:8443",
      "https://bmc",
      "http://bmc",
    ],
  );
});

test("what is no address, or says two things at once, is refused with the option's name", () => {
  const address = "host: expected a name or an address, with :port if need be";
  assert.deepEqual(
    [
      problems({}),
      ...["", "bmc/path", "me:secret@bmc", "ftp://bmc", "a b"].map((host) => problems({ host })),
      problems({ host: "http://bmc" }),
      problems({ host: "bmc", fingerprint: "aa:bb" }),
      problems({ host: "bmc", ca: "ca.pem", insecure: true }),
      problems({ host: "http://bmc", insecure: true }),
    ],
    [
      ["host: host is required"],
      [address],
      [address],
      [address],
      [address],
      [address],
      ["host: without TLS everyone on the way reads the password: set insecure if that is meant"],
      ["fingerprint: expected SHA-256 in hexadecimal, with or without colons"],
      ["insecure: insecure says the opposite of ca: leave one of them out"],
      undefined,
    ],
  );
});
