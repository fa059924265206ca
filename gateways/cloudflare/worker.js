// API Shield fetches no JWKS: this Worker, on a cron trigger, hands it the portal's keys.
// Secret CF_API_TOKEN (API Gateway: Edit); variables ZONE_ID and CONFIG_ID, the token configuration's id.
const JWKS = "https://portal.example.com/.well-known/jwks.json";
const MOST = 16; // keys in one token configuration

export default {
  async scheduled(event, env, context) {
    context.waitUntil(push(env));
  },
};

async function push(env) {
  const published = await fetch(JWKS, { signal: AbortSignal.timeout(10_000) });
  if (!published.ok) throw new Error(`the portal answered ${published.status}; nothing was changed`);
  const { keys } = await published.json();
  // An empty or cut list would lock everybody out: better the former keys than none.
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MOST) {
    throw new Error(`the portal publishes ${keys?.length ?? "no"} keys; nothing was changed`);
  }
  const config = `zones/${env.ZONE_ID}/token_validation/config/${env.CONFIG_ID}`;
  const answer = await fetch(`https://api.cloudflare.com/client/v4/${config}/credentials`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${env.CF_API_TOKEN}`, "Content-Type": "application/json" },
    body: JSON.stringify({ keys }),
  });
  if (!answer.ok) throw new Error(`Cloudflare answered ${answer.status}`);
}
