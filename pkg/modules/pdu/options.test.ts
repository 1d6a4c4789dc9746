import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { pdu } from "./pdu.ts";

const host = "http://10.0.0.5";

/** The problems that configuring finds, as `option: message`. */
function problems(options: object): readonly string[] {
  try {
    pdu.configure(options);
    return [];
  } catch (error) {
    assert.ok(error instanceof z.ZodError);
    return error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  }
}

test("options of the Go module mean what they meant, with its messages for what is wrong", () => {
  assert.deepEqual(
    [
      problems({ host }),
      problems({ host, vendor: "gude", user: "", password: "", outlet: 7 }),
      problems({ host, vendor: "" }),
      problems({}),
      problems({ host: "" }),
      problems({ host: "10.0.0.5" }),
      problems({ host, outlet: -1 }),
      problems({ host, user: "admin" }),
      problems({ host, vendor: "acme" }),
    ],
    [
      [],
      [],
      [],
      ["host: PDU host address not configured"],
      [
        "host: PDU host address not configured",
        "host: invalid PDU host: must be an absolute URL including scheme (e.g. http://10.0.0.5)",
      ],
      ["host: invalid PDU host: must be an absolute URL including scheme (e.g. http://10.0.0.5)"],
      ["outlet: invalid outlet number -1: outlet must be 0 or greater"],
      ["password: PDU authentication requires both user and password to be set, or neither"],
      [
        'vendor: unknown PDU vendor "acme" (supported: "intellinet", "gude", "delock", "netio", "shelly", "tasmota", "snmp", "pdudaemon")',
      ],
    ],
  );
});

test("what belongs to one vendor is required there and refused elsewhere", () => {
  const snmp = { community: "private", preset: "apc-rpdu" };
  const unit = { vendor: "snmp", host: "snmp://10.0.0.5" };
  assert.deepEqual(
    [
      problems({ ...unit, snmp }),
      problems({ ...unit }),
      problems({ ...unit, host, snmp }),
      problems({ host, snmp, unit: "rack", generation: 2 }),
      problems({ host, vendor: "pdudaemon" }),
      problems({ ...unit, snmp: { preset: "apc-rpdu", writeon: 1 } }),
      problems({ ...unit, snmp: { community: "private", writeoid: "-Ov", writeon: 1 } }),
      problems({ ...unit, snmp: { version: "3", preset: "apc-rpdu2" } }),
      problems({ ...unit, user: "lab", password: "short", snmp: { version: "3", preset: "apc-rpdu2" } }),
    ],
    [
      [],
      ["snmp: says how to speak to the vendor snmp, and is for it only"],
      ["host: invalid PDU host: must be an absolute URL including scheme (e.g. snmp://10.0.0.5)"],
      [
        "unit: names the unit for the vendor pdudaemon, and only for it",
        "generation: is for the vendor shelly only",
        "snmp: says how to speak to the vendor snmp, and is for it only",
      ],
      ["unit: names the unit for the vendor pdudaemon, and only for it"],
      [
        "snmp.community: set the community that may write",
        "snmp.preset: set either preset, or writeoid with writeon and writeoff",
      ],
      [
        "snmp.writeoid: must be numbers with dots between them, such as 1.3.6.1.4.1.318",
        "snmp.preset: set either preset, or writeoid with writeon and writeoff",
      ],
      ["snmp.version: version 3 needs the options user and password of the unit"],
      ["snmp.auth: the password of version 3 has at least 8 characters"],
    ],
  );
});

test("the help names outlet, unit and vendor, and no credentials; runs on one outlet exclude each other", () => {
  const { help, resources } = pdu.configure({ host: "http://admin:secret@PDU.lab:80/", user: "", outlet: 3 });
  assert.deepEqual(
    { help, resources },
    {
      help: [
        "on|off             switch outlet 3 of http://pdu.lab",
        "toggle             switch it to the opposite of what it is",
        "cycle [duration]   switch it off and, 5s later unless a duration is given, on again",
        "status             say whether it is on or off",
        "",
        "Vendor: intellinet (default)",
      ].join("\n"),
      resources: [{ kind: "PDU outlet", name: "pdu.lab outlet 3" }],
    },
  );
});

test("one outlet is the same hardware however its address is written", () => {
  const snmp = { vendor: "snmp", snmp: { community: "private", preset: "apc-rpdu" } };
  const entries = [
    { host: "http://PDU.lab:80/" },
    { host: "https://pdu.lab" },
    { host: "snmp://PDU.lab:161", ...snmp },
    { host: "snmp://pdu.lab", ...snmp },
  ];
  assert.deepEqual(
    entries.map((options) => pdu.configure(options).resources),
    entries.map(() => [{ kind: "PDU outlet", name: "pdu.lab outlet 0" }]),
  );
});
