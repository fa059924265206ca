// Passkeys: adding and using them. Their buttons stay hidden until this runs, and where the browser knows none.
const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const withBytes = (one) => ({ ...one, id: bytes(one.id) });

async function optionsOf(form) {
  const { challengeId, challengeUrl } = form.dataset;
  if (challengeId) return JSON.parse(document.getElementById(challengeId).textContent);
  const answer = await fetch(challengeUrl, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

async function create({ publicKey }) {
  // Kept in the authenticator where there is room, so that it can sign in alone; else it is a second factor.
  const authenticatorSelection = { ...publicKey.authenticatorSelection, residentKey: "preferred" };
  const made = await navigator.credentials.create({
    publicKey: {
      ...publicKey, authenticatorSelection,
      challenge: bytes(publicKey.challenge),
      user: withBytes(publicKey.user),
      excludeCredentials: (publicKey.excludeCredentials ?? []).map(withBytes),
    },
  });
  return answerOf(made, {
    attestationObject: text(made.response.attestationObject),
    transports: made.response.getTransports?.() ?? [],
  });
}

async function get({ publicKey }) {
  const found = await navigator.credentials.get({
    publicKey: {
      ...publicKey,
      challenge: bytes(publicKey.challenge),
      allowCredentials: (publicKey.allowCredentials ?? []).map(withBytes),
    },
  });
  const { authenticatorData, signature, userHandle } = found.response;
  return answerOf(found, {
    authenticatorData: text(authenticatorData), signature: text(signature),
    ...(userHandle && { userHandle: text(userHandle) }),
  });
}

function answerOf(credential, response) {
  return JSON.stringify({
    id: credential.id, rawId: text(credential.rawId), type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: { clientDataJSON: text(credential.response.clientDataJSON), ...response },
  });
}

function tell(form, why) {
  for (const words of form.querySelectorAll("[data-when]")) words.hidden = words.dataset.when !== why;
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const button = form.querySelector("button");
    button.hidden = false;
    for (const words of form.querySelectorAll("[data-without]")) words.hidden = true;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      tell(form, "");
      try {
        const options = await optionsOf(form);
        const answer = form.dataset.passkey === "create"
          ? await create(options.creation_options) : await get(options.request_options);
        form.elements.credential.value = answer;
        form.submit();
      } catch (error) {
        tell(form, error.name === "InvalidStateError" ? "known" : "failed");
        button.disabled = false;
      }
    });
  }
}
