// Usage: ENGINE=... URL=... node better-auth.fill.js
import { privateKeyToAccount } from 'viem/accounts'
import { createSiweMessage } from 'viem/siwe'
import { auth, end } from './better-auth.js'

// As far ahead as a TIMESTAMP of MySQL goes, so that it is not over in tests.
const far = new Date('2037-06-01T00:00:00Z')
const context = await auth.$context
const headersOf = response => new Headers({ cookie: response.headers.getSetCookie().map(c => c.split(';')[0]).join('; ') })
const signUp = async (name, email, more = {}) => {
  const response = await auth.api.signUpEmail({ body: { name, email, password: 'correct horse battery staple', ...more }, asResponse: true })
  return { ...(await response.json()).user, headers: headersOf(response) }
}
const update = (id, values) => context.internalAdapter.updateUser(id, values)
const link = (userId, providerId, accountId) =>
  context.internalAdapter.createAccount({ userId, providerId, accountId, accessToken: 'secret', scope: 'openid email' })
const bySocial = async (values, providerId, accountId) => {
  const user = await context.internalAdapter.createUser(values)
  await link(user.id, providerId, accountId)
  return user
}

const ada = await signUp('Ada Lovelace', 'ada@example.com', { image: 'https://pics.example/ada.png' })
await update(ada.id, { emailVerified: true, role: 'admin' })
await link(ada.id, 'google', '108123456789012345678')
const bob = await signUp('Bob', 'bob@example.com')
const cy = await bySocial({ name: "Zoë O'Neil 🐢", email: 'Zoe@Example.org', emailVerified: true, image: null }, 'github', '583231')
const di = await bySocial({ name: 'Di', email: 'di@example.net', emailVerified: false }, 'microsoft', 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ')
const ed = await bySocial({ name: 'Ed', email: 'ed@example.net', emailVerified: true }, 'github', '583233')
const fay = await bySocial({ name: 'Fay', email: 'fay@example.net', emailVerified: true }, 'apple', '001234.abc')
await auth.api.banUser({ body: { userId: ed.id, banReason: 'spam', banExpiresIn: Math.round((far - new Date()) / 1000) }, headers: ada.headers })
await auth.api.banUser({ body: { userId: di.id, banReason: 'spam' }, headers: ada.headers })

const wallet = privateKeyToAccount('0x' + '1'.repeat(64))
for (const chainId of [1, 10]) {
  await auth.api.getSiweNonce({ body: {} })
  const message = createSiweMessage({ address: wallet.address, chainId, domain: 'localhost', nonce: 'aVeryRandomNonce1', uri: 'http://localhost:3000', version: '1' })
  await auth.api.verifySiweMessage({ body: { message, signature: await wallet.signMessage({ message }) }, request: new Request('http://localhost:3000') })
}

const acme = await auth.api.createOrganization({ body: { name: 'Acme', slug: 'acme', metadata: { plan: 'pro' } }, headers: ada.headers })
await auth.api.addMember({ body: { userId: bob.id, organizationId: acme.id, role: 'member' } })
await auth.api.addMember({ body: { userId: cy.id, organizationId: acme.id, role: ['admin', 'member'] } })
await auth.api.createInvitation({ body: { email: 'new@example.com', role: 'admin', organizationId: acme.id }, headers: ada.headers })
await auth.api.createInvitation({ body: { email: 'gone@example.com', role: 'member', organizationId: acme.id }, headers: ada.headers })
  .then(i => auth.api.cancelInvitation({ body: { invitationId: i.id }, headers: ada.headers }))
await auth.api.createOrganization({ body: { name: "Bob's own", slug: 'bobs' }, headers: bob.headers })
await auth.api.enableTwoFactor({ body: { password: 'correct horse battery staple' }, headers: bob.headers })
// Invitations end after two days.
const { adapter } = context
await adapter.updateMany({ model: 'invitation', where: [], update: { expiresAt: far } })
await end()
