// An API server that takes the portal's keys, with Express and express-oauth2-jwt-bearer.
import express from "express";
import { auth } from "express-oauth2-jwt-bearer";

const audiences = [
  "https://api.example.com",
];
const app = express();

// Finds the JWKS and the algorithms by the portal's /.well-known/openid-configuration.
app.use(
  auth({
    issuerBaseURL: "https://portal.example.com",
    // The library wants one to be named even where none is asked for.
    audience: audiences.length ? audiences : "any",
    validators: audiences.length ? {} : { aud: false },
    dpop: { enabled: false }, // the portal's keys are for their bearer
    cacheMaxAge: 300_000, // milliseconds; a kid that isn't among the keys is looked up, every 30 s at most
    cooldownDuration: 30_000,
    timeoutDuration: 5_000,
  }),
);
app.use((request, response, next) => {
  const claims = request.auth.payload;
  if (claims.sub === undefined || claims["org_id"] === undefined) {
    response.status(401).set("WWW-Authenticate", "Bearer").end();
    return;
  }
  next();
});
app.get("/orders", (request, response) => {
  const claims = request.auth.payload;
  response.json({ customer: claims["org_id"], user: claims.sub });
});
// What was wrong is for the log: Express would answer with it.
app.use((error, request, response, next) => {
  console.warn(`refused: ${error.code ?? error.constructor.name}`);
  response.status(error.status ?? 500).set(error.headers ?? {}).end();
});

app.listen(8000, "127.0.0.1");
