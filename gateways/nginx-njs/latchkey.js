// Verifies the portal's keys (JWTs) in nginx: see latchkey.conf, which asks for each request.
// For njs 0.7.9 and later: no importKey('jwk'), no memory that requests share; hence the DER and nginx's cache.

const EXPECTED = {
    issuer: 'https://portal.example.com',
    audience: 'https://api.example.com',
    algorithms: ['RS256'],
    companyClaim: 'org_id',
};
const LEEWAY_SECONDS = 30;
const MAX_TOKEN_LENGTH = 8192;
const UNAVAILABLE = new Error('the portal has not given its keys yet');

const TYPES = ['jwt', 'at+jwt'];
const REQUIRED = ['sub', 'exp', 'iat', 'jti'];
const REQUIRED_OF_ACCESS_TOKENS = ['aud', 'client_id'];  // RFC 9068 section 2.2

const RSA_ALGORITHM = '300d06092a864886f70d0101010500';  // RFC 8017 appendix C, rsaEncryption
const CURVES = {  // by hash length: RFC 7518 section 3.4, RFC 5480 section 2.1.1
    256: {crv: 'P-256', octets: 32, algorithm: '301306072a8648ce3d020106082a8648ce3d030107'},
    384: {crv: 'P-384', octets: 48, algorithm: '301006072a8648ce3d020106052b81040022'},
    512: {crv: 'P-521', octets: 66, algorithm: '301006072a8648ce3d020106052b81040023'},
};

// The sub-request of auth_request: 204 with headers for the API, 401 for a bad key, 403 for one of no customer.
async function verify(r) {
    let claims;
    try {
        claims = await verified(r);
    } catch (error) {
        if (error === UNAVAILABLE) {
            r.error(`latchkey: ${error.message}`);
            r.return(500);
            return;
        }
        r.warn(`latchkey: key refused: ${error.message}`);
        r.headersOut['WWW-Authenticate'] = 'Bearer error="invalid_token"';
        r.return(401);
        return;
    }
    const company = claims[EXPECTED.companyClaim];
    if (!isHeaderText(company)) {
        r.warn('latchkey: key refused: it names no customer');
        r.return(403);
        return;
    }
    r.headersOut['X-Org-Id'] = company;
    r.headersOut['X-User-Id'] = isHeaderText(claims.sub) ? claims.sub : '';
    r.headersOut['X-Scopes'] = isHeaderText(claims.scope) ? claims.scope : '';
    r.return(204);
}

// The claims of the request's key; throws for a bad one.
async function verified(r) {
    const token = bearerToken(r);
    const header = parsed(token.header);
    const algorithm = algorithmOf(header);
    const type = typeOf(header);
    const jwk = await publishedKey(r, header);
    if (!await isSignedBy(jwk, algorithm, token)) {
        throw new Error('wrong signature');
    }
    const claims = parsed(token.payload);
    requireClaims(claims, type === 'at+jwt' ? REQUIRED.concat(REQUIRED_OF_ACCESS_TOKENS) : REQUIRED);
    requireTimes(claims, Date.now() / 1000);
    return claims;
}

function bearerToken(r) {
    const value = r.headersIn.Authorization || '';
    const found = value.length > MAX_TOKEN_LENGTH
        ? null
        : /^Bearer +([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(value);
    if (!found) {
        throw new Error('no token');
    }
    return {header: found[1], payload: found[2], signature: found[3]};
}

function parsed(part) {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString());
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw new Error('not a JSON object');
    }
    return value;
}

// The algorithm's parameters, for those expected here alone: neither "none" nor HS256 gets further.
function algorithmOf(header) {
    if (EXPECTED.algorithms.indexOf(header.alg) < 0) {
        throw new Error('unexpected algorithm');
    }
    const bits = Number(header.alg.slice(2));
    const hash = `SHA-${bits}`;
    switch (header.alg.slice(0, 2)) {
    case 'RS':
        return {name: 'RSASSA-PKCS1-v1_5', hash};
    case 'PS':
        return {name: 'RSA-PSS', hash, saltLength: bits / 8};
    case 'ES':
        return {name: 'ECDSA', hash, namedCurve: CURVES[bits].crv, curve: CURVES[bits]};
    default:
        throw new Error('algorithm that njs does not have');
    }
}

