// Usage: node aws-jwt-verify.mjs NODE_MODULES; on stdin {"jwks", "issuer", "audience", "token", "number"}.
// Prints the microseconds of one check, for each round as it is asked for by a line.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { JwtVerifier } = createRequire(`${process.argv[2]}/`)("aws-jwt-verify");
let setting, verifier;
for await (const line of createInterface({ input: process.stdin })) {
  if (!setting) {
    setting = JSON.parse(line);
    const { issuer, audience, jwks } = setting;
    verifier = JwtVerifier.create({ issuer, audience, jwksUri: `${issuer}/.well-known/jwks.json` });
    verifier.cacheJwks(jwks);
    continue;
  }
  const start = process.hrtime.bigint();
  for (let i = 0; i < setting.number; i++) verifier.verifySync(setting.token);
  console.log(Number(process.hrtime.bigint() - start) / setting.number / 1000);
}
