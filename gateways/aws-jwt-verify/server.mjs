// An API server that takes the portal's keys, with aws-jwt-verify.
import { createServer } from "node:http";
import { JwtVerifier } from "aws-jwt-verify";

const options = {
  issuer: "https://portal.example.com",
  jwksUri: "https://portal.example.com/.well-known/jwks.json",
  audience: null, // any
  graceSeconds: 0,
  // The library takes a key without exp for one that never ends, and asks for no algorithm beyond the JWK's.
  customJwtCheck: ({ header, payload }) => {
    if (!["RS256"].includes(header.alg)) throw new Error(`algorithm ${header.alg}`);
    for (const name of ["exp", "sub", "org_id"]) {
      if (payload[name] === undefined) throw new Error(`no ${name}`);
    }
  },
};
options.audience = "https://api.example.com";
const verifier = JwtVerifier.create(options);

// Its cache has no age: a key that the portal revoked would be good until the server ends. While the portal is
// away the former keys stay.
const renew = () => verifier.hydrate().catch((error) => console.warn(`keys not renewed: ${error.constructor.name}`));
setInterval(renew, 300_000).unref();

/** The claims of the key in an Authorization header; throws when there is none, or none that is good. */
async function claimsOf(authorization) {
  const key = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
  return verifier.verify(key);
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
