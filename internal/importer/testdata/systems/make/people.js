// The people of the Auth.js databases, written as Auth.js calls its adapters: at a first
// sign-in by a provider (createUser, linkAccount), at a later one (linkAccount), and by a
// mailed link (createUser with emailVerified).
export async function fill(adapter, passkeys = true) {
  const at = new Date('2024-05-06T07:08:09.123Z')
  const sso = async ({ name = null, email = null, image = null }, ...accounts) => {
    const user = await adapter.createUser({ id: crypto.randomUUID(), name, email, image, emailVerified: null })
    for (const [provider, providerAccountId, type = 'oauth'] of accounts) await link(user, provider, providerAccountId, type)
    return user
  }
  const link = (user, provider, providerAccountId, type) =>
    adapter.linkAccount({ userId: user.id, type, provider, providerAccountId, access_token: 'secret-of-' + provider, expires_at: 1715000000, token_type: 'bearer', scope: 'openid email' })
  const mailed = email => adapter.createUser({ id: crypto.randomUUID(), name: null, email, image: null, emailVerified: at })

  const ada = await mailed('ada@example.com')
  await adapter.updateUser({ id: ada.id, name: 'Ada Lovelace', image: 'https://pics.example/ada.png' })
  await link(ada, 'google', '108123456789012345678', 'oidc')
  await sso({ name: 'Bob', email: 'bob.b@gmail.com', image: 'https://pics.example/bob' }, ['google', '108123456789012345679', 'oidc'])
  await sso({ name: "Zoë O'Neil 🐢", email: 'zoe@example.org', image: 'http://pics.example/zoe' }, ['github', '583231'])
  await sso({ name: 'Di', email: 'di@example.net' }, ['github', '583232'], ['google', '108123456789012345680', 'oidc'])
  await sso({ name: 'Ed', image: 'https://pics.example/ed' }, ['twitter', '2244994945'])
  await mailed("Fay.O'Neil+news@Example.COM")
  await sso({ name: 'Gus', email: 'gus@example.net' }, ['microsoft-entra-id', 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ', 'oidc'])
  await sso({ name: 'Hal', email: 'hal@example.net' })
  await adapter.createSession({ sessionToken: 'session-of-ada', userId: ada.id, expires: at })
  await adapter.createVerificationToken({ identifier: 'ada@example.com', token: 'token-of-ada', expires: at })
  if (passkeys) {
    await adapter.createAuthenticator({
      credentialID: 'key-of-ada', userId: ada.id, providerAccountId: 'key-of-ada', credentialPublicKey: 'public', counter: 0,
      credentialDeviceType: 'multiDevice', credentialBackedUp: true, transports: null,
    })
  }
}