function typeOf(header) {
    const type = typeof header.typ === 'string' ? header.typ.toLowerCase().replace(/^application\//, '') : '';
    if (TYPES.indexOf(type) < 0) {
        throw new Error('another kind of token');
    }
    if (header.crit !== undefined) {
        throw new Error('critical extension');
    }
    if (typeof header.kid !== 'string') {
        throw new Error('no kid');
    }
    return type;
}

// The one published under the token's kid for its algorithm. An unknown kid has the JWKS fetched anew, at most once
// in the time that /_latchkey_jwks_again keeps its answer.
async function publishedKey(r, header) {
    const keys = await fetched(r, '/_latchkey_jwks');
    let jwk = named(keys, header.kid);
    if (!jwk) {
        const renewed = await fetched(r, '/_latchkey_jwks_again');
        if (!keys && !renewed) {
            throw UNAVAILABLE;
        }
        jwk = named(renewed, header.kid);
    }
    if (!jwk || jwk.use !== 'sig' || jwk.alg !== header.alg) {
        throw new Error('unknown key');
    }
    return jwk;
}

function named(keys, kid) {
    const found = (keys || []).filter((key) => key.kid === kid);
    return found.length === 1 ? found[0] : undefined;
}

async function fetched(r, location) {
    const reply = await r.subrequest(location);
    if (reply.status !== 200) {
        return undefined;
    }
    const keys = JSON.parse(reply.responseText).keys;
    return Array.isArray(keys) ? keys : undefined;
}

async function isSignedBy(jwk, algorithm, token) {
    const signature = Buffer.from(token.signature, 'base64url');
    if (algorithm.curve && signature.length !== 2 * algorithm.curve.octets) {
        return false;
    }
    const key = await crypto.subtle.importKey('spki', publicKeyInfo(jwk, algorithm), algorithm, false, ['verify']);
    return crypto.subtle.verify(algorithm, key, signature, Buffer.from(`${token.header}.${token.payload}`));
}

function requireClaims(claims, required) {
    const missing = required.filter((name) => claims[name] === undefined)[0];
    if (missing) {
        throw new Error(`${missing} is missing`);
    }
    if (claims.iss !== EXPECTED.issuer) {
        throw new Error('another issuer');
    }
    // Without an audience expected, a key that names one is for somebody else (RFC 7519 section 4.1.3).
    const audiences = claims.aud === undefined ? [] : [].concat(claims.aud);
    if (EXPECTED.audience ? audiences.indexOf(EXPECTED.audience) < 0 : claims.aud !== undefined) {
        throw new Error('another audience');
    }
}

function requireTimes(claims, now) {
    ['exp', 'iat', 'nbf'].forEach((name) => {
        if (claims[name] !== undefined && !(typeof claims[name] === 'number' && isFinite(claims[name]))) {
            throw new Error(`${name} is not a time`);
        }
    });
    if (now >= claims.exp + LEEWAY_SECONDS) {
        throw new Error('expired');
    }
    if (now < Math.max(claims.iat, claims.nbf || 0) - LEEWAY_SECONDS) {
        throw new Error('not valid yet');
    }
}

function isHeaderText(value) {
    return typeof value === 'string' && /^[\x20-\x7e]+$/.test(value);
}

// SubjectPublicKeyInfo (RFC 5280 section 4.1) of a JWK, in DER.
function publicKeyInfo(jwk, algorithm) {
    const octets = (member) => Buffer.from(jwk[member], 'base64url');
    if (algorithm.curve) {
        if (jwk.kty !== 'EC' || jwk.crv !== algorithm.curve.crv) {
            throw new Error('key of another curve');
        }
        const point = Buffer.concat([Buffer.from([4]), octets('x'), octets('y')]);
        return sequence([Buffer.from(algorithm.curve.algorithm, 'hex'), bitString(point)]);
    }
    if (jwk.kty !== 'RSA') {
        throw new Error('key of another type');
    }
    const key = sequence([unsigned(octets('n')), unsigned(octets('e'))]);
    return sequence([Buffer.from(RSA_ALGORITHM, 'hex'), bitString(key)]);
}

function tagged(tag, content) {
    const length = content.length;
    const head = length < 128 ? [tag, length]
        : length < 256 ? [tag, 0x81, length]
            : [tag, 0x82, length >> 8, length & 0xff];
    return Buffer.concat([Buffer.from(head), content]);
}

function sequence(parts) {
    return tagged(0x30, Buffer.concat(parts));
}

function bitString(content) {
    return tagged(0x03, Buffer.concat([Buffer.from([0]), content]));
}

function unsigned(number) {
    return tagged(0x02, number[0] & 0x80 ? Buffer.concat([Buffer.from([0]), number]) : number);
}

export default {verify};
