// An API server that takes the portal's keys, with fast-jwt and get-jwks.
import { createServer } from "node:http";
import { createVerifier } from "fast-jwt";
import getJwks from "get-jwks";

const jwks = getJwks({
  ttl: 300_000, // milliseconds, of each key by itself
  jwksPath: "/.well-known/jwks.json",
  timeout: 5_000,
});
const audiences = [
  "https://api.example.com",
];
const verify = createVerifier({
  key: ({ header }) =>
    jwks.getPublicKey({ domain: "https://portal.example.com/", kid: header.kid, alg: header.alg }),
  algorithms: ["RS256"],
  allowedIss: "https://portal.example.com",
  ...(audiences.length && { allowedAud: audiences }),
  // Without a word here, a key that lacks a claim passes its check.
  requiredClaims: ["iss", "exp", "sub", "org_id", ...(audiences.length ? ["aud"] : [])],
});

/** The claims of the key in an Authorization header; throws when there is none, or none that is good. */
async function claimsOf(authorization) {
  const key = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
  return verify(key);
}

createServer(async (request, response) => {
  let claims;
  try {
    claims = await claimsOf(request.headers.authorization);
  } catch (error) {
    console.warn(`refused: ${error.code ?? error.constructor.name}`);
    response.writeHead(401, { "WWW-Authenticate": "Bearer" }).end();
    return;
  }
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ customer: claims["org_id"], user: claims.sub }));
}).listen(8000, "127.0.0.1");
