import assert from "node:assert/strict";
import { test } from "node:test";
import { sourceOf } from "./source.ts";

test("a source is an IPv4 address, a network of IPv6, or this machine", () => {
  const addresses = [
    "192.0.2.1",
    "::ffff:192.0.2.1",
    "2001:db8::1",
    "2001:DB8:0:0:ffff::1",
    "2001:db8:0:1::1",
    "fe80::1%eth0",
    "127.0.0.1",
    "127.1.2.3",
    "::ffff:127.0.0.1",
    "::1",
    undefined,
  ];
  assert.deepEqual(
    addresses.map((address) => sourceOf(address).name),
    [
      "192.0.2.1",
      "192.0.2.1",
      "2001:db8:0:0::/64",
      "2001:db8:0:0::/64",
      "2001:db8:0:1::/64",
      "fe80:0:0:0::/64",
      ...Array.from({ length: 5 }, () => "here"),
    ],
  );
});
