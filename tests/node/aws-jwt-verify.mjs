// Usage: node aws-jwt-verify.mjs '{"jwksUri": …, "issuer": …}'
import { JwtVerifier } from "aws-jwt-verify";
import { answerCommands } from "./commands.mjs";

const { jwksUri, issuer } = JSON.parse(process.argv[2]);
const verifier = JwtVerifier.create({ issuer, audience: null, jwksUri });

await answerCommands({
  verify: (token) => verifier.verify(token),
  renew: () => verifier.hydrate(), // its cache has no age: it fetches for an unknown kid, or when told to
});
