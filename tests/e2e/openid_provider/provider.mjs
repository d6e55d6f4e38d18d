// A real OpenID provider for the tests. Whoever signs in as "ana-fleet" is a person in the groups ana and fleet.
import http from 'node:http';
import Provider from 'oidc-provider';

const [redirect, secret] = process.argv.slice(2);
const server = http.createServer();

function findAccount(_, id) {
  const claims = { sub: id, name: `Person ${id}`, email: `${id}@corp.example`, email_verified: true };
  return { accountId: id, claims: () => ({ ...claims, groups: id.split('-') }) };
}

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'padron-console', client_secret: secret, redirect_uris: [redirect] }],
    claims: { openid: ['sub', 'groups'], profile: ['name'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false, // the claims are in the identity token
    pkce: { required: () => true },
    findAccount,
  });
  server.on('request', provider.callback());
  console.log(`Listening on ${issuer}`);
});
