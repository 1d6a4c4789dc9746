import assert from "node:assert/strict";
import { test } from "node:test";
import { answerDigest, parseDigestChallenge } from "./digest.ts";

/** The example of RFC 7616, section 3.9.1. */
const header = [
  'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, ',
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", ',
  'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, ',
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
].join("");

const claim = {
  method: "GET",
  uri: "/dir/index.html",
  user: "Mufasa",
  password: "Circle of Life",
  cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
};

const responseTo = (challenge: string) => {
  const parsed = parseDigestChallenge(challenge);
  return parsed && /response="(\w+)"/.exec(answerDigest(parsed, claim))?.[1];
};

test("the example of the RFC is answered with SHA-256, and with MD5 where that alone is offered", () => {
  assert.deepEqual(
    [responseTo(header), responseTo(header.replace("SHA-256", "SHA-512-256"))],
    ["753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", "8ca523f5e9506fed4657c9700eebdbec"],
  );
});

test("the answer has every field of the RFC, the challenge's as they were given", () => {
  const challenge = parseDigestChallenge(header);
  assert.equal(
    challenge && answerDigest(challenge, claim),
    [
      'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=SHA-256, ',
      'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, ',
      'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, ',
      'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", ',
      'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
    ].join(""),
  );
});

/** Computed with Python's hashlib: MD5 of `MD5(user:realm:password):nonce:MD5(method:uri)`. */
test("a server without qop is answered as in RFC 2069", () => {
  const challenge = parseDigestChallenge(
    'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
  );
  assert.deepEqual(
    challenge && answerDigest(challenge, { ...claim, cnonce: "unused" }),
    [
      'Digest username="Mufasa", realm="testrealm@host.com", uri="/dir/index.html", ',
      'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", response="2951cdbad33b2271fcb6b8e7b8feac23"',
    ].join(""),
  );
});

test("challenges of other schemes and unknown digests are passed over", () => {
  assert.deepEqual(
    [
      parseDigestChallenge('Basic realm="here", Digest realm="a \\"b\\"", nonce=n, stale=TRUE'),
      parseDigestChallenge('Basic realm="here"'),
      parseDigestChallenge('Digest realm="here", nonce="n", algorithm=SHA-512-256'),
      parseDigestChallenge('Digest realm="here"'),
    ],
    [
      { realm: 'a "b"', nonce: "n", opaque: undefined, algorithm: undefined, qop: false, stale: true },
      undefined,
      undefined,
      undefined,
    ],
  );
});
