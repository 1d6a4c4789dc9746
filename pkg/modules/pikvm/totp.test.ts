import assert from "node:assert/strict";
import { test } from "node:test";
import { oneTimeCode, parseSecret } from "./totp.ts";

test("one-time codes are those of RFC 6238, appendix B", () => {
  const secret = Buffer.from("12345678901234567890");
  assert.deepEqual(
    [59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000].map((seconds) =>
      oneTimeCode(secret, seconds * 1000),
    ),
    ["287082", "081804", "050471", "005924", "279037", "353130"],
  );
});

test("a secret is base32 in any case, with blanks and padding; anything else is refused without repeating it", () => {
  const text = "gezd gnbv gy3t qojq gezd gnbv gy3t qojq====";
  assert.equal(Buffer.from(parseSecret(text)).toString(), "12345678901234567890");
  for (const wrong of ["", "secret1"]) {
    assert.throws(() => parseSecret(wrong), { message: "expected a secret in base32, as kvmd-totp shows it" });
  }
});
