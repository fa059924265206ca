// An API server that takes the portal's keys, with jose.
import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";

// Kept for five minutes; a kid that isn't among them is looked up at once, but every 30 s at most.
const keys = createRemoteJWKSet(new URL("https://portal.example.com/.well-known/jwks.json"), {
  cacheMaxAge: 300_000,
  cooldownDuration: 30_000,
  timeoutDuration: 5_000,
});

/** The claims of the key in an Authorization header; throws when there is none, or none that is good. */
async function claimsOf(authorization) {
  const key = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
  const { payload } = await jwtVerify(key, keys, {
    issuer: "https://portal.example.com",
    audience: "https://api.example.com",
    algorithms: ["RS256"],
    requiredClaims: ["exp", "sub", "org_id"],
  });
  return payload;
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
