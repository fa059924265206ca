// An API server that takes the portal's keys, with jwks-rsa and jsonwebtoken.
import { createServer } from "node:http";
import jwt from "jsonwebtoken";
import jwksClient from "jwks-rsa";

const keys = jwksClient({
  jwksUri: "https://portal.example.com/.well-known/jwks.json",
  cacheMaxAge: 300_000, // milliseconds, of each key by itself
  timeout: 5_000,
  // The library's limit would count strangers' unknown kids, and then refuse good keys that have to be fetched.
  rateLimit: false,
});
const options = {
  issuer: "https://portal.example.com",
  audience: "https://api.example.com",
  algorithms: ["RS256"],
};

/** The claims of the key in an Authorization header; throws when there is none, or none that is good. */
async function claimsOf(authorization) {
  const key = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
  const kid = jwt.decode(key, { complete: true })?.header.kid;
  if (typeof kid !== "string") throw new Error("no kid"); // jwks-rsa would take a sole key for it
  const signingKey = await keys.getSigningKey(kid);
  const claims = jwt.verify(key, signingKey.getPublicKey(), options);
  // jsonwebtoken takes a key without exp for one that never ends.
  for (const name of ["exp", "sub", "org_id"]) {
    if (claims[name] === undefined) throw new Error(`no ${name}`);
  }
  return claims;
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
