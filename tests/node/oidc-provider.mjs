// An identity provider: npm's oidc-provider with people of our own, who sign in by a link.
// Arguments: one JSON object {issuerHost, redirectUris, people: {sub: claims}}. Prints its port.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const { issuerHost = "127.0.0.1", redirectUris, people } = JSON.parse(process.argv[2]);
const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const { port } = server.address();

const provider = new Provider(`http://${issuerHost}:${port}`, {
  clients: [{
    client_id: "latchkey",
    client_secret: "a client secret of the tests",
    token_endpoint_auth_method: "client_secret_post",
    redirect_uris: redirectUris,
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, sub) => people[sub] && { accountId: sub, claims: () => ({ sub, ...people[sub] }) },
  // Nobody is asked for consent.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope(ctx.oidc.params.scope);
    await grant.save();
    return grant;
  },
});
const answer = provider.callback();

server.on("request", async (request, response) => {
  const url = new URL(request.url, "http://provider");
  if (!url.pathname.startsWith("/interaction/")) return answer(request, response);
  const person = url.searchParams.get("as");
  if (person) {
    return provider.interactionFinished(request, response, { login: { accountId: person } });
  }
  if (url.searchParams.has("cancel")) {
    return provider.interactionFinished(request, response, { error: "access_denied" });
  }
  response.end("Who are you?");
});
process.stdin.resume().on("end", () => process.exit());
console.log(port);
