// A real OIDC provider for tests: client credentials for JWT access tokens, and a key that can be changed.
//
// Reads its clients as JSON from stdin: [{"id": …, "secret": …, "claims": {…}}], where `claims` go into the tokens of that
// client. Listens on a free port of the loopback interface, prints `{"issuer": …}` on one line, and ends with its stdin.
// POST /rotate makes it sign with a new key and forget the old one. With a file of its certificate and one of its key as
// arguments it speaks TLS.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createEncryptedServer } from 'node:https';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const AUDIENCE = 'urn:slipway:platform-api';

const [cert, key] = process.argv.slice(2).map((file) => readFileSync(file));

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
lines.once('line', (line) => start(JSON.parse(line)));

function start(clients) {
  let answer;
  const listen = (request, response) => {
    if (request.method === 'POST' && request.url === '/rotate') {
      answer = provider(issuer(), clients).callback();
      response.writeHead(204).end();
    } else {
      answer(request, response);
    }
  };
  const server = cert ? createEncryptedServer({ cert, key }, listen) : createServer(listen);
  const issuer = () => `${cert ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  server.listen(0, '127.0.0.1', () => {
    answer = provider(issuer(), clients).callback();
    console.log(JSON.stringify({ issuer: issuer() }));
  });
}

function provider(issuer, clients) {
  const claims = new Map(clients.map((client) => [client.id, client.claims]));
  return new Provider(issuer, {
    jwks: { keys: [signingKey()] },
    clients: clients.map((client) => ({
      client_id: client.id,
      client_secret: client.secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    extraTokenClaims: (_context, token) => claims.get(token.clientId),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => ({
          scope: '',
          audience: AUDIENCE,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
}
