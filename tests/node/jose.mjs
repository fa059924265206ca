// Usage: node jose.mjs '{"jwksUri": …, "issuer": …, "maxAge": milliseconds?}'
import { createRemoteJWKSet, jwtVerify } from "jose";
import { answerCommands } from "./commands.mjs";

const { jwksUri, issuer, maxAge } = JSON.parse(process.argv[2]);
const keys = createRemoteJWKSet(
  new URL(jwksUri),
  maxAge === undefined ? {} : { cacheMaxAge: maxAge, cooldownDuration: maxAge },
);

await answerCommands({
  verify: async (token) => (await jwtVerify(token, keys, { issuer, requiredClaims: ["exp"] })).payload,
  renew: async () => {}, // maxAge does it
});
